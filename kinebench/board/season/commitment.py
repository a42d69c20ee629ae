"""The commitment of a season: one hash, published at its release, of all that must not change until the reveal."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from kinebench.board.season.statement import NAME as STATEMENT
from kinebench.board.season.statement import Statement
from kinebench.shards.files import sha256_file

NAME = "commitment.txt"
SUMS = "SHA256SUMS"


def text(said: Statement, salt: bytes, manifest_sha256: str, files: Mapping[str, str]) -> bytes:
    """The canonical text: season, salt, manifest of the hidden dataset, and every released file with its hash.

    The salt makes it impossible to guess the rest from the hash.
    """
    facts = {name: value for name, value in said.items() if name != "commitment"}
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    lines = [
        "kinebench season commitment 1",
        f"season {said['name']}",
        f"salt {salt.hex()}",
        f"manifest {manifest_sha256}",
        f"statement {hashlib.sha256(canonical).hexdigest()}",
        *(f"file {digest} {name}" for name, digest in sorted(files.items())),
    ]
    return "\n".join([*lines, ""]).encode()


def commitment(data: bytes) -> str:
    """The hash of the text."""
    return hashlib.sha256(data).hexdigest()


def released(public: Path) -> dict[str, str]:
    """The sha256 of every file of a release, by name, but for season.json, which says the commitment."""
    names = sorted(path.relative_to(public).as_posix() for path in public.rglob("*") if not path.is_dir())
    return {name: sha256_file(public / name) for name in names if name != STATEMENT}


def is_revealed(dataset: Path) -> bool:
    """Whether a season's dataset lies in a folder that `reveal` wrote: its clips may be shown."""
    return (dataset.parent / NAME).is_file()
