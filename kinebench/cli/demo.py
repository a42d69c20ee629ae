"""`kinebench demo`: a small verified shard of both datasets, a page to look at each, and a first table of scores."""

from pathlib import Path
from typing import Annotated

import typer

ANCHORS = ("codec", "static")
"""What is scored, see `baselines/anchors/`: about 20 s each for three clips of both datasets, on two cores."""


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the two datasets.")] = Path("demo"),
    count: Annotated[int, typer.Option(min=1, help="Clips of each dataset.")] = 3,
) -> None:
    """Render a few full-size test clips of Simple Motion and Interactions, verify and preview them, and score anchors.

    Anchors are videos whose worth is known: the clips compressed as models deliver theirs, and standing still.
    """
    from kinebench.cli.generate import generate
    from kinebench.cli.preview import preview
    from kinebench.errors import require

    require("scipy", "score")  # said now, and not after everything is rendered
    datasets = ("simple_motion", "interactions")
    for name in datasets:
        typer.echo(f"{name}: {count} clips")
        generate(name, out / name, split="test", count=count)
        typer.echo("open in a browser: ", nl=False)
        preview(out / name)
    for name in datasets:
        _score_anchors(out / name, out / "predictions" / name)


def _score_anchors(data: Path, out: Path) -> None:
    """Write the anchors and their scores, and print one table, by metrics that need no weights."""
    from rich.console import Console

    from kinebench.cli.run import made
    from kinebench.cli.score import scored
    from kinebench.cli.score_tables import anchor_table
    from kinebench.methods import method
    from kinebench.methods.source import open_source
    from kinebench.metrics.catalogue import METERS, NETWORKS, Setup
    from kinebench.scoring import scorecard

    free = tuple(name for name in METERS if name not in NETWORKS)
    source = open_source(data, "test", "c_infer")
    cards = {}
    for name in ANCHORS:
        folder = out / name
        made(method.find(name), source, [0], folder, {}, {}, "cpu")
        cards[name] = scored(folder, data, "test", free, Setup(), None)
        scorecard.write(cards[name], folder.with_suffix(".json"))
    Console().print(anchor_table(cards))
