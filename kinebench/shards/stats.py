"""What is in a dataset folder, in numbers: from its index and its records, without decoding a picture."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.shards.read import Shards


@dataclass(frozen=True)
class Spread:
    """How one quantity is spread over samples or objects; all zero if there are none."""

    count: int
    mean: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class SplitStats:
    """One split."""

    name: str
    samples: int
    seconds: float  # of video, all samples together
    member_bytes: dict[str, Spread]  # per sample, by suffix
    objects: Spread  # per sample
    driven: Spread  # per sample
    events: Spread  # per sample
    moved: Spread  # objects that moved, per sample
    rejected: Spread  # candidates thrown away before each sample
    speed_mps: Spread  # of driven objects at frame 0
    closing_speed_mps: Spread  # of events
    path_px: Spread  # of driven objects, in the image
    visible_px: Spread  # of objects in frame 0
    interaction_share: float  # of samples in which a driven object strikes another and moves it
    shapes: dict[str, int]  # objects of each, most frequent first
    colours: dict[str, int]
    textures: dict[str, int]  # samples on each


@dataclass(frozen=True)
class Stats:
    """A dataset folder."""

    folder: Path
    dataset: str
    splits: tuple[SplitStats, ...]
    shared_colours: tuple[str, ...]  # in more than one split
    shared_textures: tuple[str, ...]


def stats(folder: Path | str) -> Stats:
    """Summarise a dataset folder. Raises KineBenchError if it holds no dataset."""
    shards = Shards(folder)
    splits = tuple(_split(shards, name) for name in shards.splits)
    return Stats(
        folder=shards.folder,
        dataset=shards.manifest.dataset,
        splits=splits,
        shared_colours=_shared([split.colours for split in splits]),
        shared_textures=_shared([split.textures for split in splits]),
    )


def _split(shards: Shards, name: str) -> SplitStats:
    rows = [shards.rows[key] for key in shards.keys(name)]
    records = [shards.record(row.key) for row in rows]
    bodies = [body for record in records for body in record["objects"]]
    quality = [record["quality"] for record in records]
    return SplitStats(
        name=name,
        samples=len(rows),
        seconds=sum(record["video"]["frames"] / record["video"]["fps"] for record in records),
        member_bytes={
            suffix: spread([row.members[suffix].size for row in rows if suffix in row.members])
            for suffix in dict.fromkeys(suffix for row in rows for suffix in row.members)
        },
        objects=spread([row.objects for row in rows]),
        driven=spread([row.driven for row in rows]),
        events=spread([row.events for row in rows]),
        moved=spread([len(facts["moved"]) for facts in quality]),
        rejected=spread([facts["rejected"] for facts in quality]),
        speed_mps=spread([_length(body["velocities_mps"][0]) for body in bodies if body["driven"]]),
        closing_speed_mps=spread([event["closing_speed_mps"] for record in records for event in record["events"]]),
        path_px=spread([path for facts in quality for path in facts["path_px"]]),
        visible_px=spread([pixels for facts in quality for pixels in facts["visible_px"]]),
        interaction_share=sum(facts["interaction"] for facts in quality) / max(len(quality), 1),
        shapes=_counted(body["shape"] for body in bodies),
        colours=_counted(body["colour"] for body in bodies),
        textures=_counted(record["ground"]["texture"] for record in records),
    )


def spread(values: Sequence[float]) -> Spread:
    """Mean, median and range of some numbers."""
    if not values:
        return Spread(0, 0.0, 0.0, 0.0, 0.0)
    array = np.array(values, dtype=np.float64)
    numbers = (array.mean(), np.median(array), array.min(), array.max())
    return Spread(len(values), *(float(number) for number in numbers))


def _length(vector: list[float]) -> float:
    return float(np.linalg.norm(vector))


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))


def _shared(counts: list[dict[str, Any]]) -> tuple[str, ...]:
    seen = Counter(name for names in counts for name in names)
    return tuple(sorted(name for name, times in seen.items() if times > 1))
