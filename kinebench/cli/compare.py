"""`kinebench compare`: two scorecards of the same clips."""

from pathlib import Path
from typing import Annotated

import typer


def compare(
    first: Annotated[Path, typer.Argument(help="A scorecard of kinebench score.")],
    second: Annotated[Path, typer.Argument(help="Another, of the same dataset and split.")],
) -> None:
    """Print paired differences of two methods with 95 % intervals, and which is better.

    Refuses scores of other ground truth, or of metrics that were computed otherwise, and lists what differs.
    """
    from kinebench.cli.score_tables import print_comparison
    from kinebench.scoring.comparison import compare as make
    from kinebench.scoring.scorecard import load

    one, two = load(first), load(second)
    print_comparison(make(one, two), {**one["metrics"], **two["metrics"]})
