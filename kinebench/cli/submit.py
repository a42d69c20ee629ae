"""`kinebench submit`: make a submission of predictions, and check one as CI does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kinebench.board.validation import Report

app = typer.Typer(no_args_is_help=True, help="Put predictions on the leaderboard: pack them, check what was packed.")

SHOWN = 3
"""Faults of a kind that are printed."""


@app.command()
def pack(
    pred: Annotated[Path, typer.Argument(help="What `kinebench run` wrote, or anything that `kinebench score` reads.")],
    data: Annotated[Path, typer.Option(help="The dataset, or its exported conditions, that they were made for.")],
    out: Annotated[Path, typer.Option(help="Write the submission into this folder.")],
    about: Annotated[
        Path, typer.Option(help="What only you know; a form to fill in is written here if there is none.")
    ] = Path("about.toml"),
) -> None:
    """Pack predictions as a submission and check it; exits with 1 if it cannot be submitted as it is.

    Nothing is packed while a video is missing or `about.toml` has a problem. The same input gives the same bytes.
    """
    from kinebench.board.packing import Order
    from kinebench.board.packing import pack as make
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable

    said = f"{out} is whole, or as it was before; run the same command again"
    with stoppable(lambda: f"interrupted; {said}"), progress_bars() as note:
        report = make(Order(pred, data, about, out), note)
    _finish(report)


@app.command()
def check(
    submission: Annotated[Path, typer.Argument(help="A folder that `kinebench submit pack` made.")],
    data: Annotated[
        Path | None, typer.Option(help="The dataset, or its exported conditions; without it, much is not checked.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as Markdown, for a pull request.")] = None,
) -> None:
    """Check everything of a submission and list all problems at once; exits with 1 if there is an error.

    Its files are only read as data: nothing in them is executed or unpacked.
    """
    from kinebench.board.validation import validate
    from kinebench.cli.progress import progress_bars
    from kinebench.errors import KineBenchError
    from kinebench.interrupt import stoppable

    if report is not None and not report.absolute().parent.is_dir():
        raise KineBenchError(f"--report {report}: there is no folder {report.absolute().parent}; make it first")
    with stoppable(lambda: "interrupted; nothing was changed"), progress_bars() as note:
        found = validate(submission, data, note)
    if report is not None:
        _write(report, found)
    _finish(found)


def _finish(report: "Report") -> None:
    from kinebench.board.markdown import place, verdict
    from kinebench.cli.printable import printable

    for group in report.groups:
        for fault in group.faults[:SHOWN]:
            where = place(fault)
            typer.echo(printable(f"{group.level}: {where + ' ' if where else ''}{fault.what}".replace("\n", " ")))
        if len(group.faults) > SHOWN:
            typer.echo(f"    and {len(group.faults) - SHOWN} more")
        typer.echo(printable(f"    to do: {group.remedy}"))
    typer.echo(printable(f"{report.folder}: {report.name}: {verdict(report)}"))
    if report.errors:
        raise typer.Exit(1)


def _write(path: Path, report: "Report") -> None:
    from kinebench.board.markdown import markdown
    from kinebench.shards.files import disk_room, write_atomic

    data = markdown(report).encode("utf-8", "replace")
    with disk_room("writing the report", path.absolute().parent, len(data)):
        write_atomic(path, data)
