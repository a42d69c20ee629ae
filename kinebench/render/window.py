"""Rectangles of the image, and which of them must be rendered again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.bool_]


@dataclass(frozen=True)
class Window:
    """Pixels x0 <= x < x1, y0 <= y < y1; y counts down from the top."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.y1 - self.y0

    @property
    def area_px(self) -> int:
        """Pixels in all."""
        return self.width * self.height

    def grown(self, margin_px: int, width_px: int, height_px: int) -> "Window":
        """The window with a margin, clipped to the image."""
        return Window(
            max(self.x0 - margin_px, 0),
            max(self.y0 - margin_px, 0),
            min(self.x1 + margin_px, width_px),
            min(self.y1 + margin_px, height_px),
        )


def cover(needed: Grid, tile_px: int, margin_px: int, call_px: int) -> list[Window]:
    """Windows, in pixels, that cover all needed tiles at about the least cost.

    `needed` is (rows, columns) of tiles. A window costs its area with the margin, plus `call_px` for the call itself.
    It is cut in two wherever that is cheaper.
    """

    def cost(box: Window) -> float:
        return (box.width * tile_px + 2 * margin_px) * (box.height * tile_px + 2 * margin_px) + call_px

    def split(box: Window) -> list[Window]:
        halves = [
            (a, b)
            for first, second in _cuts(box)
            if (a := _shrunk(needed, first)) is not None and (b := _shrunk(needed, second)) is not None
        ]
        best = min(halves, key=lambda pair: cost(pair[0]) + cost(pair[1]), default=None)
        if best is None or cost(best[0]) + cost(best[1]) >= cost(box):
            return [box]
        return split(best[0]) + split(best[1])

    whole = _shrunk(needed, Window(0, 0, needed.shape[1], needed.shape[0]))
    boxes = split(whole) if whole else []
    return [Window(b.x0 * tile_px, b.y0 * tile_px, b.x1 * tile_px, b.y1 * tile_px) for b in boxes]


def _cuts(box: Window) -> list[tuple[Window, Window]]:
    across = [(Window(box.x0, box.y0, x, box.y1), Window(x, box.y0, box.x1, box.y1)) for x in range(box.x0 + 1, box.x1)]
    down = [(Window(box.x0, box.y0, box.x1, y), Window(box.x0, y, box.x1, box.y1)) for y in range(box.y0 + 1, box.y1)]
    return across + down


def _shrunk(needed: Grid, box: Window) -> Window | None:
    """The smallest window around the needed tiles inside `box`; None if there are none."""
    inside = needed[box.y0 : box.y1, box.x0 : box.x1]
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return None
    return Window(
        box.x0 + int(columns[0]), box.y0 + int(rows[0]), box.x0 + int(columns[-1]) + 1, box.y0 + int(rows[-1]) + 1
    )
