"""`kinebench realworld`: photos with masks and arrows as a set that any method can be run on."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Real World sets: photos with masks and arrows.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def pack(
    folder: Annotated[Path, typer.Argument(help="Photos, each with NAME.json beside it and the masks this names.")],
    out: Annotated[Path, typer.Option(help="Write the conditions here; made if need be.")],
) -> None:
    """Check a folder of photos and make a condition of each; lists everything that is wrong at once.

    What comes out is what `kinebench run METHOD --data OUT` takes. There is no ground truth in it.
    """
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.photo import realworld

    said = f"interrupted; the conditions in {out} are whole, run the same command again to go on"
    with stoppable(lambda: said), progress_bars() as note:
        done = realworld.pack(folder, out, note)
    typer.echo(f"{done.conditions} conditions with {done.driven} driven objects; look at {done.overview}")
    typer.echo(f"make videos with: kinebench run METHOD --data {out} --out PRED")
