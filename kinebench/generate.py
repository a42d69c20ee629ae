"""plan -> render -> pack -> verify. The unit of resume is the sample; killed anywhere, a second run ends the same."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.errors import Interrupted, KineBenchError, require
from kinebench.recipe import Recipe
from kinebench.runners import local
from kinebench.shards.binding import bind
from kinebench.shards.files import Progress
from kinebench.shards.manifest import Manifest
from kinebench.shards.pack import pack
from kinebench.shards.sample import COMPANIONS, MEMBERS, sample_key
from kinebench.shards.stock import Stock
from kinebench.textures.selection import choices


@dataclass(frozen=True)
class Plan:
    """What to make: pure, and the same on any machine."""

    recipe: Recipe
    split: str
    seed: int
    keys: tuple[str, ...]  # in order of index, from 0
    companions: tuple[str, ...]

    @property
    def members(self) -> tuple[str, ...]:
        """The members every sample must have."""
        return MEMBERS + tuple(member for name in self.companions for member in COMPANIONS[name])


def plan(recipe: Recipe, split: str, count: int, seed: int, companions: tuple[str, ...] = ()) -> Plan:
    """The samples 0..count-1 of a split. The test split always carries its lossless frames: scores need them."""
    choices(recipe.split(split).textures, split, recipe.source)  # raises for a ground that is not there
    if count < 1:
        raise KineBenchError(f"--count is {count}; expected at least 1")
    if seed < 0:
        raise KineBenchError(f"--seed is {seed}; expected 0 or more")
    unknown = sorted(set(companions) - set(COMPANIONS))
    if unknown:
        raise KineBenchError(f"--with: unknown companion {', '.join(unknown)}; there are {', '.join(COMPANIONS)}")
    wanted = {*companions, *(("lossless",) if split == "test" else ())}
    keys = tuple(sample_key(recipe.dataset.name, split, index) for index in range(count))
    return Plan(recipe, split, seed, keys, tuple(name for name in COMPANIONS if name in wanted))


def render(work: Plan, out_dir: Path, workers: int | None, watch: local.Watch) -> local.Outcome:
    """Make what is missing of a plan, and what is damaged of what was packed before, into the spool.

    Raises KineBenchError for a user's mistake, Interrupted when the user stops it.
    """
    for engine in ("pybullet", "bpy"):
        _check_installed(engine)
    bind(out_dir, work.recipe.sha256, work.seed, work.recipe.dataset.name)
    jobs = _jobs(work, out_dir, Stock(out_dir, work.recipe.sha256))
    if not jobs:
        return local.Outcome(frozenset(), {}, {})
    watch.begin(max(len(work.keys), len(jobs)), len(jobs), work.recipe.video.frames)
    try:
        outcome = local.run(jobs, workers or len(os.sched_getaffinity(0)), watch)
    except KeyboardInterrupt:
        stock = Stock(out_dir, work.recipe.sha256)  # the workers are gone: what is there now stays
        safe = sum(bool(stock.members(key)) for key in work.keys)
        raise Interrupted(
            f"interrupted; {safe} of {len(work.keys)} clips are safe in {out_dir}; "
            "run the same command again to continue"
        ) from None
    if outcome.refused:
        raise KineBenchError(next(iter(outcome.refused.values())))
    return outcome


def finish(work: Plan, out_dir: Path, outcome: local.Outcome, progress: Progress) -> Manifest:
    """Pack what is finished; KineBenchError, after packing, if samples failed three times."""
    stock = Stock(out_dir, work.recipe.sha256)
    finished = [key for key in work.keys if stock.members(key)]
    if not finished:
        raise KineBenchError(f"no sample could be made; nothing is packed in {out_dir}:\n{_failures(work, outcome)}")
    manifest = pack(
        out_dir,
        finished,
        dataset=work.recipe.dataset.name,
        recipe=work.recipe.record,
        recipe_sha256=work.recipe.sha256,
        seed=work.seed,
        progress=progress,
    )
    if outcome.failed:
        raise KineBenchError(
            f"{len(outcome.failed)} of {len(work.keys)} samples failed {local.ATTEMPTS} times; the other "
            f"{len(finished)} are packed in {out_dir}. Run the same command again to retry:\n{_failures(work, outcome)}"
        )
    return manifest


def _failures(work: Plan, outcome: local.Outcome) -> str:
    return "\n".join(f"  {key} (seed {work.seed}): {text.strip()}" for key, text in outcome.failed.items())


def _check_installed(engine: str) -> None:
    """Raise MissingExtra without importing the engine into this process."""
    import importlib.util

    if importlib.util.find_spec(engine) is None:
        require(engine, "render")


def _jobs(work: Plan, out_dir: Path, stock: Stock) -> list[dict[str, Any]]:
    """What is missing of the plan, and what is damaged of everything packed before.

    Raises KineBenchError if the folder's samples of this split have other companions than the plan.
    """
    wanted = {key: (work.split, index, frozenset(work.members)) for index, key in enumerate(work.keys)}
    for key, row in stock.rows.items():
        members = frozenset(row.members)
        if row.split == work.split and members != frozenset(work.members):
            raise KineBenchError(
                f"{out_dir}: its {work.split} samples have {' and '.join(_companions(members)) or 'no'} companions; "
                "all samples of a split have the same: change --with, or choose another output folder"
            )
        wanted[key] = (row.split, row.index, members)
    return [
        {
            "key": key,
            "recipe": work.recipe.record,
            "source": work.recipe.source,
            "split": split,
            "index": index,
            "seed": work.seed,
            "companions": _companions(members),
            "out_dir": str(out_dir),
        }
        for key, (split, index, members) in wanted.items()
        if not stock.has(key, members)
    ]


def _companions(members: frozenset[str]) -> list[str]:
    return [name for name, suffixes in COMPANIONS.items() if set(suffixes) <= members]
