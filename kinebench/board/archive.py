"""What strangers packed, read as data: nothing is unpacked, no link is followed, every size has a bound."""

import os
import re
import stat
import struct
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kinebench.shards.tar import BLOCK

VIDEO_SUFFIXES = ("mp4", "mkv", "webm", "avi", "mov")
SIDECAR = "json"
MOST_FILES = 4096
"""In a submission's folder."""
MOST_MEMBERS = 100_000
"""In a tar."""
MOST_SIDECAR_BYTES = 1 << 18
MOST_HEADER_BYTES = 1 << 13
"""Of an extended header: those that programs write on their own have a few times and names."""

_KINDS = "|".join((*VIDEO_SUFFIXES, SIDECAR))
_NAME = re.compile(rf"seed-(0|[1-9][0-9]{{0,17}})/([A-Za-z0-9][A-Za-z0-9_-]{{0,199}})\.({_KINDS})")
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}
_HARMLESS = re.compile(r"(mtime|atime|ctime|uid|gid|uname|gname|comment|LIBARCHIVE\..+)")
"""Keywords of extended headers that change neither what a member is called nor where it ends."""
_REST_BLOCKS = 4096
"""Of zeros that may pad the end of a tar; GNU tar takes 20, other block factors more."""
_ZIP_TAIL = 66_000
"""Bytes: how far before its end a zip may have its last record."""


class ArchiveError(ValueError):
    """A file that is not read any further; the message says what it is."""


@dataclass(frozen=True)
class Member:
    """A file in a tar."""

    seed: int
    key: str
    suffix: str  # one of VIDEO_SUFFIXES, or SIDECAR
    name: str
    offset: int  # of its first byte, in the tar
    size: int


@dataclass(frozen=True)
class Inventory:
    """The files of a folder, none of them opened."""

    files: Mapping[str, int]  # bytes, by name below the folder
    refused: Mapping[str, str]  # what must not be there, and why


def inventory(folder: Path) -> Inventory:
    """Every plain file in a folder and the folders in it. Links, devices, odd names and deep folders are refused.

    Raises ArchiveError if there are too many files, or `folder` is none.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise ArchiveError("is no folder")
    files, refused = dict[str, int](), dict[str, str]()
    for name, status in _walk(folder, "", 0):
        if len(files) + len(refused) >= MOST_FILES:
            raise ArchiveError(f"holds more than {MOST_FILES} files")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*", name):
            refused[name] = "has a name of other characters than letters, digits, dot, - and _"
        elif stat.S_ISREG(status.st_mode):
            files[name] = status.st_size
        else:
            refused[name] = _kind(status.st_mode)
    return Inventory(dict(sorted(files.items())), dict(sorted(refused.items())))


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name, status = prefix + entry.name, entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) and depth == 0:
                yield from _walk(folder / entry.name, f"{name}/", depth + 1)
            else:
                yield name, status


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "is a link"
    return "is a folder where none belongs" if stat.S_ISDIR(mode) else "is no plain file"


def open_plain(path: Path) -> BinaryIO:
    """A plain file, opened for reading; raises ArchiveError for a link, a device and what cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ArchiveError(f"cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ArchiveError("is no plain file")
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, most_bytes: int) -> bytes:
    """A plain file's content; raises ArchiveError if it is none, or longer."""
    with open_plain(path) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ArchiveError(f"has more than {most_bytes:,} bytes")
    return data


def read_member(path: Path, member: Member) -> bytes:
    """A member's bytes, of a tar whose `members` were listed."""
    with open_plain(path) as file:
        file.seek(member.offset)
        return file.read(member.size)


def members(path: Path) -> tuple[Member, ...]:
    """The members of a plain tar, in order: `seed-<n>/<key>.<suffix>`, each once, plain files and nothing else.

    Reads headers only. Raises ArchiveError at the first thing that a tar of videos does not have; then nothing of it
    is used, since two programs might read the rest differently.
    """
    with open_plain(path) as file:
        end = os.fstat(file.fileno()).st_size
        found, names = list[Member](), set[str]()
        for header, position in _headers(file, end):
            member = _member(header, position + BLOCK)
            if member.name in names:
                raise ArchiveError(f"holds {member.name} twice")
            if len(names) >= MOST_MEMBERS:
                raise ArchiveError(f"holds more than {MOST_MEMBERS:,} files")
            names.add(member.name)
            found.append(member)
        if _is_zip(file, end):
            raise ArchiveError("is a zip at the same time")
    return tuple(found)


