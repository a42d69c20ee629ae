"""Voronoi cells of a jittered grid that repeats with the tile (Worley noise)."""

from dataclasses import dataclass

import numpy as np

from kinebench.textures.canvas import Image, Labels


@dataclass(frozen=True)
class Cells:
    """Which cell each pixel lies in, and where in it."""

    ident: Labels  # (H, W) in 0..count-1
    count: int
    dx_m: Image  # (H, W) from the cell's centre to the pixel
    dy_m: Image
    edge_m: Image  # (H, W) distance to the nearest border with another cell, >= 0

    @property
    def centre_m(self) -> Image:
        """Distance to the cell's own centre, (H, W)."""
        return np.hypot(self.dx_m, self.dy_m)


def worley(
    x_m: Image, y_m: Image, tile_m: float, columns: int, rows: int, rng: np.random.Generator, jitter: float = 1.0
) -> Cells:
    """Cells of a `columns` x `rows` grid of points, each moved by up to half a cell times `jitter`.

    Coordinates are metres, of any shape, and may be warped; the pattern repeats every `tile_m` in both.
    """
    moved = jitter * rng.uniform(-0.5, 0.5, (2, rows, columns))
    x_m, y_m = x_m.astype(np.float32), y_m.astype(np.float32)
    px = (np.arange(columns) + 0.5 + moved[0]).astype(np.float32).ravel()
    py = (np.arange(rows)[:, None] + 0.5 + moved[1]).astype(np.float32).ravel()
    cell_w, cell_h = np.float32(tile_m / columns), np.float32(tile_m / rows)
    column, row = np.floor(x_m / cell_w).astype(np.int32), np.floor(y_m / cell_h).astype(np.int32)
    near = np.full(x_m.shape, np.inf, np.float32)
    near_x, near_y = np.zeros_like(near), np.zeros_like(near)
    ident = np.zeros(x_m.shape, np.int32)
    around = []
    for j in (-1, 0, 1):
        r = row + j
        wrapped_r = r % rows
        for i in (-1, 0, 1):
            c = column + i
            wrapped_c = c % columns
            at = wrapped_r * columns + wrapped_c
            dx = x_m - (px[at] + (c - wrapped_c).astype(np.float32)) * cell_w
            dy = y_m - (py[at] + (r - wrapped_r).astype(np.float32)) * cell_h
            square = dx * dx + dy * dy
            closer = square < near
            for target, value in ((near, square), (near_x, dx), (near_y, dy), (ident, at)):
                np.copyto(target, value, where=closer)
            around.append((square, dx, dy))
    edge = np.full(x_m.shape, np.inf, np.float32)
    for square, dx, dy in around:
        between = np.sqrt((dx - near_x) ** 2 + (dy - near_y) ** 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            np.fmin(edge, (square - near) / (2.0 * between), out=edge)  # the own cell gives 0/0, which fmin passes over
    return Cells(ident, columns * rows, near_x, near_y, edge)
