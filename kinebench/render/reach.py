"""Where in the image an object can change a pixel: itself, its shadow, and the ground it darkens around it."""

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.raster import corners
from kinebench.physics.rollout import Rollout
from kinebench.scene.pose import Array, to_world
from kinebench.scene.scene import Light, Scene

HALO = 0.6
"""Width of the ring of ground, in heights of the object, that it keeps from the sky's light or gives its colour to."""
NEAR = 1.5
"""Another object this near, in heights, catches light that the object reflects: all of it is reached."""


def moving(rollout: Rollout) -> list[int]:
    """Ids of the objects whose pose ever changes."""
    poses = np.concatenate([rollout.positions_m, rollout.quaternions_wxyz], axis=-1)
    return [int(i) + 1 for i in np.flatnonzero(np.any(poses != poses[:1], axis=(0, 2)))]


def reach_tiles(
    scene: Scene, number: int, positions_m: Array, quaternions_wxyz: Array, tile_px: int
) -> NDArray[np.bool_]:
    """Tiles (rows, columns) of the image that object `number` reaches, for the poses (N, 3) and (N, 4) of one frame.

    That is the object, the ring of ground around it, its shadow with penumbra, and every other object that stands near
    it or in its shadow.
    """
    camera = scene.camera
    solids = [to_world(corners(b), p, q) for b, p, q in zip(scene.bodies, positions_m, quaternions_wxyz, strict=True)]
    solid = solids[number - 1]
    height_m = float(np.ptp(solid[:, 2]))
    ring, shade = _grown(solid, HALO * height_m), np.concatenate([_on_ground(solid), _shadow(solid, scene.light)])
    shapes = [np.concatenate([solid, ring]), shade]
    outline = _hull(shade[:, :2])
    for other in range(len(solids)):
        if other != number - 1:
            spread_m = np.linalg.norm(solids[other][:, :2] - positions_m[other, :2], axis=-1).max()
            if _distance(positions_m[other, :2], outline) < spread_m + NEAR * height_m:
                shapes.append(solids[other])
    rows, columns = -(-camera.height_px // tile_px), -(-camera.width_px // tile_px)
    reached = np.zeros((rows, columns), dtype=bool)
    for shape in shapes:
        px, depth = camera.project(shape)
        if np.any(depth <= 0):  # behind the camera: no telling where
            return np.ones((rows, columns), dtype=bool)
        reached |= _touched(_hull(px), rows, columns, tile_px)
    return reached


def _on_ground(points: Array) -> Array:
    return points * [1.0, 1.0, 0.0]


def _shadow(solid: Array, light: Light) -> Array:
    """Where rays from all edges of the sun's disc through the solid's corners meet the ground."""
    towards = np.array(light.sun_direction)
    side = np.cross([0.0, 0.0, 1.0], towards)
    side /= np.linalg.norm(side)
    rise = np.cross(towards, side)
    disc = np.tan(light.sun_angle_rad / 2)
    suns = [towards + disc * (a * side + b * rise) for a in (-1, 1) for b in (-1, 1)]
    return np.concatenate([solid - np.maximum(solid[:, 2:], 0) * (sun / max(sun[2], 0.05)) for sun in suns])


def _grown(solid: Array, by_m: float) -> Array:
    """The solid's footprint on the ground, grown on all sides."""
    middle = solid[:, :2].mean(axis=0)
    away = solid[:, :2] - middle
    spread = np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-9)
    return np.column_stack([middle + away * (1 + by_m / spread), np.zeros(len(solid))])


def _distance(point: Array, polygon: Array) -> float:
    """From a point (2,) to a convex polygon (n, 2); 0 inside."""
    ends = np.roll(polygon, -1, axis=0)
    along, offset = ends - polygon, point - polygon
    if np.all(along[:, 0] * offset[:, 1] - along[:, 1] * offset[:, 0] >= 0):
        return 0.0
    share = np.clip(np.sum(along * offset, axis=-1) / np.maximum(np.sum(along**2, axis=-1), 1e-18), 0, 1)
    return float(np.linalg.norm(offset - share[:, None] * along, axis=-1).min())


def _hull(points: Array) -> Array:
    """Corners of the convex hull of points (n, 2), in order (Andrew's monotone chain)."""
    ordered = sorted(map(tuple, points.tolist()))

    def chain(sequence: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        line: list[tuple[float, ...]] = []
        for p in sequence:
            while len(line) > 1 and _turn(line[-2], line[-1], p) <= 0:
                line.pop()
            line.append(p)
        return line[:-1]

    return np.array(chain(ordered) + chain(ordered[::-1]))


def _turn(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _touched(hull: Array, rows: int, columns: int, tile_px: int) -> NDArray[np.bool_]:
    """Tiles that a convex polygon meets: no edge of the polygon or of the tile separates the two."""
    y, x = np.mgrid[0:rows, 0:columns] * float(tile_px)
    low, high = hull.min(axis=0), hull.max(axis=0)
    met = (x <= high[0]) & (x + tile_px >= low[0]) & (y <= high[1]) & (y + tile_px >= low[1])
    for start, end in zip(hull, np.roll(hull, -1, axis=0), strict=True):
        across = np.array([start[1] - end[1], end[0] - start[0]])  # points to the polygon's inside
        farthest = [np.where(across[i] > 0, corner + tile_px, corner) for i, corner in enumerate((x, y))]
        met &= (farthest[0] - start[0]) * across[0] + (farthest[1] - start[1]) * across[1] >= 0
    return met
