"""`kinebench weights`: the published networks that some metrics need: what there is, fetching, checking."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinebench.shards.files import Progress
    from kinebench.weights.catalogue import Entry
    from kinebench.weights.fetch import Fetched
    from kinebench.weights.library import Holding

app = typer.Typer(no_args_is_help=True, help="Published networks that FVD, FVMD and SAM2 IoU need: list, fetch, check.")


@app.command("list")
def list_() -> None:
    """Show what can be fetched: for which metric, from where, under which licence, with which hash."""
    from rich.console import Console
    from rich.table import Column, Table

    from kinebench.weights.library import folder, holdings

    table = Table("weights", "for", Column("MB", justify="right"), "here", "licence")
    found = holdings()
    for holding in found:
        entry = holding.entry
        size = f"{entry.bytes / 1e6:,.1f}" if entry.bytes else "not told"
        here = {"absent": "no", "sound": "yes", "wrong": "damaged"}[holding.state]
        table.add_row(entry.name, entry.purpose, size, here, entry.licence)
    Console().print(table)
    for entry in (holding.entry for holding in found):
        typer.echo(f"{entry.name}: {entry.source}\n    {entry.hash}\n    confirmed: {entry.confirmed}")
    typer.echo(f"They lie in {folder()}; fetch one with: kinebench weights fetch NAME")


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="Names from `kinebench weights list`, or all.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="Take this file of yours instead of the web, if its hash is right.")
    ] = None,
) -> None:
    """Fetch weights and check them; goes on where it was interrupted.

    KINEBENCH_WEIGHTS_URL names a web folder of your own that has the files.
    """
    from functools import partial as bound

    from kinebench.errors import Interrupted, KineBenchError
    from kinebench.weights.catalogue import catalogue, find
    from kinebench.weights.fetch import adopt
    from kinebench.weights.fetch import fetch as bring

    entries = list(catalogue().values()) if names == ["all"] else [find(name) for name in dict.fromkeys(names)]
    if source is not None and len(entries) > 1:
        raise KineBenchError("--from is one file: name the weights that it holds, and only those")
    failures = []
    for entry in entries:
        try:
            _brought(entry, bound(adopt, entry, source) if source else bound(bring, entry))
        except Interrupted:
            raise
        except KineBenchError as error:
            failures.append(str(error))
    if failures:
        raise KineBenchError("\n".join(failures))


@app.command()
def check() -> None:
    """Hash the weights that are here; exits with 1 if one is not what was published."""
    from kinebench.weights.catalogue import catalogue
    from kinebench.weights.library import folder, inspect

    found = [holding for entry in catalogue().values() if (holding := inspect(entry)).state != "absent"]
    for holding in found:
        typer.echo(_verdict(holding))
    if not found:
        typer.echo(f"no weights are in {folder()}")
    if any(holding.state == "wrong" for holding in found):
        raise typer.Exit(1)


def _brought(entry: "Entry", work: "Callable[[Progress], Fetched]") -> None:
    """Do `work` under a progress bar and say where the file is."""
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.shards.files import megabytes
    from kinebench.weights.fetch import partial

    def message() -> str:
        kept = partial(entry).stat().st_size if partial(entry).exists() else 0
        return f"stopped; {megabytes(kept)} of {entry.name} are kept: run the same command again to go on"

    with stoppable(message), progress_bars() as bar:
        done = work(bar)
    typer.echo(f"{entry.name}: {'fetched into' if done.fresh else 'already in'} {done.path}")


def _verdict(holding: "Holding") -> str:
    name = holding.entry.name
    if holding.state == "sound":
        return f"{name}: sound, {holding.entry.hash}"
    return f"{name}: {holding.path} is damaged: {holding.fault}; run: kinebench weights fetch {name}"