def _headers(file: BinaryIO, end: int) -> Iterator[tuple[tarfile.TarInfo, int]]:
    """Each file's header and where it stands; checks what is between them and after the last."""
    position = 0
    extended = False  # whether an extended header came just before
    while True:
        file.seek(position)
        block = file.read(BLOCK)
        if len(block) == BLOCK and not block.strip(b"\0"):
            break
        if not position:
            _refuse_packed(block)
        header = _parsed(block, position)
        after = position + BLOCK + header.size + -header.size % BLOCK
        if after > end:
            raise ArchiveError(f"is cut short: a file in it ends at byte {after}, the tar at {end}")
        if header.type == tarfile.XHDTYPE and not extended:
            _check_extended(file.read(header.size) if header.size <= MOST_HEADER_BYTES else None)
            extended = True
        else:
            yield header, position
            extended = False
        position = after
    if extended:
        raise ArchiveError("ends with a header of nothing")
    _check_end(file, position, end)


def _refuse_packed(block: bytes) -> None:
    for magic, name in _PACKED.items():
        if block.startswith(magic):
            raise ArchiveError(f"is packed with {name}, and no plain tar")


def _parsed(block: bytes, position: int) -> tarfile.TarInfo:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:  # ValueError: names that are no text
        what = "is no plain tar" if not position else "is damaged"
        raise ArchiveError(f"{what}: no header at byte {position} ({error})") from error
    if header.size < 0:
        raise ArchiveError(f"is damaged: a file of {header.size} bytes at byte {position}")
    return header


def _check_extended(data: bytes | None) -> None:
    """Raises ArchiveError for an extended header that says more than times and owners."""
    if data is None:
        raise ArchiveError(f"has an extended header of more than {MOST_HEADER_BYTES} bytes")
    while data:
        found = re.match(rb"([1-9][0-9]{0,4}) ([^=]+)=", data)
        length = int(found[1]) if found else 0
        if found is None or not found.end() < length <= len(data) or data[length - 1 : length] != b"\n":
            raise ArchiveError("has a damaged extended header")
        keyword = found[2].decode("utf-8", "replace")
        if not _HARMLESS.fullmatch(keyword):
            raise ArchiveError(f"has an extended header that sets {keyword[:40]!a}")
        data = data[length:]


def _member(header: tarfile.TarInfo, offset: int) -> Member:
    name = header.name
    if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        kinds = {
            tarfile.SYMTYPE: "a link",
            tarfile.LNKTYPE: "a link",
            tarfile.DIRTYPE: "a folder",
            tarfile.GNUTYPE_SPARSE: "a sparse file",
            tarfile.CHRTYPE: "a device",
            tarfile.BLKTYPE: "a device",
            tarfile.FIFOTYPE: "a pipe",
        }
        raise ArchiveError(f"holds {kinds.get(header.type, f'an entry of type {header.type!r}')}: {name[:200]!a}")
    found = _NAME.fullmatch(name)
    if found is None:
        raise ArchiveError(f"holds {name[:200]!a}, which is not called seed-<n>/<key>.<{_KINDS}>")
    if found[3] == SIDECAR and header.size > MOST_SIDECAR_BYTES:
        raise ArchiveError(f"holds {name} of {header.size:,} bytes; the most is {MOST_SIDECAR_BYTES:,}")
    return Member(int(found[1]), found[2], found[3], name, offset, header.size)


def _check_end(file: BinaryIO, position: int, end: int) -> None:
    """Raises ArchiveError unless there are two empty blocks at `position`, and nothing but zeros behind them."""
    if end - position < 2 * BLOCK:
        raise ArchiveError(f"is cut short: its end is missing at byte {position}")
    if end - position > _REST_BLOCKS * BLOCK:
        raise ArchiveError(f"has {end - position:,} bytes behind its end")
    file.seek(position)
    if file.read().strip(b"\0"):
        raise ArchiveError(f"has something behind its end, from byte {position}")


def _is_zip(file: BinaryIO, end: int) -> bool:
    """Whether a zip reader would find a directory of files in it."""
    start = max(0, end - _ZIP_TAIL)
    file.seek(start)
    tail = file.read()
    if b"PK\x06\x07" in tail:  # the same of a large zip
        return True
    place = tail.rfind(b"PK\x05\x06")
    while place >= 0:
        if len(record := tail[place : place + 22]) == 22:
            (size,) = struct.unpack("<L", record[12:16])
            file.seek(max(0, start + place - size))
            if size and file.read(4) == b"PK\x01\x02":
                return True
        place = tail.rfind(b"PK\x05\x06", 0, place)
    return False
