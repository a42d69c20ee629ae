"""Laid stone and brick: bricks with or without moss, setts, flagstones."""

from dataclasses import dataclass

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface, each
from kinebench.textures.cells import worley
from kinebench.textures.colour import Colour, Palette, darker, mix, per_piece, plain, ramp, shade
from kinebench.textures.layouts import Pieces, courses, herringbone, tilt
from kinebench.textures.noise import fractal, rank, smoothstep


@dataclass(frozen=True)
class Bricks:
    """A brick floor. With `ratio` > 0 the bricks lie in a herringbone of `columns` periods, otherwise in courses."""

    columns: int
    rows: int
    palette: Palette
    mortar: Colour
    joint_mm: float = 9.0
    ratio: int = 0
    worn: float = 0.5  # how ragged edges and faces are, 0..1
    efflorescence: float = 0.15  # whitish salt, 0..1
    moss: float = 0.0  # share of the floor that moss covers, 0..1
    moss_palette: Palette = ((0.2, 0.28, 0.1), (0.36, 0.45, 0.17), (0.5, 0.56, 0.25))
    roughness: float = 0.8


@dataclass(frozen=True)
class Setts:
    """Rounded blocks of hewn stone in rows."""

    columns: int
    rows: int
    palette: Palette
    joint: Colour
    joint_mm: float = 12.0
    round_mm: float = 22.0
    dome_mm: float = 9.0
    uneven: float = 0.5
    grit: float = 0.5  # speckle of the stone, 0..1
    roughness: float = 0.72


@dataclass(frozen=True)
class Flagstones:
    """Irregular slabs of split stone."""

    columns: int
    rows: int
    palette: Palette
    joint: Colour
    joint_mm: float = 24.0
    cleft_mm: float = 4.0  # depth of the split layers
    rust: float = 0.3  # brown stains, 0..1
    rust_colour: Colour = (0.5, 0.36, 0.22)
    roughness: float = 0.7


def _wobbled(canvas: Canvas, size_m: float, amount_m: float) -> tuple[Image, Image]:
    """Coordinates whose straight lines waver by `amount_m` over `size_m`."""
    x, y = canvas.coordinates()
    bend_x = fractal(canvas, "wobble x", size_m, size_m * 0.08, 2.0)
    bend_y = fractal(canvas, "wobble y", size_m, size_m * 0.08, 2.0)
    return x + amount_m * bend_x, y + amount_m * bend_y


def bricks(canvas: Canvas, p: Bricks) -> Surface:
    """A floor of fired bricks in mortar."""
    x, y = _wobbled(canvas, 0.09, 0.0012 * (0.4 + p.worn))
    if p.ratio:
        pieces = herringbone(x, y, canvas.tile_m, p.columns, p.ratio)
    else:
        pieces = courses(x, y, canvas.tile_m, p.columns, p.rows, canvas.rng("layout"), stagger=0.5)
    chips = fractal(canvas, "chips", 0.05, 0.004, 1.4)
    edge = pieces.edge(0.006) - 0.0012 * p.worn * np.maximum(chips, 0.0)
    half = 0.5 * p.joint_mm / 1000
    face = smoothstep(half - 0.0012, half + 0.0012, edge)
    colour = _brick_faces(canvas, pieces, p)
    sand = fractal(canvas, "mortar", 0.02, 0.0, 0.6)
    mortar = shade(plain(p.mortar, colour), 1.0 + 0.08 * sand)
    colour = shade(mix(mortar, colour, face), 0.72 + 0.28 * smoothstep(-0.004, 0.016, np.abs(edge - half)))
    pits = fractal(canvas, "pits", 0.018, 0.0, 1.0)
    level = each(canvas.rng("level"), -0.0015, 0.0015, pieces)
    crown = smoothstep(half, half + 0.01, edge)
    height = face * (0.004 + level + 0.0022 * crown + 0.00035 * p.worn * chips) + 0.00022 * pits
    rough = p.roughness + 0.05 * pits + 0.1 * (1 - face)
    surface = Surface(colour, height.astype(np.float32), rough.astype(np.float32))
    return _overgrown(canvas, surface, edge, p) if p.moss else surface


