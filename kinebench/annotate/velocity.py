"""The velocity mask: an instance map and a velocity table made dense. KineMask, section 3.2.

A mask is float32 (F, H, W, 3) in metres per second: the velocity of each driven object on its visible pixels, zero
elsewhere. Stored in 8 bits, a pixel without a driven object is (0, 0, 0), and on one each channel is
`128 + round(127 v / v_max)` in 1..255, so that standing still (128) and blank (0) differ.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array

Frame = Literal["ground", "world", "camera"]
"""Frame of reference of a mask. `ground`: x the camera's right, y away from it along the ground, z up."""

Encoding = Literal["v_t", "v_0"]
"""`v_t`: the velocity at each frame. `v_0`: the velocity at frame 0, in every frame. KineMask, table 5a."""

IDS = 256
ZERO = 128
STEPS = 127


def in_frame(velocities_mps: Array, camera: Camera, frame: Frame = "ground") -> Array:
    """World velocities (..., 3) in another frame of reference; float64 (..., 3)."""
    axes = {"ground": camera.ground_axes, "world": np.eye(3), "camera": camera.rotation_array}[frame]
    return np.asarray(velocities_mps, dtype=np.float64) @ axes.T


def velocity_mask(
    segmentation: NDArray[np.uint8],
    velocities_mps: Array,
    driven: Iterable[int],
    camera: Camera,
    frame: Frame = "ground",
    encoding: Encoding = "v_t",
) -> NDArray[np.float32]:
    """The mask, float32 (F, H, W, 3) in m/s.

    `segmentation` is uint8 (F, H, W), 0 the ground and 1..N the objects; `velocities_mps` is (F, N, 3) in the world;
    `driven` holds the ids of the objects that already move at frame 0.
    """
    table = velocity_table(velocities_mps, driven, camera, frame, encoding).astype(np.float32)
    return _paint(table, segmentation)


def velocity_input(
    segmentation: NDArray[np.uint8],
    velocities_mps: Array,
    driven: Iterable[int],
    camera: Camera,
    v_max_mps: float,
    frame: Frame = "ground",
    encoding: Encoding = "v_t",
) -> NDArray[np.float32]:
    """What a model is given: `velocity_mask` over `v_max_mps`, clipped to [-1, 1]; float32 (F, H, W, 3)."""
    table = velocity_table(velocities_mps, driven, camera, frame, encoding) / v_max_mps
    return _paint(table.clip(-1, 1).astype(np.float32), segmentation)


def velocity_codes(
    segmentation: NDArray[np.uint8],
    velocities_mps: Array,
    driven: Iterable[int],
    camera: Camera,
    v_max_mps: float,
    frame: Frame = "ground",
    encoding: Encoding = "v_t",
) -> NDArray[np.uint8]:
    """The stored mask, uint8 (F, H, W, 3). The same as `encode` of `velocity_mask`, without the floats in between."""
    driven = tuple(driven)
    table = encode(velocity_table(velocities_mps, driven, camera, frame, encoding), _listed(driven), v_max_mps)
    return _paint(table, segmentation)


def velocity_pictures(
    segmentation: NDArray[np.uint8],
    velocities_mps: Array,
    driven: Iterable[int],
    camera: Camera,
    v_max_mps: float,
    frame: Frame = "ground",
    encoding: Encoding = "v_t",
) -> NDArray[np.uint8]:
    """The mask for people, RGB uint8 (F, H, W, 3). The same as `picture` of `velocity_mask`, and much faster."""
    return _paint(picture(velocity_table(velocities_mps, driven, camera, frame, encoding), v_max_mps), segmentation)


def covered(segmentation: NDArray[np.uint8], driven: Iterable[int]) -> NDArray[np.bool_]:
    """Where a driven object is visible, bool (F, H, W)."""
    where: NDArray[np.bool_] = _listed(driven)[segmentation]
    return where


