"""Grounds ready to render: built-in ones baked on first use, fetched ones, and folders of the user's own."""

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kinebench.cache import cache_folder
from kinebench.errors import KineBenchError
from kinebench.textures.bake import bake, draw, version, write
from kinebench.textures.catalogue import SPLITS, Entry, Split, catalogue, find, ids
from kinebench.textures.folders import whole

_MAPS = ("Color", "NormalGL", "Roughness", "AmbientOcclusion")


@dataclass(frozen=True)
class Texture:
    """A ground's maps on disk. All are square, tile in both directions and have row 0 at the top."""

    id: str
    family: str
    split: Split
    phrase: str  # how captions name it, with article
    tile_m: float  # edge of one tile on the ground
    colour: Path  # sRGB
    normal: Path  # OpenGL convention, +Y up
    roughness: Path
    ambient_occlusion: Path | None


@dataclass(frozen=True)
class Listed:
    """One line of `kinebench textures list`."""

    id: str
    family: str
    split: str
    source: str
    phrase: str
    ready: bool  # can be loaded without drawing or fetching it


def listing(split: str | None = None) -> tuple[Listed, ...]:
    """Every ground of the catalogue, then the fetched ones that it does not list; of one split or of both."""
    _check_split(split)
    entries = catalogue()
    rows = [Listed(e.id, e.family, e.split, e.source, e.phrase, _ready(e)) for e in entries]
    known = {entry.id for entry in entries}
    fetched = fetched_folder()
    for folder in sorted(fetched.glob("[!.]*/texture.toml")) if fetched.is_dir() else ():
        if folder.parent.name not in known:
            found = read_folder(folder.parent)
            rows.append(Listed(found.id, found.family, found.split, "ambientcg", found.phrase, True))
    return tuple(row for row in rows if split in (None, row.split))


def bake_each(
    names: Sequence[str] = (), split: str | None = None, out: Path | None = None
) -> tuple[int, Iterator[Texture]]:
    """How many built-in grounds are chosen, and an iterator that bakes them one by one.

    All of them, if no names are given. They go into the cache, or as `out`/<id>. Wrong names raise `KineBenchError`
    before the first is drawn.
    """
    _check_split(split)
    chosen = [find(name) for name in names] or [entry for entry in catalogue() if entry.source == "built-in"]
    chosen = [entry for entry in chosen if split in (None, entry.split)]
    if not chosen:
        raise KineBenchError(f"none of the grounds {', '.join(names)} is in the {split} split")
    return len(chosen), (load(entry.id) if out is None else read_folder(bake(entry.id, out)) for entry in chosen)


def _check_split(split: str | None) -> None:
    if split is not None and split not in SPLITS:
        raise KineBenchError(f"a split of the texture catalogue is train or test, not {split!r}")


def load(texture: str | Path) -> Texture:
    """The ground with this catalogue id, or fetched from AmbientCG under it, or in this folder of the user's own.

    A built-in ground is baked into the cache on first use; any number of processes may ask for it at once.
    """
    name = str(texture)
    if name not in ids():
        if Path(texture).is_dir():
            return read_folder(Path(texture))
        if os.sep in name:
            raise KineBenchError(f"there is no texture folder {name}")
        if re.fullmatch(r"[A-Z][A-Za-z]*[0-9]{3}[A-Z]?", name):
            return read_folder(_fetched(name))
    entry = find(name)
    found = read_folder(_built_in(entry) if entry.source == "built-in" else _fetched(entry.id))
    return replace(found, family=entry.family, split=entry.split, phrase=entry.phrase, tile_m=entry.tile_m)


def fetched_folder() -> Path:
    """Where `kinebench textures fetch` puts assets unless told otherwise."""
    return cache_folder() / "textures" / "ambientcg"


def baked_folder(entry: Entry) -> Path:
    """Where the cache has, or will have, a built-in ground."""
    return cache_folder() / "textures" / version(entry) / entry.id


def _ready(entry: Entry) -> bool:
    return (baked_folder(entry) if entry.source == "built-in" else fetched_folder() / entry.id).is_dir()


def _built_in(entry: Entry) -> Path:
    folder = baked_folder(entry)
    if not folder.is_dir():
        with whole(folder, keep_existing=True) as fresh:
            write(draw(entry), entry, fresh)
    return folder


def _fetched(asset_id: str) -> Path:
    folder = fetched_folder() / asset_id
    if not folder.is_dir():
        raise KineBenchError(f"the ground {asset_id} is not here yet; run: kinebench textures fetch {asset_id}")
    return folder


def read_folder(folder: Path) -> Texture:
    """Read a folder of maps with its `texture.toml`; raises `KineBenchError` that says what is missing.

    Maps are found by the end of their names, as AmbientCG has them: `..._Color.jpg`, `..._NormalGL.jpg`,
    `..._Roughness.jpg` and, if there is one, `..._AmbientOcclusion.jpg`; .png and .jpeg do as well.
    """
    fields = _description(folder)
    found = {name: _map(folder, name) for name in _MAPS}
    missing = [name for name in _MAPS[:3] if found[name] is None]
    if missing:
        raise KineBenchError(
            f"the texture folder {folder} lacks {', '.join(f'*_{name}.jpg' for name in missing)}; "
            "textures/README.md shows the layout"
        )
    colour, normal, roughness = (path for path in (found[name] for name in _MAPS[:3]) if path is not None)
    family, split, phrase, tile_m = fields
    return Texture(folder.name, family, split, phrase, tile_m, colour, normal, roughness, found["AmbientOcclusion"])


def _map(folder: Path, name: str) -> Path | None:
    """The one map whose file name ends in `_name`, or None."""
    pattern = re.compile(rf"(.*_)?{name}\.(jpg|jpeg|png)", re.IGNORECASE)
    files = sorted(file for file in folder.iterdir() if pattern.fullmatch(file.name))
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise KineBenchError(f"the texture folder {folder} has more than one {name} map: {names}; leave one")
    return files[0] if files else None


def _description(folder: Path) -> tuple[str, Split, str, float]:
    """Family, split, phrase and tile_m from a folder's `texture.toml`."""
    path = folder / "texture.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise KineBenchError(
            f'{path} is missing; write it with the lines: phrase = "a wooden floor", tile_m = 2.0, split = "train"'
        ) from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KineBenchError(f"cannot read {path}: {error}") from error
    phrase, tile_m, split = table.get("phrase"), table.get("tile_m"), table.get("split")
    family = table.get("family", folder.name)
    if not isinstance(phrase, str) or not phrase.strip():
        raise KineBenchError(f"{path}: phrase must say how captions name the ground, such as 'a wooden floor'")
    if isinstance(tile_m, bool) or not isinstance(tile_m, int | float) or not tile_m > 0:
        raise KineBenchError(f"{path}: tile_m must be the edge of one tile in metres, not {tile_m!r}")
    if split not in SPLITS:
        raise KineBenchError(f"{path}: split must be 'train' or 'test', not {split!r}")
    if not isinstance(family, str) or not family:
        raise KineBenchError(f"{path}: family must be a name, not {family!r}")
    return family, split, phrase, float(tile_m)
