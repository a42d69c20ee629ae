"""What the colours of a first frame say of any pixel: which object it may belong to, or the ground."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import require

LUMA_BITS, CHROMA_BITS = 5, 6
SHAPE = (1 << LUMA_BITS, 1 << CHROMA_BITS, 1 << CHROMA_BITS)
COLOURS = 1 << LUMA_BITS + 2 * CHROMA_BITS
TRIPLES = 512
"""Bins of colour, finer in hue than in light. Each is as large as 512 RGB triples; a quarter of them is in use."""
SPREAD_BINS = (1.5, 0.7, 0.7)
"""Deviation by which colours may differ from those seen: 12 levels of luma, 3 of each chroma."""
UNSEEN_OBJECT, UNSEEN_GROUND = 0.16, 0.4
"""Weight of colours not seen before; more for the ground, or nothing that is painted over would ever be lost."""
RIM_PX = 1
"""Pixels at the rim of a mask mix two things."""
RING_PX = 24
"""The surroundings of objects count half: here are their shadows, and here they go."""
SAME_LEVELS = 8.0
"""Deviation of a channel between two pictures of the same ground."""


@dataclass(frozen=True)
class Appearance:
    """Colours of N objects and of the ground, and the ground itself where it was seen."""

    objects: NDArray[np.float32]  # (N, COLOURS), logarithms of the share of each colour
    ground: NDArray[np.float32]  # (COLOURS,), shares
    frame: NDArray[np.uint8] = field(repr=False)  # (H, W, 3)
    seen: NDArray[np.bool_] = field(repr=False)  # (H, W), where the frame shows the ground

    def ground_evidence(self, frame: NDArray[np.uint8], numbers: NDArray[np.int32]) -> NDArray[np.float32]:
        """Logarithm of the ground's share of each pixel (H, W) of a frame and its colour numbers.

        Where the first frame shows the ground, half of it is expected to look the same there. A camera that moves takes
        that half away, and leaves the colours.
        """
        shares = self.ground[numbers]
        change = frame.astype(np.int16) - self.frame
        distance = np.einsum("hwc,hwc->hw", change, change, dtype=np.float32)
        peak = np.float32(TRIPLES / ((2 * np.pi) ** 1.5 * SAME_LEVELS**3))
        same = peak * np.exp(distance * np.float32(-0.5 / SAME_LEVELS**2))
        evidence: NDArray[np.float32] = np.log(np.where(self.seen, (shares + same) / 2, shares))
        return evidence


def appearance(frame: NDArray[np.uint8], instances: NDArray[np.uint8], ids: Sequence[int]) -> Appearance:
    """Learnt from a frame (H, W, 3) and its instance map (H, W)."""
    ndimage = require("scipy.ndimage", "score")
    numbers = colour_numbers(frame)
    ground = instances == 0
    near = ground & (ndimage.distance_transform_cdt(ground) <= RING_PX) if ids else ground
    wide, close = (_shares(numbers, mask, UNSEEN_GROUND) for mask in (ground, near))
    objects = [np.log(_shares(numbers, instances == id, UNSEEN_OBJECT)) for id in ids]
    return Appearance(
        objects=np.array(objects, dtype=np.float32).reshape(len(ids), COLOURS),
        ground=((wide + close) / 2).astype(np.float32),
        frame=frame,
        seen=ground,
    )


def colour_numbers(frame: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The bin of each pixel's colour, (..., 3) -> (...), by luma (r + 2g + b) / 4 and the chromas r - g and b - g."""
    red, green, blue = np.moveaxis(frame.astype(np.int32), -1, 0)
    luma = (red + 2 * green + blue) >> 2 + 8 - LUMA_BITS
    warm, cool = ((other - green + 255) >> 1 + 8 - CHROMA_BITS for other in (red, blue))
    return (luma << 2 * CHROMA_BITS) | (warm << CHROMA_BITS) | cool


def _shares(numbers: NDArray[np.int32], mask: NDArray[np.bool_], unseen: float) -> NDArray[np.float64]:
    """How often each colour is met in a mask, spread a little, and a share of all colours alike."""
    ndimage = require("scipy.ndimage", "score")
    inner = ndimage.binary_erosion(mask, iterations=RIM_PX)
    chosen = numbers[inner if inner.any() else mask]
    counts = np.bincount(chosen, minlength=COLOURS).astype(np.float64).reshape(SHAPE)
    spread = ndimage.gaussian_filter(counts, SPREAD_BINS, mode="nearest").ravel() / max(len(chosen), 1)
    return (1 - unseen) * spread + unseen * TRIPLES / 2**24
