"""`kinebench textures`: the grounds: what there is, drawing them, fetching more."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Grounds: list them, draw them, fetch more from AmbientCG.")

_Split = Annotated[str | None, typer.Option("--split", help="Only this split: train or test.")]


@app.command("list")
def list_(split: _Split = None) -> None:
    """Show every ground of the catalogue, and those fetched."""
    from rich.console import Console
    from rich.table import Table

    from kinebench.textures.library import listing

    table = Table("id", "family", "split", "source", "phrase", "ready")
    for row in listing(split):
        table.add_row(row.id, row.family, row.split, row.source, row.phrase, "yes" if row.ready else "no")
    Console().print(table)


@app.command()
def bake(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of built-in grounds; all if none is given.")] = None,
    split: _Split = None,
    out: Annotated[Path | None, typer.Option(help="Write folders here instead of into the cache.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Also write a labelled picture of them, .png or .jpg.")] = None,
) -> None:
    """Draw built-in grounds now instead of on first use."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from kinebench.textures.library import bake_each
    from kinebench.textures.sheet import contact_sheet

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        total, textures = bake_each(ids or (), split, out)
        baked = list(progress.track(textures, total=total, description="baking grounds"))
    if sheet is not None:
        contact_sheet(baked, sheet)
    typer.echo(f"{len(baked)} grounds are ready" + (f" in {out}" if out else "") + (f"; see {sheet}" if sheet else ""))


@app.command()
def fetch(
    ids: Annotated[list[str], typer.Argument(help="AmbientCG ids, such as WoodFloor041 PavingStones128.")],
    out: Annotated[Path | None, typer.Option(help="Folder to fetch into instead of the cache.")] = None,
    resolution: Annotated[str, typer.Option(help="Edge of the maps: 1K, 2K, ...")] = "1K",
) -> None:
    """Fetch grounds from AmbientCG (CC0) and lock their sha256."""
    from kinebench.textures.ambientcg import fetch as bring
    from kinebench.textures.library import fetched_folder

    for asset in bring(ids, out or fetched_folder(), resolution):
        typer.echo(f"{asset.id}: {'fetched into' if asset.fresh else 'already in'} {asset.folder}")
