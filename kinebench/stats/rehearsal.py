"""The clips that `generate` would make, simulated and described but not rendered: a dataset's records in minutes."""

import importlib.util
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from kinebench import recipe as recipes
from kinebench.annotate.caption import captions
from kinebench.errors import KineBenchError, require
from kinebench.recipe import Recipe
from kinebench.record import describe
from kinebench.runners.cores import available
from kinebench.shards.files import Progress
from kinebench.textures.selection import choices

ENGINE = "pybullet"


def rehearse(recipe: Recipe, split: str, count: int, seed: int, progress: Progress) -> Iterator[dict[str, Any]]:
    """The records of clips 0..count-1 of a split, in order, found by a process for each core.

    They are those that `generate` writes, but for `provenance`, which says nothing of a renderer. Raises KineBenchError
    for a user's mistake, and if no candidate passes.
    """
    if importlib.util.find_spec(ENGINE) is None:  # it is imported in the processes only
        require(ENGINE, "render")
    choices(recipe.split(split).textures, split, recipe.source)  # raises for a ground that is not there
    if count < 1 or seed < 0:
        raise KineBenchError(f"--count is {count} and --seed {seed}; expected at least 1 clip and a seed of 0 or more")
    jobs = [(recipe.record, recipe.source, split, index, seed) for index in range(count)]
    processes = min(count, available())
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_mute) as pool:
        try:
            for done, record in enumerate(pool.map(_described, jobs), 1):
                yield record
                progress("clips", done, count)
        except BrokenProcessPool as error:
            raise KineBenchError("a simulating process was killed, by lack of memory perhaps; try again") from error
        finally:
            pool.shutdown(cancel_futures=True)


def _mute() -> None:
    """Bullet greets on standard output, which belongs to the parent's tables."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _described(job: tuple[dict[str, Any], str, str, int, int]) -> dict[str, Any]:
    from kinebench.pipeline import draw

    plain, source, split, index, seed = job
    recipe = recipes.parse(plain, source)
    accepted = draw(recipe, split, index, seed)
    words = captions(accepted.scene, accepted.rollout)
    return describe(recipe, accepted, words, {})
