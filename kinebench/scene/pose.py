"""Rotations and rigid poses, as plain arrays. Quaternions are (w, x, y, z), unit length."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def rotation_matrix(quaternion_wxyz: Array) -> Array:
    """Rotation matrices (..., 3, 3) of unit quaternions (..., 4); they map body axes to world axes."""
    w, x, y, z = np.moveaxis(np.asarray(quaternion_wxyz, dtype=np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def yaw_quaternion(yaw_rad: float) -> Array:
    """Quaternion (4,) of a turn by `yaw_rad` about the world's z axis."""
    return np.array([np.cos(yaw_rad / 2), 0.0, 0.0, np.sin(yaw_rad / 2)])


def to_world(points_body: Array, position_m: Array, quaternion_wxyz: Array) -> Array:
    """Points (..., 3) in metres from the body's frame to the world's."""
    return points_body @ rotation_matrix(quaternion_wxyz).T + position_m


def to_body(points_world: Array, position_m: Array, quaternion_wxyz: Array) -> Array:
    """Points (..., 3) in metres from the world's frame to the body's."""
    return (points_world - position_m) @ rotation_matrix(quaternion_wxyz)
