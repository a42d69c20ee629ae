"""One piece of work of an ablation: a command of KineBench, what it needs, and what it makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["data", "backbone", "latents", "stage1", "stage2", "videos", "scores"]


@dataclass(frozen=True)
class Task:
    """What has the same id is the same work: the id holds a hash of all that decides what comes out.

    Paths are relative to the folder of the ablation, in which the command runs.
    """

    id: str  # kind-name-hash
    kind: Kind
    title: str  # for people
    command: tuple[str, ...]  # arguments of `kinebench`
    made: str  # the folder or file that it makes
    needs: tuple[str, ...]  # ids of tasks, without which it cannot be
    units: int  # clips, steps or videos
    seconds: float  # foreseen, of one core or GPU, for all of its units
    megabytes: float  # foreseen, on disk
    memory_gb: float = 0.0  # foreseen
    after: tuple[str, ...] = ()  # ids of tasks: where they are to be done, they come first, and leave it less to do
    whole: bool = False  # it takes all cores of the machine: it shares out its own work
    like: str = ""  # tasks of a kind that have this in common cost the same a unit
    files: Mapping[str, str] = field(default_factory=dict)  # written before it runs: path to content

    @property
    def before(self) -> tuple[str, ...]:
        """Ids of all tasks that it waits for, as far as they are to be done."""
        return self.needs + self.after
