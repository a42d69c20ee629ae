"""DATASET_CARD.md: the paper's two datasets described from their recipes and from committed measurements.

`python -m kinebench.publish.overview` writes it anew, in a checkout. Measure before:

    kinebench stats simple_motion --count 300 --json docs/measured/simple_motion.json
    kinebench stats interactions --count 300 --json docs/measured/interactions.json
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from kinebench import recipe as recipes
from kinebench.publish.datasheet import Subject, datasheet, table
from kinebench.recipe import Recipe
from kinebench.shards.files import write_atomic
from kinebench.stats.summary import SplitStats, load
from kinebench.textures.selection import choices

DATASETS = ("simple_motion", "interactions")
PAPER_COUNTS = {"train": 10_000, "test": 100}
"""Samples of each dataset in the paper (4.1)."""
NAME = "DATASET_CARD.md"
MEASURED = Path("docs/measured")


def overview(root: Path) -> str:
    """The page; `root` is a checkout, with the measurements. Raises KineBenchError if they are not there."""
    chosen = {recipe.dataset.title: recipe for recipe in map(recipes.load, DATASETS)}
    found = [load(root / MEASURED / f"{name}.json") for name in DATASETS]
    measured = {title: one.splits[0] for title, one in zip(chosen, found, strict=True)}
    about = Subject({title: recipe.record for title, recipe in chosen.items()}, measured, level="##")
    sources = "; ".join(one.source for one in found)
    return f"""# {" and ".join(chosen)}: a datasheet

Every folder that `kinebench generate` packs carries a card of its own, which `kinebench publish` makes whole
([how](docs/publish.md)). This page says what holds for both datasets. Ranges are read from the recipes and figures are
measured on clips simulated from them: {sources}, all of `train`; the motion of `test` is drawn alike.
`python -m kinebench.publish.overview` writes the page anew, and its source says how to measure.
[The simulation](docs/physics.md) shows the same as plots.

{_glance(chosen)}

{datasheet(about)}
"""


def _glance(chosen: Mapping[str, Recipe]) -> str:
    rows: dict[str, Callable[[Recipe], str]] = {
        "a clip": _clip,
        "objects": lambda recipe: f"{_range(recipe.objects.count)} cubes and cylinders",
        "driven at frame 0": lambda recipe: (
            f"{_range(recipe.objects.driven)}, at {_range(recipe.motion.speed_mps)} m/s"
        ),
        "contact": _contact,
        **{f"grounds, `{split}`": _grounds(split) for split in PAPER_COUNTS},
        **{f"colours, `{split}`": _colours(split) for split in PAPER_COUNTS},
        "samples in the paper": lambda recipe: ", ".join(f"{count:,} {split}" for split, count in PAPER_COUNTS.items()),
    }
    return table(["", *chosen], [[name, *map(cell, chosen.values())] for name, cell in rows.items()])


def _clip(recipe: Recipe) -> str:
    video = recipe.video
    seconds = video.frames / video.fps
    return f"{video.frames} frames, {video.width}x{video.height}, {video.fps} a second ({seconds:.2f} s)"


def _contact(recipe: Recipe) -> str:
    if recipe.acceptance.contact == "forbidden":
        return "never"
    share = recipe.acceptance.interaction_share
    return f"a strike in {share:.0%} of the clips, a near miss in {1 - share:.0%}"


def _grounds(split: str) -> Callable[[Recipe], str]:
    def cell(recipe: Recipe) -> str:
        names = recipe.split(split).textures
        return f"{len(choices(names, split, recipe.source))}, of {len(names)} families"

    return cell


def _colours(split: str) -> Callable[[Recipe], str]:
    return lambda recipe: str(len(recipe.split(split).colours))


def _range(bounds: tuple[float, float]) -> str:
    return " to ".join(f"{bound:g}" for bound in dict.fromkeys(bounds))


def within(recipe: Recipe, split: SplitStats) -> bool:
    """Whether measurements can be of this recipe: a recipe that was changed since must be measured again."""
    allowed = recipe.split(split.name)
    counts, driven, speeds = recipe.objects.count, recipe.objects.driven, recipe.motion.speed_mps
    ranges = ((split.objects, counts), (split.driven, driven), (split.speed_mps, speeds))
    return (
        all(low <= spread.low + 1e-3 and spread.high - 1e-3 <= high for spread, (low, high) in ranges)
        and set(split.colours) <= set(allowed.colours)
        and set(split.textures) <= set(choices(allowed.textures, split.name, recipe.source))
        and abs(split.interaction_share - recipe.acceptance.interaction_share) < 1 / max(split.samples, 1)
    )


if __name__ == "__main__":
    here = Path(__file__).parents[2]
    write_atomic(here / NAME, overview(here).encode())
