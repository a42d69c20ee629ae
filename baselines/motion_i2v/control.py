"""A condition's paths as Motion-I2V's drags: pure, and in the standard library's terms alone.

Its app takes tracks of points on a 512x320 picture, a brush that says what may move, and the half width of the square
around a track's start that is dragged along. It makes 16 frames that are spread over the clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple
"""x and y, in pixels of the 512x320 picture, y down."""
Box = tuple
"""Left, top, right and bottom of a mask, the latter two beyond it."""

WIDTH, HEIGHT = 512, 320
FRAMES = 16
LARGEST_UNIT_PX = 320
"""What its app's slider goes to."""


def track(path: Sequence[Point]) -> list[tuple[int, int]]:
    """From the start of a path to its end: two whole points. It goes straight between them, evenly.

    Never one point: that would be dragged by a pixel.
    """
    return [_inside(path[0]), _inside(path[-1])]


def _inside(point: Point) -> tuple[int, int]:
    return min(max(round(point[0]), 0), WIDTH - 1), min(max(round(point[1]), 0), HEIGHT - 1)


def unit_px(starts: Sequence[tuple[int, int]], boxes: Sequence[Box]) -> int:
    """`flow_unit_id`: so that the square around each start, which is one for all, covers its object's mask."""
    furthest = 1
    for number, (left, top, right, bottom) in enumerate(boxes):
        x, y = starts[number]
        furthest = max(furthest, x - left, y - top, right - x, bottom - y)
    return min(math.ceil(furthest), LARGEST_UNIT_PX)


def brushed(brush: str, driven: Sequence[int], objects: Sequence[int]) -> list[int]:
    """Whose masks are painted as movable; none for `frame`, which the app takes for the whole picture."""
    return {"frame": [], "driven": list(driven), "objects": list(objects)}[brush]
