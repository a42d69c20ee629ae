"""A Real World set: photos with masks and arrows as conditions that any method can be run on. There is no truth.

A photo `NAME.jpg` has `NAME.json` beside it, see `realworld.schema.json`, and the masks that this names.
"""

import glob
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from kinebench import __version__
from kinebench.errors import KineBenchError
from kinebench.methods import export, strict_json
from kinebench.methods.condition import Condition
from kinebench.methods.path import VERSION
from kinebench.methods.source import Source
from kinebench.photo import animate
from kinebench.photo.animate import Driven, Standing, Wish, key_of
from kinebench.photo.arrow import on_photo
from kinebench.photo.camera import default_view, view
from kinebench.photo.picture import SUFFIXES, open_mask, open_photo
from kinebench.shards.files import Progress

DATASET, SPLIT = "real_world", "test"
SCHEMA_PATH = Path(__file__).with_name("realworld.schema.json")
DOCS = "see docs/animate.md"
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Packed:
    """What was made."""

    conditions: int
    driven: int  # objects, of all photos
    overview: Path


def facts() -> dict[str, Any]:
    """What conditions of photos are made of; see `Source.facts`. A prompt is for inference, whoever wrote it."""
    return {
        "dataset": DATASET,
        "split": SPLIT,
        "prompt": "c_infer",
        "first_frame": "photo",
        "path_version": VERSION,
        "kinebench": __version__,
    }


def source(where: Path, made: Mapping[str, Callable[[], Condition]]) -> Source:
    """Conditions of photos by key, each made when it is asked for."""
    return Source(where, SPLIT, "c_infer", tuple(made), facts(), None, lambda key: made[key]())


def pack(folder: Path, out: Path, note: Progress) -> Packed:
    """Make the conditions of all photos of a folder in `out`, after all of them were checked.

    Raises one KineBenchError that lists everything that is wrong, each with file and remedy; then nothing is written.
    """
    if not folder.is_dir():
        raise KineBenchError(f"there is no folder {folder}")
    if out.resolve() == folder.resolve():
        raise KineBenchError(f"{out} holds the photos; name another folder with --out")
    photos, problems = _photos(folder)
    driven = 0
    for number, (key, path) in enumerate(photos.items(), 1):
        found, faults = _wish(key, path)
        problems += faults
        driven += len(found.driven) if found else 0
        note("checking", number, len(photos))
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        what = "one thing is" if len(problems) == 1 else f"{len(problems)} things are"
        raise KineBenchError(f"{what} wrong in {folder}; nothing was written:\n{listed}")
    made = source(folder, {key: _Maker(key, path) for key, path in photos.items()})
    export.export(made, out, note)
    return Packed(len(photos), driven, out / export.OVERVIEW)


@dataclass(frozen=True)
class _Maker:
    """Makes one condition, and forgets it: fifty photos need not be held at once."""

    key: str
    path: Path

    def __call__(self) -> Condition:
        found, faults = _wish(self.key, self.path)
        if found is None or faults:
            raise KineBenchError(f"{self.path} was changed meanwhile: {faults[0]}")
        return animate.condition(found)


def _photos(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """The JSON of each photo by key, in order, and what is wrong with the files as such."""
    names = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    tables = [path for path in names if path.suffix.lower() == ".json"]
    problems: list[str] = []
    found: dict[str, Path] = {}
    for path in tables:
        key = key_of(path.stem)
        if key in found:
            problems.append(f"{path.name}: {found[key].name} gets the same key, {key}; call one of them otherwise")
        found.setdefault(key, path)
    if not tables:
        problems.append(f"there is no .json; beside each photo NAME.jpg belongs a NAME.json, {DOCS}")
    used = {path.stem for path in tables} | _named(tables)
    for path in names:
        if path.suffix.lower() in SUFFIXES and path.stem not in used and path.name not in used:
            problems.append(f"{path.name}: no {path.stem}.json and no other .json names it; write one, or take it away")
    return found, problems


def _named(tables: list[Path]) -> set[str]:
    """All masks that any table names, as far as it can be read."""
    names = set()
    for path in tables:
        try:
            plain = strict_json.loads(path.read_bytes())
            names |= {row["mask"] for part in ("driven", "others") for row in plain.get(part, ())}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):  # reported where it is read
            continue
    return {name for name in names if isinstance(name, str)}


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))


def _wish(key: str, path: Path) -> tuple[Wish | None, list[str]]:
    """What a JSON asks for, and all that is wrong with it and its files."""
    try:
        plain = strict_json.loads(path.read_bytes())
    except OSError as error:
        return None, [f"{path.name}: cannot be read: {error.strerror}"]
    except ValueError as error:
        return None, [f"{path.name}: is no JSON: {error}; {DOCS}"]
    if faults := [f"{path.name}: {fault}; {DOCS}" for fault in _schema_faults(plain)]:
        return None, faults
    problems: list[str] = []

    def tried(make: Callable[[], _Found]) -> _Found | None:
        try:
            return make()
        except KineBenchError as error:
            problems.append(f"{path.name}: {str(error).replace(f'{path.parent}/', '')}")
            return None

    photo = tried(lambda: open_photo(_beside(path)))
    if photo is None:
        return None, problems
    camera = plain.get("camera", default_view)
    seen = default_view() if camera is default_view else camera and tried(lambda: view(camera, photo.size, "camera"))
    driven, others = [], []
    for number, row in enumerate(plain["driven"], 1):
        said, name = f"driven {number}", row.get("name", "")
        arrow = tried(partial(on_photo, row["arrow"][:2], row["arrow"][2:], photo, said))
        mask = tried(partial(open_mask, path.parent / row["mask"], photo))
        if arrow is not None and mask is not None:
            driven.append(Driven(said, mask, arrow, row.get("speed_mps"), name))
    for number, row in enumerate(plain.get("others", ()), 1):
        mask = tried(partial(open_mask, path.parent / row["mask"], photo))
        if mask is not None:
            others.append(Standing(f"other {number}", mask, row.get("name", "")))
    if problems:
        return None, problems
    texts = plain.get("prompt", ""), plain.get("ground", "")
    wish = Wish(key, photo, tuple(driven), tuple(others), seen or None, *texts)
    tried(partial(animate.condition, wish))
    return wish, problems


def _schema_faults(plain: Any) -> Iterator[str]:
    for fault in sorted(_validator().iter_errors(plain), key=lambda fault: list(map(str, fault.absolute_path))):
        place = ".".join(map(str, fault.absolute_path))
        yield f"{place + ': ' if place else ''}{fault.message[:200]}"


def _beside(path: Path) -> Path:
    """The photo of a JSON."""
    found = [
        each for each in sorted(path.parent.glob(f"{glob.escape(path.stem)}.*")) if each.suffix.lower() in SUFFIXES
    ]
    if not found:
        raise KineBenchError(f"there is no photo beside it; it should be called {path.stem}.jpg or .png")
    if len(found) > 1:
        raise KineBenchError(f"{' and '.join(each.name for each in found)} are both its photo; take one away")
    return found[0]
