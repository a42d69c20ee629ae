"""What tables will cost, and what is done of them already: hours, disk, memory, weights.

A scale says what a unit of work takes: a clip, a step, a video. Where tasks of that kind were done on this machine,
with the same backbone or of the same dataset, what they took stands in its place. Of what was begun, the rest counts.
"""

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from kinebench.ablations import stamp as stamps
from kinebench.ablations.foresight import Lanes, Like, foreseen_s, left_s, like, on_lanes, share, unit_s
from kinebench.ablations.needs import Need, needs
from kinebench.ablations.plan import Plan
from kinebench.ablations.schedule import path_s
from kinebench.ablations.task import Kind, Task
from kinebench.ablations.units import units_done
from kinebench.errors import KineBenchError, Unavailable
from kinebench.runners.cores import available

TIGHT = 0.9
"""Above this share of the free disk, what is to come hardly fits."""


@dataclass(frozen=True)
class Work:
    """All tasks of one kind."""

    kind: Kind
    tasks: int
    done: int
    units: int  # clips, steps or videos, of what is not done
    processor: Literal["core", "gpu"]
    seconds: float  # of one core or GPU, of what is not done
    measured_s: float  # of these, what was reckoned from tasks that were done here
    megabytes: float  # on the disk, of what is not done
    memory_gb: float  # the most that one task takes, done or not; 0: not told


@dataclass(frozen=True)
class Cost:
    """Of a plan, in a folder on this machine."""

    tables: tuple[str, ...]
    scale: str
    machine: str  # what the scale's own figures are of
    works: tuple[Work, ...]  # in the order in which they are done; no kind that there is nothing of
    needs: tuple[Need, ...]  # of what is not done
    jobs: int  # tasks at a time
    cores: int  # that rendering has
    wall_s: float  # with so many jobs
    path_s: float  # with any number of them
    megabytes: float  # on the disk, to come
    packing_mb: float  # while the largest dataset is packed, besides
    free_mb: float  # where the folder is, or will be

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return all(work.done == work.tasks for work in self.works)

    @property
    def tight(self) -> bool:
        """Whether the disk is hardly large enough, or too small."""
        return self.megabytes + self.packing_mb > TIGHT * self.free_mb


def cost(plan: Plan, out: Path, jobs: int = 1, cores: int | None = None) -> Cost:
    """What is to come of a plan in the folder `out`, which need not be there yet, with `jobs` tasks at a time.

    `cores` render: by default as many as there are jobs, or with GPUs all of this machine. Writes nothing. Raises
    KineBenchError for a damaged stamp.
    """
    gpu = plan.scale.processor == "gpu"
    lanes = Lanes(jobs, cores or (available() if gpu else jobs), gpu)
    known = {task.id: stamp for task in plan.tasks if (stamp := stamps.found(out, task))}
    left = [task for task in plan.tasks if task.id not in known]
    parts = {task.id: 1 - share(task, units_done(out, task)) for task in left}
    whole_s, measured = foreseen_s(plan.tasks, known), unit_s(plan.tasks, known)
    seconds = {task.id: whole_s[task.id] * parts[task.id] for task in left}
    works = [_work(kind, plan, left, parts, seconds, measured) for kind in get_args(Kind)]
    undone = {task.kind for task in left}
    return Cost(
        tables=tuple(table.name for table in plan.tables),
        scale=plan.scale.name,
        machine=plan.scale.machine,
        works=tuple(work for work in works if work.tasks),
        needs=tuple(need for need in needs(plan) if undone & set(need.kinds)),
        jobs=jobs,
        cores=lanes.cores,
        wall_s=left_s(left, seconds, lanes),
        path_s=path_s(left, on_lanes(left, seconds, lanes)),
        megabytes=sum(task.megabytes * parts[task.id] for task in left),
        packing_mb=max((task.megabytes for task in left if task.kind == "data"), default=0.0),
        free_mb=_free_mb(out),
    )


def demand(price: Cost, out: Path) -> None:
    """Raises KineBenchError if weights are missing, or if what is to come does not fit on the disk."""
    lacking = list(dict.fromkeys(f"{need.purpose}: {need.lacking}" for need in price.needs if need.lacking))
    if lacking:
        raise Unavailable("\n".join(lacking))
    if (wanted := price.megabytes + price.packing_mb) > price.free_mb:
        raise KineBenchError(
            f"{out}: {gigabytes(wanted)} are needed, and {gigabytes(price.free_mb)} are free; "
            "make room, or name another disk with --out"
        )


def gigabytes(megabytes: float) -> str:
    """A size for people."""
    for unit, size in (("TB", 1e6), ("GB", 1e3)):
        if megabytes >= size:
            return f"{megabytes / size:,.{0 if megabytes >= 100 * size else 1}f} {unit}"
    return f"{megabytes:.0f} MB"


def _work(
    kind: Kind,
    plan: Plan,
    left: Sequence[Task],
    parts: Mapping[str, float],
    seconds: Mapping[str, float],
    measured: Collection[Like],
) -> Work:
    tasks = [task for task in plan.tasks if task.kind == kind]
    mine = [task for task in left if task.kind == kind]
    return Work(
        kind=kind,
        tasks=len(tasks),
        done=len(tasks) - len(mine),
        units=sum(round(task.units * parts[task.id]) for task in mine),
        processor="core" if kind == "data" else plan.scale.processor,
        seconds=sum(seconds[task.id] for task in mine),
        measured_s=sum(seconds[task.id] for task in mine if like(task) in measured),
        megabytes=sum(task.megabytes * parts[task.id] for task in mine),
        memory_gb=max((task.memory_gb for task in tasks), default=0.0),
    )


def _free_mb(out: Path) -> float:
    place = out.absolute()
    there = next(each for each in (place, *place.parents) if each.is_dir())
    return shutil.disk_usage(there).free / 1e6
