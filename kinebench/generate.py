"""plan -> render -> pack -> verify. The unit of resume is the sample; killed anywhere, a second run ends the same."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from kinebench.errors import KineBenchError, require
from kinebench.hidden import told_seed
from kinebench.interrupt import stoppable
from kinebench.recipe import Recipe
from kinebench.runners import Runner
from kinebench.runners.cores import available
from kinebench.runners.ledger import ATTEMPTS, Job, Outcome, Watch
from kinebench.shards import pack as packing
from kinebench.shards.binding import bind, check_bound
from kinebench.shards.files import Progress
from kinebench.shards.manifest import Manifest
from kinebench.shards.plan import Plan, announce, check_planned, plan_path, planned
from kinebench.shards.sample import COMPANIONS
from kinebench.shards.stock import Stock
from kinebench.textures.selection import choices

ENGINES = {Runner.LOCAL: {"pybullet": "render", "bpy": "render"}, Runner.RAY: {"ray": "ray"}}
"""What a runner needs in the process that starts it, and the pip extra that brings it."""
_SHOWN = 10


@dataclass(frozen=True)
class Share:
    """The samples that one worker of several renders: every `of`-th. Growing a plan keeps the shares even."""

    worker: int = 0
    of: int = 1

    def has(self, index: int) -> bool:
        """Whether the sample of this index is in the share."""
        return index % self.of == self.worker

    def size(self, count: int) -> int:
        """How many of the samples 0..count-1 are in the share."""
        return len(range(self.worker, count, self.of))


def share(worker: int | None, of: int | None) -> Share | None:
    """The share of `--worker I --of N`; None if neither is given. Raises KineBenchError for anything else."""
    if worker is None and of is None:
        return None
    if worker is None or of is None:
        given, lacking = ("--of", "--worker") if worker is None else ("--worker", "--of")
        raise KineBenchError(f"{given} is given without {lacking}; expected --worker I --of N with I from 0 to N-1")
    if of < 1:
        raise KineBenchError(f"--of is {of}; expected at least 1")
    if not 0 <= worker < of:
        raise KineBenchError(f"--worker is {worker} of --of {of}; expected 0 to {of - 1}")
    return Share(worker, of)


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
    chosen = tuple(name for name in COMPANIONS if name in wanted)
    return Plan(recipe.dataset.name, recipe.record, recipe.sha256, seed, split, count, chosen, recipe.source)


def ready(work: Plan, out_dir: Path) -> int:
    """How many samples of a plan a folder holds, by their names. Raises KineBenchError if it is another dataset's."""
    check_bound(out_dir, work.recipe_sha256, work.seed, work.dataset)
    check_planned(out_dir, work)
    there = Stock(out_dir, work.recipe_sha256).keys
    return sum(key in there for key in work.keys)


def missing(work: Plan, out_dir: Path, part: Share, runner: Runner, progress: Progress) -> tuple[Job, ...]:
    """Claim the folder, write the plan down, and say what of a share is to be made.

    That is what is missing of the plan, and what is damaged of everything packed before. Raises KineBenchError if the
    folder holds anything that contradicts the plan, Interrupted when the user stops it.
    """
    for engine, extra in ENGINES[runner].items():
        if importlib.util.find_spec(engine) is None:  # asked without importing it into this process
            require(engine, extra)
    bind(out_dir, work.recipe_sha256, work.seed, work.dataset)
    stock = Stock(out_dir, work.recipe_sha256)
    wanted = [item for item in _wanted(work, stock) if part.has(item[2])]
    announce(out_dir, work)
    with stoppable(lambda: _stopped(work, out_dir)):
        jobs = []
        for done, (key, split, index, members) in enumerate(wanted, 1):
            if not stock.has(key, members):
                jobs.append(job(work, out_dir, key, split, index, members))
            progress("checking", done, len(wanted))
        return tuple(jobs)


def render(
    work: Plan, out_dir: Path, jobs: tuple[Job, ...], *, part: Share, runner: Runner, workers: int | None, watch: Watch
) -> Outcome:
    """Make what is missing, into the spool. Raises KineBenchError for a user's mistake, Interrupted if stopped."""
    if not jobs:
        return Outcome(frozenset(), {}, {})
    watch.begin(max(part.size(work.count), len(jobs)), len(jobs), work.recipe["video"]["frames"])
    with stoppable(lambda: _stopped(work, out_dir)):
        if runner is Runner.RAY:
            from kinebench.runners import ray

            outcome = ray.run(jobs, workers, watch)
        else:
            from kinebench.runners import local

            outcome = local.run(jobs, workers or available(), watch)
    if outcome.refused:
        raise KineBenchError(next(iter(outcome.refused.values())))
    return outcome


