"""Distances between all predictions and all truths of a split, kept like readings: the jackknife takes its time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinebench.metrics.metric import Meter, Reading
from kinebench.metrics.resampling import GROUPS
from kinebench.scoring.store import shelf
from kinebench.scoring.summary import Distances, Floor, distances, floor
from kinebench.shards.files import Progress

FEATURES = "features"
_SHELF = "sets"


@dataclass(frozen=True)
class Sets:
    """The readings of one meter that are compared as wholes."""

    meter: Meter
    truth: Mapping[str, Reading]  # by key
    predicted: Mapping[str, Mapping[str, Reading]]  # by seed, then key
    other: Mapping[str, Reading] | None  # another seed's truth, for the floor
    content: Sequence[Any]  # JSON that changes whenever one of these does


def compare_sets(sets: Sets, metric: str, note: Progress) -> tuple[Distances, Floor]:
    """One `set` metric. Raises KineBenchError if the clips are too few."""
    kept = shelf(sets.meter)
    name = hashlib.sha256(json.dumps([metric, *sets.content]).encode()).hexdigest()
    found = kept.get(_SHELF, name)
    if found is None:
        found = _packed(*_compared(sets, metric, note))
        kept.put(_SHELF, name, found)
    return _unpacked(found, len(sets.truth), sets)


def _compared(sets: Sets, metric: str, note: Progress) -> tuple[Distances, Floor]:
    distance = sets.meter.distances[metric]
    whole = len(sets.predicted) * (2 + min(GROUPS, len(sets.truth))) + 1
    done = [0]

    def step() -> None:
        done[0] += 1
        note(f"{metric}, distances", done[0], whole)

    note(f"{metric}, distances", 0, whole)
    truth = _features(sets.truth)
    found = distances(distance, truth, {seed: _features(one) for seed, one in sets.predicted.items()}, step)
    bottom = floor(distance, truth, _features(sets.other) if sets.other else None)
    note(f"{metric}, distances", whole, whole)
    return found, bottom


def _features(readings: Mapping[str, Reading]) -> dict[str, Any]:
    return {key: reading.arrays[FEATURES] for key, reading in readings.items()}


def _packed(found: Distances, bottom: Floor) -> Reading:
    values = {f"seed {seed}": value for seed, value in found.by_seed.items()}
    return Reading({**values, "floor": bottom.value}, {"left_out": np.array(found.left_out, np.float64)})


def _unpacked(reading: Reading, n: int, sets: Sets) -> tuple[Distances, Floor]:
    by_seed = {seed: float(reading.values[f"seed {seed}"] or 0.0) for seed in sets.predicted}
    left_out = tuple(float(value) for value in reading.arrays["left_out"])
    smaller = min(n, len(sets.other)) if sets.other else n // 2
    bottom = Floor(reading.values["floor"], smaller, "another seed" if sets.other else "halves")
    return Distances(by_seed, left_out, n), bottom
