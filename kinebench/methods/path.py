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
NOMINAL_DECIMALS = 6
_TOGETHER = 1024
"""Pixels that are measured at once."""


@dataclass(frozen=True)
class Nominal:
    """What is taken for every object of a dataset: the middle of what its recipe allows."""

    friction: float  # Coulomb coefficient between object and ground
    restitution: float  # between two objects
    height_m: float  # of an object's centre above the ground


def nominal(recipe: Recipe) -> Nominal:
    """The constants of a dataset. Friction and restitution of a contact are the product of its two sides'."""
    objects = recipe.objects
    cubes, cylinders = (1 - objects.cylinder_share), objects.cylinder_share
    height_m = cubes * _middle(objects.cube_edge_m) + cylinders * _middle(objects.cylinder_height_m)
    return Nominal(
        friction=round(_middle(objects.friction) * _middle(recipe.ground.friction), NOMINAL_DECIMALS),
        restitution=round(_middle(objects.restitution) ** 2, NOMINAL_DECIMALS),
        height_m=round(height_m / 2, NOMINAL_DECIMALS),
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
    y, x = _furthest(np.pad(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1))
    return np.array([columns[0] + x - 0.5, rows[0] + y - 0.5])


def _furthest(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Row and column of the first pixel (H, W) that is furthest from all outside the mask, whose border is outside.

    It is no further than along its row and its column: those of which that is most are measured first.
    """
    beside = _along_rows(mask)
    most = np.minimum(beside, _along_rows(mask.T).T).ravel() ** 2
    order = np.argsort(-most, kind="stable")
    down = np.arange(mask.shape[0])[:, None]
    best_px2, place = -1, 0
    for begin in range(0, len(order), _TOGETHER):
        at = order[begin : begin + _TOGETHER]
        if most[at[0]] < best_px2:
            break
        y, x = np.divmod(at, mask.shape[1])
        px2 = ((down - y) ** 2 + beside[:, x] ** 2).min(axis=0)
        if px2.max() > best_px2 or (px2.max() == best_px2 and at[px2 == best_px2].min() < place):
            best_px2, place = int(px2.max()), int(at[px2 == px2.max()].min())
    row, column = divmod(place, mask.shape[1])
    return row, column


def _along_rows(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many pixels (H, W) each is from the nearest outside the mask in its row."""
    places = np.arange(mask.shape[1])
    before = np.maximum.accumulate(np.where(mask, -1, places), axis=1)
    after = np.minimum.accumulate(np.where(mask, 2 * len(places), places)[:, ::-1], axis=1)[:, ::-1]
    beside: NDArray[np.int64] = np.minimum(places - before, after - places)
    return beside


def image_path(
    camera: Camera, start_px: NDArray[np.float64], velocity_mps: Vector, nominal: Nominal, frames: int, fps: float
) -> Path:
    """The path of the point at `start_px` that slides along the ground and slows down by friction.

    `velocity_mps` is in the ground frame; what it has upwards does not count. Where the path leaves the image, or comes
    too near to the camera, it stops. Raises ValueError if the point is not above the ground, but above the horizon.
    """
    start = np.asarray(start_px, dtype=np.float64)
    origin = ground_place(camera, start, nominal.height_m)
    flat = np.array([velocity_mps[0], velocity_mps[1], 0.0])
    speed = float(np.linalg.norm(flat))
    heading = flat / speed if speed else flat
    places = origin + sliding_m(speed, nominal.friction, np.arange(frames) / fps)[:, None] * (
        heading @ camera.ground_axes
    )
    return np.round(_clipped(places, start, camera), DECIMALS) + 0.0


def ground_place(camera: Camera, point_px: NDArray[np.float64], height_m: float) -> NDArray[np.float64]:
    """The world point (3,) that is seen at `point_px` (2,) and is so high above the ground.

    Raises ValueError if there is none: at the horizon of that height and above it.
    """
    ray = camera.rays(point_px[0], point_px[1])
    below_m = height_m - float(camera.position_m[2])
    if below_m * ray[2] <= 0:
        raise ValueError(f"at {point_px[0]:g},{point_px[1]:g} there is no ground to move on")
    place: NDArray[np.float64] = camera.position_m + below_m / ray[2] * ray
    return place


def sliding_m(
    speed_mps: float | NDArray[np.float64], friction: float, times_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far something has slid, (F,): `v t - mu g t^2 / 2` until it stops."""
    slowing = friction * GRAVITY_MPS2
    moving_s = np.minimum(times_s, speed_mps / slowing) if slowing > 0 else times_s
    return speed_mps * moving_s - slowing * moving_s**2 / 2


def _clipped(places_m: NDArray[np.float64], start_px: NDArray[np.float64], camera: Camera) -> Path:
    """World places (F, 3) on the image, the first at `start_px`.

    From the first frame at which a place is off the image, or too near, the path stays where it crosses the border, or
    comes too near.
    """
    path, depths_m = camera.project(places_m)
    path[0] = start_px
    size = np.array([camera.width_px, camera.height_px], dtype=np.float64)
    near = depths_m < NEAR_M
    gone = near | (path < 0).any(axis=1) | (path > size).any(axis=1)
    gone[0] = False  # a mask lies on the image
    if not gone.any():
        return path
    first = int(gone.argmax())
    last = path[first - 1]
    target = path[first]
    if near[first]:
        target = last
        if not near[first - 1]:
            share = (depths_m[first - 1] - NEAR_M) / (depths_m[first - 1] - depths_m[first])
            target, _ = camera.project(places_m[first - 1] + share * (places_m[first] - places_m[first - 1]))
    step = target - last
    edges = np.where(step > 0, size, 0.0)
    reach = np.divide(edges - last, step, out=np.ones(2), where=step != 0).min()
    path[first:] = np.clip(last + min(1.0, float(reach)) * step, 0, size)
    return path
