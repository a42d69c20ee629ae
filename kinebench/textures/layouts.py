"""Floors laid from rectangles: boards, bricks, tiles, parquet. Every layout repeats with the tile."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.textures.canvas import Image, Labels
from kinebench.textures.noise import sample


@dataclass(frozen=True)
class Pieces:
    """Which rectangle each pixel lies in, and where in it."""

    ident: Labels  # (H, W) in 0..count-1
    count: int
    u_m: Image  # (H, W) along the piece, from its centre
    v_m: Image  # (H, W) across the piece, from its centre
    half_u_m: Image  # (H, W) half the length of the pixel's piece
    half_v_m: Image  # (H, W) half its width

    def edge(self, radius_m: float | Image = 0.0) -> Image:
        """Distance to the border of the rectangle with corners rounded by `radius_m`; positive inside, (H, W)."""
        a = np.abs(self.u_m) - (self.half_u_m - radius_m)
        b = np.abs(self.v_m) - (self.half_v_m - radius_m)
        outside = np.hypot(np.maximum(a, 0.0), np.maximum(b, 0.0))
        return np.asarray(radius_m - outside - np.minimum(np.maximum(a, b), 0.0), np.float32)


def tilt(rng: np.random.Generator, pieces: Pieces, slope: float) -> Image:
    """Height in metres of pieces that each lean up to `slope` (metres per metre) along both axes, (H, W)."""
    lean_u, lean_v = rng.uniform(-slope, slope, (2, pieces.count)).astype(np.float32)
    return np.asarray(lean_u[pieces.ident] * pieces.u_m + lean_v[pieces.ident] * pieces.v_m, np.float32)


def cut(field: Image, pieces: Pieces, rng: np.random.Generator, tile_m: float) -> Image:
    """A periodic field read in each piece's own axes from a random place, as if each were cut elsewhere, (H, W)."""
    texel_m = tile_m / field.shape[1]
    shift_u, shift_v = rng.uniform(0, tile_m, (2, pieces.count)).astype(np.float32)
    return sample(field, (pieces.u_m + shift_u[pieces.ident]) / texel_m, (pieces.v_m + shift_v[pieces.ident]) / texel_m)


def courses(
    x_m: Image,
    y_m: Image,
    tile_m: float,
    columns: int,
    rows: int,
    rng: np.random.Generator,
    stagger: float = 0.0,
    uneven: float = 0.0,
) -> Pieces:
    """Rows of `columns` pieces. Each row is shifted by `stagger` of a piece against the one above.

    A negative `stagger` shifts every row at random. `uneven` in 0..1 makes the pieces of a row differ in length.
    """
    height = tile_m / rows
    row = np.floor(y_m / height).astype(np.int32)
    r = row % rows
    shift = rng.random(rows) if stagger < 0 else (np.arange(rows) * stagger) % 1.0
    lengths = 1.0 + uneven * rng.uniform(-0.5, 0.5, (rows, columns))
    joints = np.cumsum(lengths / lengths.sum(axis=1, keepdims=True) * tile_m, axis=1)  # the last is the tile's end
    along = np.mod(x_m - (shift * tile_m / columns)[r], tile_m)
    # Rows laid end to end turn the search for "which piece am I in" into one sorted search.
    ends = (joints + np.arange(rows)[:, None] * 2 * tile_m).ravel()
    k = np.searchsorted(ends, (along + r * 2 * tile_m).ravel(), side="right").reshape(x_m.shape) - r * columns
    k = np.minimum(k, columns - 1)
    right = joints[r, k]
    left = np.where(k > 0, joints[r, k - 1], 0.0)
    return Pieces(
        ident=(r * columns + k).astype(np.int32),
        count=rows * columns,
        u_m=(along - 0.5 * (left + right)).astype(np.float32),
        v_m=(y_m - (row + 0.5) * height).astype(np.float32),
        half_u_m=(0.5 * (right - left)).astype(np.float32),
        half_v_m=np.full(x_m.shape, 0.5 * height, np.float32),
    )


def herringbone(x_m: Image, y_m: Image, tile_m: float, repeats: int, ratio: int) -> Pieces:
    """Blocks of 1 x `ratio`, lying and standing by turns along the diagonals; `repeats` periods across the tile."""
    units = 2 * ratio * repeats
    unit_m = tile_m / units
    x, y = x_m / unit_m, y_m / unit_m
    column, row = np.floor(x), np.floor(y)
    step = np.mod(column - row, 2 * ratio)
    upright = step >= ratio
    left = np.where(upright, column, column - step)
    top = np.where(upright, row - (2 * ratio - 1 - step), row)
    return _blocks(x - left, y - top, upright, left, top, units, ratio, unit_m)


def basket(x_m: Image, y_m: Image, tile_m: float, repeats: int, ratio: int) -> Pieces:
    """Squares of `ratio` parallel blocks, lying and standing by turns; `repeats` periods across the tile."""
    units = 2 * ratio * repeats
    unit_m = tile_m / units
    x, y = x_m / unit_m, y_m / unit_m
    column, row = np.floor(x), np.floor(y)
    square_x, square_y = np.floor(x / ratio), np.floor(y / ratio)
    upright = np.mod(square_x + square_y, 2) > 0
    left = np.where(upright, column, square_x * ratio)
    top = np.where(upright, square_y * ratio, row)
    return _blocks(x - left, y - top, upright, left, top, units, ratio, unit_m)


def _blocks(
    x: Image, y: Image, upright: NDArray[np.bool_], left: Image, top: Image, units: int, ratio: int, unit_m: float
) -> Pieces:
    """Blocks of 1 x `ratio` units from each pixel's place (x, y) in its block and the block's top left corner."""
    along = np.where(upright, y, x) - 0.5 * ratio
    across = np.where(upright, x, y) - 0.5
    cell = (top.astype(np.int32) % units) * units + left.astype(np.int32) % units
    return Pieces(
        ident=(cell * 2 + upright).astype(np.int32),
        count=2 * units * units,
        u_m=(along * unit_m).astype(np.float32),
        v_m=(across * unit_m).astype(np.float32),
        half_u_m=np.full(x.shape, 0.5 * ratio * unit_m, np.float32),
        half_v_m=np.full(x.shape, 0.5 * unit_m, np.float32),
    )
