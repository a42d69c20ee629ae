"""conditions.json: what an exported folder of conditions holds, of which dataset, with the hash of each."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.methods.condition import KEY
from kinebench.shards.files import write_atomic

FILE = "conditions.json"
FORMAT_VERSION = 1
_UNFINISHED = ".conditions.json"
"""Stands in the place of the file until every condition is there."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class Listing:
    """Which conditions there are."""

    facts: dict[str, Any]  # what they were made of; see `Source.facts`
    sha256: dict[str, str] = field(repr=False)  # key -> hash of the condition, in order


def read(folder: Path) -> Listing:
    """The listing of an exported folder. Raises KineBenchError if it is not whole, damaged, or cannot be read."""
    path = folder / FILE
    try:
        return _parse(path.read_bytes())
    except FileNotFoundError as error:
        if is_unfinished(folder):
            raise KineBenchError(f"{folder}: the export was interrupted; run the same command again") from error
        raise KineBenchError(f"{folder} holds no conditions: it has no {FILE}; run: kinebench conditions") from error
    except OSError as error:
        raise KineBenchError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise KineBenchError(f"{path}: {error}; export again: kinebench conditions") from error


def is_exported(folder: Path) -> bool:
    """Whether conditions were exported here, or an export was begun."""
    return (folder / FILE).is_file() or is_unfinished(folder)


def is_unfinished(folder: Path) -> bool:
    """Whether an export was begun and did not end."""
    return (folder / _UNFINISHED).is_file()


def begin(folder: Path, facts: dict[str, Any]) -> None:
    """Say that an export is under way. Raises KineBenchError if the folder holds anything but an export of these facts.

    The folder is made if need be.
    """
    if folder.exists() and not folder.is_dir():
        raise KineBenchError(f"{folder} is a file; name a folder with --out")
    for name in (FILE, _UNFINISHED):
        if (folder / name).is_file() and (there := _facts(folder / name)) != facts:
            differing = ", ".join(sorted(key for key in facts | there if facts.get(key) != there.get(key)))
            raise KineBenchError(
                f"{folder} holds other conditions (other: {differing}); name another folder with --out"
            )
    if not is_exported(folder) and folder.is_dir() and any(folder.iterdir()):
        raise KineBenchError(f"{folder} holds something else than conditions; name another folder with --out")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / _UNFINISHED, _dump(Listing(facts, {})))
    (folder / FILE).unlink(missing_ok=True)


def finish(folder: Path, listing: Listing) -> None:
    """Say that every condition is there."""
    write_atomic(folder / FILE, _dump(listing))
    (folder / _UNFINISHED).unlink(missing_ok=True)


def _facts(path: Path) -> dict[str, Any]:
    try:
        return _parse(path.read_bytes()).facts
    except ValueError:
        return {}


def _dump(listing: Listing) -> bytes:
    plain = {"format_version": FORMAT_VERSION, "facts": listing.facts, "conditions": listing.sha256}
    return json.dumps(plain, indent=2, ensure_ascii=False).encode() + b"\n"


def _parse(data: bytes) -> Listing:
    plain = json.loads(data)
    if not isinstance(plain, dict) or not {"format_version", "facts", "conditions"} <= plain.keys():
        raise ValueError("this is no listing of conditions")
    if plain["format_version"] != FORMAT_VERSION:
        raise ValueError(f"format version {plain['format_version']}; this KineBench reads {FORMAT_VERSION}")
    facts, hashes = plain["facts"], plain["conditions"]
    if not isinstance(facts, dict) or not isinstance(hashes, dict):
        raise ValueError("this is no listing of conditions")
    for key, value in hashes.items():
        if not KEY.fullmatch(key) or not isinstance(value, str) or not _SHA256.fullmatch(value):
            raise ValueError(f"{key!r} is no key of a condition with its hash")
    return Listing(facts, hashes)
