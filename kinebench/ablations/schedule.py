"""How long tasks take side by side, each after what it waits for."""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from kinebench.ablations.task import Task

Room = Literal["slots", "cores"]


def chains_s(tasks: Iterable[Task], seconds: Mapping[str, float]) -> dict[str, float]:
    """Of each task, how long it and the longest row of tasks behind it take.

    `tasks` has each after what it waits for; `seconds` is by id what a task takes on its slot.
    """
    behind: dict[str, float] = {}
    for task in reversed(tuple(tasks)):
        behind[task.id] = behind.get(task.id, 0.0) + seconds[task.id]
        for need in task.before:
            behind[need] = max(behind.get(need, 0.0), behind[task.id])
    return behind


def path_s(tasks: Sequence[Task], seconds: Mapping[str, float]) -> float:
    """The longest row of tasks that wait for each other: it takes that long with any number of slots."""
    return max(chains_s(tasks, seconds).values(), default=0.0)


def wall_s(
    tasks: Sequence[Task],
    seconds: Mapping[str, float],
    slots: int,
    apart: bool = False,
    begun: Collection[str] = (),
) -> float:
    """From the first task's start to the last one's end, with so many slots, in the order that the executor has.

    What is `begun` goes on; then what is `whole` comes first and has all slots, or, if cores and slots are `apart`,
    none; then what most hangs on. No slot idles while there is something for it, so this is never more than all tasks
    one after the other.
    """
    behind = chains_s(tasks, seconds)
    order = sorted(tasks, key=lambda task: (task.id not in begun, not task.whole, -behind[task.id]))
    ids = {task.id for task in tasks}
    waiting = {task.id: ids.intersection(task.before) for task in tasks}
    running: list[tuple[float, str, Room, int]] = []  # end, id, what it takes
    now_s, free = 0.0, {"slots": slots, "cores": 1}
    while order or running:
        full: set[Room] = set()
        for task in [each for each in order if not waiting[each.id]]:
            room, taken = _taken(task, slots, apart)
            if room in full or taken > free[room]:
                full.add(room)
                continue
            free[room] -= taken
            heapq.heappush(running, (now_s + seconds[task.id], task.id, room, taken))
            order.remove(task)
        now_s, done, room, taken = heapq.heappop(running)
        free[room] += taken
        for needs in waiting.values():
            needs.discard(done)
    return now_s


def _taken(task: Task, slots: int, apart: bool) -> tuple[Room, int]:
    if not task.whole:
        return "slots", 1
    return ("cores", 1) if apart else ("slots", slots)
