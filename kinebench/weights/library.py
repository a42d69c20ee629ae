"""Weights on this disk: where they lie, and whether they are what was published.

Hashing 400 MB takes a second, so it is done once: a note beside the file, `.FILE.json`, remembers the file's size and
time together with what it hashed to. A file that changed since is hashed again.
"""

import contextlib
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from kinebench.cache import cache_folder
from kinebench.errors import KineBenchError, Unavailable
from kinebench.shards.files import write_atomic
from kinebench.weights.catalogue import Entry, catalogue, find

_BLOCK = 1 << 20

State = Literal["absent", "sound", "wrong"]


@dataclass(frozen=True)
class Digest:
    """What a file hashes to."""

    bytes: int
    sha256: str
    git_blob: str  # sha-1 of "blob ", the size, a zero byte and the file

    def fault(self, entry: Entry) -> str | None:
        """What tells the file from the published one, with both hashes; None if nothing does."""
        if entry.sha256 in (None, self.sha256) and entry.git_blob in (None, self.git_blob):
            return None
        found = f"sha256 {self.sha256}" if entry.sha256 else f"git sha-1 {self.git_blob}"
        size = f", {self.bytes} bytes instead of {entry.bytes}" if entry.bytes not in (None, self.bytes) else ""
        return f"{found} instead of {entry.hash}{size}"


@dataclass(frozen=True)
class Holding:
    """One line of `kinebench weights list` and `check`."""

    entry: Entry
    path: Path
    state: State
    fault: str | None = None  # if the state is wrong


@dataclass(frozen=True)
class Weights:
    """A file that a network is loaded from."""

    path: Path
    sha256: str
    published: bool  # the file is the catalogue's


def folder() -> Path:
    """Where weights lie: `weights` in KineBench's cache."""
    return cache_folder() / "weights"


def path(entry: Entry) -> Path:
    """Where an entry's file is, or will be."""
    return folder() / entry.file


def locate(name: str) -> Path:
    """The file of these weights, known to be what was published.

    Raises `Unavailable`, naming the command that fetches it, if it is not there or differs, and KineBenchError for a
    name that the catalogue lacks.
    """
    entry = find(name)
    digest = recorded(entry)
    if digest is None:
        raise Unavailable(f"the weights {name} are not here; run: kinebench weights fetch {name}")
    if fault := digest.fault(entry):
        raise Unavailable(f"the weights {name} are damaged: {fault}; run: kinebench weights fetch {name}")
    return path(entry)


def sha256(name: str) -> str:
    """The hash of these weights: the catalogue's, or where it has none that of the file here. Raises as `locate`."""
    entry = find(name)
    if entry.sha256:
        return entry.sha256
    locate(name)
    digest = recorded(entry)
    assert digest is not None
    return digest.sha256


def chosen(name: str, file: Path | None = None) -> Weights:
    """A file of the user's own if one is given, which is hashed, and not held to anything; else the published one.

    Raises `Unavailable` if there is no such file, and as `locate`.
    """
    if file is None:
        return Weights(locate(name), sha256(name), published=True)
    if not file.is_file():
        raise Unavailable(f"there is no file of weights {file}")
    own = _own_sha256(file, _mark(file))
    return Weights(file, own, published=own == find(name).sha256)


@cache
def _own_sha256(file: Path, mark: tuple[int, int]) -> str:
    return hashed(file).sha256


def holdings() -> tuple[Holding, ...]:
    """Every entry of the catalogue and whether it is here, hashing only what has changed since it was last hashed."""
    return tuple(_holding(entry, recorded(entry)) for entry in catalogue().values())


def inspect(entry: Entry) -> Holding:
    """The same for one entry, hashing the file now."""
    return _holding(entry, record(entry) if path(entry).is_file() else None)


def _holding(entry: Entry, digest: Digest | None) -> Holding:
    if digest is None:
        return Holding(entry, path(entry), "absent")
    fault = digest.fault(entry)
    return Holding(entry, path(entry), "wrong" if fault else "sound", fault)


def recorded(entry: Entry) -> Digest | None:
    """What an entry's file hashes to, from the note if it still fits; None if there is no file."""
    file = path(entry)
    if not file.is_file():
        return None
    try:
        note = json.loads(_note(file).read_bytes())
        if (note["bytes"], note["mtime_ns"]) == _mark(file):
            return Digest(note["bytes"], note["sha256"], note["git_blob"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return record(entry)


def record(entry: Entry, known: Digest | None = None) -> Digest:
    """Hash an entry's file, unless it is known, and remember it beside the file, where the folder can be written."""
    file = path(entry)
    size, changed_ns = _mark(file)
    digest = known or hashed(file)
    note = {"bytes": size, "mtime_ns": changed_ns, "sha256": digest.sha256, "git_blob": digest.git_blob}
    with contextlib.suppress(OSError):  # a shared cache that only others may write: hashed again next time
        write_atomic(_note(file), json.dumps(note).encode())
    return digest


def hashed(file: Path) -> Digest:
    """Both hashes in one reading. Raises KineBenchError if the file cannot be read."""
    try:
        with file.open("rb") as source:
            size = file.stat().st_size
            sha, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
            while block := source.read(_BLOCK):
                sha.update(block)
                blob.update(block)
    except OSError as error:
        raise KineBenchError(f"cannot read {file}: {error.strerror}") from error
    return Digest(size, sha.hexdigest(), blob.hexdigest())


def _note(file: Path) -> Path:
    return file.with_name(f".{file.name}.json")


def _mark(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns
