"""Ground laid.covered with plants: grass, fallen leaves, straw."""

from dataclasses import dataclass

import numpy as np

from kinebench.textures.canvas import Canvas, Image, Surface
from kinebench.textures.colour import Colour, Palette, darker, mix, plain, ramp, shade
from kinebench.textures.noise import double, fractal, halve, rank, smoothstep
from kinebench.textures.stamps import Print, Stamps, lay


@dataclass(frozen=True)
class Grass:
    """A lawn seen from above: blades in layers, the upper ones lighter."""

    palette: Palette  # from the shade between the blades to the tips
    dry: Colour
    soil: Colour
    blades_per_m2: int = 9000
    length_mm: float = 75.0
    width_mm: float = 4.5
    dryness: float = 0.15  # share of dry blades, 0..1
    bare: float = 0.0  # share of the soil that shows in patches, 0..1


@dataclass(frozen=True)
class Leaves:
    """Soil under several layers of fallen leaves and twigs."""

    palette: Palette
    soil: Palette
    twig: Colour
    leaves_per_m2: int = 550
    length_mm: float = 75.0
    slender: float = 0.5  # width of a leaf by its length
    twigs_per_m2: int = 50


@dataclass(frozen=True)
class Straw:
    """Soil under strewn dry stalks."""

    palette: Palette
    soil: Palette
    stalks_per_m2: int = 5000
    length_mm: float = 160.0
    width_mm: float = 4.5


def _strewn(
    canvas: Canvas, layer: str, count: int, length_m: float, width_m: float, bend: float, spread: float
) -> Stamps:
    """`count` shapes at random places, lengths and widths varying by `spread`, curved by up to `bend` radians."""
    rng = canvas.rng(layer)
    size = rng.uniform(1.0 - spread, 1.0 + spread, (2, count))
    return Stamps(
        x_m=rng.uniform(0, canvas.tile_m, count).astype(np.float32),
        y_m=rng.uniform(0, canvas.tile_m, count).astype(np.float32),
        angle_rad=rng.uniform(-np.pi, np.pi, count).astype(np.float32),
        length_m=(size[0] * length_m).astype(np.float32),
        width_m=(size[1] * width_m).astype(np.float32),
        bend_rad=rng.uniform(-bend, bend, count).astype(np.float32),
    )


def _at_stamps(field: Image, stamps: Stamps, tile_m: float) -> Image:
    """The value of a canvas-sized field at each stamp's centre, (K,)."""
    n = field.shape[0]
    column = (stamps.x_m / tile_m * n).astype(np.int32) % n
    row = (stamps.y_m / tile_m * n).astype(np.int32) % n
    return np.asarray(field[row, column], np.float32)


def _floor(canvas: Canvas, palette: Palette, relief_m: float) -> tuple[Image, Image]:
    """Soil under the plants: colour (H, W, 3) and height (H, W)."""
    lumps = fractal(canvas, "lumps", 0.08, 0.002, 1.3)
    return ramp(palette, rank(lumps)), relief_m * lumps


def grass(canvas: Canvas, p: Grass) -> Surface:
    """A lawn."""
    count = int(p.blades_per_m2 * canvas.tile_m**2)
    blades = _strewn(canvas, "blades", count, p.length_mm / 1000, p.width_mm / 1000, 0.55, 0.45)
    clumps = fractal(canvas, "clumps", 0.35, 0.02, 1.5)
    bare = rank(fractal(canvas, "bare", 0.8, 0.04, 1.6))
    if p.bare:
        keep = _at_stamps(bare, blades, canvas.tile_m) > p.bare * canvas.rng("edge").uniform(0.6, 1.3, count)
        blades = Stamps(**{name: value[keep] for name, value in vars(blades).items()})
        count = int(keep.sum())
    rng = canvas.rng("blade looks")
    rise = np.linspace(0.0, 1.0, count, dtype=np.float32)  # blades are laid from the lowest to the highest
    at = _at_stamps(clumps, blades, canvas.tile_m)
    tone = np.clip(0.08 + 0.62 * rise + 0.1 * at + rng.normal(0, 0.1, count), 0, 1).astype(np.float32)
    blade_colour = ramp(p.palette, tone)
    yellow = rank(fractal(canvas, "yellow", 0.5, 0.03, 1.6))
    dry = rng.random(count) < p.dryness * 2.0 * _at_stamps(yellow, blades, canvas.tile_m)
    share = dry * rng.uniform(0.4, 1.0, count) * (0.35 + 0.65 * rise)
    blade_colour = mix(blade_colour, p.dry, share.astype(np.float32))
    return _blade_surface(canvas, lay(canvas, blades, "blade"), blade_colour, rise, p)


def _blade_surface(canvas: Canvas, laid: Print, blade_colour: Image, rise: Image, p: Grass) -> Surface:
    """Colour and relief of laid blades over the soil."""
    colour = blade_colour[laid.ident]
    # Darker at the root, a pale rib, one side of the fold in the light.
    light = (0.72 + 0.34 * smoothstep(-1.0, 0.3, laid.along)) * (1.0 + 0.13 * laid.across)
    light += 0.1 * smoothstep(0.3, 0.0, np.abs(laid.across))
    soil, relief = _floor(canvas, (darker(p.soil, 0.6), p.soil), 0.002)
    colour = np.where(laid.covered[..., None], shade(colour, light), double(soil))
    arch = 1.0 - 0.6 * laid.along**2
    height = np.where(laid.covered, 0.006 + 0.026 * rise[laid.ident] + 0.006 * arch, double(relief))
    height = height - np.where(laid.covered, 0.0009 * np.abs(laid.across), 0)
    rough = np.where(laid.covered, 0.62, 0.92)
    patch = 1.0 + 0.06 * fractal(canvas, "patch", 0.6, 0.03)
    return Surface(shade(halve(colour), patch), 0.5 * halve(height), halve(rough))


