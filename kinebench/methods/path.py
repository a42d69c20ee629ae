"""The path on the image that a driven object would take if nothing were in its way: one for every method.

From public constants alone. The true path would tell what the object strikes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.recipe import Range, Recipe
from kinebench.scene.camera import Camera
from kinebench.scene.scene import Vector

Path = NDArray[np.float64]
"""(F, 2), x and y in pixels, at the F frame times."""

VERSION = 1
"""Raised when the same condition would get another path."""
GRAVITY_MPS2 = 9.81
NEAR_M = 0.1
"""Nothing nearer to the camera is drawn."""
DECIMALS = 3


@dataclass(frozen=True)
class Nominal:
    """What is taken for every object of a dataset: the middle of what its recipe allows."""

    friction: float  # Coulomb coefficient between object and ground
    restitution: float  # between two objects
    height_m: float  # of an object's centre above the ground


def nominal(recipe: Recipe) -> Nominal:
    """The constants of a dataset. Friction and restitution of a contact are the product of its two sides'."""
    objects = recipe.objects
    heights = [_middle(objects.cube_edge_m), _middle(objects.cylinder_height_m)]
    return Nominal(
        friction=_middle(objects.friction) * _middle(recipe.ground.friction),
        restitution=_middle(objects.restitution) ** 2,
        height_m=sum(heights) / 2 / 2,
    )


def _middle(values: Range) -> float:
    return (values[0] + values[1]) / 2


def pole_px(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The centre x, y of the pixel of a mask (H, W) that is furthest from all others, the first of several.

    A centroid may lie off the object, and off what is seen of it. Raises ValueError for an empty mask.
    """
    if not mask.any():
        raise ValueError("an empty mask has no pole")
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    part = np.pad(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
    y, x = np.unravel_index(int(_outside_px2(part).argmax()), part.shape)
    return np.array([columns[0] + x - 0.5, rows[0] + y - 0.5])


def _outside_px2(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Squared distance of each pixel (H, W) to the nearest outside the mask, whose border is outside."""
    places = np.arange(mask.shape[1])
    before = np.maximum.accumulate(np.where(mask, -1, places), axis=1)
    after = np.minimum.accumulate(np.where(mask, 2 * len(places), places)[:, ::-1], axis=1)[:, ::-1]
    beside = np.minimum(places - before, after - places) ** 2  # along the row
    rows = np.arange(len(mask))
    apart = (rows[:, None] - rows) ** 2
    return np.stack([(beside + apart[row][:, None]).min(axis=0) for row in rows])


def image_path(
    camera: Camera, start_px: NDArray[np.float64], velocity_mps: Vector, nominal: Nominal, frames: int, fps: float
) -> Path:
    """The path of the point at `start_px` that slides along the ground and slows down by friction.

    `velocity_mps` is in the ground frame; what it has upwards does not count. Where the path leaves the image, or comes
    too near to the camera, it stops. Raises ValueError if the point is not above the ground, but above the horizon.
    """
    start = np.asarray(start_px, dtype=np.float64)
    ray = camera.rays(start[0], start[1])
    depth_m = (nominal.height_m - camera.position_m[2]) / ray[2]
    if not np.isfinite(depth_m) or depth_m <= 0:
        raise ValueError(f"at {start[0]:g},{start[1]:g} there is no ground to move on")
    origin = camera.position_m + depth_m * ray
    flat = np.array([velocity_mps[0], velocity_mps[1], 0.0])
    speed = float(np.linalg.norm(flat))
    heading = flat / speed if speed else flat
    places = origin + sliding_m(speed, nominal.friction, np.arange(frames) / fps)[:, None] * (
        heading @ camera.ground_axes
    )
    pictures, depths = camera.project(places)
    pictures[0] = start
    return (_clipped(pictures, depths, (camera.width_px, camera.height_px))).round(DECIMALS) + 0.0


def sliding_m(speed_mps: float, friction: float, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far something has slid, (F,): `v t - mu g t^2 / 2` until it stops."""
    slowing = friction * GRAVITY_MPS2
    moving_s = np.minimum(times_s, speed_mps / slowing) if slowing > 0 else times_s
    return speed_mps * moving_s - slowing * moving_s**2 / 2


def _clipped(path: Path, depths_m: NDArray[np.float64], size: tuple[int, int]) -> Path:
    """The path up to the first frame at which it is off the image or too near; from there on it stays at the border."""
    with np.errstate(invalid="ignore"):
        gone = (depths_m < NEAR_M) | (path < 0).any(axis=1) | (path > size).any(axis=1)
    gone[0] = False  # a mask lies on the image
    if not gone.any():
        return path
    first = int(gone.argmax())
    held = path.copy()
    step = path[first] - path[first - 1]
    if depths_m[first] >= NEAR_M:
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = np.where(step > 0, (size - path[first - 1]) / step, np.where(step < 0, -path[first - 1] / step, 1))
        held[first:] = np.clip(path[first - 1] + min(1.0, float(reach.min())) * step, 0, size)
    else:
        held[first:] = path[first - 1]
    return held
