"""Slabs and tiles: glazed ceramic, polished marble."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface, each
from kinebench.textures.colour import Colour, Palette, mix, per_piece, plain, ramp, shade
from kinebench.textures.layouts import Pieces, courses, cut, tilt
from kinebench.textures.noise import fractal, rank, sample, smoothstep


@dataclass(frozen=True)
class Ceramic:
    """Square tiles with grout between them."""

    columns: int
    palette: Palette
    grout: Colour
    order: Literal["mixed", "checker", "diagonal"] = "mixed"  # how the palette is laid out
    joint_mm: float = 5.0
    mottle: float = 0.4  # clouds in the glaze, 0..1
    uneven: float = 0.3  # tiles differ in shade and tilt, 0..1
    grime: float = 0.3  # 0..1
    roughness: float = 0.5


@dataclass(frozen=True)
class Marble:
    """Polished slabs with veins."""

    columns: int
    palette: Palette  # of the stone's clouds
    vein: Colour
    second_vein: Colour
    strength: float = 0.7  # how strongly veins show, 0..1
    waves: int = 2  # main veins across the tile, in pairs
    unrest: float = 0.5  # how far veins leave the straight line, 0..1
    joint_mm: float = 2.5
    joint: Colour = (0.55, 0.53, 0.5)
    roughness: float = 0.48


def ceramic(canvas: Canvas, p: Ceramic) -> Surface:
    """A tiled floor."""
    x, y = canvas.coordinates()
    pieces = courses(x, y, canvas.tile_m, p.columns, p.columns, canvas.rng("layout"))
    rng = canvas.rng("tiles")
    tone = each(rng, -0.12, 0.12, pieces) * p.uneven
    colour = shade(_glaze(canvas, pieces, p), 1.0 + tone)
    cloud = cut(fractal(canvas, "cloud", 0.25, 0.004, 1.5), pieces, canvas.rng("cloud places"), canvas.tile_m)
    speck = fractal(canvas, "speck", 0.01, 0.002, 0.6)
    colour = shade(colour, 1.0 + p.mottle * (0.1 * cloud - 0.25 * smoothstep(2.2, 3.0, speck)))
    edge = pieces.edge(0.003) + 0.0003 * fractal(canvas, "edge", 0.03, 0.003, 1.3)
    half = 0.5 * p.joint_mm / 1000
    tile = smoothstep(half - 0.0009, half + 0.0009, edge)
    fine = fractal(canvas, "fine", 0.008, 0.0, 0.4)
    dirt = rank(fractal(canvas, "dirt", 0.5, 0.01, 1.4))
    grout = shade(plain(p.grout, colour), 1.0 + 0.06 * fine - 0.4 * p.grime * dirt)
    soiled = p.grime * (0.1 * dirt + 0.22 * smoothstep(0.03, 0.0, edge - half) * dirt)
    colour = mix(grout, shade(colour, 1.0 - soiled), tile)
    pillow = smoothstep(half, half + 0.006, edge)
    lean = tilt(rng, pieces, 0.006 * p.uneven)
    waves = fractal(canvas, "waves", 0.08, 0.01, 2.0)
    height = tile * (0.0016 + 0.0014 * pillow + lean + 0.00012 * waves) + (1 - tile) * 0.00015 * fine
    rough = p.roughness + 0.35 * (1 - tile) + 0.12 * p.grime * dirt + 0.03 * p.mottle * cloud
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))


def _glaze(canvas: Canvas, pieces: Pieces, p: Ceramic) -> Image:
    """The palette laid out over the tiles, (H, W, 3)."""
    if p.order == "mixed":
        return per_piece(p.palette, pieces, canvas.rng("palette"), spread=0.3)
    row, column = np.divmod(np.arange(pieces.count), p.columns)
    step = row + column if p.order == "checker" else row + 2 * column
    return np.asarray(np.asarray(p.palette, np.float32)[(step % len(p.palette))[pieces.ident]])


def marble(canvas: Canvas, p: Marble) -> Surface:
    """A marble floor."""
    x, y = canvas.coordinates()
    pieces = courses(x, y, canvas.tile_m, p.columns, p.columns, canvas.rng("layout"))
    rng = canvas.rng("slabs")
    # Every slab shows another part of the block, turned and mirrored, so that no part is seen twice in a tile.
    part = rng.permutation(pieces.count)
    centre = (np.stack(np.divmod(part, p.columns)) + 0.5) * (canvas.tile_m / p.columns)
    mirror = rng.choice([-1.0, 1.0], (2, pieces.count)).astype(np.float32)
    turned = (rng.random(pieces.count) < 0.5)[pieces.ident]
    u, v = np.where(turned, pieces.v_m, pieces.u_m), np.where(turned, pieces.u_m, pieces.v_m)
    u, v = u * mirror[0][pieces.ident], v * mirror[1][pieces.ident]
    at_x, at_y = (u + centre[1].astype(np.float32)[pieces.ident]), (v + centre[0].astype(np.float32)[pieces.ident])
    at = at_x / canvas.texel_m, at_y / canvas.texel_m
    cloud, veins, threads = (sample(field, *at) for field in _stone(canvas, p))
    colour = ramp(p.palette, rank(cloud))
    colour = mix(colour, p.second_vein, np.clip(0.65 * p.strength * threads, 0, 1))
    colour = mix(colour, p.vein, np.clip(p.strength * veins, 0, 1))
    tone = each(rng, 0.93, 1.04, pieces)
    edge, half = pieces.edge(0.0005), 0.5 * p.joint_mm / 1000
    slab = smoothstep(half - canvas.texel_m * 0.5, half + canvas.texel_m * 0.5, edge)
    fine = fractal(canvas, "fine", 0.008, 0.0, 0.4)
    colour = mix(plain(p.joint, colour), shade(colour, tone * (1.0 + 0.012 * fine)), slab)
    lean = tilt(rng, pieces, 0.0012)
    height = slab * (0.0012 + lean - 0.00008 * veins)
    worn = rank(fractal(canvas, "worn", 0.5, 0.02, 1.5))
    rough = p.roughness + 0.05 * worn + 0.06 * veins + 0.3 * (1 - slab)
    return Surface(colour, height.astype(np.float32), rough.astype(np.float32))


def _stone(canvas: Canvas, p: Marble) -> tuple[Image, Image, Image]:
    """A block of marble: clouds (standard normal), veins and fine threads (0..1), (H, W) each.

    A vein is where a wave that runs along a diagonal crosses zero; noise bends the wave.
    """
    x, y = canvas.coordinates()
    turn = 2 * np.pi / canvas.tile_m
    slow, quick = fractal(canvas, "slow", 0.9, 0.05, 2.2), fractal(canvas, "quick", 0.25, 0.006, 2.1)
    other = fractal(canvas, "other", 0.6, 0.006, 2.1)
    bend = p.unrest * (2.6 * slow + 0.55 * quick)
    thickness = np.exp(0.6 * fractal(canvas, "thickness", 0.4, 0.02, 1.6))
    main = np.sin(turn * p.waves * (x + y) + bend)
    veins = np.exp(-np.abs(main) / (0.035 * thickness)) + 0.3 * np.exp(-np.abs(main) / (0.22 * thickness))
    fine = np.sin(turn * p.waves * (2 * x + y) + 3.2 * p.unrest * other + 0.8 * quick)
    where = smoothstep(0.3, 0.8, rank(fractal(canvas, "where", 0.5, 0.05)))
    threads = where * np.exp(-np.abs(fine) / (0.05 * thickness))
    cloud = fractal(canvas, "cloud", 0.5, 0.004, 1.6) + 0.5 * main
    return np.asarray(cloud / cloud.std(), np.float32), veins.astype(np.float32), threads.astype(np.float32)
