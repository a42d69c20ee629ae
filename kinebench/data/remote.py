"""A packed dataset on a web server: its index is fetched once, members by ranges."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from kinebench.data.web import Web
from kinebench.errors import KineBenchError
from kinebench.shards import index
from kinebench.shards import manifest as manifests
from kinebench.shards.index import Member, Row
from kinebench.shards.manifest import Manifest
from kinebench.shards.read import Members, Shards
from kinebench.shards.sample import COMPANIONS, MEMBERS

RUN_BYTES = 4 << 20
"""How much one request fetches of neighbouring samples."""
_GAP_BYTES = 64 << 10
"""What is read along when it stands between two wanted members: less than a request costs."""


@dataclass(frozen=True)
class Held:
    """The members of one sample in memory, and where others are."""

    members: dict[str, bytes] = field(repr=False)
    others: Members

    def member(self, key: str, suffix: str) -> bytes:
        """The bytes of one member. Raises KineBenchError if they are nowhere."""
        return self.members[suffix] if suffix in self.members else self.others.member(key, suffix)


class WebShards(Shards):
    """The samples of a dataset folder on a web server. Every member read is checked against the index's hash."""

    def __init__(self, url: str) -> None:
        """Fetch the index. Raises KineBenchError if the server cannot be read, or has no sound one there."""
        self.web = Web(url)
        self.where = url
        try:
            self.rows = {row.key: row for row in index.parse(self.web.read(index.NAME))}
        except ValueError as error:
            raise KineBenchError(f"{url} has no sound {index.NAME}: {error}") from error

    @cached_property
    def manifest(self) -> Manifest:
        """What the folder says it holds."""
        try:
            return manifests.parse(self.web.read(manifests.NAME))
        except ValueError as error:
            raise KineBenchError(f"{self.where} has no sound {manifests.NAME}: {error}") from error

    def samples(self, keys: Iterable[str], companions: Sequence[str]) -> Iterator[tuple[str, Members]]:
        """Samples in this order, each with its main members and those of these companions in memory.

        Neighbours in a tar are fetched together.
        """
        wanted = (*MEMBERS, *(suffix for name in companions for suffix in COMPANIONS[name]))
        for run in self._runs(keys):
            rows = [self.rows[key] for key in run]
            places = [(row.key, name, row.members[name]) for row in rows for name in wanted if name in row.members]
            held: dict[str, dict[str, bytes]] = {key: {} for key in run}
            for span in _spans(places):
                first, last = span[0][2], span[-1][2]
                data = self.web.span(first.shard, first.offset, last.offset + last.size)
                for key, suffix, place in span:
                    begin = place.offset - first.offset
                    held[key][suffix] = self._checked(key, place, data[begin : begin + place.size])
            yield from ((key, Held(members, self)) for key, members in held.items())

    def _runs(self, keys: Iterable[str]) -> Iterator[list[str]]:
        """Cut keys into runs that follow each other in one tar and are not too long."""
        run: list[str] = []
        for key in keys:
            if run:
                first, last, this = (self.rows[k] for k in (run[0], run[-1], key))
                near = this.shard == last.shard and 0 <= _start(this) - _stop(last) <= _GAP_BYTES
                if not near or _stop(this) - _start(first) > RUN_BYTES:
                    yield run
                    run = []
            run.append(key)
        if run:
            yield run

    def _read(self, key: str, place: Member) -> bytes:
        return self._checked(key, place, self.web.span(place.shard, place.offset, place.offset + place.size))

    def _checked(self, key: str, place: Member, data: bytes) -> bytes:
        if hashlib.sha256(data).hexdigest() != place.sha256:
            raise KineBenchError(
                f"{place.shard} at {self.where} does not hold what the index says of {key}: "
                "one of the two is damaged or of another version"
            )
        return data


def _start(row: Row) -> int:
    return min(row.members[name].offset for name in MEMBERS)


def _stop(row: Row) -> int:
    return max(row.members[name].offset + row.members[name].size for name in MEMBERS)


def _spans(places: Iterable[tuple[str, str, Member]]) -> Iterator[list[tuple[str, str, Member]]]:
    """Members, by tar and place, cut where the way to the next is longer than a request is worth."""
    span: list[tuple[str, str, Member]] = []
    for place in sorted(places, key=lambda found: (found[2].shard, found[2].offset)):
        if span:
            last, this = span[-1][2], place[2]
            if this.shard != last.shard or this.offset - last.offset - last.size > _GAP_BYTES:
                yield span
                span = []
        span.append(place)
    if span:
        yield span
