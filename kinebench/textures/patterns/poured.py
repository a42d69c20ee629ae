"""Poured grounds: concrete, asphalt, terrazzo."""

from dataclasses import dataclass

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface, each
from kinebench.textures.cells import worley
from kinebench.textures.colour import Colour, Palette, mix, per_piece, plain, ramp, shade
from kinebench.textures.layouts import courses, tilt
from kinebench.textures.noise import fractal, rank, smoothstep


@dataclass(frozen=True)
class Concrete:
    """Cast concrete, as one sheet or in slabs."""

    palette: Palette  # from the damp to the bleached
    slabs: int = 0  # slabs along each edge of the tile; 0 for none
    joint_mm: float = 8.0
    stains: float = 0.5  # 0..1
    pores: float = 1.0  # 0..1
    cracks: float = 0.3  # 0..1
    broom: float = 0.0  # brushed grooves, 0..1
    roughness: float = 0.75


@dataclass(frozen=True)
class Asphalt:
    """Crushed stone in bitumen."""

    bitumen: Palette
    stones: Palette
    stone_mm: float = 11.0
    worn: float = 0.5  # share of stones that are bare, 0..1
    cracks: float = 0.3  # 0..1
    roughness: float = 0.85


@dataclass(frozen=True)
class Terrazzo:
    """Chips of stone in a ground and polished binder."""

    binder: Colour
    palette: Palette  # of the chips
    chip_mm: float = 34.0  # the largest chips
    fill: float = 0.6  # share of places with a chip
    slabs: int = 0  # metal-edged fields along each edge of the tile; 0 for none
    strip: Colour = (0.55, 0.47, 0.3)
    roughness: float = 0.48


def cracked(canvas: Canvas, layer: str, columns: int, width_m: float, share: float) -> Image:
    """Crack depth 0..1 along the borders of warped cells, present in a `share` of places, (H, W)."""
    x, y = canvas.coordinates()
    bend_x = 0.02 * fractal(canvas, f"{layer} x", 0.4, 0.006, 2.15)
    bend_y = 0.02 * fractal(canvas, f"{layer} y", 0.4, 0.006, 2.15)
    cells = worley(x + bend_x, y + bend_y, canvas.tile_m, columns, columns, canvas.rng(layer), jitter=0.9)
    presence = rank(fractal(canvas, f"{layer} where", 0.8, 0.2))
    there = smoothstep(1.0 - share, 1.0 - share + 0.15, presence)
    thick = width_m * (0.35 + 0.65 * there) * _stretch(canvas, bend_x, bend_y)
    return np.asarray(there * smoothstep(1.0, 0.45, cells.edge_m / thick), np.float32)


def _stretch(canvas: Canvas, bend_x: Image, bend_y: Image) -> Image:
    """How much longer lengths are after moving each point by the bends (metres): keeps warped lines even in width."""
    gradients = [
        (np.roll(bend, -1, axis) - np.roll(bend, 1, axis)) / (2 * canvas.texel_m) + (axis == own)
        for bend, own in ((bend_x, 1), (bend_y, 0))
        for axis in (0, 1)
    ]
    return np.asarray(np.sqrt(0.5 * sum(g * g for g in gradients)), np.float32)


def concrete(canvas: Canvas, p: Concrete) -> Surface:
    """Cast concrete."""
    clouds = fractal(canvas, "clouds", 0.7, 0.01, 1.5)
    blotch = fractal(canvas, "blotch", 0.12, 0.003, 1.3)
    fine = fractal(canvas, "fine", 0.008, 0.0, 0.4)
    tone = 0.5 + p.stains * (0.17 * clouds + 0.1 * blotch) + 0.045 * fine
    colour = ramp(p.palette, np.clip(tone, 0, 1))
    drips = rank(fractal(canvas, "drips", 0.5, 0.02, 1.8))
    colour = shade(colour, 1.0 - 0.22 * p.stains * smoothstep(0.8, 1.0, drips))
    x, y = canvas.coordinates()
    count = round(canvas.tile_m / 0.022)
    pores = worley(x, y, canvas.tile_m, count, count, canvas.rng("pores"))
    radius = (0.0042 * canvas.rng("pore sizes").random(pores.count) ** 7).astype(np.float32)[pores.ident]
    radius = radius * p.pores * (0.6 + 0.8 * rank(fractal(canvas, "porous", 0.3, 0.03)))
    pore = smoothstep(1.3, 0.5, pores.centre_m / np.maximum(radius, 1e-5)) * smoothstep(0.0006, 0.0016, radius)
    colour = shade(colour, 1.0 - 0.5 * pore)
    height = 0.0003 * blotch + 0.0006 * clouds + 0.00011 * fine - 0.0012 * pore
    if p.broom:
        groove = fractal(canvas, "broom", 0.02, 0.0, 0.7, (1.0, 40.0))
        height = height + 0.0004 * p.broom * groove
        colour = shade(colour, 1.0 + 0.05 * p.broom * groove)
    if p.cracks:
        crack = cracked(canvas, "cracks", 3, 0.0035, p.cracks)
        colour = shade(colour, 1.0 - 0.6 * crack)
        height = height - 0.002 * crack
    surface = Surface(colour, height.astype(np.float32), (p.roughness + 0.03 * blotch + 0.1 * pore).astype(np.float32))
    return _in_slabs(canvas, surface, p.slabs, p.joint_mm / 1000) if p.slabs else surface


