"""Predicted videos: where the files are, and the frames in them. Nothing is ever cropped, stretched or resampled."""

import hashlib
import re
import tarfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.shards import video
from kinebench.shards.files import Progress

SUFFIXES = ("mp4", "mkv", "webm", "avi", "mov")
LAYOUT = f"<key>.{{{','.join(SUFFIXES)}}}, or seed-<number>/<key>.{{...}}, in a folder or in plain tars"

SIDECAR, ERROR, RUN = "json", "error.json", "run.json"
"""What `kinebench run` writes beside a video, in its place if it could not be made, and of all of them."""

_NAME = re.compile(
    rf"(?:\./)?(?:seed-([0-9]{{1,18}})/)?([^/]+?)\.({ERROR}|{SIDECAR}|{'|'.join(SUFFIXES)})", re.IGNORECASE
)

_ROOM, _ROOM_PX = 4, 1 << 18
"""Frames of more pixels than so many times a clip's, and these, are not decoded to see what they are."""

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
    sidecars: Mapping[Slot, Place] = field(default_factory=dict)  # `<key>.json`
    errors: Mapping[Slot, Place] = field(default_factory=dict)  # `<key>.error.json`
    runs: tuple[Place, ...] = ()  # `run.json`, of a folder or of each tar

    def only(self, seed: int) -> "Predictions":
        """Those of one seed, as if the others were not there. Raises KineBenchError if it has no video."""

        def kept(places: Mapping[Slot, Place]) -> dict[Slot, Place]:
            return {slot: place for slot, place in places.items() if slot[1] == seed}

        if not (places := kept(self.places)):
            raise KineBenchError(f"{self.name} has no video of seed {seed}; it has seeds {self.seeds}")
        return replace(self, places=places, seeds=(seed,), sidecars=kept(self.sidecars), errors=kept(self.errors))


@dataclass(frozen=True)
class Unusable:
    """Why a prediction is scored worst case, and what to do about it."""

    reason: str
    remedy: str


def find(where: Path, keys: Collection[str]) -> Predictions:
    """The videos in a folder, a tar, or a folder of tars, that predict these keys, and what is said beside them.

    Every seed of a video is expected of every key, and so is that of an error. Raises KineBenchError if there is no
    video, or two for one key and seed.
    """
    known, unknown, runs = frozenset(keys), list[str](), list[Place]()
    places, sidecars, errors = dict[Slot, Place](), dict[Slot, Place](), dict[Slot, Place]()
    try:
        files = list(_files(where))
    except OSError as error:
        raise KineBenchError(f"cannot read {error.filename or where}: {error.strerror}") from error
    for name, place in files:
        if name.removeprefix("./") == RUN:
            runs.append(place)
            continue
        seed, key, kind = _parts(name)
        table = {ERROR: errors, SIDECAR: sidecars}.get(kind, places)
        if key not in known:
            unknown.extend([name] if table is places else [])
            continue
        if other := table.get((key, seed)):
            raise KineBenchError(f"{other.name} and {place.name} are both of {key}, seed {seed}; take one away")
        table[key, seed] = place
    if not places:
        found = _instead(unknown, errors)
        raise KineBenchError(
            f"{where} predicts no clip of the split: {found}; wanted is {LAYOUT}, with keys such as {min(known)}"
        )
    name = _text(where.resolve().name).removesuffix(".tar")
    seeds = tuple(sorted({seed for _, seed in (*places, *errors)}))
    return Predictions(name, dict(sorted(places.items())), seeds, tuple(unknown), sidecars, errors, tuple(runs))


def _instead(unknown: Sequence[str], errors: Mapping[Slot, Place]) -> str:
    """What is there in place of videos."""
    found = f"of {len(unknown)} videos there, the first is {unknown[0]}" if unknown else "there is no video"
    if errors:
        found += f", but {len(errors)} errors, the first is {next(iter(errors.values())).name}"
    return found


def _parts(name: str) -> tuple[int, str, str]:
    """Seed, key and kind of a file."""
    found = _NAME.fullmatch(name)
    return (int(found[1] or 0), found[2], found[3].lower()) if found else (0, "", _kind(name))


def _kind(name: str) -> str:
    return next((kind for kind in (ERROR, SIDECAR) if name.lower().endswith(f".{kind}")), "video")


def _files(where: Path) -> Iterator[tuple[str, Place]]:
    """Every video and what is said of it, with its name below the folder or in its tar."""
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
            if file.is_file() and _is_wanted(name):
                yield name, Place(file, _text(str(file)))


def _members(path: Path) -> Iterator[tuple[str, Place]]:
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.size < 0:  # would lead back to what was read
                    raise tarfile.ReadError(f"a member of {member.size} bytes")
                if member.isreg() and not member.issparse() and _is_wanted(member.name):
                    name = _text(member.name)
                    yield name, Place(path, _text(f"{path}:{name}"), member.offset_data, member.size)
    except (tarfile.TarError, ValueError, RecursionError) as error:  # ValueError: a number that cannot be one
        raise KineBenchError(f"{path} is no plain tar: {error}; write it again, whole and uncompressed") from error


def _text(name: str) -> str:
    """A name of a file as text, which its bytes need not be."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _is_wanted(name: str) -> bool:
    file = name.rpartition("/")[2]
    return not file.startswith(".") and file.lower().endswith(tuple(f".{suffix}" for suffix in (*SUFFIXES, SIDECAR)))


def sha256(data: bytes) -> str:
    """Hash of a video's bytes, by which its readings are kept."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Look:
    """What is known of a video before a frame of it is decoded."""

    sha256: str
    coding: video.Coding | None  # None: it is no video


def look(predictions: Predictions, note: Progress) -> dict[Slot, Look]:
    """Read each video once: the hash of its bytes, and how they are coded."""
    found = {}
    for number, (slot, place) in enumerate(predictions.places.items(), 1):
        data = place.read()
        found[slot] = Look(sha256(data), _coding(data))
        note("hashing", number, len(predictions.places))
    return found


def _coding(data: bytes) -> video.Coding | None:
    try:
        return video.coding(data)
    except video.DecodeError:
        return None


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
        for frame in video.foreign_frames(data, _ROOM * height * width + _ROOM_PX):
            if count == frames:
                return _miscounted(f"has more than {frames} frames", frames)
            if frame.shape[:2] != (height, width):
                return _missized(frame.shape[1], frame.shape[0], width, height)
            clip[count] = frame
            count += 1
    except video.SizeError as error:
        return _missized(error.width_px, error.height_px, width, height)
    except video.DecodeError as error:
        return Unusable(str(error), "write the file again, and see that it plays")
    return clip if count == frames else _miscounted(f"has {count} frames, not {frames}", frames)


def _missized(found_width: int, found_height: int, width: int, height: int) -> Unusable:
    return Unusable(
        f"is {found_width}x{found_height}, not {width}x{height}",
        f"write it at {width}x{height}, the size of the clips: nothing is cropped or resized here",
    )


def _miscounted(reason: str, frames: int) -> Unusable:
    return Unusable(reason, f"write {frames} frames, at the times of the clip's: none is repeated or left out here")
