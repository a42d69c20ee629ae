"""Plain ustar tars whose bytes depend on names and contents only, and a strict reader of them."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

BLOCK = 512
RECORD = 10_240  # what GNU tar pads the end of a tar to


class TarError(ValueError):
    """A tar that is cut short, or has bytes where a header or padding must be."""


@dataclass(frozen=True)
class Entry:
    """A file in a tar, and where its content stands."""

    name: str
    offset: int  # of the first byte of the content
    size: int


def add(file: BinaryIO, name: str, data: bytes) -> Entry:
    """Append one file with owner 0, mode 0644 and time 0; says where its content stands."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), 0o644, 0
    file.write(info.tobuf(tarfile.USTAR_FORMAT))
    offset = file.tell()
    file.write(data)
    file.write(bytes(-len(data) % BLOCK))
    return Entry(name, offset, len(data))


def close(file: BinaryIO) -> None:
    """Write the end of the tar: two empty blocks, and zeros to a whole record."""
    file.write(bytes(2 * BLOCK))
    file.write(bytes(-file.tell() % RECORD))


def tar_bytes(contents: int) -> int:
    """At most how long one entry of this many bytes makes a tar."""
    return BLOCK + contents + -contents % BLOCK


def entries(file: BinaryIO) -> Iterator[Entry]:
    """The files of a tar, in order; raises `TarError` at the first thing that is not as `add` and `close` write it.

    The standard library's reader stops without a word at a broken header in the middle.
    """
    end = file.seek(0, 2)
    position = 0
    while True:
        file.seek(position)
        header = file.read(BLOCK)
        if not header.strip(b"\0"):
            break
        try:
            info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        except tarfile.HeaderError as error:
            raise TarError(f"bad header at byte {position}: {error}") from error
        if not info.isreg():
            raise TarError(f"{info.name} at byte {position} is not a plain file")
        offset, position = position + BLOCK, position + tar_bytes(info.size)
        if position > end:
            raise TarError(f"cut short: {info.name} ends at byte {position}, the file at {end}")
        yield Entry(info.name, offset, info.size)
    rest = header + file.read()
    if len(rest) < 2 * BLOCK:
        raise TarError(f"cut short: the end of the tar is missing at byte {position}")
    if rest.strip(b"\0"):
        raise TarError(f"bytes after the end of the tar, from byte {position}")
