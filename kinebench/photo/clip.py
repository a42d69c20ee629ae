"""What `kinebench animate` leaves: the condition as any method reads it, a picture of it, and the clip to look at."""

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder, export
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
    source: Source  # of this condition alone


def spare(out: Path, key: str, given: Iterable[Path]) -> None:
    """Raise KineBenchError if the picture that `lay` writes would take the place of a file that the user gave."""
    for path in given:
        if path.resolve() == _picture(out, key).resolve():
            raise KineBenchError(f"{path} would be overwritten: name another folder with --out")


def lay(out: Path, condition: Condition, note: Progress) -> Laid:
    """Write the condition to `out/conditions/<key>` and its picture to `out/<key>.png`. Raises KineBenchError.

    Conditions of other photos that are there stay.
    """
    folder, picture = out / CONDITIONS, _picture(out, condition.key)
    alone = realworld.source(folder, {condition.key: lambda: condition})
    made = realworld.source(out / condition.key / "photo", _there(folder) | {condition.key: lambda: condition})
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KineBenchError(f"cannot write to {out}: {error.strerror}; name another folder with --out") from error
    export.export(made, folder, note)
    data = png(sheet(condition, v_max_mps()))
    with disk_room("writing the picture", out, len(data)):
        write_atomic(picture, data)
    return Laid(folder, picture, alone)


def _picture(out: Path, key: str) -> Path:
    return out / f"{key}.png"


def _there(folder: Path) -> dict[str, Callable[[], Condition]]:
    """The conditions in a folder by key, listed or not: an interrupted run lists none."""
    found = sorted(path.parent for path in folder.glob("*/condition.json"))
    return {each.name: partial(condition_folder.read, each) for each in found if not each.name.startswith(".")}


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
