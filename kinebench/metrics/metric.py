"""What a metric is, what is read of one clip, and what does the reading."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.truth import Truth

Distance = Callable[[NDArray[Any], NDArray[Any]], float]
"""Of two sets of features (N, d): the ground truth's and the predictions'."""


@dataclass(frozen=True)
class Metric:
    """One number that a table shows, and how to read it.

    `clip` metrics have a value for every clip and are averaged over clips; `set` metrics compare all clips with all;
    `group` metrics have a value for every counterfactual group and are averaged over groups.
    """

    name: str
    version: int  # raised whenever the same videos would get another number
    what: str  # one line for people
    unit: str  # "" if it has none
    better: Literal["lower", "higher"]
    best: float
    scope: Literal["clip", "set", "group"] = "clip"
    headline: bool = False  # shown without being asked for


@dataclass(frozen=True)
class Reading:
    """What a meter found in the frames of one clip."""

    values: Mapping[str, float | None] = field(default_factory=dict)  # by `clip` metric; None: nothing to measure here
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)  # what `set` and `group` metrics are made from


@dataclass(frozen=True)
class Reply:
    """One clip of a counterfactual group: the value of its factor, and the readings of the truth and the prediction."""

    factor: str
    value: float
    truth: Reading
    predicted: Reading


class Meter(Protocol):
    """Metrics that share their work on a clip. Made cheaply; loads what it needs at the first reading.

    Meters are subclasses, and leave out what they have no metrics for.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    light: ClassVar[bool]
    """Read in many worker processes at once; otherwise in one, with all cores or a GPU."""

    @property
    def configuration(self) -> dict[str, Any]:
        """Everything but the frames that a reading depends on, as JSON: versions, options, hashes of weights.

        Raises `kinebench.errors.Unavailable` if something is missing, naming it and how to get it.
        """

    def read(self, truth: Truth, frames: NDArray[np.uint8]) -> Reading:
        """What is found in frames of the truth's own shape (F, H, W, 3). Given the truth's frames: its ceiling."""

    def worst(self, truth: Truth) -> Mapping[str, float | None]:
        """What each `clip` metric says of a prediction that is missing or unusable; None where it would say None."""
        return {}

    @property
    def distances(self) -> Mapping[str, Distance]:
        """The `set` metrics, of the rows of `arrays["features"]` of all clips."""
        return {}

    def respond(self, group: Sequence[Reply]) -> Mapping[str, float | None]:
        """The `group` metrics of one counterfactual group."""
        return {}


def mean(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return float(np.mean(values)) if values else None