def _brick_faces(canvas: Canvas, pieces: Pieces, p: Bricks) -> Image:
    """Fired clay: each brick of its own shade, with burnt patches, specks and salt, (H, W, 3)."""
    colour = per_piece(p.palette, pieces, canvas.rng("colour"), spread=0.5, light=0.14)
    burn = rank(fractal(canvas, "burn", 0.12, 0.01, 1.5))
    colour = shade(colour, 0.86 + 0.26 * burn)
    colour = shade(colour, 1.0 + 0.07 * fractal(canvas, "grit", 0.012, 0.0, 0.5))
    specks = fractal(canvas, "specks", 0.01, 0.003, 1.0)
    colour = shade(colour, 1.0 - 0.45 * smoothstep(2.1, 2.9, specks))
    salt = rank(fractal(canvas, "salt", 0.35, 0.004, 1.3))
    salty = each(canvas.rng("salty"), 0, 1, pieces)
    share = p.efflorescence * smoothstep(0.55, 1.0, 0.6 * salt + 0.5 * salty)
    return mix(colour, (0.82, 0.79, 0.75), share)


def _overgrown(canvas: Canvas, floor: Surface, edge: Image, p: Bricks) -> Surface:
    """Moss that spreads from the joints."""
    patches = rank(fractal(canvas, "patches", 0.7, 0.05, 1.8))
    ragged = fractal(canvas, "ragged", 0.06, 0.004, 1.2)
    in_joint = 1.0 - smoothstep(0.0, 0.03, edge)
    reach = 1.3 * patches + 0.34 * in_joint + 0.13 * ragged
    limit = 1.72 - 1.25 * p.moss
    cover = smoothstep(limit, limit + 0.1, reach)
    tufts = fractal(canvas, "tufts", 0.03, 0.004, 1.1)
    leaves = fractal(canvas, "leaves", 0.008, 0.0, 0.4)
    thick = smoothstep(limit, limit + 0.6, reach)
    green = ramp(p.moss_palette, np.clip(0.42 + 0.2 * tufts + 0.1 * leaves, 0, 1))
    green = shade(green, 0.85 + 0.12 * leaves + 0.15 * thick)
    # A thin film of green shows beyond the moss itself.
    film = 0.45 * smoothstep(limit - 0.35, limit, reach)
    colour = mix(mix(floor.colour, darker(p.moss_palette[0], 0.8), film), green, cover)
    height = floor.height_m * (1 - 0.7 * cover) + cover * (0.004 + 0.006 * thick + 0.0012 * tufts + 0.0006 * leaves)
    rough = floor.roughness + (0.95 - floor.roughness) * cover
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))


def setts(canvas: Canvas, p: Setts) -> Surface:
    """A street of hewn stone blocks."""
    x, y = _wobbled(canvas, 0.3, 0.005)
    pieces = courses(x, y, canvas.tile_m, p.columns, p.rows, canvas.rng("layout"), stagger=-1, uneven=p.uneven)
    rng = canvas.rng("shape")
    shrink = each(rng, 0.0, 0.006, pieces)
    lumps = fractal(canvas, "lumps", 0.07, 0.01, 1.9)
    radius = p.round_mm / 1000
    edge = pieces.edge(radius) - 0.5 * p.joint_mm / 1000 - shrink + 0.0011 * lumps
    stone = smoothstep(-0.001, 0.0015, edge)
    dome = np.sqrt(np.clip(1.0 - (1.0 - np.clip(edge / (1.5 * radius), 0, 1)) ** 2, 0, 1))
    colour = per_piece(p.palette, pieces, canvas.rng("colour"), spread=0.5, light=0.12)
    colour = _speckled(canvas, colour, p.grit)
    worn = 0.8 + 0.2 * dome + 0.04 * lumps
    joint_grit = fractal(canvas, "joint", 0.012, 0.0, 0.5)
    joint = shade(plain(p.joint, colour), 0.8 + 0.14 * joint_grit)
    colour = mix(joint, shade(colour, worn), stone)
    colour = shade(colour, 1.0 + 0.05 * fractal(canvas, "dirt", 0.7, 0.02))
    level = each(rng, -0.003, 0.003, pieces)
    lean = tilt(rng, pieces, 0.03)
    fine = fractal(canvas, "fine", 0.02, 0.0, 1.1)
    height = stone * (p.dome_mm / 1000 * dome + level + lean + 0.0007 * lumps) + 0.0003 * fine + 0.0003 * joint_grit
    rough = p.roughness + 0.04 * fine + 0.2 * (1 - stone)
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))


