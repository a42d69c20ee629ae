"""Where a video lies on the canvas, the clip's own pixels; and the one implementation of resizing.

A placement is one scale and a shift, so nothing can be stretched. The canvas is fitted into a model's own size whole,
with its edges repeated beside it, so nothing is cropped.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kinebench.errors import KineBenchError

Size = tuple[int, int]
"""Width and height in pixels."""

UNCOVERED_PX = 0.5
"""How much of the canvas's edge a video may leave out, in its own pixels: rounding, and no more."""
_HALF = 1e-6
"""A mean of exactly a half is rounded up, also where its sum is not exact."""


@dataclass(frozen=True)
class Placement:
    """`outer = scale * inner + shift`, in pixels from the top left corner; pixel centres are at .5."""

    scale: float = 1.0
    x_px: float = 0.0
    y_px: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and self.scale > 0 and math.isfinite(self.x_px + self.y_px)):
            raise ValueError(f"{self} places nothing; scale is positive, all are finite")

    @property
    def inverse(self) -> "Placement":
        """The way back."""
        return Placement(1 / self.scale, -self.x_px / self.scale, -self.y_px / self.scale)

    def then(self, outer: "Placement") -> "Placement":
        """First this, then `outer`."""
        return Placement(
            outer.scale * self.scale, outer.scale * self.x_px + outer.x_px, outer.scale * self.y_px + outer.y_px
        )

    def points(self, inner_px: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (..., 2), x and y."""
        return np.asarray(inner_px, dtype=np.float64) * self.scale + (self.x_px, self.y_px)

    def box(self, size: Size) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of an inner image, in the outer one."""
        width, height = size
        right, bottom = self.scale * width + self.x_px, self.scale * height + self.y_px
        return self.x_px, self.y_px, right, bottom


SAME = Placement()
"""Pixel for pixel."""


def fitted(canvas: Size, native: Size) -> Placement:
    """Where native pixels lie on the canvas if all of that is shown, as large as it can be, in the middle."""
    scale = max(canvas[0] / native[0], canvas[1] / native[1])
    return Placement(scale, (canvas[0] - scale * native[0]) / 2, (canvas[1] - scale * native[1]) / 2)


def to_native(image: NDArray[np.uint8], place: Placement, native: Size) -> NDArray[np.uint8]:
    """An image of the canvas, (H, W, 3) or (H, W), as a native one that lies at `place`; its edges repeat beyond."""
    left, top, right, bottom = place.box(native)
    height, width = image.shape[:2]
    margin = math.ceil(max(0.0, -left, -top, right - width, bottom - height))
    around = ((margin, margin), (margin, margin), (0, 0))[: image.ndim]
    padded = np.pad(image, around, mode="edge") if margin else image
    return _resized(padded, native, (left + margin, top + margin, right + margin, bottom + margin))


def mask_to_native(mask: NDArray[np.bool_], place: Placement, native: Size) -> NDArray[np.bool_]:
    """A mask (H, W) likewise: a native pixel belongs to it if half of it or more does; beyond the edges is nothing.

    Of an object so small that it fills no pixel's half the fullest pixels stay, so that it does not vanish.
    """
    framed = np.where(np.pad(mask, 1), np.uint8(255), np.uint8(0))
    shares = to_native(framed, Placement(place.scale, place.x_px + 1, place.y_px + 1), native)
    found: NDArray[np.bool_] = shares >= min(128, max(1, int(shares.max())))
    if mask.any() and not found.any():  # not even 1 of 255
        (y, x), size = np.argwhere(mask).mean(axis=0) + 0.5, np.array(native)
        column, row = np.clip(place.inverse.points(np.array([x, y])).astype(int), 0, size - 1)
        found[row, column] = True
    return found


def to_canvas(frame: NDArray[np.uint8], place: Placement, canvas: Size) -> NDArray[np.uint8]:
    """A native frame (h, w, 3) that lies at `place`, as the canvas shows it, (H, W, 3).

    Raises KineBenchError if it does not cover the canvas: then something was cropped.
    """
    height, width = frame.shape[:2]
    left, top, right, bottom = place.inverse.box(canvas)
    if min(left, top) < -UNCOVERED_PX or right > width + UNCOVERED_PX or bottom > height + UNCOVERED_PX:
        x0, y0, x1, y1 = place.box((width, height))
        raise KineBenchError(
            f"a video of {width}x{height} that lies at {x0:g},{y0:g} to {x1:g},{y1:g} does not cover the "
            f"{canvas[0]}x{canvas[1]} canvas; pad what a model is given instead of cropping it"
        )
    return _resized(frame, canvas, (max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)))


def _resized(image: NDArray[np.uint8], size: Size, box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """A part of an image at another size: the mean over each pixel's area where it shrinks, else bicubic (a = -0.5)."""
    left, top, right, bottom = box
    if right - left > size[0]:
        means = _means(_means(image, 0, top, bottom, size[1]), 1, left, right, size[0])
        return np.floor(means + 0.5 + _HALF).astype(np.uint8)
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size, Image.Resampling.BICUBIC, box=box))


def _means(values: NDArray[Any], axis: int, low: float, high: float, count: int) -> NDArray[np.float64]:
    """Means over `count` equal parts of `low` to `high` along an axis, on which value i fills i to i + 1.

    Pillow's box filter takes a value whole or not at all, which is no mean where a pixel covers 1.5 others.
    """
    edges = low + (high - low) * np.arange(count + 1) / count
    first = np.floor(edges[:-1]).astype(int)
    total = np.zeros(1)
    for number in range(int(np.ceil(edges[1:] - first).max())):
        at = first + number
        shares = np.clip(np.minimum(edges[1:], at + 1) - np.maximum(edges[:-1], at), 0, None)
        shape = [count if i == axis else 1 for i in range(values.ndim)]
        total = total + shares.reshape(shape) * values.take(at, axis=axis, mode="clip")
    return total * (count / (high - low))
