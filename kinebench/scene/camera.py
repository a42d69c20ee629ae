"""The pinhole camera, in OpenCV's convention: x right, y down, z forward, `X_c = R X_w + t`."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kinebench.scene.pose import Array


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that stands still.

    The centre of the top-left pixel is at (0.5, 0.5); the principal point is the middle of the image.
    """

    width_px: int
    height_px: int
    focal_px: float
    rotation: tuple[tuple[float, float, float], ...]  # (3, 3), world to camera
    translation_m: tuple[float, float, float]

    @cached_property
    def rotation_array(self) -> Array:
        """World-to-camera rotation, float64 (3, 3)."""
        return np.array(self.rotation)

    @cached_property
    def position_m(self) -> Array:
        """Where the camera stands in the world, float64 (3,)."""
        return -self.rotation_array.T @ np.array(self.translation_m)

    @cached_property
    def ground_axes(self) -> Array:
        """Rows are the ground frame's axes in the world, float64 (3, 3).

        x is the camera's right projected on the ground, y points away from the camera along the ground, z is up.
        `ground_axes @ v_world` is a velocity in the ground frame.
        """
        right = self.rotation_array[0] * [1.0, 1.0, 0.0]
        right /= np.linalg.norm(right)
        up = np.array([0.0, 0.0, 1.0])
        return np.stack([right, np.cross(up, right), up])

    def to_camera(self, points_world_m: Array) -> Array:
        """World points (..., 3) in metres to the camera's frame (..., 3)."""
        return points_world_m @ self.rotation_array.T + np.array(self.translation_m)

    def project(self, points_world_m: Array) -> tuple[Array, Array]:
        """World points (..., 3) to pixels (..., 2) and depths along z (...,) in metres.

        Points at or behind the camera (depth <= 0) come back as NaN pixels.
        """
        x, y, z = np.moveaxis(self.to_camera(points_world_m), -1, 0)
        safe = np.where(z > 0, z, np.nan)
        u = self.focal_px * x / safe + self.width_px / 2
        v = self.focal_px * y / safe + self.height_px / 2
        return np.stack([u, v], axis=-1), z

    def rays(self, x_px: Array, y_px: Array) -> Array:
        """World directions (..., 3) through pixel positions, scaled so that their camera depth is 1 metre."""
        x = (np.asarray(x_px, dtype=np.float64) - self.width_px / 2) / self.focal_px
        y = (np.asarray(y_px, dtype=np.float64) - self.height_px / 2) / self.focal_px
        return np.stack([x, y, np.ones_like(x)], axis=-1) @ self.rotation_array


def look_at(position_m: Array, target_m: Array, *, width_px: int, height_px: int, field_of_view_rad: float) -> Camera:
    """A level camera at `position_m` that looks at `target_m`; `field_of_view_rad` is horizontal."""
    forward = np.asarray(target_m, dtype=np.float64) - position_m
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return Camera(
        width_px=width_px,
        height_px=height_px,
        focal_px=float(width_px / 2 / np.tan(field_of_view_rad / 2)),
        rotation=tuple(tuple(row) for row in rotation.tolist()),
        translation_m=tuple((-rotation @ np.asarray(position_m, dtype=np.float64)).tolist()),
    )