def encode(mask_mps: NDArray[Any], covered: NDArray[np.bool_], v_max_mps: float) -> NDArray[np.uint8]:
    """8-bit codes (..., 3) of velocities (..., 3) in m/s where `covered` (...), and 0 elsewhere."""
    steps = np.rint(STEPS * np.asarray(mask_mps, dtype=np.float64) / v_max_mps).clip(-STEPS, STEPS)
    return np.where(covered[..., None], steps + ZERO, 0).astype(np.uint8)


def decode(codes: NDArray[np.uint8], v_max_mps: float) -> NDArray[np.float32]:
    """Velocities (..., 3) in m/s of 8-bit codes (..., 3); blank pixels become 0. Exact to half a step, v_max / 254."""
    levels = ((np.arange(256) - ZERO) * (v_max_mps / STEPS)).astype(np.float32)
    levels[0] = 0.0
    velocities: NDArray[np.float32] = levels[codes]
    return velocities


def keep_frames(mask: NDArray[Any], kept: Sequence[int]) -> NDArray[Any]:
    """A mask or its codes (F, ...) with every frame blank but those in `kept`; KineMask, equation 4.

    `range(k)` truncates after k frames, `[0]` leaves the condition of inference.
    """
    out = np.zeros_like(mask)
    out[list(kept)] = mask[list(kept)]
    return out


def picture(mask_mps: NDArray[Any], v_max_mps: float) -> NDArray[np.uint8]:
    """RGB uint8 (..., 3) of velocities (..., 3): hue by direction on the ground, brightness by speed, black at rest.

    To the right is red, away from the camera yellow-green, to the left cyan, towards the camera violet; motion along
    the third axis washes the hue out towards white. Full brightness is at `v_max_mps`.
    """
    x, y, z = np.moveaxis(np.asarray(mask_mps, dtype=np.float64), -1, 0)
    along, speed = np.hypot(x, y), np.sqrt(x * x + y * y + z * z)
    saturation = np.divide(along, speed, out=np.zeros_like(speed), where=speed > 0)[..., None]
    turn = np.arctan2(y, x)[..., None] / (2 * np.pi)
    hue = (np.abs((turn + np.array([0.0, 2 / 3, 1 / 3])) % 1.0 * 6 - 3) - 1).clip(0, 1)
    brightness = (speed / v_max_mps).clip(0, 1)[..., None]
    rgb: NDArray[np.uint8] = np.rint(255 * brightness * (1 - saturation * (1 - hue))).astype(np.uint8)
    return rgb


def velocity_table(
    velocities_mps: Array, driven: Iterable[int], camera: Camera, frame: Frame = "ground", encoding: Encoding = "v_t"
) -> Array:
    """What stands on the pixels of each id, float64 (F, 256, 3) in m/s; the arguments are those of `velocity_mask`."""
    velocities = in_frame(velocities_mps, camera, frame)
    if encoding == "v_0":
        velocities = np.broadcast_to(velocities[:1], velocities.shape)
    table = np.zeros((len(velocities), IDS, 3))
    for number in driven:
        table[:, number] = velocities[:, number - 1]
    return table


def _listed(driven: Iterable[int]) -> NDArray[np.bool_]:
    """Whether each of the 256 ids is driven."""
    listed = np.zeros(IDS, dtype=np.bool_)
    listed[list(driven)] = True
    return listed


def _paint(table: NDArray[Any], segmentation: NDArray[np.uint8]) -> NDArray[Any]:
    """Look every pixel's id up in its frame's table: (F, 256, C) and (F, H, W) to (F, H, W, C).

    Only the ids that have anything but zeros are looked for: most of a mask is blank, and blank memory costs nothing.
    """
    out = np.zeros((*segmentation.shape, table.shape[-1]), dtype=table.dtype)
    for number in np.flatnonzero(table.any(axis=(0, 2))):
        for row, ids, painted in zip(table, segmentation, out, strict=True):
            painted.reshape(-1, table.shape[-1])[np.flatnonzero(ids == number)] = row[number]
    return out
