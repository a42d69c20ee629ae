"""`kinebench score`: predicted videos against the ground truth."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kinebench.metrics.catalogue import Setup
    from kinebench.scoring.scorecard import Card


class Device(StrEnum):
    """Where networks run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Preprocess(StrEnum):
    """How FVD makes frames square."""

    SQUASH = "squash"
    CROP = "crop"


class Acceleration(StrEnum):
    """What FVMD calls acceleration: what the released code computes, or the paper's formula."""

    RELEASED = "released"
    PAPER = "paper"


class Size(StrEnum):
    """Of SAM2.1."""

    TINY = "tiny"
    SMALL = "small"
    BASE_PLUS = "base-plus"
    LARGE = "large"


class Backend(StrEnum):
    """Whose code runs SAM2."""

    TRANSFORMERS = "transformers"
    SAM2 = "sam2"


INCOMPLETE = 3
"""Exit code: some metric that was asked for by name could not be computed; everything else was."""


def score(
    pred: Annotated[
        Path,
        typer.Argument(
            help="A folder, a tar or a folder of tars of <key>.mp4 (or mkv, webm, avi, mov), or seed-<n>/<key>.mp4."
        ),
    ],
    data: Annotated[Path, typer.Option(help="The dataset folder that the clips are from.")],
    split: Annotated[str, typer.Option(help="The split that is predicted.")] = "test",
    out: Annotated[
        Path | None, typer.Option(help="Write the scores here.", show_default="scores-<name of PRED>.json")
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(help="These metrics or meters, with commas; all that can run by default.", metavar="NAMES"),
    ] = "",
    floor: Annotated[
        Path | None, typer.Option(help="The same recipe with another seed: how far truth is from truth.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; one per core by default.")] = None,
    device: Annotated[Device, typer.Option(help="Where networks run; auto takes a GPU if there is one.")] = Device.AUTO,
    bfloat16: Annotated[bool, typer.Option("--bfloat16", help="Networks in bfloat16: faster, other numbers.")] = False,
    fvd_preprocess: Annotated[
        Preprocess, typer.Option(help="Squash frames to a square, or crop them to one.")
    ] = Preprocess.SQUASH,
    fvmd_acceleration: Annotated[
        Acceleration, typer.Option(help="As the released code computes it, or by the paper's formula.")
    ] = Acceleration.RELEASED,
    fvmd_stride: Annotated[
        int, typer.Option(min=1, help="Frames between FVMD's windows; others than 1 are not comparable.")
    ] = 1,
    sam2_size: Annotated[Size, typer.Option(help="Size of SAM2.1.")] = Size.LARGE,
    sam2_backend: Annotated[Backend, typer.Option(help="Whose code runs SAM2.")] = Backend.TRANSFORMERS,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            help="Others than a network's default: a file, or a name of `weights list`.", metavar="METER=FILE"
        ),
    ] = None,
) -> None:
    """Score predicted videos, print a table and write every number; exits with 3 if one that was named has no number.

    Missing and unusable predictions count as worst case and are listed. What was read is kept, so a run that was
    interrupted goes on where it was, and a second one is done at once.
    """
    from kinebench.cli.score_tables import print_scores
    from kinebench.metrics.catalogue import Setup
    from kinebench.scoring import scorecard

    names = tuple(name for part in metrics.split(",") if (name := part.strip()))
    place = out or Path(f"scores-{pred.resolve().name.removesuffix('.tar')}.json")
    scorecard.check_place(place)
    setup = Setup(
        device=device.value,
        bfloat16=bfloat16,
        fvd_preprocess=fvd_preprocess.value,
        fvmd_acceleration=fvmd_acceleration.value,
        fvmd_stride=fvmd_stride,
        sam2_size=sam2_size.value,
        sam2_backend=sam2_backend.value,
        weights=_files(weights or []),
    )
    card = scored(pred, data, split, names, setup, workers, floor)
    scorecard.write(card, place)
    print_scores(card, names)
    typer.echo(f"every number is in {place}")
    if names and card["unavailable"]:
        raise typer.Exit(INCOMPLETE)


def _files(given: list[str]) -> dict[str, Path]:
    """Weights by meter, of arguments such as `fvd=i3d-state-dict` or `fvmd=my.pth`."""
    from kinebench.errors import KineBenchError
    from kinebench.metrics.catalogue import NETWORKS
    from kinebench.weights import locate
    from kinebench.weights.catalogue import catalogue

    files: dict[str, Path] = {}
    for argument in given:
        meter, _, where = argument.partition("=")
        if meter not in NETWORKS or not where:
            raise KineBenchError(f"--weights {argument}: write METER=FILE, with METER one of {', '.join(NETWORKS)}")
        files[meter] = locate(where) if where in catalogue() else Path(where)
        if not files[meter].is_file():
            raise KineBenchError(f"--weights {argument}: there is no file {where}")
    return files


def scored(
    pred: Path,
    data: Path,
    split: str,
    names: tuple[str, ...],
    setup: "Setup",
    workers: int | None,
    floor: Path | None = None,
) -> "Card":
    """The scorecard, with progress bars, and a message of what is safe if it is interrupted."""
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.runners.cores import available
    from kinebench.scoring.scorer import score as make

    said = "nothing was written; what was read is kept, run the same command again to go on"
    with stoppable(lambda: f"interrupted; {said}"), progress_bars() as note:
        return make(pred, data, split, names, setup, workers or available(), floor, note)
