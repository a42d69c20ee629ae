"""`kinebench run`: the videos of a method, for every clip of a split."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kinebench.cli.score import INCOMPLETE, Device

if TYPE_CHECKING:
    from kinebench.methods.method import Method
    from kinebench.methods.runner import Outcome
    from kinebench.methods.source import Source

SHOWN = 20
"""Failures that are printed; the rest are counted."""


class Words(StrEnum):
    """What a method is told in words."""

    C_INFER = "c_infer"
    C0 = "c0"
    C = "c"


Set = Annotated[
    list[str] | None, typer.Option("--set", help="An option of the method; say it once for each.", metavar="NAME=VALUE")
]
Weights = Annotated[
    list[str] | None,
    typer.Option(help="Weights of your own, by their name in method.toml.", metavar="NAME=PATH"),
]


def run(
    method: Annotated[str, typer.Argument(help="A name of `kinebench methods list`, or a folder with a method.toml.")],
    data: Annotated[Path, typer.Option(help="A packed dataset, or the conditions that were exported of one.")],
    out: Annotated[Path, typer.Option(help="Write the videos here; another folder for each method and options.")],
    split: Annotated[str, typer.Option(help="The split whose clips are made.")] = "test",
    seed: Annotated[list[int] | None, typer.Option(min=0, help="Say it once for each seed.", show_default="0")] = None,
    prompt: Annotated[
        Words, typer.Option(help="Words from the first frame alone, the paper's c0, or c, which tells the outcome.")
    ] = Words.C_INFER,
    device: Annotated[
        Device, typer.Option(help="auto takes a GPU if there is one and the method asks for one.")
    ] = Device.AUTO,
    settings: Set = None,
    weights: Weights = None,
) -> None:
    """Make a method's videos of every clip; exits with 3 if some could not be made.

    Videos that are there stay, so a run that was interrupted goes on where it was, and those that failed are tried
    again. Score them with `kinebench score`.
    """
    from kinebench.methods import method as methods
    from kinebench.methods.source import open_source

    chosen = methods.find(method)
    source = open_source(data, split, prompt.value)
    outcome = made(chosen, source, seed or [0], out, pairs("--set", settings), places(weights), device.value)
    _print(outcome, chosen, out, data if source.dataset else None)
    if outcome.failed:
        raise typer.Exit(INCOMPLETE)


def made(
    method: "Method",
    source: "Source",
    seeds: list[int],
    out: Path,
    given: dict[str, str],
    weights: dict[str, Path],
    device: str,
) -> "Outcome":
    """Run a method under a progress bar; an interrupt says what is safe."""
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.methods import runner

    said = f"interrupted; the videos in {out} are whole, run the same command again to go on"
    with stoppable(lambda: said), progress_bars() as note:
        return runner.run(method, source, seeds, out, given=given, weights=weights, device=device, note=note)


def pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """NAME=VALUE arguments by name. Raises KineBenchError for another form, and a name that is there twice."""
    from kinebench.errors import KineBenchError

    found: dict[str, str] = {}
    for argument in given or ():
        name, sign, value = argument.partition("=")
        if not (name and sign):
            raise KineBenchError(f"{option} {argument}: write {option} NAME=VALUE")
        if name in found:
            raise KineBenchError(f"{option} {name}: it is given twice")
        found[name] = value
    return found


def places(given: list[str] | None) -> dict[str, Path]:
    """Where weights of the user's own are, by name."""
    return {name: Path(text).expanduser() for name, text in pairs("--weights", given).items()}


def _print(outcome: "Outcome", method: "Method", out: Path, data: Path | None) -> None:
    failed = outcome.failed
    for each in failed[:SHOWN]:
        typer.echo(f"{each.task.key}, seed {each.task.seed}: {each.kind}: {' '.join(each.message.split())}")
    if len(failed) > SHOWN:
        typer.echo(f"and {len(failed) - SHOWN} more; each has a file .error.json in {out}")
    counts = [f"{outcome.made} made", f"{outcome.kept} there before" if outcome.kept else ""]
    counts.append(f"{len(failed)} failed, tried again by the next run" if failed else "")
    typer.echo(f"{method.title}: videos in {out}: {', '.join(filter(None, counts))}")
    typer.echo(f"score them with: kinebench score {out} --data {data or 'DATASET'}")
