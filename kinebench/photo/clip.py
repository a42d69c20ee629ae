"""What `kinebench animate` leaves: the condition as any method reads it, a picture of it, and the clip to look at."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods import export
from kinebench.methods.condition import Condition
from kinebench.methods.source import Source
from kinebench.photo import realworld
from kinebench.photo.camera import v_max_mps
from kinebench.photo.sheet import sheet
from kinebench.shards import video
from kinebench.shards.files import Progress, disk_room, write_atomic

CONDITIONS = "conditions"


@dataclass(frozen=True)
class Laid:
    """Where things are."""

    conditions: Path  # what `kinebench run METHOD --data` takes
    picture: Path
    source: Source


def lay(out: Path, condition: Condition, note: Progress) -> Laid:
    """Write the condition to `out/conditions/<key>` and its picture to `out/<key>.png`. Raises KineBenchError."""
    folder, picture = out / CONDITIONS, out / f"{condition.key}.png"
    made = realworld.source(out / condition.key / "photo", {condition.key: lambda: condition})
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KineBenchError(f"cannot write to {out}: {error.strerror}; name another folder with --out") from error
    export.export(made, folder, note)
    data = png(sheet(condition, v_max_mps()))
    with disk_room("writing the picture", out, len(data)):
        write_atomic(picture, data)
    return Laid(folder, picture, made)


def png(image: NDArray[np.uint8] | NDArray[np.bool_]) -> bytes:
    """A picture (H, W, 3) or (H, W), uint8 or bool, as PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def playable(predictions: Path, key: str, seed: int, frames: int, fps: float) -> bytes:
    """A video that `kinebench run` made as an mp4 that plays anywhere, for people: crf 14, not exact.

    It has as many frames as the clip: of a method that makes fewer, each stays until the next.
    """
    folder = predictions / f"seed-{seed}"
    shown = json.loads((folder / f"{key}.json").read_bytes())["truth_frames"]
    made = video.decode_rgb((folder / f"{key}.mkv").read_bytes())
    held = np.searchsorted(shown, np.arange(frames), side="right") - 1
    return video.encode_mp4(made[np.maximum(held, 0)], max(1, round(fps)))
