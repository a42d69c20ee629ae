"""How long it will still take: by what tasks that were done here really took, else by what a scale foresees."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kinebench.ablations.machine import machine
from kinebench.ablations.schedule import wall_s
from kinebench.ablations.stamp import Stamp
from kinebench.ablations.task import Task

_MOST_UNTOLD = 0.95
_ENOUGH = 0.1
"""Of a task must be done before its own speed is trusted more than that of others."""
_FOUND = 0.1
"""Latents that took less than this share of what was foreseen were there, and only looked through."""

Like = tuple[str, str]
"""What tasks have in common that take the same a unit."""


@dataclass(frozen=True)
class Doing:
    """A task that runs."""

    task: Task
    here: bool  # or another process has it
    seconds: float  # since it began here
    units: int | None  # done; None: that cannot be told
    units_before: int  # that were done when it began here

    @property
    def share(self) -> float | None:
        """Of it that is done; None if that cannot be told."""
        return None if self.units is None else min(1.0, self.units / self.task.units)


@dataclass(frozen=True)
class Lanes:
    """What tasks run on."""

    slots: int  # tasks at a time
    cores: int  # that a task has that takes all of them
    apart: bool  # whether these are beside the slots, which are GPUs


@dataclass(frozen=True)
class Outlook:
    """All tasks together, in seconds of one core or one GPU."""

    done_s: float
    whole_s: float
    left_s: float  # of wall time


def like(task: Task) -> Like:
    """Of a task; a step is a step in either stage."""
    return "stage" if task.kind in ("stage1", "stage2") else task.kind, task.like


def spent_s(task: Task, stamp: Stamp) -> float:
    """What a task took of one core or GPU."""
    return stamp.cpu_s if task.whole else stamp.seconds


def unit_s(tasks: Collection[Task], stamps: Mapping[str, Stamp]) -> dict[Like, float]:
    """Seconds a unit, of one core or GPU, of what was done on a machine like this one."""
    rows: dict[Like, list[tuple[float, int]]] = {}
    for task in tasks:
        stamp = stamps.get(task.id)
        if stamp and _tells(task, stamp):
            rows.setdefault(like(task), []).append((spent_s(task, stamp), task.units))
    return {each: sum(took for took, _ in row) / sum(units for _, units in row) for each, row in rows.items()}


def _tells(task: Task, stamp: Stamp) -> bool:
    """Whether a stamp says what a task takes. Not if it went on from something, which nobody timed."""
    if not stamp.done or stamp.attempts != 1 or stamp.units_before or dict(stamp.machine) != machine():
        return False
    return task.kind != "latents" or spent_s(task, stamp) >= _FOUND * task.seconds


def foreseen_s(tasks: Collection[Task], stamps: Mapping[str, Stamp]) -> dict[str, float]:
    """What each task takes of one core or GPU, from its begin to its end."""
    rates = unit_s(tasks, stamps)
    return {task.id: task.units * rates[like(task)] if like(task) in rates else task.seconds for task in tasks}


def left_s(
    tasks: Sequence[Task],
    seconds: Mapping[str, float],
    lanes: Lanes,
    begun: Collection[str] = (),
    *,
    elsewhere: int = 0,
) -> float:
    """Wall time of `tasks`, whose `seconds` are of one core or GPU; some of them are `begun`, `elsewhere` so many."""
    return wall_s(tasks, on_lanes(tasks, seconds, lanes), lanes.slots + elsewhere, lanes.apart, begun)


def on_lanes(tasks: Sequence[Task], seconds: Mapping[str, float], lanes: Lanes) -> dict[str, float]:
    """Wall time of each task alone."""
    return {task.id: seconds[task.id] / (lanes.cores if task.whole else 1) for task in tasks}


def outlook(
    tasks: Sequence[Task],
    stamps: Mapping[str, Stamp],
    done: Collection[str],
    hopeless: Collection[str],
    doing: Collection[Doing],
    units: Mapping[str, int],
    lanes: Lanes,
) -> Outlook:
    """How far all is that can still be done; `units` are those that are done of tasks that do not run."""
    running = {each.task.id: each for each in doing}
    possible = [task for task in tasks if task.id not in hopeless]
    thought = foreseen_s(tasks, stamps)
    whole, left = {}, {}
    for task in possible:
        cores = lanes.cores if task.whole else 1
        if task.id in done:
            whole[task.id], left[task.id] = thought[task.id], 0.0
        elif task.id in running:
            whole[task.id] = _likely_s(running[task.id], thought[task.id], cores)
            left[task.id] = whole[task.id] * (1 - _share(running[task.id], whole[task.id], cores))
        else:
            whole[task.id] = thought[task.id]
            left[task.id] = thought[task.id] * (1 - share(task, units.get(task.id)))
    open_ = [task for task in possible if task.id not in done]
    elsewhere = sum(not each.here for each in running.values())
    return Outlook(
        done_s=sum(whole.values()) - sum(left.values()),
        whole_s=sum(whole.values()),
        left_s=left_s(open_, left, lanes, running, elsewhere=elsewhere),
    )


def share(task: Task, units: int | None) -> float:
    """Of a task that is done, which does not run; what cannot be told counts as nothing."""
    return min(1.0, (units or 0) / task.units)


def _likely_s(doing: Doing, thought_s: float, cores: int) -> float:
    """What a task that runs will have taken of one core or GPU, as it goes now."""
    if doing.share is None:
        return max(thought_s, doing.seconds * cores / _MOST_UNTOLD)
    new = doing.share - doing.units_before / doing.task.units
    return doing.seconds * cores / new if new >= _ENOUGH else thought_s


def _share(doing: Doing, likely_s: float, cores: int) -> float:
    """Of a task that is done, told from its files or by the time that has passed."""
    if doing.share is not None:
        return doing.share
    return doing.seconds * cores / likely_s if likely_s else _MOST_UNTOLD
