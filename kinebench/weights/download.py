"""One address -> one file, going on where an earlier try stopped.

Beside the partial file lies a note with the address and with what the server called that version of the file (its ETag
or its date). Only if both are still the same are the bytes continued; otherwise they are fetched anew.
"""

import json
import os
from pathlib import Path

from kinebench.data.connection import Changed
from kinebench.data.web import Body
from kinebench.errors import KineBenchError
from kinebench.shards.files import Progress, write_atomic

_CHUNK_BYTES = 1 << 20
_ANY = 1 << 40  # a server that does not say how long a file is, is taken to say more
_RESTARTS = 3


def download(url: str, partial: Path, size: int | None, stage: str, note: Progress) -> None:
    """Bring `partial` to the whole of what is at `url`; `size` is its length, if that is known.

    Raises KineBenchError, naming the address, if it cannot be reached or is another file; what arrived stays for the
    next call. Raises OSError if it cannot be written.
    """
    for _ in range(_RESTARTS):
        try:
            return _go_on(url, partial, size, stage, note)
        except Changed:
            discard(partial)
    raise KineBenchError(f"{url} keeps changing on the server while it is read; try again later")


def discard(partial: Path) -> None:
    """Remove a partial file and its note."""
    partial.unlink(missing_ok=True)
    _note(partial).unlink(missing_ok=True)


def _go_on(url: str, partial: Path, size: int | None, stage: str, note: Progress) -> None:
    start, stamp = _begun(partial, url)
    body = Body(url, start, stamp=stamp)
    try:
        first = body.read(_CHUNK_BYTES)
        _check(url, first if start == 0 else b"", _length(body), size)
        write_atomic(_note(partial), json.dumps({"url": url, "stamp": body.stamp}).encode())
        with partial.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            part, whole = first, size or _length(body) or 0
            while part:
                file.write(part)
                note(stage, file.tell(), whole)
                part = body.read(_CHUNK_BYTES)
            got = file.tell()
    finally:
        body.close()
    if size not in (None, got):
        raise KineBenchError(f"{url} ended after {got} of {size} bytes; run the same command again to go on")


def _begun(partial: Path, url: str) -> tuple[int, str | None]:
    """How many bytes of the file at this address are there, and of which version."""
    try:
        note = json.loads(_note(partial).read_bytes())
        if note["url"] == url and note["stamp"]:
            # The last byte is asked for again, so that there is something to ask for when all had arrived.
            return max(partial.stat().st_size - 1, 0), note["stamp"]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return 0, None


def _length(body: Body) -> int | None:
    """The length of the file, if the server says it."""
    length = body.seek(0, os.SEEK_END)
    return length if length < _ANY else None


def _check(url: str, first: bytes, length: int | None, size: int | None) -> None:
    if first.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        raise KineBenchError(f"{url} answered with a web page instead of the file: a login, a consent or an error page")
    if None not in (length, size) and length != size:
        raise KineBenchError(f"{url} is another file: it has {length} bytes instead of {size}")


def _note(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")
