"""`kinebench train`: KineMask's two stages, and what is made once before them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kinebench.kinemask.config import Config, StageName
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
    with _once(), stoppable(lambda: said), quiet(), progress_bars(shown=not _aside()) as note:
        tally = make(config, note)
    _tell(
        f"latents of {tally.clips} clips, {tally.clips_made} of them new; text of {tally.prompts} prompts, "
        f"{tally.prompts_made} of them new"
    )


@app.command()
def backbone(file: File) -> None:
    """Make a small backbone where backbone.weights says: an autoencoder, and a transformer trained on captions."""
    _train(file, "backbone", None)


@app.command()
def stage1(file: File, out: Out) -> None:
    """Train a new branch on whole masks. The same command goes on where a run was interrupted."""
    _train(file, "stage1", out)


@app.command()
def stage2(
    file: File,
    out: Out,
    start: Annotated[
        Path | None, typer.Option(help="Folder of the stage 1 to go on from.", show_default="OUT/stage1")
    ] = None,
) -> None:
    """Train on with masks cut short, from where stage 1 ended."""
    _train(file, "stage2", out, start)


def _config(file: Path) -> "Config":
    from kinebench.errors import demand
    from kinebench.kinemask.config import load

    config = load(file)
    for module in ("torch", "diffusers", "transformers", "accelerate", "safetensors"):
        demand(module, EXTRA)
    return config


def _train(file: Path, stage: "StageName", out: Path | None, first: Path | None = None) -> None:
    config = _config(file)
    from kinebench.interrupt import stoppable
    from kinebench.kinemask import checkpoint
    from kinebench.kinemask.pretraining import weights
    from kinebench.kinemask.trainer import place_of, train
    from kinebench.methods.diffusion import quiet

    def stopped() -> str:
        last = checkpoint.found(place_of(config, stage, out))[-1:]
        if not last:
            return "interrupted; no checkpoint was written yet, run the same command again to begin anew"
        return f"interrupted; the checkpoint {last[0].folder} is whole, run the same command again to go on from there"

    with _once(), stoppable(stopped), quiet(), _bars(stage) as (note, told):
        outcome = train(config, stage, out, note, told, first)
    loss = "" if outcome.loss is None else f", loss {outcome.loss:.4f}"
    made = weights(config) if out is None else outcome.checkpoint.folder
    _tell(f"{stage}: step {outcome.checkpoint.step} of {config.stage(stage).steps}{loss}: {made}")


def _aside() -> bool:
    """Whether this is one of many processes that torchrun started, and not the first, which shows how far they are."""
    return os.environ.get("RANK", "0") != "0"


def _tell(said: str) -> None:
    if not _aside():
        typer.echo(said)


@contextmanager
def _once() -> Iterator[None]:
    """Of many processes, the first that ends for some reason says it; the others end without a word."""
    from kinebench.errors import KineBenchError

    try:
        yield
    except KineBenchError as error:
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from kinebench.kinemask.device import first_to_speak

            if not first_to_speak():
                raise typer.Exit(error.exit_code) from None
        raise


@contextmanager
def _bars(stage: str) -> Iterator[tuple["Note", "Told"]]:
    """A bar for what comes before, then one over all clips of a stage, with time left, loss and steps a second."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from kinebench.kinemask.trainer import Moment

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    tail = TextColumn("{task.fields[said]}")
    with Progress(
        *columns, tail, console=Console(stderr=True), speed_estimate_period=600, disable=_aside()
    ) as progress:
        before = progress.add_task("", visible=False, said="")
        training = progress.add_task(stage, visible=False, said="")

        def told(what: str, done: int, whole: int) -> None:
            progress.update(before, description=what, completed=done, total=whole, visible=done < whole)

        def note(moment: Moment) -> None:
            said = [] if moment.loss is None else [f"loss {moment.loss:.4f}"]
            said += [] if moment.steps_per_s is None else [f"{moment.steps_per_s:.3g} steps/s"]
            progress.update(training, completed=moment.clips, total=moment.whole, said=", ".join(said), visible=True)

        yield note, told
