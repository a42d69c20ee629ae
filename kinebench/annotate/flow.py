"""Optical flow from poses and depth: where the surface point at each pixel's centre is one frame later or earlier.

Forward flow leads from frame t to t + 1, backward flow from t to t - 1: the pixel centre plus its flow is where the
same point of the same surface projects in the other frame, hidden there or not. Ground and sky do not flow, because
the camera stands still.

A pixel's point is **seen** in the other frame if it is inside that image and no surface lies between it and the
camera, its own object's included: decided for the exact point, not for a pixel near it. For what has not moved that is
to say: the ray through the same pixel's centre meets the same object, ground or sky there.

The last frame has no forward and the first no backward flow: all zero, nothing seen. A point that goes behind the
camera, or farther than the codes reach (512 pixels along x or y), has a flow of zero and is not seen.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate import surface
from kinebench.annotate.raster import Geometry, moved
from kinebench.physics.rollout import Rollout
from kinebench.scene.scene import Scene

STEP_PX = 1 / 64
ZERO = 32768
SEEN = 65535


@dataclass(frozen=True)
class Flow:
    """Decoded flow of a clip."""

    px: NDArray[np.float32]  # (F, H, W, 2), x right and y down
    seen: NDArray[np.bool_]  # (F, H, W), whether the point is seen in the other frame


def forward_codes(scene: Scene, rollout: Rollout, geometry: Geometry) -> NDArray[np.uint16]:
    """Codes (F, H, W, 3) of the flow to the next frame."""
    return _codes(scene, rollout, geometry, 1)


def backward_codes(scene: Scene, rollout: Rollout, geometry: Geometry) -> NDArray[np.uint16]:
    """Codes (F, H, W, 3) of the flow to the frame before."""
    return _codes(scene, rollout, geometry, -1)


def encode(flow_px: NDArray[Any], seen: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """uint16 codes (..., 3): x and y in 64ths of a pixel about 32768, then 65535 where the point is seen, else 0.

    A flow (..., 2) of NaN, or out of reach, becomes zero and not seen.
    """
    steps = np.rint(np.asarray(flow_px, dtype=np.float64) / STEP_PX)
    good = np.all(np.abs(steps) < ZERO, axis=-1)  # NaN is not
    codes = np.where(good[..., None], steps, 0) + ZERO
    return np.concatenate([codes, np.where(good & seen, SEEN, 0)[..., None]], axis=-1).astype(np.uint16)


def decode(codes: NDArray[np.uint16]) -> Flow:
    """Flow of codes (F, H, W, 3), exact to half a step, 1/128 of a pixel."""
    px = codes[..., :2].astype(np.float32)
    px -= ZERO
    px *= STEP_PX
    return Flow(px, codes[..., 2] > 0)


def _codes(scene: Scene, rollout: Rollout, geometry: Geometry, step: int) -> NDArray[np.uint16]:
    ids = geometry.segmentation
    codes = np.empty((*ids.shape, 3), dtype=np.uint16)
    codes[:] = (ZERO, ZERO, 0)
    for frame in range(max(0, -step), len(ids) - max(0, step)):
        other = frame + step
        codes[frame, ..., 2] = np.where(ids[frame] == ids[other], SEEN, 0)  # what moved is set right below
        for number in np.flatnonzero(moved(rollout, max(frame, other))) + 1:
            here = surface.patch(scene, rollout, geometry, frame, number)
            poses = rollout.positions_m[other], rollout.quaternions_wxyz[other]
            there_px, _, seen = surface.seen(scene, *poses, number, here.points_m, here.normals)
            codes[frame].reshape(-1, 3)[here.pixels] = encode(there_px - here.centres_px, seen)
    return codes
