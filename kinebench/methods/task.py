"""One video to be made, and what became of it."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from kinebench.methods.condition import Condition
from kinebench.methods.video import Video

Kind = Literal["oom", "infra", "model", "invalid"]
"""Why there is no video: out of memory; the machine's fault; the method's; or it cannot do what the condition asks."""

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Task:
    """A clip and a seed."""

    key: str
    seed: int


@dataclass(frozen=True, eq=False)
class Made:
    """There is a video."""

    task: Task
    video: Video
    seconds: float  # that it took


@dataclass(frozen=True)
class Failed:
    """There is none."""

    task: Task
    kind: Kind
    message: str


Conditions = Callable[[str], Condition]
"""Key -> condition, at the size that the method wants and with no more driven objects than it can take."""

Maker = Callable[[Sequence[Task], Conditions], Generator[Made | Failed]]
"""Makes the videos of all tasks, each once, in any order; ends what it has started when it is closed.

Raises KineBenchError if it cannot go on at all.
"""
