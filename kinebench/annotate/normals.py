"""Surface normals at pixel centres, in the camera's frame: x right, y down, z forward; 16-bit codes.

Unit vectors that point out of the surface, so that z is negative wherever the surface is seen face on. Analytic, from
the face that the pixel's ray meets; the ground's is the plane's, without the bumps of its texture. Sky is (0, 0, 0).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate import surface
from kinebench.annotate.raster import Geometry, moved
from kinebench.physics.rollout import Rollout
from kinebench.scene.pose import rotation_matrix
from kinebench.scene.scene import Scene

ZERO = 32768
STEPS = 32767


def normal_codes(scene: Scene, rollout: Rollout, geometry: Geometry) -> NDArray[np.uint16]:
    """Codes (F, H, W, 3) of every frame's normals."""
    to_camera = scene.camera.rotation_array
    codes = np.empty((*geometry.segmentation.shape, 3), dtype=np.uint16)
    for frame, depth_m in enumerate(geometry.depth_m):
        if frame and not moved(rollout, frame).any():
            codes[frame] = codes[frame - 1]
            continue
        codes[frame] = encode(to_camera[:, 2])
        codes[frame][~np.isfinite(depth_m)] = 0
        for number in range(1, len(scene.bodies) + 1):
            here = surface.patch(scene, rollout, geometry, frame, number)
            turn = to_camera @ rotation_matrix(rollout.quaternions_wxyz[frame, number - 1])
            codes[frame].reshape(-1, 3)[here.pixels] = encode(here.normals @ turn.T)
    return codes


def encode(normals: NDArray[Any]) -> NDArray[np.uint16]:
    """uint16 codes (..., 3) of unit normals (..., 3): 32768 + round(32767 n), in 1..65535; of a zero vector 0."""
    normals = np.asarray(normals, dtype=np.float64)
    codes = np.rint(STEPS * normals).clip(-STEPS, STEPS) + ZERO
    return np.where(normals.any(axis=-1, keepdims=True), codes, 0).astype(np.uint16)


def decode(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Normals (..., 3), each component exact to half a step, 1/65534; (0, 0, 0) where the code is blank: sky."""
    normals = codes.astype(np.float32)
    normals -= ZERO
    normals /= STEPS
    normals[codes[..., 0] == 0] = 0.0  # no component of a normal has code 0
    return normals
