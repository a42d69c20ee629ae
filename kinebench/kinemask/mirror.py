"""A clip turned left to right: gravity and friction know no side, so it is as good a clip as the other."""

import re

import numpy as np
from numpy.typing import NDArray

_SIDE = re.compile(r"\b([Ll]eft|[Rr]ight)(most)?\b")
_OTHER = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}


def mirrored_text(caption: str) -> str:
    """What is told of the turned clip: left is right, and the other way round."""
    return _SIDE.sub(lambda found: _OTHER[found[1]] + (found[2] or ""), caption)


def mirrored_frames(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures (F, H, W, 3), or ids (F, H, W), turned."""
    return np.ascontiguousarray(frames[:, :, ::-1])


def mirrored_velocities(velocities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Velocities (..., 3) in the ground frame, whose x points to the right of the picture, turned."""
    return velocities * np.array([-1, 1, 1], dtype=np.float32)
