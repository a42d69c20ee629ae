"""The patterns that a catalogue entry may name: each has a frozen dataclass of parameters and a function that draws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kinebench.textures.canvas import Canvas, Surface
from kinebench.textures.patterns import cloth, earth, masonry, metal, plants, poured, stones, tiles, wood


@dataclass(frozen=True)
class Pattern:
    """A way to draw a ground."""

    parameters: type[Any]
    draw: Callable[[Canvas, Any], Surface]


PATTERNS: dict[str, Pattern] = {
    "planks": Pattern(wood.Planks, wood.planks),
    "parquet": Pattern(wood.Parquet, wood.parquet),
    "bricks": Pattern(masonry.Bricks, masonry.bricks),
    "setts": Pattern(masonry.Setts, masonry.setts),
    "flagstones": Pattern(masonry.Flagstones, masonry.flagstones),
    "ceramic": Pattern(tiles.Ceramic, tiles.ceramic),
    "marble": Pattern(tiles.Marble, tiles.marble),
    "concrete": Pattern(poured.Concrete, poured.concrete),
    "asphalt": Pattern(poured.Asphalt, poured.asphalt),
    "terrazzo": Pattern(poured.Terrazzo, poured.terrazzo),
    "carpet": Pattern(cloth.Carpet, cloth.carpet),
    "linen": Pattern(cloth.Linen, cloth.linen),
    "tread": Pattern(metal.Tread, metal.tread),
    "grass": Pattern(plants.Grass, plants.grass),
    "leaves": Pattern(plants.Leaves, plants.leaves),
    "straw": Pattern(plants.Straw, plants.straw),
    "gravel": Pattern(stones.Gravel, stones.gravel),
    "pebbles": Pattern(stones.Pebbles, stones.pebbles),
    "soil": Pattern(earth.Soil, earth.soil),
    "sand": Pattern(earth.Sand, earth.sand),
    "mud": Pattern(earth.Mud, earth.mud),
}
