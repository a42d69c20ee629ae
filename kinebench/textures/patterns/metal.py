"""Metal floors."""

from dataclasses import dataclass

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface, each
from kinebench.textures.colour import Colour, Palette, mix, ramp, shade
from kinebench.textures.layouts import courses
from kinebench.textures.noise import fractal, rank, smoothstep
from kinebench.textures.stamps import Stamps, lay


@dataclass(frozen=True)
class Tread:
    """Steel sheets with raised lozenges against slipping."""

    lozenges: int  # across the tile; even
    sheets: int
    palette: Palette  # of the bare metal or paint, from grimy to clean
    rust: Palette
    rusty: float = 0.2  # share of the sheet that rusts, 0..1
    scratched: float = 0.4  # 0..1
    raised_mm: float = 2.2
    worn: Colour = (0.62, 0.62, 0.62)  # of the lozenges' rubbed tops
    roughness: float = 0.5


def tread(canvas: Canvas, p: Tread) -> Surface:
    """A floor of tread plate."""
    x, y = canvas.coordinates()
    bump = _lozenges(x, y, canvas.tile_m, p.lozenges)
    grime = fractal(canvas, "grime", 0.6, 0.004, 1.4)
    fine = fractal(canvas, "fine", 0.01, 0.0, 0.5)
    colour = ramp(p.palette, np.clip(0.55 + 0.22 * grime + 0.03 * fine + 0.1 * bump, 0, 1))
    foot = bump * (1 - bump) * 4
    colour = shade(colour, 1.0 - 0.2 * foot)
    rub = smoothstep(0.2, 0.9, rank(fractal(canvas, "rub", 0.5, 0.05))) * smoothstep(0.75, 1.0, bump)
    colour = mix(colour, p.worn, 0.75 * rub)
    scratch = _scratches(canvas, p.scratched)
    colour = mix(colour, p.worn, 0.45 * scratch)
    place = fractal(canvas, "rust", 0.45, 0.003, 1.35) + 0.35 * foot
    limit = 2.2 - 3.0 * p.rusty
    rust = smoothstep(limit, limit + 0.35, place) * min(1.0, 12 * p.rusty)
    flake = fractal(canvas, "flakes", 0.03, 0.002, 1.0)
    colour = mix(colour, p.rust[0], 0.35 * smoothstep(limit - 0.8, limit, place) * min(1.0, 12 * p.rusty))
    colour = mix(colour, ramp(p.rust, rank(0.5 * (place - limit) + 0.9 * flake - 0.6)), rust)
    bumps = p.raised_mm / 1000 * bump
    height = bumps + 0.00004 * fine + 0.00025 * rust * flake - 0.00008 * scratch
    rough = p.roughness + 0.06 * rank(grime) + 0.3 * rust - 0.04 * rub
    return _sheets(canvas, Surface(colour, height.astype(np.float32), rough.astype(np.float32)), p)


def _lozenges(x: Image, y: Image, tile_m: float, count: int) -> Image:
    """Raised lozenges 0..1 on a square grid, leaning to either side by turns, (H, W)."""
    pitch = tile_m / count
    column, row = np.floor(x / pitch), np.floor(y / pitch)
    u, v = x - (column + 0.5) * pitch, y - (row + 0.5) * pitch
    lean = np.where((column + row) % 2 > 0, 1.0, -1.0)
    along, across = (u + lean * v) / np.sqrt(2), (v - lean * u) / np.sqrt(2)
    half_length, half_width = 0.56 * pitch, 0.13 * pitch
    t = np.clip(np.abs(along) / half_length, 0, 1)
    side = half_width * np.sqrt(1 - t**1.6) - np.abs(across)
    return np.asarray(smoothstep(0.0, 0.06 * pitch, side), np.float32)


def _scratches(canvas: Canvas, amount: float) -> Image:
    """Fine scratches 0..1, (H, W)."""
    count = int(140 * amount * canvas.tile_m**2)
    if not count:
        return np.zeros((canvas.pixels, canvas.pixels), np.float32)
    rng = canvas.rng("scratches")
    stamps = Stamps(
        x_m=rng.uniform(0, canvas.tile_m, count).astype(np.float32),
        y_m=rng.uniform(0, canvas.tile_m, count).astype(np.float32),
        angle_rad=rng.normal(0.3, 0.8, count).astype(np.float32),
        length_m=rng.uniform(0.03, 0.35, count).astype(np.float32),
        width_m=np.full(count, 0.0012, np.float32),
        bend_rad=rng.uniform(-0.15, 0.15, count).astype(np.float32),
    )
    laid = lay(canvas, stamps, "rod", oversample=1)
    depth = rng.uniform(0.2, 1.0, count).astype(np.float32)[np.maximum(laid.owner, 0)]
    return np.asarray((laid.owner >= 0) * depth * (1 - laid.along**2), np.float32)


def _sheets(canvas: Canvas, plate: Surface, p: Tread) -> Surface:
    """Cut the plate into sheets with screws near their corners."""
    x, y = canvas.coordinates()
    pieces = courses(x, y, canvas.tile_m, p.sheets, p.sheets, canvas.rng("sheets"))
    edge = pieces.edge(0.004)
    inside = smoothstep(0.0012, 0.003, edge)
    border = smoothstep(0.026, 0.022, edge)  # the rim is flat
    tone = each(canvas.rng("sheet looks"), 0.92, 1.06, pieces)
    inset = 0.05
    from_screw = np.hypot(np.abs(pieces.u_m) - pieces.half_u_m + inset, np.abs(pieces.v_m) - pieces.half_v_m + inset)
    head = smoothstep(0.0125, 0.0105, from_screw)
    ring = smoothstep(0.003, 0.0, np.abs(from_screw - 0.0135))
    colour = shade(plate.colour, tone * (0.25 + 0.75 * inside) * (0.85 + 0.15 * smoothstep(0.0, 0.03, edge)))
    colour = shade(mix(colour, p.worn, 0.7 * head), 1.0 - 0.55 * ring)
    flat = np.maximum(border, smoothstep(0.02, 0.016, from_screw))
    height = plate.height_m * (1 - flat) + 0.0016 * head + 0.004 * (inside - 1)
    return Surface(colour, height.astype(np.float32), plate.roughness)
