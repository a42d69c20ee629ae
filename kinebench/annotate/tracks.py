"""Point tracks: a grid of surface points on every object, carried through all frames, seen or not.

The points stand on every face of a box, and on mantle and caps of a cylinder, at a spacing that gives about
`POINTS` an object whatever its size: the middles of even cells of a flat face or a mantle, rings on a cap. They depend
on the object's size alone. No two stand in one place, and none stands on an edge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate import surface
from kinebench.annotate.raster import MANTLE, moved
from kinebench.physics.rollout import DECIMALS, Rollout
from kinebench.scene.pose import Array
from kinebench.scene.scene import Body, Scene

POINTS = 64
PX_DECIMALS = 3
NEAREST_M = 0.01
BEHIND_PX = -1e6
"""Both pixel coordinates of a point nearer to the camera's plane than `NEAREST_M`, or behind it."""


@dataclass(frozen=True)
class Tracks:
    """P surface points of all objects over the F frames, in order of object."""

    objects: NDArray[np.int64]  # (P,) ids, 1..N
    points_m: Array  # (P, 3), in the body's frame, on its surface
    xy_px: Array  # (F, P, 2), to 1/1000; also where hidden or out of the image
    visible: NDArray[np.bool_]  # (F, P), in the image and in front of everything else, see `surface.seen`


def track(scene: Scene, rollout: Rollout) -> Tracks:
    """The tracks of every object's grid."""
    grids = [grid(body) for body in scene.bodies]
    objects = np.repeat(np.arange(1, len(grids) + 1), [len(points) for points, _ in grids])
    shape = (len(rollout.positions_m), len(objects))
    xy_px, visible = np.zeros((*shape, 2)), np.zeros(shape, dtype=bool)
    for frame in range(len(xy_px)):
        if not moved(rollout, frame).any():
            xy_px[frame], visible[frame] = xy_px[frame - 1], visible[frame - 1]
            continue
        poses = rollout.positions_m[frame], rollout.quaternions_wxyz[frame]
        for number, (points_m, normals) in enumerate(grids, 1):
            px, depth_m, seen = surface.seen(scene, *poses, number, points_m, normals)
            stored_px = np.where(depth_m[:, None] >= NEAREST_M, px, BEHIND_PX).round(PX_DECIMALS) + 0.0
            mine = objects == number
            xy_px[frame, mine], visible[frame, mine] = stored_px, seen & surface.in_image(scene.camera, stored_px)
    return Tracks(objects, np.concatenate([points_m for points_m, _ in grids]), xy_px, visible)


def grid(body: Body) -> tuple[Array, Array]:
    """Points (n, 3) on a body's surface to a micrometre, and outward normals (n, 3), both in its frame."""
    points, faces = _box(np.array(body.size_m)) if body.shape == "cube" else _cylinder(body.size_m[0], body.size_m[2])
    points = points.round(DECIMALS) + 0.0
    return points, surface.outward(points, faces)


def _box(size_m: Array) -> tuple[Array, NDArray[np.uint8]]:
    area = 2 * (size_m.prod() / size_m).sum()
    parts = [_middles(edge, np.sqrt(area / POINTS)) for edge in size_m]
    points, faces = [], []
    for face in range(6):
        axis, outwards = divmod(face, 2)
        lines = [*parts]
        lines[axis] = np.array([(outwards - 0.5) * size_m[axis]])
        points.append(np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 3))
        faces.append(np.full(len(points[-1]), face, dtype=np.uint8))
    return np.concatenate(points), np.concatenate(faces)


def _cylinder(diameter_m: float, height_m: float) -> tuple[Array, NDArray[np.uint8]]:
    radius = diameter_m / 2
    spacing = np.sqrt(2 * np.pi * radius * (radius + height_m) / POINTS)
    points, faces = [], []
    for z in _middles(height_m, spacing):
        points.append(_ring(radius, z, spacing))
        faces.append(MANTLE)
    for face, z in ((4, -height_m / 2), (5, height_m / 2)):
        for ring_radius in _middles(radius, spacing) + radius / 2:
            points.append(_ring(ring_radius, z, spacing))
            faces.append(face)
    return np.concatenate(points), np.repeat(np.array(faces, dtype=np.uint8), [len(ring) for ring in points])


def _middles(length_m: float, spacing_m: float) -> Array:
    """Middles of the even cells of a line about 0, as many as the spacing asks and at least one."""
    cells = max(1, round(length_m / spacing_m))
    return ((np.arange(cells) + 0.5) / cells - 0.5) * length_m


def _ring(radius_m: float, z_m: float, spacing_m: float) -> Array:
    """Even points (n, 3) on a circle about the z axis, at least three."""
    count = max(3, round(2 * np.pi * radius_m / spacing_m))
    turns = 2 * np.pi * (np.arange(count) + 0.5) / count
    return np.column_stack([radius_m * np.cos(turns), radius_m * np.sin(turns), np.full(count, z_m)])
