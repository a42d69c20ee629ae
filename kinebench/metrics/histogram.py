"""Histograms of motion: which way and how fast points of a grid go, cell by cell (the features of FVMD).

16 frames of 20 by 20 points are cut into 4 by 4 by 4 cells of 4 frames and 5 by 5 points. In its cell every vector
votes for one of 8 directions, with ceil(log2(1 + |v|)) eighths of a vote, |v| counting up to 255: the slightest motion
counts 1/8, standstill nothing. Votes are eighths, so float32 holds the sums exactly.
"""

import numpy as np
from numpy.typing import NDArray

FRAMES, SIDE = 16, 20
POINTS = SIDE * SIDE
CELL_FRAMES, CELL_SIDE = 4, 5
DIRECTIONS = 8
SIZE = FRAMES // CELL_FRAMES * (SIDE // CELL_SIDE) ** 2 * DIRECTIONS
FASTEST = 255


def grid(height: int, width: int, side: int = SIDE) -> NDArray[np.float32]:
    """Points (side * side, 2), x and y in pixels, row by row, from 8 px inside one edge to 8 px before the other."""
    steps = np.arange(side, dtype=np.float32) / np.float32(side - 1)
    y, x = np.meshgrid(8 + steps * np.float32(height - 16), 8 + steps * np.float32(width - 16), indexing="ij")
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _cells() -> NDArray[np.intp]:
    """Where the histogram of each point's cell begins, (16, 400)."""
    across = SIDE // CELL_SIDE
    frame, row, column = np.indices((FRAMES, SIDE, SIDE))
    cell = (frame // CELL_FRAMES * across + row // CELL_SIDE) * across + column // CELL_SIDE
    return (cell * DIRECTIONS).reshape(FRAMES, POINTS)


_CELLS = _cells()


def votes(vectors: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """For what (0 to 511) each vector (B, 16, 400, 2) votes in its histogram, and with how many eighths.

    Every rounding is that of the public code, in float32: it decides on which side of an edge a vector falls. Its angle
    is atan2(x, y), from the image's y axis.
    """
    x, y = vectors[..., 0], vectors[..., 1]
    direction = np.minimum((np.arctan2(x, y) + np.float32(np.pi)) // np.float32(np.pi / 4), DIRECTIONS - 1)
    speed = np.sqrt(x * x + y * y)
    eighths = np.ceil(np.log2(np.minimum(speed, FASTEST) + 1))
    return _CELLS + direction.astype(np.intp), eighths


def counted(bins: NDArray[np.intp], eighths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Histograms (B, 512) of votes (B, ..., 400), cell by cell: time, then rows, columns, directions."""
    first = np.arange(len(bins)).reshape(-1, *[1] * (bins.ndim - 1)) * SIZE
    total = np.bincount((bins + first).ravel(), weights=eighths.ravel(), minlength=len(bins) * SIZE)
    return (total / DIRECTIONS).astype(np.float32).reshape(-1, SIZE)
