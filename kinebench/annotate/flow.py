"""Forward optical flow from poses and depth: where the surface point of each pixel is one frame later."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.raster import Geometry
from kinebench.physics.rollout import Rollout
from kinebench.scene.pose import Array, to_body, to_world
from kinebench.scene.scene import Scene

STEP_PX = 1 / 64
ZERO = 32768
SAME_DEPTH_M = 0.02
"""A point is still seen if its pixel one frame later shows the same object, this near in depth."""


def forward_flow(scene: Scene, rollout: Rollout, geometry: Geometry) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flow (F, H, W, 2) in pixels, x right and y down, and whether each pixel's point is seen in the next frame.

    The ground does not flow. The last frame has no next: its flow is zero and nothing is seen.
    """
    frames, height, width = geometry.segmentation.shape
    flow = np.zeros((frames, height, width, 2), dtype=np.float32)
    seen = np.zeros((frames, height, width), dtype=bool)
    for frame in range(frames - 1):
        y, x = np.nonzero(geometry.segmentation[frame] == 0)
        seen[frame, y, x] = geometry.segmentation[frame + 1, y, x] == 0
        for number in range(1, len(scene.bodies) + 1):
            y, x = np.nonzero(geometry.segmentation[frame] == number)
            here = np.column_stack([x, y]) + 0.5
            there, depth_m = _next(scene, rollout, frame, number, here, geometry.depth_m[frame, y, x])
            flow[frame, y, x] = there - here
            seen[frame, y, x] = _seen(geometry, frame + 1, number, there, depth_m)
    return flow, seen


def _next(
    scene: Scene, rollout: Rollout, frame: int, number: int, here_px: Array, depth_m: NDArray[Any]
) -> tuple[Array, Array]:
    """Pixels (n, 2) and depths (n,), one frame later, of an object's surface points seen at `here_px`."""
    camera = scene.camera
    points = camera.position_m + camera.rays(here_px[:, 0], here_px[:, 1]) * depth_m.astype(np.float64)[:, None]
    now, then = (
        (rollout.positions_m[f, number - 1], rollout.quaternions_wxyz[f, number - 1]) for f in (frame, frame + 1)
    )
    return camera.project(to_world(to_body(points, *now), *then))


def _seen(geometry: Geometry, frame: int, number: int, px: Array, depth_m: Array) -> NDArray[np.bool_]:
    """Whether the pixel at each position (n, 2) shows this object at about this depth."""
    height, width = geometry.segmentation.shape[1:]
    x, y = np.floor(px).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    same = geometry.segmentation[frame, y, x] == number
    near: NDArray[np.bool_] = inside & same & (np.abs(geometry.depth_m[frame, y, x] - depth_m) < SAME_DEPTH_M)
    return near


def encode(flow_px: NDArray[Any], seen: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """uint16 codes (..., 3): x and y in 64ths of a pixel about 32768, then 65535 where the point is still seen."""
    codes = np.rint(np.asarray(flow_px, dtype=np.float64) / STEP_PX).clip(-ZERO, ZERO - 1) + ZERO
    return np.concatenate([codes, np.where(seen, 65535, 0)[..., None]], axis=-1).astype(np.uint16)


def decode(codes: NDArray[np.uint16]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flow (..., 2) in pixels, exact to 1/128, and the seen flag (...)."""
    return ((codes[..., :2].astype(np.float32) - ZERO) * STEP_PX), codes[..., 2] > 0
