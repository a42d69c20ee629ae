"""Which object each pixel's centre sees, and how far away: rays against boxes and cylinders, exact to rounding.

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


@dataclass(frozen=True)
class Geometry:
    """Per-pixel geometry of a clip at pixel centres."""

    segmentation: NDArray[np.uint8]  # (F, H, W): 0 the ground, 1..N the objects
    depth_m: NDArray[np.float32]  # (F, H, W): along the camera's z axis; inf where a ray misses the ground


def corners(body: Body) -> Array:
    """The eight corners (8, 3) of a body's bounding box, in its own frame, metres."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    return signs * np.array(body.size_m) / 2


def hit_depth_m(body: Body, origin: Array, directions: Array) -> Array:
    """Distance along rays to a body's surface, in units of the direction's length; inf where they miss.

    `origin` (3,) and `directions` (..., 3) are in the body's frame.
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
    return np.where((enter <= leave) & (leave > 0), enter, np.inf)


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
    """One object's depth in a window of the image."""

    window: tuple[slice, slice]
    depth_m: Array


def _layer(body: Body, camera: Camera, rays: Array, position_m: Array, quaternion_wxyz: Array) -> _Layer:
    px, depth = camera.project(to_world(corners(body), position_m, quaternion_wxyz))
    size = np.array([camera.width_px, camera.height_px])
    if np.all(depth > 0):
        low, high = np.floor(px.min(axis=0)), np.ceil(px.max(axis=0)) + 1
    else:  # reaches behind the camera: look everywhere
        low, high = np.zeros(2), size
    (x0, y0), (x1, y1) = (np.clip(edge, 0, size).astype(int) for edge in (low, high))
    window = (slice(y0, y1), slice(x0, x1))
    to_body = rotation_matrix(quaternion_wxyz)
    origin = (camera.position_m - position_m) @ to_body
    return _Layer(window, hit_depth_m(body, origin, rays[window] @ to_body))


def rasterise(scene: Scene, rollout: Rollout) -> Geometry:
    """Segmentation and depth of every frame. Layers and frames in which nothing moved are computed once."""
    camera = scene.camera
    rays, ground = _pixel_rays(camera), ground_depth_m(camera)
    frames = len(rollout.positions_m)
    segmentation = np.zeros((frames, camera.height_px, camera.width_px), dtype=np.uint8)
    depth = np.empty(segmentation.shape, dtype=np.float32)
    layers: list[_Layer] = []
    for frame in range(frames):
        moved = _moved(rollout, frame)
        if frame and not moved.any():
            segmentation[frame], depth[frame] = segmentation[frame - 1], depth[frame - 1]
            continue
        poses = zip(rollout.positions_m[frame], rollout.quaternions_wxyz[frame], strict=True)
        layers = [
            _layer(body, camera, rays, *pose) if moved[i] else layers[i]
            for i, (body, pose) in enumerate(zip(scene.bodies, poses, strict=True))
        ]
        nearest = ground.copy()
        for number, layer in enumerate(layers, 1):
            in_front = layer.depth_m < nearest[layer.window]
            nearest[layer.window][in_front] = layer.depth_m[in_front]
            segmentation[frame][layer.window][in_front] = number
        depth[frame] = nearest
    return Geometry(segmentation, depth)


def _moved(rollout: Rollout, frame: int) -> NDArray[np.bool_]:
    """Which objects (N,) have another pose than one frame before; all of them at frame 0."""
    if frame == 0:
        return np.ones(rollout.positions_m.shape[1], dtype=bool)
    now = np.concatenate([rollout.positions_m[frame], rollout.quaternions_wxyz[frame]], axis=-1)
    before = np.concatenate([rollout.positions_m[frame - 1], rollout.quaternions_wxyz[frame - 1]], axis=-1)
    moved: NDArray[np.bool_] = np.any(now != before, axis=-1)
    return moved
