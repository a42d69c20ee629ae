"""`kinebench generate`: render a dataset."""

from pathlib import Path
from typing import Annotated

import typer


def generate(
    recipe: Annotated[str, typer.Argument(help="A built-in recipe (simple_motion, interactions) or a TOML file.")],
    out: Annotated[Path, typer.Option(help="Folder of the dataset; made if need be.")],
    split: Annotated[str, typer.Option(help="A split of the recipe.")] = "train",
    count: Annotated[int, typer.Option(help="Clips in the split, counted from index 0.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the whole dataset.")] = 0,
    workers: Annotated[int | None, typer.Option(min=1, help="Worker processes; one per core by default.")] = None,
    companions: Annotated[str, typer.Option("--with", help="Companion shards: lossless, depth, flow.")] = "",
    samples: Annotated[int | None, typer.Option(min=1, help="Cycles samples per pixel, not the recipe's.")] = None,
    denoiser: Annotated[str | None, typer.Option(help="openimagedenoise or none, not the recipe's.")] = None,
    full_frames: Annotated[bool, typer.Option("--full-frames", help="Render every pixel anew (slow).")] = False,
) -> None:
    """Render a dataset into verified WebDataset shards; run it again to continue or to add clips."""
    from kinebench.cli.progress import clip_bar, progress_bars
    from kinebench.cli.verify import verify
    from kinebench.generate import finish, plan, render
    from kinebench.recipe import load

    chosen = load(recipe).with_render(samples=samples, denoiser=denoiser, full_frames=full_frames)
    names = tuple(name for name in companions.split(",") if name)
    work = plan(chosen, split, count, seed, names)
    with clip_bar() as bar:
        outcome = render(work, out, workers, bar)
    with progress_bars() as note:
        finish(work, out, outcome, note)
    verify(out)
