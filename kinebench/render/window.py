"""Rectangles of the image, and which of them must be rendered again."""

from dataclasses import dataclass
from typing import Any

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

    def cost(width: Any, height: Any) -> Any:
        return (width * tile_px + 2 * margin_px) * (height * tile_px + 2 * margin_px) + call_px

    def split(box: Window) -> list[Window]:
        across = _cuts(needed[box.y0 : box.y1, box.x0 : box.x1])
        down = [edges[:, [1, 0, 3, 2]] for edges in _cuts(needed[box.y0 : box.y1, box.x0 : box.x1].T)]
        first, second = (np.concatenate(parts) for parts in zip(across, down, strict=True))
        costs = sum(cost(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (first.T, second.T))
        if not len(first) or costs.min() >= cost(box.width, box.height):
            return [box]
        best = costs.argmin()
        halves = [Window(*(int(edge) for edge in half[best] + [box.x0, box.y0] * 2)) for half in (first, second)]
        return split(halves[0]) + split(halves[1])

    rows, columns = np.flatnonzero(needed.any(axis=1)), np.flatnonzero(needed.any(axis=0))
    if not len(rows):
        return []
    whole = Window(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return [Window(b.x0 * tile_px, b.y0 * tile_px, b.x1 * tile_px, b.y1 * tile_px) for b in split(whole)]


def _cuts(inside: Grid) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every cut between two columns of a grid whose outer rows and columns hold needed tiles.

    Edges x0, y0, x1, y1 of the smallest window around what is needed to the left of it, and to the right: (cuts, 4).
    """
    height, width = inside.shape
    filled = np.flatnonzero(inside.any(axis=0))
    cuts = np.arange(1, width)
    left = np.logical_or.accumulate(inside, axis=1)[:, :-1]
    right = np.logical_or.accumulate(inside[:, ::-1], axis=1)[:, ::-1][:, 1:]
    place = np.searchsorted(filled, cuts)
    return tuple(
        np.stack([x0, part.argmax(axis=0), x1, height - part[::-1].argmax(axis=0)], axis=-1)
        for part, x0, x1 in (
            (left, np.zeros_like(cuts), filled[place - 1] + 1),
            (right, filled[place], np.full_like(cuts, width)),
        )
    )