def _in_slabs(canvas: Canvas, sheet: Surface, slabs: int, joint_m: float) -> Surface:
    """Cut a sheet into square slabs of slightly different shades."""
    x, y = canvas.coordinates()
    pieces = courses(x, y, canvas.tile_m, slabs, slabs, canvas.rng("slabs"))
    edge = pieces.edge(0.002) + 0.0006 * fractal(canvas, "chipped", 0.03, 0.003, 1.4)
    inside = smoothstep(0.5 * joint_m - 0.001, 0.5 * joint_m + 0.001, edge)
    rng = canvas.rng("slab looks")
    tone = each(rng, 0.9, 1.08, pieces)
    grime = 0.86 + 0.14 * smoothstep(0.0, 0.05, edge)
    colour = shade(sheet.colour, tone * grime * (0.35 + 0.65 * inside))
    lean = tilt(rng, pieces, 0.002)
    rim = smoothstep(0.5 * joint_m, 0.5 * joint_m + 0.004, edge)
    height = sheet.height_m + lean + 0.005 * (inside - 1) + 0.001 * (rim - 1)
    return Surface(colour, height.astype(np.float32), sheet.roughness)


def asphalt(canvas: Canvas, p: Asphalt) -> Surface:
    """A road."""
    x, y = canvas.coordinates()
    fine = fractal(canvas, "fine", 0.008, 0.0, 0.4)
    wear = rank(fractal(canvas, "wear", 0.8, 0.01, 1.4))
    colour = shade(ramp(p.bitumen, np.clip(0.3 + 0.4 * wear, 0, 1)), 1.0 + 0.1 * fine)
    height = 0.0002 * fine
    for index, scale in enumerate((0.55, 1.0)):
        size_m = scale * p.stone_mm / 1000
        count = round(canvas.tile_m / size_m)
        rng = canvas.rng(f"stones {index}")
        cells = worley(x, y, canvas.tile_m, count, count, rng, jitter=0.95)
        bare = each(rng, 0, 1, cells) < p.worn * (0.7 + 0.6 * wear)
        inside = cells.edge_m / size_m - each(rng, 0.04, 0.2, cells)
        stone = smoothstep(0.0, 0.08, inside)
        face = per_piece(p.stones, cells, rng, spread=0.6, light=0.2)
        colour = mix(colour, shade(face, 1.0 + 0.06 * fine), 0.9 * stone * bare)
        colour = shade(colour, 0.9 + 0.1 * smoothstep(-0.1, 0.1, inside))
        lift = each(rng, 0.3, 1.0, cells)
        height = np.maximum(height, 0.16 * size_m * lift * np.clip(inside / 0.15, 0, 1) ** 0.5)
    rough = p.roughness + 0.04 * fine
    if p.cracks:
        crack = cracked(canvas, "cracks", 3, 0.005, p.cracks)
        colour, height = shade(colour, 1.0 - 0.7 * crack), height - 0.005 * crack
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))


def terrazzo(canvas: Canvas, p: Terrazzo) -> Surface:
    """Ground and polished chips of three sizes; the larger cover the smaller."""
    x, y = canvas.coordinates()
    fine = fractal(canvas, "fine", 0.008, 0.0, 0.4)
    cloud = fractal(canvas, "cloud", 0.6, 0.02, 1.5)
    colour = shade(plain(p.binder, fine), 1.0 + 0.02 * fine + 0.02 * cloud)
    veins = fractal(canvas, "veins", 0.04, 0.002, 1.3)
    chips = np.zeros_like(fine)
    for index, scale in enumerate((0.22, 0.5, 1.0)):
        size_m = scale * p.chip_mm / 1000
        count = round(canvas.tile_m / (1.25 * size_m))
        rng = canvas.rng(f"chips {index}")
        cells = worley(x, y, canvas.tile_m, count, count, rng, jitter=1.0)
        there = each(rng, 0, 1, cells) < p.fill * (1.1 - 0.35 * scale)
        inset = each(rng, 0.06, 0.22, cells) * size_m
        soft = max(0.7 * canvas.texel_m, 0.0007)
        chip = smoothstep(-soft, soft, cells.edge_m - inset) * there
        face = per_piece(p.palette, cells, rng, spread=0.4, light=0.12)
        colour = mix(colour, shade(face, 1.0 + 0.06 * veins + 0.02 * fine), chip)
        chips = np.maximum(chips, chip)
    height = 0.00006 * chips + 0.00002 * fine
    rough = p.roughness + 0.05 * (1 - chips) + 0.015 * cloud
    if p.slabs:
        pieces = courses(x, y, canvas.tile_m, p.slabs, p.slabs, canvas.rng("slabs"))
        strip = smoothstep(0.0035, 0.002, pieces.edge())
        colour, height = mix(colour, p.strip, strip), height + 0.0003 * strip
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))
