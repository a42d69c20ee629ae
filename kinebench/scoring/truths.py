"""Clips of a packed dataset as what a prediction is held against."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from kinebench.data import Dataset, Example
from kinebench.errors import KineBenchError
from kinebench.metrics.truth import Truth
from kinebench.shards.index import Member, Row
from kinebench.shards.read import Shards

Frames = Literal["lossless", "mp4"]
"""Which frames are the truth: the exact ones, which every test split has, or those of the compressed clip."""

MEMBERS = {"lossless": "rgb.mkv", "mp4": "mp4"}


class CheckedShards(Shards):
    """A dataset folder whose every member is checked against its hash when it is read."""

    def _read(self, key: str, place: Member) -> bytes:
        data = super()._read(key, place)
        if hashlib.sha256(data).hexdigest() != place.sha256:
            raise KineBenchError(f"{place.shard}: {key} is damaged; run: kinebench verify {self.folder}")
        return data


def open_truths(folder: Path, split: str) -> CheckedShards:
    """A dataset to score against. Raises KineBenchError if there is none, or not this split."""
    if not folder.is_dir():
        raise KineBenchError(f"there is no folder {folder}; give --data the folder of a packed dataset")
    shards = CheckedShards(folder)
    if not shards.keys(split):
        raise KineBenchError(f"split {split} of {folder} is empty")
    return shards


def frames_of(rows: Iterable[Row]) -> Frames:
    """Lossless if every one of these samples has such frames."""
    return "lossless" if all(MEMBERS["lossless"] in row.members for row in rows) else "mp4"


def identity(row: Row, frames: Frames) -> str:
    """Hash of the members that a truth is made of, by the index."""
    names = (MEMBERS[frames], "segmentation.mkv", "json")
    return hashlib.sha256(json.dumps([row.members[name].sha256 for name in names]).encode()).hexdigest()


def identity_at(truth: str, sampling: tuple[int, ...] | None) -> str:
    """Hash of a truth, by its `identity`, at these frames alone; None is all of them."""
    return truth if sampling is None else hashlib.sha256(json.dumps([truth, sampling]).encode()).hexdigest()


def truth_of(example: Example, frames: Frames, sampling: tuple[int, ...] | None = None) -> Truth:
    """The truth of one sample, at some of its frames or all; decodes its frames and instance ids."""
    truth = Truth(
        key=example.key,
        frames=example.lossless if frames == "lossless" else example.rgb,
        instances=example.segmentation,
        fps=float(example.fps),
        camera=example.camera,
        rollout=example.rollout,
        driven=example.driven,
    )
    return truth if sampling is None else truth.sampled(sampling)


def clip_frames(shards: Shards) -> int:
    """How many frames each clip of a dataset has."""
    return int(shards.manifest.recipe["video"]["frames"])


def truths(dataset: Dataset) -> Iterator[Truth]:
    """The truths of a dataset in order, one at a time. Raises KineBenchError for a list of tars."""
    if not isinstance(dataset.source, Shards):
        raise KineBenchError(f"{dataset.source.where} is a list of tars; open the folder that holds index.jsonl")
    frames = frames_of(dataset.source.rows[key] for key in dataset.keys)
    for key in dataset.keys:
        yield truth_of(dataset[key], frames)
