"""What a piece of work took."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Spent:
    """What one piece of work took."""

    wall_s: float
    cpu_s: float  # of this process and its children


def spent(work: Callable[[], T]) -> tuple[T, Spent]:
    """What the work returns, and what it took."""
    wall_s, cpu_s = time.perf_counter(), _cpu_s()
    result = work()
    return result, Spent(time.perf_counter() - wall_s, _cpu_s() - cpu_s)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
