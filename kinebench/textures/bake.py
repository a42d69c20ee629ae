"""Catalogue entry -> a folder of maps in AmbientCG's layout."""

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.textures.canvas import Canvas
from kinebench.textures.catalogue import Entry, find
from kinebench.textures.folders import whole
from kinebench.textures.maps import Maps, maps
from kinebench.textures.patterns import PATTERNS

RESOLUTION_PX = 1024
_JPEG_QUALITY = 92


def bake(texture_id: str, folder: Path, resolution: int = RESOLUTION_PX) -> Path:
    """Draw a built-in ground into `folder`/<id>, replacing what is there; returns that folder.

    `resolution` is the edge of the maps in pixels. The same catalogue entry gives the same bytes.
    """
    entry = find(texture_id)
    target = folder / entry.id
    with whole(target, keep_existing=False) as fresh:
        write(draw(entry, resolution), entry, fresh)
    return target


def draw(entry: Entry, resolution: int = RESOLUTION_PX) -> Maps:
    """The maps of a built-in ground, `resolution` pixels square."""
    if entry.pattern is None:
        raise KineBenchError(f"{entry.id} comes from AmbientCG; run: kinebench textures fetch {entry.id}")
    if resolution < 16:
        raise KineBenchError(f"a texture needs at least 16 pixels, not {resolution}")
    canvas = Canvas(resolution, entry.tile_m, entry.id)
    try:
        surface = PATTERNS[entry.pattern].draw(canvas, entry.parameters)
    except (ArithmeticError, ValueError) as error:
        raise KineBenchError(f"the ground {entry.id} cannot be drawn with its parameters: {error}") from error
    return maps(surface, entry.tile_m)


def write(pictures: Maps, entry: Entry, folder: Path) -> None:
    """Write the maps and `texture.toml` into an empty folder."""
    from PIL import Image

    size = pictures.colour.shape[0]
    stem = f"{entry.id}_{size // 1024}K-JPG" if size % 1024 == 0 else f"{entry.id}_{size}PX-JPG"
    files = {
        "Color": pictures.colour,
        "NormalGL": pictures.normal,
        "Roughness": pictures.roughness,
        "Displacement": pictures.displacement,
        "AmbientOcclusion": pictures.ambient_occlusion,
    }
    for name, picture in files.items():
        # Full chroma: a normal map's red and blue are geometry.
        Image.fromarray(picture).save(folder / f"{stem}_{name}.jpg", quality=_JPEG_QUALITY, subsampling=0)
    describe(folder, entry.family, entry.split, entry.phrase, entry.tile_m, entry.source)


def describe(folder: Path, family: str, split: str, phrase: str, tile_m: float, source: str) -> None:
    """Write the `texture.toml` that makes a folder of maps a ground."""
    fields = {"phrase": phrase, "tile_m": tile_m, "split": split, "family": family, "source": source}
    # JSON strings without escapes for other alphabets are TOML strings.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items()]
    (folder / "texture.toml").write_text("".join(lines), encoding="utf-8")


def version(entry: Entry) -> str:
    """16 hex digits that change when the entry or the code that draws changes."""
    text = json.dumps(asdict(entry), sort_keys=True) + _code() + str(RESOLUTION_PX)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def _code() -> str:
    """Digest of the source that decides how grounds look."""
    here = Path(__file__).parent
    names = ("bake", "canvas", "cells", "colour", "layouts", "maps", "noise", "stamps")
    files = [here / f"{name}.py" for name in names] + sorted((here / "patterns").glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()
