"""Tars named one by one or by a pattern such as `train-{000000..000099}.tar`: read in order, without an index."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby, product, zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kinebench.data.web import Body
from kinebench.errors import KineBenchError
from kinebench.shards import tar
from kinebench.shards.sample import COMPANIONS

_BRACES = re.compile(r"\{([^{}]*)\}")


class Unindexed(KineBenchError, TypeError):
    """A list of tars cannot be asked how long it is, or for a sample by number."""


def is_tar_list(where: str) -> bool:
    """Whether this names tars, rather than a dataset's folder."""
    return bool(_BRACES.search(where)) or urlsplit(where).path.endswith(".tar")


def expand(pattern: str) -> tuple[str, ...]:
    """`a-{08..10}.tar` to a-08.tar, a-09.tar, a-10.tar; `{a,b}` to a and b. Raises KineBenchError for other braces."""
    pieces = _BRACES.split(pattern)  # text, inside, text, inside, ... text
    choices = [[piece] if i % 2 == 0 else _choices(piece, pattern) for i, piece in enumerate(pieces)]
    names = tuple("".join(parts) for parts in product(*choices))
    if len(set(names)) < len(names) or any("{" in name or "}" in name for name in names):
        raise KineBenchError(f"{pattern!r} is no list of tars; write {{000000..000099}} or {{a,b}} for what differs")
    return names


def _choices(inside: str, pattern: str) -> list[str]:
    if found := re.fullmatch(r"(\d+)\.\.(\d+)", inside):
        first, last = found.groups()
        if int(first) > int(last):
            raise KineBenchError(f"{pattern!r} counts backwards from {first} to {last}")
        return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    return inside.split(",")


@dataclass(frozen=True)
class Place:
    """Bytes in a file of this machine."""

    path: str
    offset: int
    size: int

    def read(self) -> bytes:
        """The bytes."""
        with Path(self.path).open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@dataclass(frozen=True)
class Loose:
    """One sample of a list of tars: its members, or where they are."""

    tars: tuple[str, ...]
    contents: dict[str, bytes | Place] = field(repr=False)

    def member(self, key: str, suffix: str) -> bytes:
        """The bytes of one member. Raises KineBenchError if the tars have none of it."""
        if suffix not in self.contents:
            raise KineBenchError(
                f"{key} in {', '.join(self.tars)} has no member {suffix!r}; it has {', '.join(self.contents)}. "
                "Name companions when you open the tars: open_dataset(..., companions=(...))"
            )
        content = self.contents[suffix]
        return content.read() if isinstance(content, Place) else content


@dataclass(frozen=True)
class TarList:
    """Samples of these tars. Companions stand in tars of their own, under the same keys in the same order."""

    where: str  # the pattern
    tars: tuple[str, ...]  # paths or URLs
    companions: tuple[str, ...] = ()

    def keys(self, split: str | None = None) -> tuple[str, ...]:
        """Raises Unindexed: a list of tars does not know its keys before it is read."""
        raise self._unindexed()

    def member(self, key: str, suffix: str) -> bytes:
        """Raises Unindexed, as `keys`."""
        raise self._unindexed()

    def _unindexed(self) -> Unindexed:
        return Unindexed(
            f"{self.where} is a list of tars, which is read in order only: iterate over it, or stream it. "
            "For numbers and keys open the folder that holds index.jsonl"
        )

    def samples(self, order: Iterable[int]) -> Iterator[tuple[str, Loose]]:
        """The samples of the tars in this order, each with its members.

        Raises KineBenchError for a tar that is missing, cut short or damaged, and where a companion's tar does not hold
        the same samples.
        """
        for number in order:
            tars = (self.tars[number], *(companion_tar(self.tars[number], name) for name in self.companions))
            for found in zip_longest(*map(_walk, tars), fillvalue=("", {})):
                _same_key(tars, [key for key, _ in found])
                yield found[0][0], Loose(tars, {name: data for _, contents in found for name, data in contents.items()})


def companion_tar(path: str, companion: str) -> str:
    """The tar of a companion: `x-train-000000.tar` to `x-train-depth-000000.tar`."""
    stem, dash, number = path.rpartition("-")
    if companion not in COMPANIONS or not dash:
        raise KineBenchError(
            f"there is no companion {companion!r} of {path}; companions are {', '.join(COMPANIONS)}, "
            "of tars named <dataset>-<split>-<number>.tar"
        )
    return f"{stem}-{companion}-{number}"


def _same_key(tars: Sequence[str], keys: Sequence[str]) -> None:
    for path, key in zip(tars, keys, strict=True):
        if key != keys[0]:
            here, there = (f"sample {name}" if name else "no more samples" for name in (keys[0], key))
            raise KineBenchError(f"{path} has {there} where {tars[0]} has {here}: the two do not belong together")


def _walk(path: str) -> Iterator[tuple[str, dict[str, bytes | Place]]]:
    """Samples of one tar: key and members. Those of a tar on this machine are only located."""
    for key, members in groupby(_contents(path), key=lambda found: found[0]):
        yield key, {suffix: content for _, suffix, content in members}


def _opened(path: str) -> Any:
    return Body(path) if path.startswith(("http://", "https://")) else Path(path).open("rb")


def _contents(path: str) -> Iterator[tuple[str, str, bytes | Place]]:
    try:
        with closing(_opened(path)) as file:
            for entry in tar.entries(file):
                key, _, suffix = entry.name.partition(".")
                content: bytes | Place = Place(path, entry.offset, entry.size)
                if isinstance(file, Body):
                    file.seek(entry.offset)
                    content = file.read(entry.size)
                    if len(content) < entry.size:
                        raise tar.TarError(f"cut short in {entry.name}")
                yield key, suffix, content
    except tar.TarError as error:
        raise KineBenchError(f"{path} is damaged: {error}; get it again from where it came from") from error
    except OSError as error:
        raise KineBenchError(f"cannot read {path}: {error.strerror}; check the pattern") from error
