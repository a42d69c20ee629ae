"""One submitted video, looked at as strangers' data: what it says of itself, then every frame."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.board.archive import ArchiveError
from kinebench.board.contents import Piece
from kinebench.board.fault import Fault
from kinebench.scoring import codec, predictions
from kinebench.scoring.predictions import Unusable
from kinebench.shards import video
from kinebench.shards.video import Declared

DECODERS = (
    *("h264", "hevc", "av1", "libdav1d", "vp8", "vp9", "libvpx", "libvpx-vp9", "mpeg4", "mjpeg", "prores"),
    *("ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "rawvideo", "v210"),
)
"""FFmpeg's names of all that submitted bytes ever reach."""
RATE_TOLERANCE = 0.02
STILL_LEVELS = 1.0
"""Mean absolute difference from the first frame, of 255, up to which a frame shows the same."""
THUMB_ROWS = 8
MOST_VALUES = 1 << 31
"""Bytes of all frames of a video that are decoded where no dataset says how large it must be."""
WRITE_AGAIN = "write the file again, and see that it plays"


@dataclass(frozen=True)
class Wanted:
    """What a video must be."""

    frames: int
    width_px: int
    height_px: int
    fps: float | None  # at which its frames are apart in time; None if that is not known


@dataclass(frozen=True, eq=False)
class Footage:
    """What was seen."""

    sha256: str  # of the file; empty if it is too long to be read
    frames_sha256: str | None = None  # of all frames; None if they cannot be used
    still: bool = False
    thumb: NDArray[np.float32] | None = None  # of the first frame


def look(piece: Piece, wanted: Wanted) -> tuple[Footage, list[Fault]]:
    """Hash, declared facts and full decode of a video. Nothing of it is decoded if it says that it is something odd."""
    most = 2 * 3 * wanted.frames * wanted.width_px * wanted.height_px + (1 << 20)
    try:
        data = _read(piece, most)
        said = video.declared(data, DECODERS)
    except ArchiveError as error:
        return Footage(""), [piece.fault(str(error), "compress it: lossless FFV1 takes less than half of that")]
    except video.DecodeError as error:
        return Footage(predictions.sha256(data)), [piece.fault(str(error), WRITE_AGAIN)]
    sha256 = predictions.sha256(data)
    faults = list(_declared(piece, said, wanted))
    if said.codec not in DECODERS or said.others:
        return Footage(sha256), faults
    frames = predictions.decode(data, (wanted.frames, wanted.height_px, wanted.width_px))
    if isinstance(frames, Unusable):
        return Footage(sha256), [*faults, piece.fault(frames.reason, frames.remedy)]
    faults += _coded(piece, data)
    return Footage(sha256, hashlib.sha256(frames.data).hexdigest(), _still(frames), thumb(frames[0])), faults


def measure(piece: Piece) -> Wanted | None:
    """What a video is, where nobody says what it must be; None if it cannot be decoded, or not within bounds."""
    try:
        data = _read(piece, MOST_VALUES)
        said = video.declared(data, DECODERS)
        count, pixels = 0, said.width_px * said.height_px
        if said.codec not in DECODERS or not pixels:
            return None
        for _ in video.foreign_frames(data, most_px=pixels + (1 << 18)):
            count += 1
            if count * pixels * 3 > MOST_VALUES:
                return None
    except (ArchiveError, video.DecodeError):
        return None
    return Wanted(count, said.width_px, said.height_px, None) if count else None


def _read(piece: Piece, most: int) -> bytes:
    if piece.member.size > most:
        raise ArchiveError(f"has {piece.member.size:,} bytes, more than twice those of its frames")
    return piece.read()


def _declared(piece: Piece, said: Declared, wanted: Wanted) -> Iterator[Fault]:
    if said.codec not in DECODERS:
        yield piece.fault(f"is coded as {said.codec}, which is not decoded here", "write it as H.264 or FFV1")
    if said.others:
        kinds = ", ".join(sorted(set(said.others)))
        remedy = "write the video alone: ffmpeg -i IN -map 0:v:0 -c copy OUT"
        yield piece.fault(f"holds more than a video: {kinds}", remedy)
    if said.fps and wanted.fps and not _is_rate(said.fps, wanted.fps):
        remedy = "if its frames are at the clip's times, write the file at that rate; else make it at these times"
        yield piece.fault(f"says that it has {said.fps:g} frames a second, not {wanted.fps:g}", remedy)
    if not said.tagged:
        what = "does not say how its colours are coded; they are read as bt601, limited range"
        remedy = "if they are others, write the tags: ffmpeg ... -colorspace bt709 -color_range tv"
        yield piece.fault(what, remedy, "notice")


def _is_rate(said: float, wanted: float) -> bool:
    """Whether it is the rate, or the whole number next to it, which `kinebench run` writes."""
    return any(abs(said / rate - 1) <= RATE_TOLERANCE for rate in (wanted, max(1, round(wanted))))


def _coded(piece: Piece, data: bytes) -> list[Fault]:
    try:
        coding = video.coding(data)
    except video.DecodeError:
        return []
    if codec.fine(coding):
        return []
    rate = f", {coding.rate.by} {coding.rate.value:g}" if coding.rate else ""
    remedy = "submit the frames lossless, as FFV1 or libx264rgb -qp 0, or yuv444p at crf 10 or less"
    return [piece.fault(f"is {coding.codec} {coding.pixel_format}{rate}, which costs points", remedy, "notice")]


def _still(frames: NDArray[np.uint8]) -> bool:
    first = frames[0].astype(np.int16)
    return len(frames) > 1 and all(np.abs(frame - first).mean() <= STILL_LEVELS for frame in frames[1:])


def thumb(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A frame (H, W, 3) as the means of squares, `THUMB_ROWS` rows of them, in one row of numbers."""
    side = max(1, min(frame.shape[:2]) // THUMB_ROWS)
    rows, columns = frame.shape[0] // side, frame.shape[1] // side
    squares = frame[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    return squares.mean((1, 3), dtype=np.float32).reshape(-1)