def _speckled(canvas: Canvas, colour: Image, grit: float) -> Image:
    """Grains of feldspar and mica over a stone's colour, (H, W, 3)."""
    grains = fractal(canvas, "grains", 0.009, 0.002, 0.7)
    colour = shade(colour, 1.0 + 0.11 * grit * grains)
    colour = mix(colour, (0.86, 0.85, 0.82), 0.5 * grit * smoothstep(1.5, 2.4, grains))
    return mix(colour, (0.12, 0.12, 0.13), 0.6 * grit * smoothstep(-1.7, -2.5, grains))


def flagstones(canvas: Canvas, p: Flagstones) -> Surface:
    """A floor of irregular slabs, split along the stone's layers."""
    x, y = _wobbled(canvas, 0.35, 0.012)
    cells = worley(x, y, canvas.tile_m, p.columns, p.rows, canvas.rng("cells"), jitter=0.85)
    ragged = fractal(canvas, "ragged", 0.06, 0.006, 1.7)
    edge = cells.edge_m + 0.0013 * ragged - 0.5 * p.joint_mm / 1000
    slab = smoothstep(-0.001, 0.002, edge)
    colour = per_piece(p.palette, cells, canvas.rng("colour"), spread=0.6, light=0.14)
    layers = fractal(canvas, "layers", 0.35, 0.006, 1.7) + each(canvas.rng("cut"), -1, 1, cells)
    terrace, riser = _terraces(layers * 2.2)
    streaks = fractal(canvas, "streaks", 0.3, 0.003, 1.3, (2.2, 1.0))
    colour = shade(colour, 1.0 + 0.07 * streaks + 0.05 * np.tanh(terrace * 0.6))
    colour = shade(colour, 1.0 + 0.05 * fractal(canvas, "grain", 0.008, 0.0, 0.5))
    colour = shade(colour, 1.0 - 0.25 * riser)
    stain = rank(fractal(canvas, "rust", 0.4, 0.01, 1.5) + 0.5 * streaks)
    colour = mix(colour, p.rust_colour, p.rust * smoothstep(0.55, 0.98, stain))
    grit = fractal(canvas, "joint", 0.015, 0.0, 0.5)
    joint = shade(plain(p.joint, colour), 0.9 + 0.12 * grit)
    colour = mix(joint, colour, slab)
    colour = shade(colour, 0.75 + 0.25 * smoothstep(-0.002, 0.018, np.abs(edge)))
    lift = each(canvas.rng("lift"), 0.0, 0.003, cells)
    crown = smoothstep(0.0, 0.012, edge)
    split = p.cleft_mm / 1000 * (0.35 * np.tanh(terrace * 0.4) + 0.06 * streaks)
    height = slab * (0.005 + lift + 0.003 * crown + split) + 0.0004 * grit * (1 - slab)
    rough = p.roughness + 0.05 * streaks + 0.2 * (1 - slab)
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))


def _terraces(level: Image) -> tuple[Image, Image]:
    """Level steps with steep risers between them: the stepped height, and how much each pixel is a riser, (H, W)."""
    step = np.floor(level)
    t = (level - step).astype(np.float32)
    climb = smoothstep(0.8, 1.0, t)
    return np.asarray(step + climb, np.float32), np.asarray(4.0 * climb * (1.0 - climb), np.float32)
