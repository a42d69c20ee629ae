"""Which face of which object each pixel's centre sees, and how far away: rays against boxes and cylinders, exact.

Cycles' own index pass samples one random point inside each pixel, so its edges are off by up to half a pixel; the ray
through the pixel's centre is what the convention promises. Tests hold this against Cycles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array, rotation_matrix, to_world
from kinebench.scene.scene import Body, Scene

MANTLE = 6
"""A cylinder's round face. Faces 0..5 look along -x, x, -y, y, -z, z of the body; a cylinder's caps are 4 and 5."""


@dataclass(frozen=True)
class Geometry:
    """Per-pixel geometry of a clip at pixel centres."""

    segmentation: NDArray[np.uint8]  # (F, H, W): 0 the ground, 1..N the objects
    depth_m: NDArray[np.float32]  # (F, H, W): along the camera's z axis; inf where a ray misses the ground
    faces: NDArray[np.uint8]  # (F, H, W): which face of the object; 0 on the ground, where it means nothing


def corners(body: Body) -> Array:
    """The eight corners (8, 3) of a body's bounding box, in its own frame, metres."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    return signs * np.array(body.size_m) / 2


def hit_depth_m(body: Body, origin: Array, directions: Array) -> Array:
    """Distance along rays to a body's surface, in units of the direction's length; inf where they miss.

    `origin` (3,) and `directions` (..., 3) are in the body's frame. A ray that starts inside the body misses.
    """
    half = np.array(body.size_m) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (-half - origin) / directions, (half - origin) / directions
    near, far = np.fmin(first, second), np.fmax(first, second)
    if body.shape == "cube":
        enter, leave = near.max(axis=-1), far.min(axis=-1)
    else:
        side_in, side_out = _tube(half[0], origin, directions)
        enter, leave = np.maximum(near[..., 2], side_in), np.minimum(far[..., 2], side_out)
    return np.where((enter <= leave) & (enter > 0), enter, np.inf)


def _tube(radius_m: float, origin: Array, directions: Array) -> tuple[Array, Array]:
    """Where rays enter and leave an endless tube about the z axis; (inf, -inf) where they miss."""
    dx, dy = directions[..., 0], directions[..., 1]
    a = dx * dx + dy * dy
    b = dx * origin[0] + dy * origin[1]
    c = origin[0] ** 2 + origin[1] ** 2 - radius_m**2
    root = b * b - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.sqrt(np.maximum(root, 0))
        hit = root > 0
        return np.where(hit, (-b - reach) / a, np.inf), np.where(hit, (-b + reach) / a, -np.inf)


def _faces(body: Body, points: Array) -> NDArray[np.uint8]:
    """The face (n,) on which each surface point (n, 3) in the body's frame lies."""
    shares = points / (np.array(body.size_m) / 2)
    if body.shape == "cylinder":
        caps = np.abs(shares[:, 2]) > np.hypot(shares[:, 0], shares[:, 1])
        return np.where(caps, 4 + (shares[:, 2] > 0), MANTLE).astype(np.uint8)
    axes = np.abs(shares).argmax(axis=-1)
    return (2 * axes + (np.take_along_axis(shares, axes[:, None], axis=-1)[:, 0] > 0)).astype(np.uint8)


def ground_depth_m(camera: Camera) -> Array:
    """Depth (H, W) of the plane z = 0 at pixel centres; inf at and above the horizon."""
    down = _pixel_rays(camera)[..., 2]
    with np.errstate(divide="ignore"):
        depth = -camera.position_m[2] / down
    return np.where(down < 0, depth, np.inf)


def _pixel_rays(camera: Camera) -> Array:
    y, x = np.mgrid[0 : camera.height_px, 0 : camera.width_px] + 0.5
    return camera.rays(x, y)


@dataclass(frozen=True)
class _Layer:
    """One object's depth and faces in a window of the image."""

    window: tuple[slice, slice]
    depth_m: Array
    faces: NDArray[np.uint8]


def window(body: Body, camera: Camera, position_m: Array, quaternion_wxyz: Array) -> tuple[slice, slice]:
    """Rows and columns of the image that hold every pixel whose centre the body may cover."""
    px, depth = camera.project(to_world(corners(body), position_m, quaternion_wxyz))
    size = np.array([camera.width_px, camera.height_px])
    if np.all(depth > 0):
        low, high = np.floor(px.min(axis=0)), np.ceil(px.max(axis=0)) + 1
    else:  # reaches behind the camera: look everywhere
        low, high = np.zeros(2), size
    (x0, y0), (x1, y1) = (np.clip(edge, 0, size).astype(int) for edge in (low, high))
    return slice(y0, y1), slice(x0, x1)


def _layer(body: Body, camera: Camera, rays: Array, position_m: Array, quaternion_wxyz: Array) -> _Layer:
    part = window(body, camera, position_m, quaternion_wxyz)
    to_body = rotation_matrix(quaternion_wxyz)
    origin = (camera.position_m - position_m) @ to_body
    directions = rays[part] @ to_body
    depth = hit_depth_m(body, origin, directions)
    faces, hit = np.zeros(depth.shape, dtype=np.uint8), np.isfinite(depth)
    faces[hit] = _faces(body, origin + directions[hit] * depth[hit][:, None])
    return _Layer(part, depth, faces)


def rasterise(scene: Scene, rollout: Rollout) -> Geometry:
    """The geometry of every frame. Layers and frames in which nothing moved are computed once."""
    camera = scene.camera
    rays, ground = _pixel_rays(camera), ground_depth_m(camera)
    shape = (len(rollout.positions_m), camera.height_px, camera.width_px)
    geometry = Geometry(np.zeros(shape, np.uint8), np.empty(shape, np.float32), np.zeros(shape, np.uint8))
    layers: list[_Layer] = []
    for frame in range(len(rollout.positions_m)):
        changed = moved(rollout, frame)
        if frame and not changed.any():
            for values in (geometry.segmentation, geometry.depth_m, geometry.faces):
                values[frame] = values[frame - 1]
            continue
        poses = zip(rollout.positions_m[frame], rollout.quaternions_wxyz[frame], strict=True)
        layers = [
            _layer(body, camera, rays, *pose) if changed[i] else layers[i]
            for i, (body, pose) in enumerate(zip(scene.bodies, poses, strict=True))
        ]
        geometry.depth_m[frame] = _stack(layers, ground, geometry.segmentation[frame], geometry.faces[frame])
    return geometry


def _stack(layers: list[_Layer], ground: Array, ids: NDArray[np.uint8], faces: NDArray[np.uint8]) -> Array:
    """The nearest depth (H, W) of all layers and the ground; writes ids and faces (H, W) where a layer wins."""
    nearest = ground.copy()
    for number, layer in enumerate(layers, 1):
        in_front = layer.depth_m < nearest[layer.window]
        nearest[layer.window][in_front] = layer.depth_m[in_front]
        ids[layer.window][in_front] = number
        faces[layer.window][in_front] = layer.faces[in_front]
    return nearest


def moved(rollout: Rollout, frame: int) -> NDArray[np.bool_]:
    """Which objects (N,) have another pose than one frame before; all of them at frame 0."""
    if frame == 0:
        return np.ones(rollout.positions_m.shape[1], dtype=bool)
    now = np.concatenate([rollout.positions_m[frame], rollout.quaternions_wxyz[frame]], axis=-1)
    before = np.concatenate([rollout.positions_m[frame - 1], rollout.quaternions_wxyz[frame - 1]], axis=-1)
    changed: NDArray[np.bool_] = np.any(now != before, axis=-1)
    return changed
