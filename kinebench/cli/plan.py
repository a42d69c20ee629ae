"""`kinebench plan`: what would be made, without making it."""

from pathlib import Path
from typing import Annotated

import typer

from kinebench.cli.generate import Companions, Count, Denoiser, FullFrames, RecipeName, Samples, Seed, SplitName


def plan(
    recipe: RecipeName,
    split: SplitName = "train",
    count: Count = 10,
    seed: Seed = 0,
    of: Annotated[int | None, typer.Option(help="Number of workers that share the clips.", metavar="N")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the dataset: say what is finished there.")] = None,
    companions: Companions = "",
    samples: Samples = None,
    denoiser: Denoiser = None,
    full_frames: FullFrames = False,
) -> None:
    """Say what `generate` would make, and about what it costs. Writes nothing."""
    from kinebench.cost import cost
    from kinebench.generate import plan as plan_clips
    from kinebench.generate import ready, share
    from kinebench.recipe import load
    from kinebench.shards.files import megabytes

    chosen = load(recipe).with_render(samples=samples, denoiser=denoiser, full_frames=full_frames)
    work = plan_clips(chosen, split, count, seed, tuple(name for name in companions.split(",") if name))
    price = cost(chosen, work)
    rows = {
        "clips": f"{count} of split {split}, seed {seed}",
        "first": work.keys[0],
        "last": work.keys[-1],
        "recipe": work.recipe_sha256,
        "companions": ", ".join(work.companions) or "none",
        "time": f"about {price.core_hours:,.2f} core-hours",
        "disk": f"about {megabytes(price.tar_bytes)} of tars, and as much again while packing",
    }
    if of is not None:
        most, least = (part.size(count) for part in (share(0, of), share(of - 1, of)) if part)
        rows["a worker"] = f"{most} clips" if most == least else f"{least} or {most} clips"
    if out is not None:
        rows["finished"] = f"{ready(work, out)} of {count} in {out}"
    for name, text in rows.items():
        typer.echo(f"{name:<10}  {text}")
