"""Predicted videos: where the files are, and the frames in them. Nothing is ever cropped, stretched or resampled."""

import hashlib
import re
import tarfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.shards import video
from kinebench.shards.files import Progress

SUFFIXES = ("mp4", "mkv", "webm", "avi", "mov")
LAYOUT = f"<key>.{{{','.join(SUFFIXES)}}}, or seed-<number>/<key>.{{...}}, in a folder or in plain tars"

_NAME = re.compile(rf"(?:\./)?(?:seed-([0-9]{{1,18}})/)?([^/]+)\.(?:{'|'.join(SUFFIXES)})", re.IGNORECASE)

Slot = tuple[str, int]
"""A key and a seed: what one video predicts."""


@dataclass(frozen=True)
class Place:
    """Where the bytes of one video are: a file, or a member of a plain tar."""

    path: Path
    name: str  # as messages name it
    offset: int = 0
    size: int = -1  # -1: to the end of the file

    def read(self) -> bytes:
        """The bytes, fewer than there should be if the tar is cut short. Raises KineBenchError if it is gone."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                return file.read(self.size)
        except OSError as error:
            raise KineBenchError(f"cannot read {self.name}: {error.strerror}") from error


@dataclass(frozen=True)
class Predictions:
    """The videos of one method."""

    name: str
    places: Mapping[Slot, Place]
    seeds: tuple[int, ...]  # every key is expected with each of them
    unknown: tuple[str, ...]  # names in `where` of videos that predict no clip of the split; they are ignored


@dataclass(frozen=True)
class Unusable:
    """Why a prediction is scored worst case, and what to do about it."""

    reason: str
    remedy: str


def find(where: Path, keys: Collection[str]) -> Predictions:
    """The videos in a folder, a tar, or a folder of tars, that predict these keys.

    Raises KineBenchError if there is none, or two for one key and seed.
    """
    known, places, unknown = frozenset(keys), dict[Slot, Place](), list[str]()
    try:
        videos = list(_videos(where))
    except OSError as error:
        raise KineBenchError(f"cannot read {error.filename or where}: {error.strerror}") from error
    for name, place in videos:
        seed, key = _slot(name)
        if key not in known:
            unknown.append(name)
            continue
        if other := places.get((key, seed)):
            raise KineBenchError(f"{other.name} and {place.name} are both of {key}, seed {seed}; take one away")
        places[key, seed] = place
    if not places:
        found = f"of {len(unknown)} videos there, the first is {unknown[0]}" if unknown else "there is no video"
        raise KineBenchError(
            f"{where} predicts no clip of the split: {found}; wanted is {LAYOUT}, with keys such as {min(known)}"
        )
    name = _text(where.resolve().name)
    seeds = tuple(sorted({seed for _, seed in places}))
    return Predictions(name.removesuffix(".tar"), dict(sorted(places.items())), seeds, tuple(unknown))


def _slot(name: str) -> tuple[int, str]:
    found = _NAME.fullmatch(name)
    return (int(found[1] or 0), found[2]) if found else (0, "")


def _videos(where: Path) -> Iterator[tuple[str, Place]]:
    """Every video, with its name below the folder or in its tar."""
    if where.suffix == ".tar" and where.is_file():
        yield from _members(where)
        return
    if not where.is_dir():
        raise KineBenchError(f"{where} is no folder and no tar of predictions; wanted is {LAYOUT}")
    for path in sorted(where.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix == ".tar" and path.is_file():
            yield from _members(path)
        for file in sorted(path.iterdir()) if path.is_dir() else (path,):
            name = _text(str(file.relative_to(where)))
            if file.is_file() and _is_video(name):
                yield name, Place(file, _text(str(file)))


def _members(path: Path) -> Iterator[tuple[str, Place]]:
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.isreg() and not member.issparse() and _is_video(member.name):
                    name = _text(member.name)
                    yield name, Place(path, _text(f"{path}:{name}"), member.offset_data, member.size)
    except tarfile.TarError as error:
        raise KineBenchError(f"{path} is no plain tar: {error}; write it again, whole and uncompressed") from error


def _text(name: str) -> str:
    """A name of a file as text, which its bytes need not be."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_video(name: str) -> bool:
    file = name.rpartition("/")[2]
    return not file.startswith(".") and file.lower().endswith(tuple(f".{suffix}" for suffix in SUFFIXES))


def sha256(data: bytes) -> str:
    """Hash of a video's bytes, by which its readings are kept."""
    return hashlib.sha256(data).hexdigest()


def hashes(predictions: Predictions, note: Progress) -> dict[Slot, str]:
    """Sha256 of the bytes of each video."""
    found = {}
    for number, (slot, place) in enumerate(predictions.places.items(), 1):
        found[slot] = sha256(place.read())
        note("hashing", number, len(predictions.places))
    return found


def digest(hashes: Mapping[Slot, str]) -> str:
    """One hash of all videos: of keys, seeds and contents, whatever the files are called or lie in."""
    return sha256("".join(f"{key} {seed} {one}\n" for (key, seed), one in sorted(hashes.items())).encode())


def missing(predictions: Predictions, slot: Slot) -> Unusable:
    """What is said of a clip without a prediction."""
    key, seed = slot
    name = f"{key}.mp4" if predictions.seeds == (0,) else f"seed-{seed}/{key}.mp4"
    return Unusable("is missing", f"add {name}")


def decode(data: bytes, shape: tuple[int, int, int]) -> NDArray[np.uint8] | Unusable:
    """The frames (F, H, W, 3) of a video that must have `shape` (F, H, W), or why they cannot be used."""
    frames, height, width = shape
    clip = np.empty((frames, height, width, 3), np.uint8)
    count = 0
    try:
        for frame in video.foreign_frames(data):
            if count == frames:
                return _miscounted(f"has more than {frames} frames", frames)
            if frame.shape[:2] != (height, width):
                return Unusable(
                    f"is {frame.shape[1]}x{frame.shape[0]}, not {width}x{height}",
                    f"write it at {width}x{height}, the size of the clips: nothing is cropped or resized here",
                )
            clip[count] = frame
            count += 1
    except video.DecodeError as error:
        return Unusable(str(error), "write the file again, and see that it plays")
    return clip if count == frames else _miscounted(f"has {count} frames, not {frames}", frames)


def _miscounted(reason: str, frames: int) -> Unusable:
    return Unusable(reason, f"write {frames} frames, at the times of the clip's: none is repeated or left out here")
