"""Points on the objects' surfaces: which way they face, where they are in the image, whether the camera sees them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.raster import MANTLE, Geometry, hit_depth_m, window
from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array, rotation_matrix, to_body
from kinebench.scene.scene import Scene

_AXES = np.repeat(np.eye(3), 2, axis=0) * np.tile([-1.0, 1.0], 3)[:, None]  # outward normals of faces 0..5


@dataclass(frozen=True)
class Patch:
    """What one frame shows of one object, at the centres of n pixels."""

    pixels: NDArray[np.intp]  # (n,) flat indices into the image
    centres_px: Array  # (n, 2)
    points_m: Array  # (n, 3), the body's frame
    normals: Array  # (n, 3), unit, outward, the body's frame


def patch(scene: Scene, rollout: Rollout, geometry: Geometry, frame: int, number: int) -> Patch:
    """The visible surface of object `number` (1..N) in a frame."""
    pixels = np.flatnonzero(geometry.segmentation[frame] == number)
    y, x = np.divmod(pixels, scene.camera.width_px)
    rays = scene.camera.rays(x + 0.5, y + 0.5)
    world = scene.camera.position_m + rays * geometry.depth_m[frame].ravel()[pixels].astype(np.float64)[:, None]
    points = to_body(world, rollout.positions_m[frame, number - 1], rollout.quaternions_wxyz[frame, number - 1])
    normals = outward(points, geometry.faces[frame].ravel()[pixels])
    return Patch(pixels, np.column_stack([x, y]) + 0.5, points, normals)


def outward(points_m: Array, faces: NDArray[np.uint8]) -> Array:
    """Unit outward normals (n, 3) at points (n, 3) of these faces (n,), all in the body's frame."""
    normals = _AXES[np.minimum(faces, MANTLE - 1)]
    round_ = faces == MANTLE
    normals[round_, :2] = points_m[round_, :2] / np.linalg.norm(points_m[round_, :2], axis=-1, keepdims=True)
    normals[round_, 2] = 0.0
    return normals


def seen(
    scene: Scene, positions_m: Array, quaternions_wxyz: Array, number: int, points_m: Array, normals: Array
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Pixels (n, 2), depths (n,) in metres, and whether the camera sees them, of surface points of object `number`.

    All objects are at the poses (N, 3) and (N, 4); points and their outward normals (n, 3) are in the body's frame.
    A point is seen if it is in the image, its face looks towards the camera (objects are convex: then nothing else of
    the same object is in the way), it is above the ground, and the straight line from the camera to it meets no other
    object. This looks at no pixel and has no tolerance. Points at or behind the camera come back as NaN pixels.
    """
    camera, mine = scene.camera, number - 1
    to_world = rotation_matrix(quaternions_wxyz[mine]).T
    world = points_m @ to_world + positions_m[mine]
    px, depth_m = camera.project(world)
    sight = world - camera.position_m
    facing = np.einsum("ni,ni->n", normals @ to_world, sight) < 0
    clear = in_image(camera, px) & facing & (world[:, 2] > 0)
    for i, body in enumerate(scene.bodies):
        if i == mine:
            continue
        rows, columns = window(body, camera, positions_m[i], quaternions_wxyz[i])
        low, high = (columns.start, rows.start), (columns.stop, rows.stop)
        near = np.flatnonzero(clear & np.all((px >= low) & (px <= high), axis=-1))
        if near.size:
            rotation = rotation_matrix(quaternions_wxyz[i])
            origin = (camera.position_m - positions_m[i]) @ rotation
            clear[near] = hit_depth_m(body, origin, sight[near] @ rotation) >= 1
    return px, depth_m, clear


def in_image(camera: Camera, px: Array) -> NDArray[np.bool_]:
    """Whether pixel positions (..., 2) are in the image, its left and upper edge included; NaN is not."""
    inside: NDArray[np.bool_] = np.all((px >= 0) & (px < (camera.width_px, camera.height_px)), axis=-1)
    return inside
