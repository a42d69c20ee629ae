"""The contract of a method that runs in this process.

A method's folder holds `adapter.py` with one function, `load`, inside which everything heavy is imported:

    def load(setup: Setup) -> Adapter: ...
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kinebench.data import Dataset
from kinebench.methods.condition import Condition
from kinebench.methods.method import Value
from kinebench.methods.video import Video


@dataclass(frozen=True)
class Setup:
    """What a method is loaded with."""

    device: str  # "cpu" or "cuda"
    tiny: bool  # a model of the same classes, small and with random weights: `kinebench methods check`
    options: Mapping[str, Value]  # every option of method.toml, with its default or what the user has set
    weights: Callable[[str], Path]  # a name in [weights] -> where they lie; raises Unavailable if they are not there
    dataset: Dataset | None = None  # the ground truth, for a method that says it is privileged; else None


class Adapter(Protocol):
    """A loaded method."""

    def generate(self, condition: Condition, seed: int) -> Video:
        """The video of a condition; the same condition and seed give the same.

        Raises KineBenchError for a condition that it cannot take.
        """
        ...


Load = Callable[[Setup], Adapter]
