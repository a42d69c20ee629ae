"""index.jsonl: one line a sample, so that any member can be read without scanning a tar."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError

NAME = "index.jsonl"


@dataclass(frozen=True)
class Member:
    """Where the bytes of one member are."""

    shard: str  # file name of the tar
    offset: int  # of the first byte
    size: int
    sha256: str


@dataclass(frozen=True)
class Row:
    """One sample of the index."""

    key: str
    split: str
    index: int
    shard: str  # file name of the main tar
    seed: int
    objects: int
    driven: int
    events: int
    members: dict[str, Member]  # suffix -> place, companions included


def dump(rows: Iterable[Row]) -> bytes:
    """The file. A member says its shard only where that is not the main one, to keep lines short."""
    return b"".join(json.dumps(_plain(row), separators=(",", ":")).encode() + b"\n" for row in rows)


def _plain(row: Row) -> dict[str, Any]:
    plain = asdict(row)
    for member in plain["members"].values():
        if member["shard"] == row.shard:
            del member["shard"]
    return plain


def parse(data: bytes) -> tuple[Row, ...]:
    """The rows of the file; raises ValueError that names the first line that is no row."""
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            plain = json.loads(line)
            members = {suffix: _member(plain["shard"], **place) for suffix, place in plain.pop("members").items()}
            rows.append(Row(**plain, members=members))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"line {number} is not a row of the index: {error}") from error
    return tuple(rows)


def _member(main: str, offset: int, size: int, sha256: str, shard: str | None = None) -> Member:
    name = shard or main
    if Path(name).name != name or not (type(offset) is type(size) is int) or min(offset, size) < 0:
        raise ValueError(f"{name!r}, {offset!r}, {size!r} is no place in a tar beside the index")
    return Member(name, offset, size, sha256)


def read(folder: Path) -> tuple[Row, ...]:
    """The index of a dataset folder; raises KineBenchError if there is none or it is damaged."""
    try:
        return parse((folder / NAME).read_bytes())
    except FileNotFoundError as error:
        raise KineBenchError(f"{folder} is no packed dataset: it has no {NAME}; run: kinebench generate") from error
    except ValueError as error:
        raise KineBenchError(f"{folder / NAME}: {error}; restore the file from where the dataset came from") from error
