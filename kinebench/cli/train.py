"""`kinebench train`: KineMask's two stages, and what is made once before them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from kinebench.kinemask.config import Config
    from kinebench.kinemask.trainer import Note
    from kinebench.shards.files import Progress as Told

app = typer.Typer(no_args_is_help=True, help="Train KineMask: a branch that tells a video model how objects move.")

EXTRA = "diffusion"
File = Annotated[Path, typer.Argument(metavar="CONFIG", help="A TOML file; docs/train.md has one to start from.")]
Out = Annotated[Path, typer.Option(help="Folder of the run; each stage has one of its own in it.")]


@app.command()
def precompute(file: File) -> None:
    """Make the latents and text embeddings that training needs; what is there is not made again."""
    config = _config(file)
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.kinemask.precompute import precompute as make
    from kinebench.methods.diffusion import quiet

    said = "interrupted; what was made is kept, run the same command again to go on"
    with stoppable(lambda: said), quiet(), progress_bars() as note:
        tally = make(config, note)
    typer.echo(
        f"latents of {tally.clips} clips, {tally.clips_made} of them new; text of {tally.prompts} prompts, "
        f"{tally.prompts_made} of them new"
    )


@app.command()
def stage1(file: File, out: Out) -> None:
    """Train a new branch on whole masks. The same command goes on where a run was interrupted."""
    _train(file, "stage1", out)


@app.command()
def stage2(file: File, out: Out) -> None:
    """Train on with masks cut short, from where stage 1 ended in the same folder."""
    _train(file, "stage2", out)


def _config(file: Path) -> "Config":
    from kinebench.errors import demand
    from kinebench.kinemask.config import load

    config = load(file)
    for module in ("torch", "diffusers", "transformers", "accelerate", "safetensors"):
        demand(module, EXTRA)
    return config


def _train(file: Path, stage: Literal["stage1", "stage2"], out: Path) -> None:
    config = _config(file)
    from kinebench.interrupt import stoppable
    from kinebench.kinemask import checkpoint
    from kinebench.kinemask.trainer import train
    from kinebench.methods.diffusion import quiet

    def stopped() -> str:
        last = checkpoint.found(out / stage)[-1:]
        kept = f"the checkpoint {last[0].folder} is whole" if last else "no checkpoint was written yet"
        return f"interrupted; {kept}, run the same command again to go on from there"

    with stoppable(stopped), quiet(), _bars(stage) as (note, told):
        outcome = train(config, stage, out, note, told)
    loss = "" if outcome.loss is None else f", loss {outcome.loss:.4f}"
    typer.echo(
        f"{stage}: step {outcome.checkpoint.step} of {config.stage(stage).steps}{loss}: {outcome.checkpoint.folder}"
    )


@contextmanager
def _bars(stage: str) -> Iterator[tuple["Note", "Told"]]:
    """A bar for what comes before, then one over all clips of a stage, with time left, loss and steps a second."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from kinebench.kinemask.trainer import Moment

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    tail = TextColumn("{task.fields[said]}")
    aside = os.environ.get("RANK", "0") != "0"  # one of many processes; the first shows the bar
    with Progress(*columns, tail, console=Console(stderr=True), speed_estimate_period=600, disable=aside) as progress:
        before = progress.add_task("", visible=False, said="")
        training = progress.add_task(stage, visible=False, said="")

        def told(what: str, done: int, whole: int) -> None:
            progress.update(before, description=what, completed=done, total=whole, visible=done < whole)

        def note(moment: Moment) -> None:
            said = [] if moment.loss is None else [f"loss {moment.loss:.4f}"]
            said += [] if moment.steps_per_s is None else [f"{moment.steps_per_s:.3g} steps/s"]
            progress.update(training, completed=moment.clips, total=moment.whole, said=", ".join(said), visible=True)

        yield note, told
