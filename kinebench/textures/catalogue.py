"""textures/catalogue.toml -> entries: every ground, its family, its split, its words and how it is drawn.

A top-level table is a family: it has the split, so that a family can never be in both. Its sub-tables are its
variants. What a family sets besides `split` is the default of its variants.
"""

import dataclasses
import difflib
import math
import re
import tomllib
import typing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from kinebench.content import content
from kinebench.errors import KineBenchError
from kinebench.textures.colour import Colour, Palette
from kinebench.textures.patterns import PATTERNS

Split = Literal["train", "test"]
Source = Literal["built-in", "ambientcg"]

SPLITS: tuple[Split, ...] = ("train", "test")
_GENERAL = ("phrase", "tile_m", "source", "pattern")


@dataclass(frozen=True)
class Entry:
    """One ground of the catalogue."""

    id: str  # built-in: "family_nn"; AmbientCG: the asset's id
    family: str
    split: Split
    phrase: str  # how captions name it, with article: "a wooden floor"
    tile_m: float  # edge of one tile on the ground
    source: Source
    pattern: str | None  # a name in PATTERNS; None for AmbientCG
    parameters: Any  # an instance of the pattern's parameters; None for AmbientCG


def catalogue(path: Path | None = None) -> tuple[Entry, ...]:
    """All entries of the catalogue at `path`, by default the built-in one, in the file's order.

    Raises `KineBenchError` naming the file, the key and what was expected there.
    """
    return _read(path or content("textures") / "catalogue.toml")


def ids(split: Split | None = None, path: Path | None = None) -> tuple[str, ...]:
    """Ids of the catalogue's grounds, of one split or of both."""
    return tuple(entry.id for entry in catalogue(path) if split in (None, entry.split))


def find(texture_id: str, path: Path | None = None) -> Entry:
    """The entry with this id, or a `KineBenchError` that suggests the nearest ones."""
    for entry in catalogue(path):
        if entry.id == texture_id:
            return entry
    near = difflib.get_close_matches(texture_id, ids(path=path), n=3)
    hint = f"did you mean {', '.join(near)}?" if near else "'kinebench textures list' shows all"
    raise KineBenchError(f"no ground is called {texture_id!r} in the catalogue; {hint}")


@cache
def _read(path: Path) -> tuple[Entry, ...]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KineBenchError(f"cannot read the texture catalogue {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KineBenchError(f"{path} is not valid TOML: {error}") from error
    entries = tuple(entry for family, value in table.items() for entry in _family(path, family, value))
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise KineBenchError(f"{path}: the id {entry.id} is given to two grounds; ids must be unique")
        seen.add(entry.id)
    return entries


def _family(path: Path, family: str, table: object) -> list[Entry]:
    """The variants of one top-level table."""
    where = f"{path} [{family}]"
    if not isinstance(table, dict):
        raise KineBenchError(f"{path}: {family} must be a table: a family of grounds")
    split = table.get("split")
    if split not in SPLITS:
        raise KineBenchError(f"{where}: split must be 'train' or 'test', not {split!r}")
    shared = {key: value for key, value in table.items() if key != "split" and not isinstance(value, dict)}
    variants = {key: value for key, value in table.items() if isinstance(value, dict)}
    if not variants:
        raise KineBenchError(f"{where}: has no variants; add one such as [{family}.01]")
    return [_entry(path, family, split, key, {**shared, **own}) for key, own in variants.items()]


def _entry(path: Path, family: str, split: Split, key: str, table: dict[str, object]) -> Entry:
    """One variant, with its family's defaults already filled in."""
    where = f"{path} [{family}.{key}]"
    source = table.get("source", "built-in")
    if source not in typing.get_args(Source):
        raise KineBenchError(f"{where}: source must be 'built-in' or 'ambientcg', not {source!r}")
    built_in = source == "built-in"
    if built_in and not (re.fullmatch(r"[0-9]{2}", key) and re.fullmatch(r"[a-z]+(_[a-z]+)*", family)):
        raise KineBenchError(f"{where}: a built-in ground is [family_in_lower_case.nn] with a number of two digits")
    phrase, tile_m = table.get("phrase"), table.get("tile_m")
    if not isinstance(phrase, str) or not re.match(r"(a|an|the) \S", phrase):
        raise KineBenchError(f"{where}: phrase must be words with an article, such as 'a wooden floor', not {phrase!r}")
    if isinstance(tile_m, bool) or not isinstance(tile_m, int | float) or not 0.1 <= tile_m <= 20:
        raise KineBenchError(f"{where}: tile_m must be the tile's edge in metres, 0.1 to 20, not {tile_m!r}")
    rest = {name: value for name, value in table.items() if name not in _GENERAL}
    pattern, parameters = _pattern(where, table.get("pattern"), rest) if built_in else _nothing(where, table, rest)
    entry_id = f"{family}_{key}" if built_in else key
    return Entry(entry_id, family, split, phrase, float(tile_m), typing.cast(Source, source), pattern, parameters)


def _nothing(where: str, table: dict[str, object], rest: dict[str, object]) -> tuple[None, None]:
    """An AmbientCG entry is not drawn: it must have no pattern and no parameters."""
    extra = sorted(rest) + (["pattern"] if "pattern" in table else [])
    if extra:
        raise KineBenchError(f"{where}: a ground from ambientcg is not drawn, so it cannot have {', '.join(extra)}")
    return None, None


def _pattern(where: str, name: object, table: dict[str, object]) -> tuple[str, object]:
    """The pattern's name and its checked parameters."""
    if not isinstance(name, str) or name not in PATTERNS:
        raise KineBenchError(f"{where}: pattern must be one of {', '.join(sorted(PATTERNS))}, not {name!r}")
    kind = PATTERNS[name].parameters
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for key in table:
        if key not in fields:
            raise KineBenchError(f"{where}: {key!r} is no parameter of {name!r}; there are {', '.join(sorted(fields))}")
    for key, field in fields.items():
        if key not in table and field.default is dataclasses.MISSING:
            raise KineBenchError(f"{where}: the pattern {name!r} needs {key!r}")
    hints = typing.get_type_hints(kind)
    values = {key: _value(f"{where}: {key}", hints[key], value) for key, value in table.items()}
    for key, value in values.items():
        if hints[key] is int and value == 0 and fields[key].default != 0:
            raise KineBenchError(f"{where}: {key} must be at least 1")
    return name, kind(**values)


def _value(where: str, kind: object, value: object) -> object:
    """A parameter's value as its field's type, or a `KineBenchError`."""
    if kind == Colour:
        return _colour(where, value)
    if kind == Palette:
        if not isinstance(value, list) or not value:
            raise KineBenchError(f"{where} must be a list of colours such as ['#8a5a33'], not {value!r}")
        return tuple(_colour(where, item) for item in value)
    if typing.get_origin(kind) is Literal:
        if value not in typing.get_args(kind):
            raise KineBenchError(f"{where} must be one of {', '.join(typing.get_args(kind))}, not {value!r}")
        return value
    whole = kind is int
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise KineBenchError(f"{where} must be a {'whole number' if whole else 'number'}, not {value!r}")
    if not (math.isfinite(value) and value >= 0):
        raise KineBenchError(f"{where} must not be negative or infinite, but is {value!r}")
    return value if whole else float(value)


def _colour(where: str, value: object) -> Colour:
    """'#rrggbb' -> sRGB in 0..1."""
    if not isinstance(value, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise KineBenchError(f"{where} must be a colour such as '#8a5a33', not {value!r}")
    red, green, blue = (int(value[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue
