"""Which processor cores a worker may use. Measured: a Cycles thread that may wander costs twice the CPU time."""

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def cores(place: int, workers: int) -> set[int]:
    """The cores of worker `place` of so many on this machine."""
    mine = sorted(os.sched_getaffinity(0))
    return set(mine[place % len(mine) :: workers])


def available(cgroup: Path = _CGROUP) -> int:
    """How many cores' worth of time this process gets: a container may see 64 cores and be allowed 4."""
    seen = len(os.sched_getaffinity(0))
    for quota, period in (_version_2(cgroup), _version_1(cgroup)):
        if quota > 0:
            return max(1, min(seen, quota // period))
    return seen


def _version_2(cgroup: Path) -> tuple[int, int]:
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return int(quota), int(period)
    except (OSError, ValueError):  # not this version, or "max"
        return 0, 1


def _version_1(cgroup: Path) -> tuple[int, int]:
    try:
        quota, period = (int((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return quota, period
    except (OSError, ValueError):
        return 0, 1
