"""Runs the tasks of a plan that are not done: side by side, each as a process, in an order that keeps nobody waiting.

What is done is known by stamps. Killed anywhere, the same call goes on: every command of KineBench does. Several
processes, on one machine or on many that share the folder, work on one plan and share it out.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kinebench.ablations import slots
from kinebench.ablations import stamp as stamps
from kinebench.ablations.child import Child, End, end_all, started
from kinebench.ablations.claim import claimed
from kinebench.ablations.foresight import Doing, Lanes, Outlook, foreseen_s, outlook
from kinebench.ablations.machine import machine, versions
from kinebench.ablations.plan import Plan
from kinebench.ablations.schedule import chains_s
from kinebench.ablations.script import lay_out
from kinebench.ablations.stamp import Stamp
from kinebench.ablations.task import Task
from kinebench.ablations.units import units_done
from kinebench.errors import KineBenchError
from kinebench.interrupt import postponed, stoppable
from kinebench.runners.cores import available

LOGS = "logs"
_TICK_S, _LOOK_S, _NOTE_S = 0.1, 2.0, 60.0
_INCOMPLETE = 3
_PLACES = ("KINEBENCH_CACHE", "HF_HOME", "HF_HUB_CACHE")
"""Variables that may name a folder from here: tasks run elsewhere."""


@dataclass(frozen=True)
class Failure:
    """A task that did not come to its end."""

    task: Task
    why: str
    log: Path


@dataclass(frozen=True)
class Moment:
    """What is told while a plan is executed: every few seconds, and whenever a task begins or ends."""

    done: frozenset[str]  # ids of tasks
    tasks: int  # in all
    doing: tuple[Doing, ...]
    outlook: Outlook
    begun: tuple[Doing, ...] = ()  # since the last moment
    ended: tuple[tuple[Task, float], ...] = ()  # since the last moment, in seconds
    failed: tuple[Failure, ...] = ()  # since the last moment


@dataclass(frozen=True)
class Outcome:
    """What became of a plan."""

    done: frozenset[str]  # ids of tasks
    failed: tuple[Failure, ...]
    left: tuple[Task, ...]  # not begun, since they need what failed


Note = Callable[[Moment], None]
Place = int | None
"""A slot; None: all cores, which are all slots, or, where slots are GPUs, none."""


@dataclass
class _Running:
    task: Task
    place: Place
    child: Child
    lock: int
    since_s: float
    units_before: int
    units: int | None
    begun: Stamp  # as it was noted then
    noted_s: float


@dataclass
class _Run:
    """The state of one execution."""

    plan: Plan
    out: Path  # absolute
    shown: Path  # the same, as the user named it
    jobs: int
    program: tuple[str, ...]
    stamps: dict[str, Stamp] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)  # done of tasks that are not, when that was last looked at
    done: set[str] = field(default_factory=set)
    running: list[_Running] = field(default_factory=list)
    elsewhere: dict[str, float] = field(default_factory=dict)  # held by another process; when that was seen
    failed: dict[str, Failure] = field(default_factory=dict)
    begun: list[Doing] = field(default_factory=list)
    ended: list[tuple[Task, float]] = field(default_factory=list)
    told: int = 0  # failures
    looked_s: float = 0.0

    @property
    def lanes(self) -> Lanes:
        """What tasks run on here."""
        gpu = self.plan.scale.processor == "gpu"
        return Lanes(self.jobs, available() if gpu else self.jobs, gpu)

    @property
    def hopeless(self) -> set[str]:
        """What failed, and what needs it."""
        found = set(self.failed)
        for task in self.plan.tasks:
            if found.intersection(task.needs):
                found.add(task.id)
        return found

    @property
    def open(self) -> list[Task]:
        """What can still be done, or is being done."""
        hopeless = self.hopeless
        return [task for task in self.plan.tasks if task.id not in self.done and task.id not in hopeless]


def execute(
    plan: Plan,
    out: Path,
    jobs: int,
    note: Note,
    program: Sequence[str] = (sys.executable, "-m", "kinebench.cli.main"),
) -> Outcome:
    """Do what is not done of a plan in the folder `out`, `jobs` tasks at a time; a task is `program` and its command.

    A task that fails does not end the others, but those that need it are not begun. Raises KineBenchError if there are
    not so many GPUs, and if `out` cannot be written; Interrupted when stopped, after all processes have ended.
    """
    slots.demand(plan.scale.processor, jobs)
    run = _Run(plan, out.absolute(), out, jobs, tuple(program))
    _see_done(run)
    with stoppable(lambda: _stopped(run)):
        try:
            while run.open:
                _start(run)
                if _news(run) or time.monotonic() > run.looked_s + _LOOK_S:
                    note(_moment(run))
                time.sleep(_TICK_S)
                with postponed():  # what is buried is noted
                    _bury(run)
                _look_elsewhere(run)
        finally:
            _end(run)
        note(_moment(run))
    left = tuple(task for task in plan.tasks if task.id not in run.done and task.id not in run.failed)
    return Outcome(frozenset(run.done), tuple(run.failed.values()), left)


def demand_done(outcome: Outcome, out: Path) -> None:
    """Raises KineBenchError if not all is done: what failed and why, where it says more, and how to go on."""
    if not outcome.failed:
        return
    lines = [f"{len(outcome.failed)} of the tasks failed:"]
    for each in outcome.failed:
        said = each.why.replace("\n", "\n    ")
        lines.append(f"  {each.task.title} ({each.task.kind}): {said}\n    all that it said: {each.log}")
    if outcome.left:
        lines.append(f"{len(outcome.left)} more need them and were not begun; everything else is done")
    lines.append(f"what is done is kept in {out}: mend it and run the same command again to go on")
    raise KineBenchError("\n".join(lines))


def _see_done(run: _Run) -> None:
    for task in run.plan.tasks:
        if stamp := stamps.found(run.out, task):
            run.stamps[task.id] = stamp
            run.done.add(task.id)
        else:
            run.units[task.id] = units_done(run.out, task) or 0


def _stopped(run: _Run) -> str:
    return (
        f"interrupted; {len(run.done)} of {len(run.plan.tasks)} tasks are done in {run.shown}, and what others had "
        "made is kept; run the same command again to go on"
    )


def _start(run: _Run) -> None:
    """Begin whatever can be begun, what most others wait for first."""
    apart = run.lanes.apart
    for task in _ready(run):
        rivals = [each.place for each in run.running if not apart or (each.place is None) == task.whole]
        free = [place for place in range(run.jobs) if place not in rivals]
        if not free or None in rivals or (task.whole and rivals):
            if not apart:
                return
            continue
        _begin(run, task, None if task.whole else free[0])


def _ready(run: _Run) -> list[Task]:
    """What waits for nothing. What takes all slots comes first, so that none waits empty for the others."""
    to_come = run.open
    names = {task.id for task in to_come}
    busy = {each.task.id for each in run.running} | run.elsewhere.keys()
    behind = chains_s(run.plan.tasks, foreseen_s(run.plan.tasks, run.stamps))
    ready = [task for task in to_come if task.id not in busy and names.isdisjoint(task.before)]
    return sorted(ready, key=lambda task: (not task.whole, -behind[task.id]))


def _begin(run: _Run, task: Task, place: Place) -> None:
    """Start a task, unless another process has it or has done it."""
    lock = claimed(run.out, task.id)
    if lock is None:
        run.elsewhere[task.id] = time.monotonic()
        run.begun.append(Doing(task, False, 0.0, None, 0))
        return
    try:
        if not _done_by_others(run, task):
            _run_task(run, task, place, lock)
    finally:
        if all(each.lock != lock for each in run.running):
            os.close(lock)


def _run_task(run: _Run, task: Task, place: Place, lock: int) -> None:
    lay_out([task], run.out)
    units, log = units_done(run.out, task), run.out / LOGS / f"{task.id}.log"
    with postponed():  # what has begun is noted
        mark = _begun(run, task, units or 0)
        child = started(run.program, _command(run, task), run.out, _environment(run, place), lock, log)
        now_s = time.monotonic()
        begun = _Running(task, place, child, lock, now_s, units or 0, units, mark, now_s)
        run.running.append(begun)
        run.begun.append(_doing(begun))


def _begun(run: _Run, task: Task, units: int) -> Stamp:
    """Note that a task is begun: if all is killed now, the next attempt knows that it is not the first."""
    before = stamps.read(run.out, task.id)
    mark = before or Stamp(task.id, False, 0.0, 0.0, 0.0, 0, {}, {}, units)
    mark = replace(mark, done=False, attempts=mark.attempts + 1, versions=versions(), machine=machine())
    stamps.write(run.out, mark)
    return mark


def _done_by_others(run: _Run, task: Task) -> bool:
    stamp = stamps.found(run.out, task)
    if stamp is None:
        return False
    run.stamps[task.id] = stamp
    run.done.add(task.id)
    run.ended.append((task, stamp.seconds))
    return True


def _look_elsewhere(run: _Run) -> None:
    """See what has become of what other processes have; what they have let go of is ours to begin."""
    for name, seen_s in tuple(run.elsewhere.items()):
        if time.monotonic() < seen_s + _LOOK_S:
            continue
        if _done_by_others(run, run.plan.task(name)):
            del run.elsewhere[name]
        elif (lock := claimed(run.out, name)) is None:
            run.elsewhere[name] = time.monotonic()
        else:
            os.close(lock)
            del run.elsewhere[name]


def _command(run: _Run, task: Task) -> tuple[str, ...]:
    shared = task.command[0] == "generate" and run.plan.scale.processor == "core"
    return (*task.command, *(("--workers", str(run.jobs)) if shared else ()))


def _environment(run: _Run, place: Place) -> dict[str, str]:
    places = {name: str(Path(given).absolute()) for name in _PLACES if (given := os.environ.get(name))}
    return places if place is None else places | slots.environment(run.plan.scale.processor, place)


def _bury(run: _Run) -> None:
    """Note how those went that have ended."""
    for each in tuple(run.running):
        if end := each.child.end():
            _settle(run, each, end)


def _settle(run: _Run, each: _Running, end: End) -> None:
    task, seconds = each.task, time.monotonic() - each.since_s
    run.running.remove(each)
    done = end.code == 0 and (run.out / task.made).exists()
    try:
        _stamp(run, each, seconds, end, done)
    finally:
        os.close(each.lock)
    if done:
        run.done.add(task.id)
        run.ended.append((task, seconds))
    else:
        run.failed[task.id] = Failure(task, _why(each, end), run.shown / LOGS / each.child.log.name)


def _stamp(run: _Run, each: _Running, seconds: float, end: End, done: bool) -> None:
    before = each.begun
    now = replace(
        before,
        done=done,
        seconds=round(before.seconds + seconds, 3),
        cpu_s=round(before.cpu_s + end.cpu_s, 3),
        memory_gb=max(before.memory_gb, round(end.memory_gb, 4)),
    )
    stamps.write(run.out, now)
    run.stamps[each.task.id] = now


def _note_time(run: _Run, each: _Running) -> None:
    """Note from time to time how long a task has run, since we may be killed."""
    now_s = time.monotonic()
    if now_s > each.noted_s + _NOTE_S:
        each.noted_s = now_s
        with contextlib.suppress(KineBenchError):  # the disk may be full for a while: at the end it is told
            stamps.write(run.out, replace(each.begun, seconds=round(each.begun.seconds + now_s - each.since_s, 3)))


def _why(each: _Running, end: End) -> str:
    """What there is to say of a task that failed."""
    said = each.child.said()
    if end.code < 0:
        return f"it was killed by signal {-end.code}" + (", perhaps for want of memory" if end.code == -9 else "")
    if end.code == 0:
        return f"it ended well, and there is no {each.task.made}"
    how = f"exit {end.code}, not all of it could be made" if end.code == _INCOMPLETE else f"exit {end.code}"
    return f"{said} ({how})" if said else f"it said nothing ({how})"


def _end(run: _Run) -> None:
    """End what still runs, and note how far it came."""
    running = tuple(run.running)
    for each, end in zip(running, end_all([each.child for each in running]), strict=True):
        _settle(run, each, end)


def _news(run: _Run) -> bool:
    return bool(run.begun or run.ended or len(run.failed) > run.told)


def _moment(run: _Run) -> Moment:
    """How far all is; what is new is told once."""
    for each in run.running:
        each.units = units_done(run.out, each.task)
        each.units_before = min(each.units_before, each.units or 0)  # a training goes back to its checkpoint
        run.units[each.task.id] = each.units or 0
        _note_time(run, each)
    doing = (*map(_doing, run.running), *_others(run))
    moment = Moment(
        done=frozenset(run.done),
        tasks=len(run.plan.tasks),
        doing=doing,
        outlook=outlook(run.plan.tasks, run.stamps, run.done, run.hopeless, doing, run.units, run.lanes),
        begun=tuple(run.begun),
        ended=tuple(run.ended),
        failed=tuple(run.failed.values())[run.told :],
    )
    run.begun, run.ended, run.told, run.looked_s = [], [], len(run.failed), time.monotonic()
    return moment


def _doing(each: _Running) -> Doing:
    return Doing(each.task, True, time.monotonic() - each.since_s, each.units, each.units_before)


def _others(run: _Run) -> Iterator[Doing]:
    """What other processes do."""
    for name in run.elsewhere:
        task = run.plan.task(name)
        units = units_done(run.out, task)
        yield Doing(task, False, 0.0, units, units or 0)
