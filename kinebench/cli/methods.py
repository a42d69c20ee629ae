"""`kinebench methods`: what can be run, and whether a method of one's own keeps the contract."""

from typing import TYPE_CHECKING, Annotated

import typer

from kinebench.cli.run import Set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from kinebench.methods.method import Method

app = typer.Typer(no_args_is_help=True, help="Methods that make videos: list them, check one of your own.")


@app.command("list")
def list_() -> None:
    """Show every method that comes with KineBench: what it is told, what it needs, and whether it can run here."""
    from rich.console import Console

    from kinebench.methods.method import built_in, read

    found = [read(folder) for folder in built_in().values()]
    console = Console()
    for title, kind in (("methods", "baseline"), ("anchors, whose worth is known", "anchor")):
        if rows := [method for method in found if method.kind == kind]:
            console.print(_table(title, rows))
    typer.echo("run one with: kinebench run NAME --data DIR --out PRED; NAME may be a folder of your own")


def _table(title: str, methods: "Sequence[Method]") -> "Table":
    from rich.markup import escape
    from rich.table import Column, Table

    columns = [
        ("method", [f"[bold]{each.name}[/bold]\n{escape(each.title)}" for each in methods]),
        ("is told", [_told(each) for each in methods]),
        ("native", [_native(each) for each in methods]),
        ("GPU", [f"{each.gpu_gb:g} GB" if each.gpu_gb else "" for each in methods]),
        ("ready", [_ready(each) for each in methods]),
    ]
    shown = [(name, cells) for name, cells in columns if any(cells)]
    heads = (Column(name, overflow="fold", no_wrap=name in ("native", "GPU")) for name, _ in shown)
    table = Table(*heads, title=title, title_justify="left", show_lines=True)
    for row in zip(*(cells for _, cells in shown), strict=True):
        table.add_row(*row)
    return table


def _ready(method: "Method") -> str:
    from kinebench.methods.readiness import missing

    lacking = list(missing(method))
    return "no: " + ", ".join(lacking) if lacking else "yes"


def _told(method: "Method") -> str:
    """What it uses of a condition, and how many objects it can steer."""
    if method.privileged:
        return "the truth"
    words = ", ".join(word.replace("_", " ") for word in method.uses if word != "first_frame")
    most = f"\nsteers {method.max_driven}" if method.max_driven is not None else ""
    return (words or "first frame") + most


def _native(method: "Method") -> str:
    native = method.native
    lines = [
        f"{native.width}x{native.height}" if native.size else "",
        f"{native.frames} frames" if native.frames else "",
    ]
    return "\n".join(filter(None, (*lines, f"{native.fps:g} fps" if native.fps else "")))


@app.command()
def check(
    method: Annotated[str, typer.Argument(help="A name of `kinebench methods list`, or a folder with a method.toml.")],
    settings: Set = None,
) -> None:
    """Try a method on small conditions made for it, before anything big; exits with 1 if it does not keep the contract.

    Needs no dataset, no GPU and no weights: the method is told to be tiny, a small model with random weights.
    """
    from kinebench.cli.progress import progress_bars
    from kinebench.cli.run import pairs
    from kinebench.interrupt import stoppable
    from kinebench.methods import check as checks

    failed = 0
    with stoppable(lambda: "interrupted; nothing was written"), progress_bars() as note:
        for finding in checks.check(method, pairs("--set", settings), note):
            typer.echo(f"{finding.state:>11}  {finding.name}: {finding.said}")
            failed += finding.state == "failed"
    if failed:
        raise typer.Exit(1)