def leaves(canvas: Canvas, p: Leaves) -> Surface:
    """A forest floor in autumn."""
    count = int(p.leaves_per_m2 * canvas.tile_m**2)
    length = p.length_mm / 1000
    stamps = _strewn(canvas, "leaves", count, length, length * p.slender, 0.35, 0.4)
    laid = lay(canvas, stamps, "leaf")
    rng = canvas.rng("leaf looks")
    rise = np.linspace(0.0, 1.0, count, dtype=np.float32)
    hue = ramp(p.palette, rng.random(count).astype(np.float32))
    hue = shade(hue, ((0.5 + 0.5 * rise) * rng.uniform(0.8, 1.15, count)).astype(np.float32))
    curl = rng.uniform(-0.012, 0.016, count).astype(np.float32)
    soil, relief = _floor(canvas, p.soil, 0.003)
    vein, rib = _veins(laid)
    blotch = double(fractal(canvas, "blotch", 0.05, 0.003, 1.3))
    leaf = shade(hue[laid.ident], 1.0 - 0.14 * vein + 0.09 * blotch - 0.1 * np.abs(laid.across) ** 4)
    leaf = mix(leaf, p.palette[-1], 0.35 * rib)
    colour = np.where(laid.covered[..., None], leaf, double(soil))
    bow = curl[laid.ident] * (laid.across**2 + 0.6 * laid.along**2)
    height = np.where(laid.covered, 0.008 + 0.022 * rise[laid.ident] + bow - 0.0006 * vein, double(relief))
    surface = Surface(colour, height.astype(np.float32), np.where(laid.covered, 0.66, 0.92).astype(np.float32))
    surface = _twigs(canvas, surface, p)
    return Surface(halve(surface.colour), 0.6 * halve(surface.height_m), halve(surface.roughness))


def _veins(laid: Print) -> tuple[Image, Image]:
    """Side veins and the midrib of laid leaves, 0..1, (H, W) each."""
    slant = 9.0 * (laid.along - 0.55 * np.abs(laid.across))
    t = slant - np.floor(slant)
    vein = smoothstep(0.16, 0.0, np.minimum(t, 1 - t)) * smoothstep(1.0, 0.7, np.abs(laid.across))
    rib = smoothstep(0.13, 0.04, np.abs(laid.across))
    return np.maximum(vein, rib), rib


def _twigs(canvas: Canvas, under: Surface, p: Leaves) -> Surface:
    """Twigs over a surface of twice the canvas's resolution."""
    count = int(p.twigs_per_m2 * canvas.tile_m**2)
    if not count:
        return under
    laid = lay(canvas, _strewn(canvas, "twigs", count, 0.14, 0.0055, 0.3, 0.6), "rod")
    there = laid.covered.astype(np.float32)
    tone = canvas.rng("twig looks").uniform(0.6, 1.25, count).astype(np.float32)
    bark = 1.0 + 0.1 * double(fractal(canvas, "bark", 0.02, 0.0, 0.8))
    round_ = np.sqrt(np.maximum(1.0 - laid.across**2, 0.0))
    twig = shade(plain(p.twig, under.colour), tone[laid.ident] * bark * (0.6 + 0.4 * round_))
    height = under.height_m + there * (0.004 + 0.003 * round_)
    return Surface(mix(under.colour, twig, there), height, under.roughness + (0.8 - under.roughness) * there)


def straw(canvas: Canvas, p: Straw) -> Surface:
    """A stable floor."""
    count = int(p.stalks_per_m2 * canvas.tile_m**2)
    laid = lay(canvas, _strewn(canvas, "stalks", count, p.length_mm / 1000, p.width_mm / 1000, 0.12, 0.6), "rod")
    rng = canvas.rng("stalk looks")
    rise = np.linspace(0.0, 1.0, count, dtype=np.float32)
    stalk = ramp(p.palette, np.clip(0.1 + 0.6 * rise + rng.normal(0, 0.16, count), 0, 1).astype(np.float32))
    soil, relief = _floor(canvas, p.soil, 0.003)
    round_ = np.sqrt(np.maximum(1.0 - laid.across**2, 0.0))
    nodes = rng.random(count).astype(np.float32)[laid.ident] + 1.3 * laid.along
    node = smoothstep(0.06, 0.0, np.abs(nodes - np.rint(nodes)))
    light = 0.72 + 0.3 * round_ + 0.1 * laid.across - 0.18 * node
    colour = np.where(laid.covered[..., None], shade(stalk[laid.ident], light), double(soil))
    height = np.where(laid.covered, 0.006 + 0.024 * rise[laid.ident] + 0.002 * round_, double(relief))
    rough = np.where(laid.covered, 0.6, 0.92).astype(np.float32)
    patch = 1.0 + 0.05 * fractal(canvas, "patch", 0.6, 0.03)
    return Surface(shade(halve(colour), patch), 0.5 * halve(height), halve(rough))
