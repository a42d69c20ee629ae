"""Frames -> what I3D makes of them: the features of FVD."""

from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError, require
from kinebench.metrics.i3d.folded import FoldedI3d
from kinebench.metrics.i3d.network import SIDE_PX
from kinebench.metrics.i3d.weights import load_i3d
from kinebench.metrics.precision import running

torch: Any = require("torch", "networks")

Preprocess = Literal["squash", "crop"]

_AT_ONCE = 16  # frames, in float32, at the size of the clip


def features(
    frames: NDArray[np.uint8], weights: Path, preprocess: Preprocess, device: str, bfloat16: bool
) -> NDArray[np.float32]:
    """Logits of a clip (F, H, W, 3), averaged over time: float32 (400,). Raises KineBenchError below 9 frames."""
    with running(device, bfloat16):
        clip = prepare(frames, preprocess, device)
        logits: NDArray[np.float32] = _network(weights, device)(clip)[0].float().cpu().numpy()
    return logits


def prepare(frames: NDArray[np.uint8], preprocess: Preprocess, device: str = "cpu") -> Any:
    """Frames (F, H, W, 3) as I3D takes them: float32 (1, 3, F, 224, 224) in [-1, 1], channels last in memory.

    `squash` makes the whole picture square; `crop` makes its shorter side 224 px and cuts the middle out. Bilinear
    without antialiasing, pixel centres at (0.5, 0.5).
    """
    height, width = frames.shape[1:3]
    scale = SIDE_PX / min(height, width)
    size = (SIDE_PX, SIDE_PX) if preprocess == "squash" else (ceil(height * scale), ceil(width * scale))
    if preprocess == "crop":  # the shorter side exactly, whatever the rounding
        size = (SIDE_PX, size[1]) if height < width else (size[0], SIDE_PX)
    top, left = (size[0] - SIDE_PX) // 2, (size[1] - SIDE_PX) // 2
    clip = torch.empty((len(frames), SIDE_PX, SIDE_PX, 3), dtype=torch.float32, device=device)
    for start in range(0, len(frames), _AT_ONCE):
        part = torch.from_numpy(np.ascontiguousarray(frames[start : start + _AT_ONCE])).to(device)
        part = part.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        part = torch.nn.functional.interpolate(part, size=size, mode="bilinear", align_corners=False)
        part = part[:, :, top : top + SIDE_PX, left : left + SIDE_PX]
        clip[start : start + _AT_ONCE] = part.permute(0, 2, 3, 1)
    return clip.permute(3, 0, 1, 2)[None]


@lru_cache(maxsize=1)
def _network(weights: Path, device: str) -> FoldedI3d:
    """The network, kept for the next clip."""
    network = FoldedI3d(load_i3d(weights))
    try:
        return network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise KineBenchError(f"I3D cannot run on the device {device!r}: {str(error).splitlines()[0]}") from error
