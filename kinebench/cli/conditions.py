"""`kinebench conditions`: what a method is given, as plain folders."""

from pathlib import Path
from typing import Annotated

import typer

from kinebench.cli.run import Words


def conditions(
    folder: Annotated[Path, typer.Argument(help="A packed dataset.")],
    out: Annotated[Path, typer.Option(help="Write a folder for each clip here; made if need be.")],
    split: Annotated[str, typer.Option(help="The split whose conditions are written.")] = "test",
    prompt: Annotated[
        Words, typer.Option(help="Words from the first frame alone, the paper's c0, or c, which tells the outcome.")
    ] = Words.C_INFER,
) -> None:
    """Write what a method is given for each clip: first frame, masks, paths, velocities, prompt, and a picture of it.

    Nothing of what happens later is in it. Run it again to continue, or to add clips.
    """
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.methods.export import OVERVIEW, export
    from kinebench.methods.source import open_source

    source = open_source(folder, split, prompt.value)
    said = f"interrupted; the conditions in {out} are whole, run the same command again to go on"
    with stoppable(lambda: said), progress_bars() as note:
        done = export(source, out, note)
    there = f", {done.kept} were there already" if done.kept else ""
    typer.echo(f"{done.written} conditions written{there}; look at {out / OVERVIEW}")
