"""`kinebench bench`: measure KineBench itself."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Measure KineBench itself; every bench prints a table of ratios.")
DATASETS = ("simple_motion", "interactions")


@app.command()
def render(
    clips: Annotated[int, typer.Option(min=1, help="Clips of each dataset.")] = 5,
    processes: Annotated[int, typer.Option(min=1, help="Clips measured at once, each on one core.")] = 1,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """CPU time and exactness of rendering only what changes, against every frame in full."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import track

    from kinebench.bench.render import measure
    from kinebench.cli.tables import render_costs

    console = Console(stderr=True)
    work = track(measure(DATASETS, clips, processes), "measuring clips", total=clips * len(DATASETS), console=console)
    costs = sorted(work, key=lambda cost: (cost.dataset, cost.index))
    Console().print(render_costs(costs))
    if json_path is not None:
        figures = [{**asdict(cost), "speed_up": cost.speed_up} for cost in costs]
        json_path.write_text(json.dumps(figures, indent=1) + "\n")


@app.command()
def physics(clips: Annotated[int, typer.Option(min=1, help="Clips to find in each dataset.")] = 50) -> None:
    """Candidates simulated a second, the share that becomes clips, and which rule rejects the others."""
    from rich.console import Console
    from rich.progress import track

    from kinebench.bench.physics import tally
    from kinebench.cli.tables import rejections

    for dataset in DATASETS:
        console = Console(stderr=True)
        *_, result = track(tally(dataset, clips), dataset, total=clips, console=console)
        Console().print(rejections(dataset, result))
