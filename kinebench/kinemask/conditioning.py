"""What the control branch is told: the velocity mask of a clip, whole or cut short. KineMask, sections 3.2 and 3.3.

A mask is float32 (F, H, W, 3), velocities in the ground frame over `v_max_mps`, clipped to [-1, 1], on driven objects.
Stage 1 sees it whole. Stage 2 sees its first frames only (equation 6), how many is drawn anew for every clip and epoch.
At inference there is the first frame alone.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from kinebench.methods.placement import Size
from kinebench.scene.scene import Vector

CHANNELS = 3
Mask = NDArray[np.float32]

Truncation = Literal["full", "uniform", "early", "collision", "first"]
"""How many frames of a mask are kept: all; uniform over 1..F; mostly few; up to about a collision of the clip; one."""

TRUNCATIONS: tuple[Truncation, ...] = get_args(Truncation)
EARLY_POWER = 3
"""`early` keeps `1 + floor(F u^3)` frames, u uniform: one frame alone in 27 % of draws at F = 49, half of F in 21 %."""
COLLISION_SPREAD = 1 / 12
"""Standard deviation of `collision` around the frame of a contact, in parts of the clip (the paper states none)."""


def truncated(mask: Mask, kept: int) -> Mask:
    """The mask with zeros after its first `kept` frames, 1..F. The input is left alone."""
    if not 1 <= kept <= len(mask):
        raise ValueError(f"of {len(mask)} frames 1 to {len(mask)} can be kept, not {kept}")
    if kept == len(mask):
        return mask
    cut = np.zeros_like(mask)
    cut[:kept] = mask[:kept]
    return cut


def scaled(velocities_mps: NDArray[np.floating[Any]], v_max_mps: float) -> Mask:
    """Velocities in m/s as a mask has them: over `v_max_mps`, clipped to [-1, 1]; the same shape."""
    return np.clip(np.asarray(velocities_mps, np.float64) / v_max_mps, -1, 1).astype(np.float32)


def first_mask(
    size: Size, masks: Sequence[NDArray[np.bool_]], velocities_mps: Sequence[Vector], v_max_mps: float
) -> Mask:
    """The mask of the first frame (H, W, 3), of so fast an object on each of these: all that is known at inference.

    A pixel that several masks (H, W) claim belongs to the first of them.
    """
    width, height = size
    made = np.zeros((height, width, CHANNELS), np.float32)
    for mask, velocity in reversed([*zip(masks, velocities_mps, strict=True)]):
        made[mask] = scaled(np.array(velocity), v_max_mps)
    return made


def kept_frames(truncation: Truncation, frames: int, contacts: Sequence[int], rng: np.random.Generator) -> int:
    """How many frames of a mask are kept, 1..F.

    `contacts` are the frames at which objects touch; a clip without any is cut `uniform` where others are `collision`.
    """
    match truncation:
        case "full":
            return frames
        case "first":
            return 1
        case "early":
            return 1 + int(frames * rng.random() ** EARLY_POWER)
        case "collision" if contacts:
            centre = contacts[int(rng.integers(len(contacts)))] + 1
            return int(np.clip(round(rng.normal(centre, frames * COLLISION_SPREAD)), 1, frames))
        case "uniform" | "collision":
            return int(rng.integers(1, frames + 1))
    raise ValueError(f"there is no truncation {truncation!r}; there are {', '.join(TRUNCATIONS)}")


def clip_rng(seed: int, epoch: int, key: str) -> np.random.Generator:
    """The generator of one clip in one epoch: the same on every worker, rank and restart."""
    name = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch, name)))
