"""Many values to one, and how sure it is: means over clips and groups, distances between sets of clips."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.metrics.metric import Distance
from kinebench.metrics.resampling import Interval, Jackknife, bootstrap, jackknife, paired_bootstrap, paired_jackknife

Row = Sequence[float | None]
"""What one clip or group got, by seed."""
Features = Mapping[str, NDArray[Any]]
"""Of each clip, by key: the rows (n, d) that it brings to a set."""


@dataclass(frozen=True)
class Estimate:
    """A mean or a distance, its 95 % interval, and of how many clips or groups it is."""

    value: float | None  # None: nothing to measure in any of them
    low: float | None  # None: of so few there is no interval
    high: float | None
    n: int

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


def mean(rows: Sequence[Row]) -> float | None:
    """Mean over rows of the mean over what each has; None if none has anything."""
    values = [found for row in rows if (found := _present(row))]
    return float(np.mean([np.mean(row) for row in values])) if values else None


def estimate(rows: Sequence[Row], content: str) -> Estimate:
    """Mean over rows of the mean over what each has, with a bootstrap interval; rows without a value are left out.

    Resamples are drawn by a generator that follows from `content` alone.
    """
    values = [found for row in rows if (found := _present(row))]
    if len(values) < 2:
        return Estimate(mean(values), None, None, len(values))
    return _estimate(bootstrap(values, _generator(content)), len(values))


def difference(first: Sequence[Row], second: Sequence[Row], content: str) -> Estimate:
    """First minus second, row by row, over the rows that have a value in both."""
    pairs = [(one, two) for a, b in zip(first, second, strict=True) if (one := _present(a)) and (two := _present(b))]
    if len(pairs) < 2:
        apart = [float(np.mean(one) - np.mean(two)) for one, two in pairs]
        return Estimate(mean([apart]), None, None, len(pairs))
    ones, twos = zip(*pairs, strict=True)
    return _estimate(paired_bootstrap(ones, twos, _generator(content)), len(pairs))


def _present(row: Row) -> list[float]:
    return [value for value in row if value is not None]


def _estimate(found: Interval, n: int) -> Estimate:
    return Estimate(found.value, found.low, found.high, n)


def _generator(content: str) -> np.random.Generator:
    return np.random.default_rng(list(hashlib.sha256(content.encode()).digest()))


@dataclass(frozen=True)
class Distances:
    """Between the predictions of each seed and the truths of the same clips; and without each group of clips."""

    by_seed: Mapping[str, float]
    left_out: tuple[float, ...]  # mean over seeds; empty if the clips are too few
    n: int  # clips

    @property
    def value(self) -> float:
        """Mean over seeds."""
        return float(np.mean(list(self.by_seed.values())))

    @property
    def estimate(self) -> Estimate:
        """With the jackknife's interval."""
        if not self.left_out:
            return Estimate(self.value, None, None, self.n)
        return _estimate(self._jackknife.interval, self.n)

    @property
    def _jackknife(self) -> Jackknife:
        return Jackknife(self.value, self.left_out, self.n)

    def minus(self, other: "Distances") -> Estimate:
        """The difference, paired by the clips left out. Raises KineBenchError if they are not of as many clips."""
        if not (self.left_out and other.left_out):
            return Estimate(self.value - other.value, None, None, self.n)
        return _estimate(paired_jackknife(self._jackknife, other._jackknife).interval, self.n)


def distances(
    distance: Distance, truth: Features, predicted: Mapping[str, Features], step: Callable[[], None]
) -> Distances:
    """Distances of every seed's predictions to the truth, all of the same keys; `step` is called after each.

    Raises KineBenchError if there are too few clips for any.
    """
    keys = sorted(truth)

    def one(features: Features, places: NDArray[np.intp]) -> float:
        chosen = [keys[place] for place in places]
        found = distance(_rows(truth, chosen), _rows(features, chosen))
        step()
        return found

    def averaged(places: NDArray[np.intp]) -> float:
        return float(np.mean([one(features, places) for features in predicted.values()]))

    by_seed = {seed: one(features, np.arange(len(keys))) for seed, features in predicted.items()}
    try:
        return Distances(by_seed, jackknife(averaged, keys).left_out, len(keys))
    except KineBenchError:  # what is left has too few rows
        return Distances(by_seed, (), len(keys))


@dataclass(frozen=True)
class Floor:
    """How far ground truth is from other ground truth."""

    value: float | None  # None: too few clips
    n: int  # clips in the smaller of the two sets
    of: str  # "halves" of the same truth, or of "another seed"


def floor(distance: Distance, truth: Features, other: Features | None) -> Floor:
    """Of the truth to other truth, or without it of the first half of the clips to the second."""
    keys = sorted(truth)
    half = len(keys) // 2
    one, two = (truth, other) if other else ({key: truth[key] for key in part} for part in (keys[:half], keys[half:]))
    n, of = min(len(one), len(two)), "another seed" if other else "halves"
    try:
        return Floor(distance(_rows(one, sorted(one)), _rows(two, sorted(two))), n, of)
    except (KineBenchError, ValueError):
        return Floor(None, n, of)


def _rows(features: Features, keys: Sequence[str]) -> NDArray[Any]:
    return np.concatenate([features[key] for key in keys])
