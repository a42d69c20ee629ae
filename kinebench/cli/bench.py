"""`kinebench bench`: measure KineBench itself."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Measure KineBench itself; every bench prints a table of ratios.")
DATASETS = ("simple_motion", "interactions")
PAPER_CLIPS = 10_100
"""Training and test clips of one dataset in the paper (4.1)."""


@app.callback()
def _group() -> None:
    """Keep `render` a subcommand while it is the only one."""


@app.command()
def render(
    clips: Annotated[int, typer.Option(min=1, help="Clips of each dataset.")] = 5,
    processes: Annotated[int, typer.Option(min=1, help="Clips measured at once, each on one core.")] = 1,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """CPU time and exactness of rendering only what changes, against every frame in full."""
    import json
    from dataclasses import asdict
    from statistics import median

    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from kinebench.bench.render import MEASURED_FRAMES, measure

    costs = list(
        track(
            measure(DATASETS, clips, processes),
            total=clips * len(DATASETS),
            description="measuring clips",
            console=Console(stderr=True),
        )
    )
    table = Table(
        title=f"medians over {clips} clips each; full frames from {MEASURED_FRAMES} per clip; one core a clip"
    )
    for heading in (
        "dataset",
        "full frames\nCPU-s/clip",
        "only changes\nCPU-s/clip",
        "speed-up\n(min..max)",
        "PSNR dB\n(min)",
        "noise floor\ndB",
        "largest 8x8\nmean diff",
        f"core-hours for\n{PAPER_CLIPS} clips",
    ):
        table.add_column(heading, justify="left" if heading == "dataset" else "right")
    for dataset in DATASETS:
        mine = [cost for cost in costs if cost.dataset == dataset]
        full, changing = median(c.full_cpu_s for c in mine), median(c.changing_cpu_s for c in mine)
        ratios = [c.speed_up for c in mine]
        table.add_row(
            dataset,
            f"{full:.0f}",
            f"{changing:.1f}",
            f"{median(ratios):.1f}x ({min(ratios):.1f}..{max(ratios):.1f})",
            f"{median(c.psnr_db for c in mine):.1f} ({min(c.psnr_db for c in mine):.1f})",
            f"{median(c.floor_db for c in mine):.1f}",
            f"{max(c.seam_levels for c in mine):.1f}",
            f"{full * PAPER_CLIPS / 3600:.0f} -> {changing * PAPER_CLIPS / 3600:.0f}",
        )
    Console().print(table)
    if json_path is not None:
        figures = [{**asdict(c), "speed_up": c.speed_up} for c in sorted(costs, key=lambda c: (c.dataset, c.index))]
        json_path.write_text(json.dumps(figures, indent=1) + "\n")


@app.command()
def physics(clips: Annotated[int, typer.Option(min=1, help="Clips to find in each dataset.")] = 50) -> None:
    """Candidates simulated a second, the share that becomes clips, and which rule rejects the others."""
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from kinebench.bench.physics import tally

    for dataset in DATASETS:
        steps = track(tally(dataset, clips), total=clips, description=dataset, console=Console(stderr=True))
        result = list(steps)[-1]
        table = Table(
            title=f"{dataset}: {result.candidates} candidates for {clips} clips, "
            f"{result.candidates / result.cpu_s:.1f} a CPU-second, {clips / result.candidates:.0%} accepted",
            title_justify="left",
        )
        table.add_column("rejected by")
        table.add_column("candidates", justify="right")
        for rule, count in result.rejected.most_common():
            table.add_row(rule, str(count))
        Console().print(table)
