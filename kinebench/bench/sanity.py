"""The anchors under every metric that needs no weights: does the order make sense?

Nothing is written: each anchor's frames are made from the ground truth and read at once.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.data import Example
from kinebench.errors import KineBenchError
from kinebench.metrics.catalogue import METERS, NETWORKS, Setup, meter
from kinebench.metrics.metric import Meter, Metric, Reading, Reply, mean
from kinebench.scoring import anchors
from kinebench.scoring.groups import Group, whole_groups
from kinebench.scoring.truths import CheckedShards, frames_of, open_truths, truth_of
from kinebench.shards.files import Progress

TRUTH, RERENDER = "oracle", "rerender"
SENSIBLE, NOTHING = (RERENDER, "codec", "slowed"), "static"
"""Videos in which everything moves the right way, and the one in which nothing moves."""

Readings = Mapping[str, Mapping[str, Reading]]
"""Of one clip: by anchor, then by meter."""


@dataclass(frozen=True)
class Row:
    """One metric: what it says of each anchor."""

    metric: Metric
    values: Mapping[str, float | None]  # mean over clips or groups, or distance of the sets; None: nothing to measure
    n: int  # clips or groups with a value of the ground truth's own

    @property
    def order(self) -> tuple[str, ...]:
        """The anchors that have a value, from best to worst."""
        known = {name: value for name, value in self.values.items() if value is not None}
        return tuple(sorted(known, key=known.__getitem__, reverse=self.metric.better == "higher"))

    @property
    def beaten(self) -> tuple[str, ...]:
        """The sensible motions that standing still is worth as much as, or more; none unless the metric is weak."""
        nothing = self.values.get(NOTHING)
        if nothing is None:
            return ()
        sensible = {name: value for name in SENSIBLE if (value := self.values.get(name)) is not None}
        higher = self.metric.better == "higher"
        return tuple(name for name, value in sensible.items() if (nothing >= value if higher else nothing <= value))

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        about = {name: getattr(self.metric, name) for name in ("name", "version", "unit", "better", "scope")}
        return {
            **about,
            "n": self.n,
            "values": dict(self.values),
            "order": list(self.order),
            "beaten": list(self.beaten),
        }


@dataclass(frozen=True)
class Sanity:
    """The table, and which meters are not in it and why."""

    rows: tuple[Row, ...]
    refused: Mapping[str, str]


def measure(dataset: Path, split: str, again: Path | None, processes: int, note: Progress) -> Sanity:
    """Every anchor of a split under every metric of the light meters, in the catalogue's order.

    `again` is the same scenes rendered once more, for the anchor `rerender`. Raises KineBenchError if it is not, or if
    there is no such dataset or split.
    """
    shards = open_truths(dataset, split)
    keys = shards.keys(split)
    if again is not None:
        anchors.check_same_scenes(shards, CheckedShards(again), split)
    read = partial(read_clip, dataset, again, split)
    readings: dict[str, Readings] = {}
    refused: dict[str, str] = {}
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        try:
            for number, (key, (found, refusals)) in enumerate(zip(keys, pool.map(read, keys), strict=True), 1):
                readings[key] = found
                refused |= refusals
                note("clips", number, len(keys))
        finally:
            pool.shutdown(cancel_futures=True)
    meters = [one for one in light_meters() if one.name not in refused]
    return Sanity(tuple(_rows(meters, readings, whole_groups(shards, split))), refused)


def light_meters() -> tuple[Meter, ...]:
    """The meters that need no weights."""
    return tuple(meter(name, Setup()) for name in METERS if name not in NETWORKS)


def read_clip(dataset: Path, again: Path | None, split: str, key: str) -> tuple[Readings, Mapping[str, str]]:
    """One clip's anchors under the light meters; and why a meter cannot read them, by its name."""
    shards = open_truths(dataset, split)
    frames = frames_of(shards.rows[other] for other in shards.keys(split))
    truth = truth_of(Example(key, shards), frames)
    videos: dict[str, Callable[[], anchors.Frames]] = {
        name: partial(anchor, truth) for name, anchor in anchors.ANCHORS.items()
    }
    if again is not None:
        videos[RERENDER] = partial(_rendered_again, again, split, key)
    meters, readings, refused = light_meters(), dict[str, dict[str, Reading]](), dict[str, str]()
    for name, make in videos.items():
        shown = np.ascontiguousarray(make())
        readings[name] = {}
        for one in meters:
            try:
                readings[name][one.name] = one.read(truth, shown)
            except KineBenchError as error:
                refused[one.name] = str(error)
    return readings, refused


def _rendered_again(again: Path, split: str, key: str) -> anchors.Frames:
    shards = CheckedShards(again)
    frames = frames_of(shards.rows[other] for other in shards.keys(split))
    return truth_of(Example(key, shards), frames).frames


def _rows(meters: Sequence[Meter], readings: Mapping[str, Readings], groups: Sequence[Group]) -> Iterator[Row]:
    names = list(next(iter(readings.values())))
    for one in meters:
        for metric in one.metrics:
            if metric.scope == "group" and not groups:
                continue
            found = {name: _values(one, metric, readings, groups, name) for name in names}
            means = {name: mean(values) for name, values in found.items()}
            clips = len(readings) if metric.scope == "set" else len(found[TRUTH])
            yield Row(metric, means, clips)


def _values(
    one: Meter, metric: Metric, readings: Mapping[str, Readings], groups: Sequence[Group], name: str
) -> list[float]:
    """What a metric says of an anchor, clip by clip or group by group; of a set, its one distance."""
    if metric.scope == "clip":
        found = [clip[name][one.name].values.get(metric.name) for clip in readings.values()]
    elif metric.scope == "set":
        truth, predicted = (
            np.concatenate([clip[which][one.name].arrays["features"] for clip in readings.values()])
            for which in (TRUTH, name)
        )
        found = [one.distances[metric.name](truth, predicted)]
    else:
        found = [one.respond(_replies(one, readings, group, name)).get(metric.name) for group in groups]
    return [value for value in found if value is not None]


def _replies(one: Meter, readings: Mapping[str, Readings], group: Group, name: str) -> list[Reply]:
    return [
        Reply(group.factor, value, readings[key][TRUTH][one.name], readings[key][name][one.name])
        for key, value in group.clips
    ]
