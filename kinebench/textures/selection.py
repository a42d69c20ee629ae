"""Which grounds a recipe's split may use: families, single ids, fetched ones, or folders of the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.textures.catalogue import SPLITS, catalogue
from kinebench.textures.library import fetched_folder, read_folder


@dataclass(frozen=True)
class Choice:
    """A ground by description, not yet baked; `where` is what `library.load` takes."""

    id: str
    phrase: str
    tile_m: float
    where: str | Path


def choices(names: Sequence[str], split: str, source: str) -> dict[str, Choice]:
    """The grounds that `names` stand for, by id, in order; `source` is the recipe's file.

    A name is a family of the catalogue, an id in it, a folder relative to the recipe's, or an id fetched from
    AmbientCG. Raises KineBenchError for a name that is none of these, and for a ground of another split.
    """
    entries = catalogue()
    found: dict[str, Choice] = {}
    for name in names:
        matching = [entry for entry in entries if name in (entry.family, entry.id)]
        for entry in matching:
            _check_split(entry.id, entry.split, split, source)
            found[entry.id] = Choice(entry.id, entry.phrase, entry.tile_m, entry.id)
        if not matching:
            folder = _folder(name, source)
            texture = read_folder(folder)
            _check_split(texture.id, texture.split, split, source)
            found[texture.id] = Choice(texture.id, texture.phrase, texture.tile_m, folder)
    return found


def _check_split(ground: str, belongs_to: str, split: str, source: str) -> None:
    if belongs_to != split and split in SPLITS:
        raise KineBenchError(
            f"{source}: splits.{split}.textures: {ground} is a ground of the {belongs_to} split; take it out, "
            f"or choose from: kinebench textures list --split {split}"
        )


def _folder(name: str, source: str) -> Path:
    for folder in (Path(source).parent / name, fetched_folder() / name):
        if folder.is_dir():
            return folder
    raise KineBenchError(
        f"{source}: {name!r} is no ground of the catalogue, no folder beside the recipe, and not fetched; "
        "see: kinebench textures list"
    )
