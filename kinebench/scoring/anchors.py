"""Videos whose worth is known, made of the ground truth: what a score must be read against."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.data import open_dataset
from kinebench.errors import KineBenchError
from kinebench.metrics.truth import Truth
from kinebench.scoring.truths import MEMBERS, frames_of, truths
from kinebench.shards import video
from kinebench.shards.files import Progress, disk_room, write_atomic
from kinebench.shards.read import Shards

Frames = NDArray[np.uint8]
"""RGB, (F, H, W, 3)."""

DELIVERED_CRF = 25
"""How models' videos are usually compressed: H.264 at the default quality of imageio, by which diffusers exports."""


def oracle(truth: Truth) -> Frames:
    """The ground truth: the best value of every metric, or the ceiling of one that needs a tracker."""
    return truth.frames


def codec(truth: Truth) -> Frames:
    """The ground truth as an mp4 at `DELIVERED_CRF`: what a perfect model would score once its video is delivered."""
    return video.decode_rgb(_delivered(truth))


def slowed(truth: Truth) -> Frames:
    """The ground truth at half speed, up to its middle: a sensible motion, right in everything but its timing."""
    return truth.frames[np.arange(len(truth.frames)) // 2]


def static(truth: Truth) -> Frames:
    """The first frame, standing still: what a model shows that does nothing."""
    return np.repeat(truth.frames[:1], len(truth.frames), axis=0)


def shuffled(truth: Truth) -> Frames:
    """The first frame, then the others in an order drawn by the clip's key: each is right, the motion is not."""
    order = np.random.default_rng(list(truth.key.encode())).permutation(len(truth.frames) - 1) + 1
    return truth.frames[np.concatenate([[0], order])]


def reversed(truth: Truth) -> Frames:
    """The ground truth backwards: every frame belongs to the clip, and the first is another than was given."""
    return truth.frames[::-1]


ANCHORS: Mapping[str, Callable[[Truth], Frames]] = {
    "oracle": oracle,
    "codec": codec,
    "slowed": slowed,
    "static": static,
    "shuffled": shuffled,
    "reversed": reversed,
}
"""By name, from the best to what no model should be."""


def write(dataset: Path, split: str, names: Sequence[str], out: Path, note: Progress | None = None) -> list[Path]:
    """Write the predictions of anchors: for each name a folder `out/<name>` with one video a clip; returns the folders.

    Videos are lossless `<key>.mkv`; those of `codec` are `<key>.mp4` at `DELIVERED_CRF`. The same dataset gives the
    same bytes. Raises KineBenchError if there is no such anchor, dataset or split, or `out` cannot be written.
    """
    if unknown := [name for name in names if name not in ANCHORS]:
        raise KineBenchError(f"there is no anchor {', '.join(unknown)}; there are {', '.join(ANCHORS)}")
    clips = open_dataset(dataset, split)
    folders = [out / name for name in names]
    for number, truth in enumerate(truths(clips), 1):
        for name, folder in zip(names, folders, strict=True):
            if name == "codec":
                _put(folder / f"{truth.key}.mp4", _delivered(truth))
            else:
                data = video.encode_lossless_rgb(ANCHORS[name](truth), round(truth.fps))
                _put(folder / f"{truth.key}.mkv", data)
        if note is not None:
            note("anchors", number, len(clips))
    return folders


def rerender(dataset: Path, again: Path, split: str, out: Path) -> Path:
    """Write as predictions the same scenes rendered once more: what the renderer's noise alone costs.

    `again` is the recipe and seed of `dataset` generated into another folder, with another number of samples for
    instance. Its files are taken as they are, lossless where it has such frames, into `out/rerender`; returns that.

    Raises KineBenchError if a clip of `dataset` is not in `again`, or is another scene there.
    """
    truth, other = Shards(dataset), Shards(again)
    check_same_scenes(truth, other, split)
    keys = truth.keys(split)
    member = MEMBERS[frames_of(other.rows[key] for key in keys)]
    folder = out / "rerender"
    for key in keys:
        _put(folder / f"{key}.{member.rpartition('.')[2]}", other.member(key, member))
    return folder


def check_same_scenes(truth: Shards, other: Shards, split: str) -> None:
    """Raises KineBenchError unless every clip of `truth` is in `other`, and differs only in how it was rendered."""
    present = frozenset(other.keys(split))
    for key in truth.keys(split):
        if key not in present or not _same_scene(truth, other, key):
            raise KineBenchError(
                f"{key} is not the same scene in {other.where} as in {truth.where}; "
                "generate both with the same recipe and seed"
            )


def _same_scene(truth: Shards, other: Shards, key: str) -> bool:
    mine, its = ({**shards.record(key), "provenance": None} for shards in (truth, other))
    return mine == its


def _put(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk_room("writing videos", path.parent, len(data)):
            write_atomic(path, data)
    except OSError as error:
        raise KineBenchError(f"cannot write {path}: {error.strerror}; name another folder") from error


def _delivered(truth: Truth) -> bytes:
    return video.encode_mp4(truth.frames, round(truth.fps), crf=DELIVERED_CRF)
