"""Many small flat shapes laid over each other, later ones on top: blades, leaves, stones, fibres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.textures.canvas import Canvas, Image, Labels

_ALONG, _ACROSS = 256, 64  # steps that a place on a stamp is stored in
_BATCH = 2_000_000  # samples drawn at once: bounds the memory


@dataclass(frozen=True)
class Stamps:
    """Shapes in the order in which they are laid; every field is (K,)."""

    x_m: NDArray[np.float32]  # centre
    y_m: NDArray[np.float32]
    angle_rad: NDArray[np.float32]  # of the long axis, from x towards y
    length_m: NDArray[np.float32]
    width_m: NDArray[np.float32]
    bend_rad: NDArray[np.float32]  # how much the axis turns from its middle to either end


@dataclass(frozen=True)
class Print:
    """The uppermost stamp at each pixel, at `oversample` times the canvas's resolution."""

    owner: Labels  # (H, W) index of the stamp, -1 where there is none
    count: int  # of stamps
    along: Image  # (H, W) place on the stamp's long axis, -1..1
    across: Image  # (H, W) place between its two sides, -1..1

    @property
    def ident(self) -> Labels:
        """`owner`, with stamp 0 where there is none."""
        return np.maximum(self.owner, 0)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Where there is a stamp, (H, W)."""
        return self.owner >= 0


def outline_half_width(shape: str, along: Image) -> Image:
    """Half the width of a shape at `along` in -1..1 on its axis, as a share of half its full width."""
    t = np.clip((along + 1.0) * 0.5, 0.0, 1.0)
    if shape == "stone":
        return np.asarray(np.maximum(1.0 - np.abs(along) ** 2.6, 0.0) ** 0.45, np.float32)
    if shape == "blade":
        return np.asarray((1.0 - t**2.2) * (0.55 + 0.45 * np.minimum(t * 4.0, 1.0)), np.float32)
    if shape == "leaf":
        return np.asarray(np.maximum(np.sin(np.pi * t**0.8), 0.0) ** 0.9, np.float32)
    if shape == "rod":
        return np.ones_like(t)
    raise ValueError(f"{shape!r} is not a stamp's shape")


def lay(canvas: Canvas, stamps: Stamps, shape: str, oversample: int = 2) -> Print:
    """Paint the stamps in their order on a periodic raster of `oversample` times the canvas's resolution."""
    n = canvas.pixels * oversample
    codes = np.full(n * n, -1, np.int32)
    per_m = n / canvas.tile_m
    step = 1.0 / 0.7  # samples per pixel and axis that leave no hole however the stamp is turned
    first = 0
    while first < len(stamps.x_m):
        last = _batch_end(stamps, first, per_m, step)
        rows = slice(first, last)
        along = np.linspace(-1, 1, int(stamps.length_m[rows].max() * per_m * step) + 2, dtype=np.float32)
        across = np.linspace(-1, 1, int(stamps.width_m[rows].max() * per_m * step) + 2, dtype=np.float32)
        _lay_batch(codes, stamps, rows, along, across, outline_half_width(shape, along), n, per_m)
        first = last
    codes = codes.reshape(n, n)
    owner = codes // (_ALONG * _ACROSS)
    rest = codes % (_ALONG * _ACROSS)
    return Print(
        owner=owner.astype(np.int32),
        count=len(stamps.x_m),
        along=((rest // _ACROSS) * np.float32(2 / (_ALONG - 1)) - 1).astype(np.float32),
        across=((rest % _ACROSS) * np.float32(2 / (_ACROSS - 1)) - 1).astype(np.float32),
    )


def _batch_end(stamps: Stamps, first: int, per_m: float, step: float) -> int:
    """The end of a run of stamps from `first` that stays within the batch's memory."""
    area = (stamps.length_m.max() * per_m * step + 2) * (stamps.width_m.max() * per_m * step + 2)
    return min(len(stamps.x_m), first + max(1, int(_BATCH / area)))


def _lay_batch(
    codes: Labels, stamps: Stamps, rows: slice, along: Image, across: Image, outline: Image, n: int, per_m: float
) -> None:
    """Write the codes of one run of stamps into the raster, the later stamps over the earlier ones."""
    angle = stamps.angle_rad[rows, None] + stamps.bend_rad[rows, None] * along
    half = 0.5 * stamps.length_m[rows, None] * per_m
    step = half * (along[1] - along[0])
    middle = len(along) // 2
    axis_x, axis_y = np.cumsum(np.cos(angle) * step, axis=1), np.cumsum(np.sin(angle) * step, axis=1)
    axis_x += stamps.x_m[rows, None] * per_m - axis_x[:, middle, None]
    axis_y += stamps.y_m[rows, None] * per_m - axis_y[:, middle, None]
    reach = 0.5 * stamps.width_m[rows, None] * per_m * outline
    side_x, side_y = -np.sin(angle) * reach, np.cos(angle) * reach
    x = np.floor(axis_x[:, :, None] + side_x[:, :, None] * across).astype(np.int32) % n
    y = np.floor(axis_y[:, :, None] + side_y[:, :, None] * across).astype(np.int32) % n
    place = np.rint((along[:, None] + 1) * 0.5 * (_ALONG - 1)) * _ACROSS + np.rint((across + 1) * 0.5 * (_ACROSS - 1))
    ids = np.arange(rows.start, rows.stop, dtype=np.int32)[:, None, None] * (_ALONG * _ACROSS)
    codes[y * n + x] = ids + place.astype(np.int32)
