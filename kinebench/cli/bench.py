"""`kinebench bench`: measure KineBench itself."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(no_args_is_help=True, help="Measure KineBench itself; every bench prints a table of ratios.")
DATASETS = ("simple_motion", "interactions")


@app.command()
def render(
    clips: Annotated[int, typer.Option(min=1, help="Clips of each dataset.")] = 5,
    processes: Annotated[int, typer.Option(min=1, help="Clips measured at once, each on one core.")] = 1,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """A clip from seed to encoded members, rendering only what changes against every frame in full."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import track

    from kinebench.bench.render import measure
    from kinebench.cli.bench_tables import projection, render_costs

    console = Console(stderr=True)
    work = track(measure(DATASETS, clips, processes), "measuring clips", total=clips * len(DATASETS), console=console)
    costs = sorted(work, key=lambda cost: (cost.dataset, cost.index))
    Console().print(render_costs(costs))
    Console().print(projection(costs))
    if json_path is not None:
        figures = [{**asdict(c), "speed_up": c.speed_up, "cycles_share": c.cycles_share} for c in costs]
        json_path.write_text(json.dumps(figures, indent=1) + "\n")


@app.command()
def samples(
    pictures: Annotated[int, typer.Option(min=1, help="Clips of each dataset, one frame of each.")] = 2,
    processes: Annotated[int, typer.Option(min=1, help="Pictures measured at once, each on one core.")] = 1,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Error against a 512-sample reference, and time, of numbers of samples and denoisers."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import track

    from kinebench.bench.samples import measure
    from kinebench.cli.bench_tables import picture_costs

    whole, console = pictures * len(DATASETS), Console(stderr=True)
    work = track(measure(DATASETS, pictures, processes), "measuring pictures", total=whole, console=console)
    costs = [cost for picture in work for cost in picture]
    Console().print(picture_costs(costs))
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(cost) for cost in costs], indent=1) + "\n")


@app.command()
def physics(clips: Annotated[int, typer.Option(min=1, help="Clips to find in each dataset.")] = 50) -> None:
    """CPU time to find a clip, the share of candidates that becomes clips, and which rule rejects the others."""
    from rich.console import Console
    from rich.progress import track

    from kinebench.bench.physics import tally
    from kinebench.cli.bench_tables import rejections

    for dataset in (*DATASETS, "counterfactual"):
        console = Console(stderr=True)
        *_, result = track(tally(dataset, clips), dataset, total=clips, console=console)
        Console().print(rejections(dataset, result))


@app.command()
def data(
    folder: Annotated[Path, typer.Argument(help="A packed dataset; full-size clips give figures that mean something.")],
    repeats: Annotated[int, typer.Option(min=1, help="Times that each way is measured, in turn.")] = 3,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Clips a second against plain webdataset and PyAV, and the velocity mask rebuilt against decoded."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import track

    from kinebench.bench.data import WORKERS, loaders, masks
    from kinebench.cli.bench_tables import loader_costs, mask_cost

    console = Console(stderr=True)
    mask = masks(folder, repeats)
    costs = list(track(loaders(folder, repeats), "loading clips", total=len(WORKERS), console=console))
    Console().print(loader_costs(costs))
    Console().print(mask_cost(mask))
    if json_path is not None:
        figures = [{**asdict(cost), "speed_up": cost.speed_up} for cost in costs]
        masked = {**asdict(mask), "speed_up": mask.speed_up}
        json_path.write_text(json.dumps({"loaders": figures, "mask": masked}, indent=1) + "\n")


@app.command()
def score(
    repeats: Annotated[int, typer.Option(min=1, help="Times that each is measured; what takes minutes, once.")] = 5,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """CPU time of the metrics against the public implementations, on the same inputs."""
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.progress import track

    from kinebench.bench.score import CASES, measure
    from kinebench.cli.bench_tables import comparisons

    work = track(measure(CASES, repeats), "measuring metrics", total=len(CASES), console=Console(stderr=True))
    found = list(work)
    Console().print(comparisons(found))
    for line in sorted({f"{one.peer} is not installed: {one.missing}" for one in found if one.missing is not None}):
        typer.echo(line)
    if json_path is not None:
        json_path.write_text(json.dumps([{**asdict(one), "speed_up": one.speed_up} for one in found], indent=1) + "\n")


@app.command()
def sanity(
    folder: Annotated[Path, typer.Argument(help="A packed dataset.")],
    out: Annotated[Path, typer.Option(help="Where the videos go; those that are there stay.")] = Path("anchors"),
    split: Annotated[str, typer.Option(help="Which clips.")] = "test",
    render: Annotated[
        bool, typer.Option("--render", help="With the two anchors that render anew: a minute of CPU a clip each.")
    ] = False,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the figures here.")] = None,
) -> None:
    """Videos of known worth under every metric that needs no weights: does each metric put them in order?"""
    import json

    from rich.console import Console

    from kinebench.bench.sanity import ANCHORS, RENDERED, measure
    from kinebench.cli.bench_tables import anchor_values
    from kinebench.cli.progress import progress_bars
    from kinebench.interrupt import stoppable
    from kinebench.runners.cores import available

    names = tuple(name for name in ANCHORS if render or name not in RENDERED)
    said = f"interrupted; the videos in {out} are whole, run the same command again to go on"
    with stoppable(lambda: said), progress_bars() as note:
        found = measure(folder, split, names, out, available(), note)
    table = anchor_values(found)
    Console(width=Console(width=1000).measure(table).maximum).print(table)  # as wide as it is: cut numbers say nothing
    if json_path is not None:
        json_path.write_text(json.dumps([row.plain() for row in found.rows], indent=1) + "\n")


@app.command()
def train(
    family: Annotated[Literal["cogvideox", "wan"], typer.Option(help="The backbone.")] = "cogvideox",
    size: Annotated[
        Literal["published", "tiny"], typer.Option(help="Published, which takes a GPU, or of the same classes.")
    ] = "published",
    batch: Annotated[
        list[int] | None, typer.Option(min=1, help="Clips at once; more than once for more. 1, 2 and 4 if left out.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Steps that are measured, of each way and number of clips.")] = 3,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the figures here, as they come.")] = None,
) -> None:
    """A step of KineMask's trainer with random weights: time, memory, share of the GPU's peak, and what they should be.

    What can be counted is printed first, on any machine.
    """
    import json
    from dataclasses import asdict

    from rich.console import Console

    from kinebench.cli.bench_tables import step_costs, step_estimate
    from kinebench.cli.progress import progress_bars
    from kinebench.errors import demand
    from kinebench.interrupt import stoppable
    from kinebench.methods.diffusion import EXTRA, quiet

    for module in ("torch", "diffusers", "transformers", "accelerate", "safetensors"):
        demand(module, EXTRA)
    with quiet():
        from kinebench.bench.estimate import estimate
        from kinebench.bench.train import Found, measured
        from kinebench.kinemask.published import MODELS

    model, batches = MODELS[family, size], batch or (1, 2, 4)
    with quiet(), Console(stderr=True).status("counting what a step takes"):
        counted = estimate(model)
    Console().print(step_estimate(counted))
    so_far: list[Found] = []

    def keep() -> None:
        if json_path is not None:
            figures = {"counted": asdict(counted), "measured": so_far[0].plain() if so_far else None}
            json_path.write_text(json.dumps(figures, indent=1) + "\n")

    def show() -> None:
        for found in so_far:
            table = step_costs(found)
            Console(width=Console(width=1000).measure(table).maximum).print(table)

    def stopped() -> str:
        show()
        return "interrupted; the table has what was measured so far" if so_far else "interrupted"

    keep()
    with stoppable(stopped), quiet(), progress_bars() as note:
        for found in measured(model, counted.flops.step, batches, repeats, note):
            so_far[:] = [found]
            keep()
    show()
