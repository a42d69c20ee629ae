"""From a method's own frames to what is scored: in the clip's time, on the clip's canvas; and what was done for that.

The ground truth is resampled to the method's frames. No frame is invented, cropped or stretched.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods import strict_json
from kinebench.methods.placement import SAME, Placement, Size, to_canvas
from kinebench.methods.task import Made
from kinebench.methods.video import Fps, Span

Alignment = Literal["index", "fps", "span"]
Resized = Literal["bicubic", "box"]

FORMAT_VERSION = 1
SCHEMA_PATH = Path(__file__).with_name("prediction.schema.json")


@dataclass(frozen=True)
class Signature:
    """Which method, of which version, with which code and options."""

    name: str
    version: str
    identity: str  # `Method.identity`


@dataclass(frozen=True)
class Clip:
    """What a video is made for."""

    key: str
    condition_sha256: str  # of the whole condition, at the clip's own size
    canvas: Size
    frames: int
    fps: float
    place: Placement  # of the pixels that the method is given, on the canvas
    driven_ignored: tuple[int, ...] = ()  # driven objects that the method was not told of, by id


@dataclass(frozen=True)
class Native:
    """A video as it was made."""

    width: int
    height: int
    frames: int


@dataclass(frozen=True)
class Delivery:
    """What a delivered video is: the file `<key>.json` beside it. See `prediction.schema.json`."""

    key: str
    seed: int
    condition_sha256: str
    method: Signature
    truth_frames: tuple[int, ...]  # frame i of the video shows this frame of the clip; ascending
    alignment: Alignment
    native: Native
    placement: Placement  # native pixels -> canvas pixels
    resized: Resized | None
    unused_frames: int  # made, but nearest to no frame of the clip, or beyond its end
    driven_ignored: tuple[int, ...]
    seconds: float  # that the method took
    facts: Mapping[str, Any] = field(default_factory=dict)  # from the method


@dataclass(frozen=True)
class Aligned:
    """Which frames of a video show which frames of the clip."""

    used: tuple[int, ...]
    truth_frames: tuple[int, ...]
    alignment: Alignment


def align(count: int, timing: Fps | Span, frames: int, fps: float) -> Aligned:
    """How `count` frames lie on a clip of `frames` at `fps`; each shows the nearest frame of the clip, half up.

    As many as the clip has are taken one for one. Of several that are nearest to the same one, the nearest is used.
    Raises KineBenchError if the video ends before the clip.
    """
    if count == frames:
        return Aligned(tuple(range(frames)), tuple(range(frames)), "index")
    if count < 2:
        raise KineBenchError(f"a video of {_frames(count)} spans no time; the clip has {frames}")
    if isinstance(timing, Span):
        alignment: Alignment = "span"
        places = [i * (frames - 1) / (count - 1) for i in range(count)]
    else:
        alignment = "fps"
        places = [i * fps / timing.fps for i in range(count)]
        if _nearest(places[-1]) < frames - 1 and _nearest(count * fps / timing.fps) < frames:
            raise KineBenchError(
                f"a video of {_frames(count)} at {timing.fps:g} fps ends at {(count - 1) / timing.fps:.2f} s, the clip "
                f"at {(frames - 1) / fps:.2f} s; make it as long, or say timing=Span() if it shows all of that time"
            )
    best: dict[int, int] = {}
    for number, place in enumerate(places):
        shown = _nearest(place)
        if shown < frames and (shown not in best or abs(place - shown) < abs(places[best[shown]] - shown)):
            best[shown] = number
    return Aligned(tuple(best.values()), tuple(best), alignment)


def _nearest(place: float) -> int:
    return math.floor(place + 0.5)


def _frames(count: int) -> str:
    return "one frame" if count == 1 else f"{count} frames"


def deliver(made: Made, clip: Clip, method: Signature) -> tuple[NDArray[np.uint8], Delivery]:
    """The frames on the canvas, (n, H, W, 3), one for each of `truth_frames`, and what was done to them.

    Raises KineBenchError if the video is too short or does not cover the canvas.
    """
    video = made.video
    count, height, width = video.frames.shape[:3]
    aligned = align(count, video.timing, clip.frames, clip.fps)
    place = video.placement.then(clip.place)
    resized = _resized((width, height), place, clip.canvas)
    if place == SAME and (width, height) == clip.canvas:
        frames = video.frames if aligned.alignment == "index" else video.frames[list(aligned.used)]
    else:
        frames = np.stack([to_canvas(video.frames[number], place, clip.canvas) for number in aligned.used])
    return frames, Delivery(
        key=clip.key,
        seed=made.task.seed,
        condition_sha256=clip.condition_sha256,
        method=method,
        truth_frames=aligned.truth_frames,
        alignment=aligned.alignment,
        native=Native(width, height, count),
        placement=place,
        resized=resized,
        unused_frames=count - len(aligned.used),
        driven_ignored=clip.driven_ignored,
        seconds=round(made.seconds, 3),
        facts=video.facts,
    )


def _resized(native: Size, place: Placement, canvas: Size) -> Resized | None:
    """How `to_canvas` comes by its pixels; None where each is one of the video's."""
    if place.scale == 1 and place.x_px.is_integer() and place.y_px.is_integer():
        return None
    left, _, right, _ = place.inverse.box(canvas)
    return "box" if min(right, native[0]) - max(left, 0.0) > canvas[0] else "bicubic"


def dump(delivery: Delivery) -> bytes:
    """The sidecar's bytes."""
    plain = {"format_version": FORMAT_VERSION} | {
        name: asdict(value) if isinstance(value, Signature | Native | Placement) else value
        for name, value in vars(delivery).items()
    }
    return (json.dumps(plain, allow_nan=False) + "\n").encode()


def parse(data: bytes) -> Delivery:
    """What a sidecar says. Raises KineBenchError that says what is wrong with it, but not where it lies."""
    try:
        plain = strict_json.loads(data)
    except ValueError as error:  # also what is no UTF-8
        raise KineBenchError(f"is no JSON: {error}") from error
    for fault in sorted(_validator().iter_errors(plain), key=lambda fault: [str(part) for part in fault.absolute_path]):
        where = ".".join(map(str, fault.absolute_path))
        raise KineBenchError(f"{where + ': ' if where else ''}{fault.message[:200]}")
    shown = tuple(plain["truth_frames"])
    if any(later <= earlier for earlier, later in pairwise(shown)):
        raise KineBenchError("truth_frames: they do not ascend")
    try:
        placement = Placement(**plain["placement"])
    except (ValueError, OverflowError) as error:
        raise KineBenchError(f"placement: {error}") from error
    del plain["format_version"]
    return Delivery(
        **plain
        | {
            "method": Signature(**plain["method"]),
            "native": Native(**plain["native"]),
            "placement": placement,
            "truth_frames": shown,
            "driven_ignored": tuple(plain["driven_ignored"]),
        }
    )


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))
