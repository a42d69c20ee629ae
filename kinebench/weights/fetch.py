"""Entries of the catalogue -> files that are known to be whole, from the web or from a file of the user's own."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kinebench.cache import cache_folder
from kinebench.errors import KineBenchError
from kinebench.shards.files import Progress, disk_room, sync_folder
from kinebench.weights.catalogue import Entry
from kinebench.weights.download import discard, download
from kinebench.weights.library import folder, hashed, path, record, recorded

SERVER = "KINEBENCH_WEIGHTS_URL"
"""Environment variable: a web folder that has the files under their names, asked in place of the catalogue's."""


@dataclass(frozen=True)
class Fetched:
    """An entry on disk."""

    path: Path
    fresh: bool  # False if it was there already


def fetch(entry: Entry, note: Progress) -> Fetched:
    """Bring an entry's file, from the first of its addresses that has it, and check it.

    Any number of processes may do this at once: one fetches, the others wait for it. Raises KineBenchError that says
    of each address what was wrong with it; what arrived of a file is kept for the next call.
    """
    with _alone(entry, note) as there:
        if there:
            return Fetched(path(entry), False)
        failures = []
        for url in _addresses(entry):
            try:
                download(url, partial(entry), entry.bytes, entry.name, note)
                _settle(entry, partial(entry), url)
                return Fetched(path(entry), True)
            except KineBenchError as error:
                failures.append(str(error))
    raise KineBenchError(
        f"cannot fetch {entry.name}: {'; '.join(failures)}. If you have the file: "
        f"kinebench weights fetch {entry.name} --from PATH"
    )


def adopt(entry: Entry, source: Path, note: Progress) -> Fetched:
    """Copy a file of the user's own to where `locate` finds it.

    Raises KineBenchError unless it is the published one.
    """
    if not source.is_file():
        raise KineBenchError(f"there is no file {source}")
    if fault := hashed(source).fault(entry):
        raise KineBenchError(f"{source} is not {entry.name}: {fault}")
    with _alone(entry, note) as there:
        if there:
            return Fetched(path(entry), False)
        copy = folder() / f".{entry.file}.copy"
        try:
            shutil.copyfile(source, copy)
            _settle(entry, copy, str(source))
        finally:
            copy.unlink(missing_ok=True)
    return Fetched(path(entry), True)


def partial(entry: Entry) -> Path:
    """Where an entry's file grows while it is fetched."""
    return folder() / f".{entry.file}.part"


def _addresses(entry: Entry) -> tuple[str, ...]:
    server = os.environ.get(SERVER)
    return (f"{server.rstrip('/')}/{entry.file}",) if server else entry.urls


def _settle(entry: Entry, whole: Path, origin: str) -> None:
    """Give a file its name if it is the published one; otherwise remove it and say how it differs."""
    digest = hashed(whole)
    if fault := digest.fault(entry):
        discard(whole)
        raise KineBenchError(f"{origin} is another file, and was removed: {fault}")
    with whole.open("rb") as file:
        os.fsync(file.fileno())
    whole.replace(path(entry))
    sync_folder(folder())
    discard(partial(entry))
    record(entry, digest)


@contextlib.contextmanager
def _alone(entry: Entry, note: Progress) -> Iterator[bool]:
    """Hold an entry's lock, which dies with the process, and say whether its file is there and sound.

    A folder that is full, cannot be written or cannot be locked is a KineBenchError, in the block too.
    """
    import fcntl

    place = folder()
    try:
        with disk_room(f"fetching {entry.name}", cache_folder().parent, entry.bytes or 0):
            place.mkdir(parents=True, exist_ok=True)
            with (place / f".{entry.file}.lock").open("w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    note(f"another process fetches {entry.name}, waiting", 0, 0)
                    fcntl.flock(file, fcntl.LOCK_EX)
                digest = recorded(entry)
                yield digest is not None and digest.fault(entry) is None
    except OSError as error:
        raise KineBenchError(
            f"cannot keep weights in {place}: {error.strerror}; set KINEBENCH_CACHE to another folder"
        ) from error
