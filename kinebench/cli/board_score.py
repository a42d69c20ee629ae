"""`kinebench board score`: a submission's videos against the ground truth, into the store of results."""

from pathlib import Path
from typing import Annotated

import typer

from kinebench.cli.score import Device

RESULTS = Path("leaderboard/results")
FILMS = Path("leaderboard/films")
Results = Annotated[Path, typer.Option(help="The store of results.")]
Films = Annotated[Path, typer.Option(help="Videos as pages show them.")]


def score(
    submission: Annotated[Path, typer.Argument(help="A folder that `kinebench submit pack` made.")],
    data: Annotated[Path, typer.Option(help="The dataset folder that the clips are from.")],
    results: Results = RESULTS,
    films: Films = FILMS,
    split: Annotated[str, typer.Option(help="The split that is predicted.")] = "test",
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; one per core by default.")] = None,
    device: Annotated[Device, typer.Option(help="Where networks run; auto takes a GPU if there is one.")] = Device.AUTO,
) -> None:
    """Check a submission, score its videos, file one result for each seed, and write the films that pages show.

    Numbers in a submission are ignored: these are the ones of `kinebench score SUBMISSION/videos`. What is there for
    the same submission is kept, so that an interrupted run goes on where it was.
    """
    from kinebench.board import scoring
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.runners.cores import available

    said = "every file that was written is whole; run the same command again to go on"
    with stoppable(lambda: f"interrupted; {said}"), progress_bars() as note:
        order = scoring.Order(submission, data, split, results, films, workers or available(), device.value)
        done = scoring.score(order, note)
    for line in done.said:
        typer.echo(line)
