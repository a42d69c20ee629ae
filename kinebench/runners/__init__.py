"""Ways to spread samples over processes. Every runner calls `kinebench.runners.job.attempt` in its workers."""

from enum import StrEnum


class Runner(StrEnum):
    """Whose processes they are."""

    LOCAL = "local"  # of this machine
    RAY = "ray"  # of a Ray cluster
