"""What may be released: known files, with known keys, and no number of what is hidden."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from kinebench.board.fault import Fault
from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder, listing, strict_json
from kinebench.methods.export import OVERVIEW, PICTURE
from kinebench.publish.licence import NAME as LICENCE
from kinebench.scoring.truths import open_truths
from kinebench.shards.read import Shards

LISTING_SCHEMA = Path(__file__).with_name("listing.schema.json")
TELLING_DIGITS = 10
"""A drawn number has 15 or so; of so many, none is met by chance."""
_CONDITION = rf"condition\.json|first_frame\.png|{re.escape(PICTURE)}|mask_\d+\.png|path_\d+\.csv"
_FILES = re.compile(
    rf"(season\.json|SHA256SUMS|README\.md|{LICENCE}|conditions/{re.escape(listing.FILE)}|conditions/{OVERVIEW}"
    rf"|conditions/[^/]+/({_CONDITION}))"
)
_NUMBER = re.compile(r"\d+\.\d+(?:e[+-]?\d+)?|\d+")
_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNKS = {b"IHDR", b"IDAT", b"IEND"}


def leaks(public: Path, dataset: Path, salt: bytes) -> tuple[Fault, ...]:
    """What of a release must not be there. Raises KineBenchError if the dataset cannot be read."""
    shards = open_truths(dataset, "test")
    hidden, secrets = _telling(shards), _secrets(shards.manifest.seed, salt)
    faults = list[Fault]()
    for path in sorted(path for path in public.rglob("*") if not path.is_dir()):
        name = path.relative_to(public).as_posix()
        what = [*_form_faults(name, path), *_number_faults(path, hidden, secrets)]
        faults += (Fault(each, f"remove it, or report it: {path}", file=name) for each in what)
    known = set(shards.keys("test"))
    for folder in (path for path in (public / "conditions").iterdir() if path.is_dir()):
        if folder.name not in known:
            faults.append(Fault("is of no clip of the season", f"remove {folder}", file=f"conditions/{folder.name}"))
    return tuple(faults)


def _form_faults(name: str, path: Path) -> Iterator[str]:
    """What a file is that it should not be."""
    if path.is_symlink() or not _FILES.fullmatch(name):
        yield "is nothing that is released"
    elif path.suffix == ".png":
        if extra := _chunks(path.read_bytes()) - _CHUNKS:
            yield f"holds more than pixels: {', '.join(sorted(chunk.decode('latin-1') for chunk in extra))}"
    elif path.name == condition_folder.FILE:
        try:
            condition_folder.read(path.parent)
        except KineBenchError as error:
            yield str(error)
    elif path.name == listing.FILE:
        try:
            yield from (fault.message[:200] for fault in _listing().iter_errors(strict_json.loads(path.read_bytes())))
        except ValueError as error:
            yield str(error)


@cache
def _listing() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(LISTING_SCHEMA.read_text()))


def _chunks(data: bytes) -> set[bytes]:
    """Names of the chunks of a PNG; with an empty one if it is none, or holds anything after its end."""
    names, at = set[bytes](), len(_PNG)
    if not data.startswith(_PNG):
        return {b""}
    while at + 8 <= len(data) and b"IEND" not in names:
        names.add(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return names if at == len(data) else names | {b""}


def _number_faults(path: Path, hidden: dict[str, str], secrets: tuple[str, ...]) -> Iterator[str]:
    if path.suffix == ".png":
        return
    said = path.read_text(errors="replace")
    if any(secret in said.lower() for secret in secrets):
        yield "holds the salt or the seed"
    for number in sorted(set(_NUMBER.findall(said)) & hidden.keys()):
        yield f"holds {number}, which is {hidden[number]}"


def _secrets(seed: int, salt: bytes) -> tuple[str, ...]:
    return salt.hex(), str(seed), f"{seed:x}"


def _telling(shards: Shards) -> dict[str, str]:
    """Every number of the records that only their random draws could have given, and where it stands.

    But for the camera, which is released.
    """
    found: dict[str, str] = {}
    for key in shards.keys("test"):
        record = {name: part for name, part in shards.record(key).items() if name != "camera"}
        for place, value in _numbers(key, record):
            text = repr(abs(value))
            if sum(map(str.isdigit, text.partition("e")[0].lstrip("0."))) >= TELLING_DIGITS:
                found.setdefault(text, place)
    return found


def _numbers(place: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        yield place, value
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in items:
            yield from _numbers(f"{place}.{name}", part)