def finish(work: Plan, out_dir: Path, outcome: Outcome, progress: Progress) -> Manifest:
    """Pack what is finished; KineBenchError, after packing, if samples failed three times."""
    there = Stock(out_dir, work.recipe_sha256).keys
    finished = [key for key in work.keys if key in there]
    if not finished:
        raise KineBenchError(f"no sample could be made; nothing is packed in {out_dir}:\n{_failures(work, outcome)}")
    manifest = _pack(out_dir, finished, work, progress)
    if outcome.failed:
        raise KineBenchError(
            f"{len(outcome.failed)} of {work.count} samples failed {ATTEMPTS} times; the other "
            f"{len(finished)} are packed in {out_dir}. Run the same command again to retry:\n{_failures(work, outcome)}"
        )
    return manifest


def leave(work: Plan, out_dir: Path, part: Share, outcome: Outcome) -> str:
    """What one worker of several says at its end: what is ready, what to run next. KineBenchError if samples failed."""
    done = ready(work, out_dir)
    if outcome.failed:
        raise KineBenchError(
            f"worker {part.worker} of {part.of}: {len(outcome.failed)} of its {part.size(work.count)} samples failed "
            f"{ATTEMPTS} times; {done} of {work.count} clips of the plan are ready in {out_dir}. "
            f"Run the same command again to retry:\n{_failures(work, outcome)}"
        )
    after = "run" if done == work.count else "when every worker has ended, run"
    return (
        f"worker {part.worker} of {part.of} has made its {part.size(work.count)} clips; "
        f"{done} of {work.count} clips of the plan are ready; {after}: kinebench pack {out_dir}"
    )


def pack(out_dir: Path, progress: Progress) -> Manifest:
    """Pack everything planned for a folder. Needs no recipe and no engine.

    Raises KineBenchError, and packs nothing, if there is no plan or samples are missing; Interrupted when stopped.
    """
    plans = planned(out_dir)
    if not plans:
        raise KineBenchError(f"{out_dir} holds no plan: nothing was generated there; run: kinebench generate")
    any_plan = next(iter(plans.values()))
    there = Stock(out_dir, any_plan.recipe_sha256).keys
    for work in plans.values():
        lacking = [key for key in work.keys if key not in there]
        if lacking:
            more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
            raise KineBenchError(
                f"{out_dir}: {len(lacking)} of the {work.count} planned {work.split} samples are missing: "
                f"{', '.join(lacking[:_SHOWN])}{more}. Run the same kinebench generate command again, with every "
                f"--worker; or, if fewer are wanted, delete {plan_path(out_dir, work)}"
            )
    return _pack(out_dir, [key for work in plans.values() for key in work.keys], any_plan, progress)


def _pack(out_dir: Path, keys: list[str], work: Plan, progress: Progress) -> Manifest:
    with stoppable(
        lambda: f"interrupted while packing {out_dir}; nothing is lost; run the same command again to continue"
    ):
        return packing.pack(
            out_dir,
            keys,
            dataset=work.dataset,
            recipe=work.recipe,
            recipe_sha256=work.recipe_sha256,
            seed=work.seed,
            progress=progress,
        )


def _stopped(work: Plan, out_dir: Path) -> str:
    """The workers are gone: what is there now stays."""
    safe = ready(work, out_dir)
    return f"interrupted; {safe} of {work.count} clips are safe in {out_dir}; run the same command again to continue"


def _failures(work: Plan, outcome: Outcome) -> str:
    seed = told_seed(work.recipe, work.seed)
    said = "" if seed is None else f" (seed {seed})"
    return "\n".join(f"  {key}{said}: {text.strip()}" for key, text in outcome.failed.items())


def _wanted(work: Plan, stock: Stock) -> list[tuple[str, str, int, frozenset[str]]]:
    """Key, split, index and members of the plan's samples, and of all that are packed.

    Raises KineBenchError if the folder's samples of this split have other companions than the plan.
    """
    members = frozenset(work.members)
    wanted = {key: (work.split, index, members) for index, key in enumerate(work.keys)}
    for key, row in stock.rows.items():
        theirs = frozenset(row.members)
        if row.split == work.split and theirs != members:
            raise KineBenchError(
                f"{stock.out_dir}: its {work.split} samples have {' and '.join(_companions(theirs)) or 'no'} "
                "companions; all samples of a split have the same: change --with, or choose another output folder"
            )
        wanted[key] = (row.split, row.index, theirs)
    return [(key, *about) for key, about in wanted.items()]


def job(work: Plan, out_dir: Path, key: str, split: str, index: int, members: frozenset[str]) -> Job:
    """What a runner is told of one sample, whose finished file goes to the spool of `out_dir`."""
    return {
        "key": key,
        "recipe": work.recipe,
        "recipe_sha256": work.recipe_sha256,
        "source": work.source,
        "split": split,
        "index": index,
        "seed": work.seed,
        "companions": _companions(members),
        "out_dir": str(out_dir),
    }


def _companions(members: frozenset[str]) -> list[str]:
    return [name for name, suffixes in COMPANIONS.items() if set(suffixes) <= members]
