"""The frames that a worker has written, read with distrust: it may be foreign code in a container."""

import io
import os
import re
import stat
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.methods.protocol.log import plain
from kinebench.shards import video

LARGEST_SIDE_PX = 8192
LARGEST_VIDEO_BYTES = 2 << 30
"""Of a file, and of all frames together."""
_PICTURE = re.compile(r"[0-9]{5}\.png")
_FILE = re.compile(r"video\.(mkv|mp4|webm|avi|mov)")

Frames = NDArray[np.uint8]


class Wrong(ValueError):
    """What is there is no answer; the message says which file, and what is the matter with it."""


def read(folder: Path, names: Collection[str], count: int | None) -> tuple[Frames, dict[str, Any]]:
    """The frames (n, h, w, 3) in a folder that holds these files, and what is to be told of how they were stored.

    `count` is how many there should be, None if that is not known. Raises `Wrong`.
    """
    pictures = sorted(name for name in names if _PICTURE.fullmatch(name))
    files = sorted(name for name in names if _FILE.fullmatch(name))
    if len(files) + bool(pictures) != 1:
        found = " and ".join([*files, *pictures[:1]]) or "neither"
        raise Wrong(f"an answer has PNG frames from 00000.png on, or one video file video.mkv; there is {found}")
    if files:
        data = plain_file(folder / files[0], LARGEST_VIDEO_BYTES)
        return _stacked(_decoded(files[0], data), count), {"delivered_as": _coding(data)}
    if count is None:
        raise Wrong("video.json does not say how many PNG frames there are: frames")
    if pictures != (wanted := [f"{number:05d}.png" for number in range(count)]):
        odd = min(set(wanted) ^ set(pictures))
        raise Wrong(f"video.json says {count} frames, but {odd} is {'there too' if odd in pictures else 'missing'}")
    return _stacked((_picture(folder / name) for name in pictures), count), {}


def plain_file(path: Path, largest_bytes: int) -> bytes:
    """The content of a file that is no link, no pipe, and not too large. Raises `Wrong`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        what = "is a link; write the file itself" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise Wrong(f"{path.name} {what}") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Wrong(f"{path.name} is no plain file")
        if status.st_size > largest_bytes:
            raise Wrong(f"{path.name} has {status.st_size} bytes; more than {largest_bytes} are not read")
        return file.read(largest_bytes)


def _stacked(frames: Iterable[Frames], count: int | None) -> Frames:
    taken: list[Frames] = []
    for number, frame in enumerate(frames):
        if number == count:
            raise Wrong(f"video.json says {count} frames, but there are more")
        size, first = frame.shape[1::-1], (taken or [frame])[0].shape[1::-1]
        if size != first:
            raise Wrong(f"frame {number} is {size[0]}x{size[1]}, but frame 0 is {first[0]}x{first[1]}")
        if max(size) > LARGEST_SIDE_PX or (number + 1) * frame.nbytes > LARGEST_VIDEO_BYTES:
            raise Wrong(f"{number + 1} frames of {size[0]}x{size[1]} are more than is read")
        taken.append(frame)
    if not taken or (count is not None and len(taken) != count):
        raise Wrong(f"video.json says {count or 'no number of'} frames, but there are {len(taken)}")
    return np.stack(taken)


def _decoded(name: str, data: bytes) -> Iterator[Frames]:
    try:
        yield from video.foreign_frames(data)
    except video.DecodeError as error:
        raise Wrong(f"{name} {error}") from error


def _coding(data: bytes) -> dict[str, Any]:
    """What a reader should know: a lossy file has changed the pixels before anybody measures them."""
    coding = video.coding(data)
    return {
        "codec": coding.codec,
        "pixel_format": coding.pixel_format,
        "exact": coding.lossless and coding.full_colour,
    }


def _picture(path: Path) -> Frames:
    """A PNG as RGB (h, w, 3), if nothing is lost by that."""
    from PIL import Image

    data = plain_file(path, LARGEST_VIDEO_BYTES)
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if max(image.size) > LARGEST_SIDE_PX:
                raise Wrong(f"{path.name} is {image.width}x{image.height}: too large for a frame")
            if image.mode not in ("RGB", "L", "P", "RGBA") or _is_transparent(image):
                raise Wrong(f"{path.name} has the pixels {image.mode}; save it as 8-bit RGB without transparency")
            return np.asarray(image.convert("RGB"))
    except Wrong:
        raise
    except (
        OSError,
        SyntaxError,
        ValueError,
        EOFError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as error:
        raise Wrong(f"{path.name} is no whole PNG: {plain(str(error))[:200]}") from error


def _is_transparent(image: Any) -> bool:
    return "transparency" in image.info or (image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255))
