"""`kinebench stats`: what is in a dataset, or would be, in numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kinebench.shards.files import Progress
    from kinebench.stats.summary import Stats

RECIPE_COUNT = 100


def stats(
    where: Annotated[str, typer.Argument(help="A dataset folder; or a recipe, whose clips are then simulated.")],
    split: Annotated[str | None, typer.Option(help="Of a recipe: the split, train by default.")] = None,
    count: Annotated[int | None, typer.Option(help=f"Of a recipe: clips from 0, {RECIPE_COUNT} by default.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of a recipe: the seed of the dataset, 0 by default.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Also draw pictures into this folder.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the numbers here.")] = None,
) -> None:
    """Print what a dataset holds: sizes, objects, motion, contacts, captions, colours and grounds, split by split.

    A recipe needs no pixel: its clips are simulated, accepted and described as `generate` would, and not rendered.
    """
    from rich.console import Console

    from kinebench.cli.progress import progress_bars
    from kinebench.cli.tables import stats_tables
    from kinebench.shards.files import write_atomic
    from kinebench.stats.summary import dump

    with progress_bars() as note:
        found = _found(where, split, count, seed, note)
    Console().print(*stats_tables(found), sep="\n")
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(json_path, dump(found))
    if figures is not None:
        from kinebench.stats.figures import write_figures

        for path in write_figures(found, figures):
            typer.echo(path)


def _found(where: str, split: str | None, count: int | None, seed: int | None, note: "Progress") -> "Stats":
    from kinebench.errors import KineBenchError
    from kinebench.interrupt import stoppable
    from kinebench.recipe import load
    from kinebench.stats.rehearsal import rehearse
    from kinebench.stats.summary import Sampled, stats, summarise

    if Path(where).is_dir():
        if (split, count, seed) != (None, None, None):
            raise KineBenchError(f"{where} is a dataset folder: --split, --count and --seed go with a recipe only")
        return stats(where, note)
    recipe = load(where)
    split, count, seed = split or "train", RECIPE_COUNT if count is None else count, seed or 0
    with stoppable(lambda: "interrupted; nothing was written"):
        samples = (Sampled(record, {}) for record in rehearse(recipe, split, count, seed, note))
        return summarise(
            f"recipe {recipe.dataset.name}, seed {seed}, clips 0 to {count - 1}",
            recipe.dataset.name,
            {split: samples},
        )
