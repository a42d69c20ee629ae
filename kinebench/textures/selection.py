"""Which grounds a recipe's split may use: families, single ids, or folders of the user's own."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.textures.catalogue import Entry, catalogue
from kinebench.textures.library import read_folder


@dataclass(frozen=True)
class Choice:
    """A ground by description, not yet baked; `where` is what `library.load` takes."""

    id: str
    phrase: str
    tile_m: float
    where: str | Path


def choices(names: Sequence[str], split: str, source: str) -> dict[str, Choice]:
    """The grounds that `names` stand for, by id, in order; `source` is the recipe's file.

    A name is a family of the catalogue, an id in it, or a folder relative to the recipe's. Raises KineBenchError for a
    name that is none of these, and for a ground that the catalogue gives to another split.
    """
    entries = catalogue()
    found: dict[str, Choice] = {}
    for name in names:
        matching = [entry for entry in entries if name in (entry.family, entry.id)]
        for entry in matching:
            _check_split(entry, split, source)
            found[entry.id] = Choice(entry.id, entry.phrase, entry.tile_m, entry.id)
        if not matching:
            choice = _folder(name, source)
            found[choice.id] = choice
    return found


def _check_split(entry: Entry, split: str, source: str) -> None:
    if entry.split != split and split in ("train", "test"):
        raise KineBenchError(
            f"{source}: splits.{split}.textures: {entry.id} is a ground of the {entry.split} split; take it out, "
            f"or choose from: kinebench textures list --split {split}"
        )


def _folder(name: str, source: str) -> Choice:
    path = Path(source).parent / name
    if not path.is_dir():
        hint = "; as a folder it is looked for beside the recipe" if os.sep in name else ""
        raise KineBenchError(f"{source}: no ground or folder is called {name!r}{hint}; run: kinebench textures list")
    texture = read_folder(path)
    return Choice(texture.id, texture.phrase, texture.tile_m, path)
