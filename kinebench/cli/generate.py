"""`kinebench generate`: render a dataset."""

from pathlib import Path
from typing import Annotated

import typer

from kinebench.runners import Runner

RecipeName = Annotated[
    str, typer.Argument(help="A built-in recipe or a TOML file: simple_motion, interactions, counterfactual, ...")
]
SplitName = Annotated[str, typer.Option(help="A split of the recipe.")]
Count = Annotated[int, typer.Option(help="Clips in the split, counted from index 0.")]
Seed = Annotated[int, typer.Option(help="Seed of the whole dataset.")]
Companions = Annotated[
    str, typer.Option("--with", help="Companion shards, with commas: lossless, depth, flow, normals, tracks.")
]
Samples = Annotated[int | None, typer.Option(min=1, help="Cycles samples per pixel, not the recipe's.")]
Denoiser = Annotated[str | None, typer.Option(help="openimagedenoise or none, not the recipe's.")]
FullFrames = Annotated[bool, typer.Option("--full-frames", help="Render every pixel anew (slow).")]


def generate(
    recipe: RecipeName,
    out: Annotated[Path, typer.Option(help="Folder of the dataset; made if need be.")],
    split: SplitName = "train",
    count: Count = 10,
    seed: Seed = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; one per core by default.")] = None,
    runner: Annotated[Runner, typer.Option(help="Ray: the cluster of RAY_ADDRESS, else one here.")] = Runner.LOCAL,
    worker: Annotated[int | None, typer.Option(help="Render only share I of N, without packing.", metavar="I")] = None,
    of: Annotated[int | None, typer.Option(help="Number of shares.", metavar="N")] = None,
    companions: Companions = "",
    samples: Samples = None,
    denoiser: Denoiser = None,
    full_frames: FullFrames = False,
) -> None:
    """Render a dataset into verified WebDataset shards; run it again to continue or to add clips."""
    from kinebench.cli.progress import clip_bar, progress_bars
    from kinebench.cli.verify import verify
    from kinebench.generate import Share, finish, leave, missing, plan, render, share
    from kinebench.recipe import load

    part = share(worker, of)
    chosen = load(recipe).with_render(samples=samples, denoiser=denoiser, full_frames=full_frames)
    work = plan(chosen, split, count, seed, tuple(name for name in companions.split(",") if name))
    with progress_bars() as note:
        jobs = missing(work, out, part or Share(), runner, note)
    with clip_bar() as bar:
        outcome = render(work, out, jobs, part=part or Share(), runner=runner, workers=workers, watch=bar)
    if part is not None:
        typer.echo(leave(work, out, part, outcome))
        return
    with progress_bars() as note:
        finish(work, out, outcome, note)
    verify(out)
