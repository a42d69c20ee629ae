"""Where finished samples are: in the spool first, else in the shards of an earlier pack."""

import hashlib
import warnings
from collections.abc import Collection
from pathlib import Path

from kinebench.shards import index, manifest
from kinebench.shards import record as records
from kinebench.shards.index import Member, Row
from kinebench.shards.sample import Sample
from kinebench.shards.spool import Spool


class Stock:
    """The finished samples of one output folder and recipe. Every byte is checked against its hash when loaded."""

    def __init__(self, out_dir: Path, recipe_sha256: str) -> None:
        """`out_dir` must be bound (see `binding`) to the recipe."""
        self.out_dir = Path(out_dir)
        self.recipe_sha256 = recipe_sha256
        self.spool = Spool(self.out_dir)
        packed = index.read(self.out_dir) if (self.out_dir / manifest.NAME).exists() else ()
        self.rows: dict[str, Row] = {row.key: row for row in packed}
        self.held = _held(packed)
        self.waiting = self.spool.sizes_bytes()  # key -> size, as the spool is now

    @property
    def keys(self) -> frozenset[str]:
        """Samples that are there, by their names alone: in the spool or in the shards."""
        return frozenset(self.waiting) | frozenset(self.rows)

    def has(self, key: str, members: Collection[str]) -> bool:
        """Whether the sample is finished: there, whole, of this recipe, and with all these members (suffixes)."""
        if self.spool.has(key, self.recipe_sha256, members):
            return True
        packed = self._packed(key)
        return packed is not None and set(members) <= set(packed.members)

    def members(self, key: str) -> frozenset[str]:
        """The suffixes the sample has; empty if it is not there. Looks at names only."""
        return self.spool.members(key) or frozenset(self.rows[key].members if key in self.rows else ())

    def size_bytes(self, key: str) -> int:
        """About how much room the sample takes in tars; 0 if it is not there."""
        if key in self.waiting:
            return self.waiting[key]
        return sum(member.size + 1024 for member in self.rows[key].members.values()) if key in self.rows else 0

    def load(self, key: str) -> Sample | None:
        """The sample, or None if it is nowhere whole. Warns of a damaged one."""
        sample = self.spool.load(key)
        if sample is not None and sample.record["provenance"]["recipe_sha256"] == self.recipe_sha256:
            return sample
        return self._packed(key)

    def _packed(self, key: str) -> Sample | None:
        if key not in self.rows:
            return None
        members = {}
        for suffix, place in self.rows[key].members.items():
            data = read_member(self.out_dir, place)
            if hashlib.sha256(data).hexdigest() != place.sha256:
                warnings.warn(
                    f"{place.shard}: {suffix} of {key} is damaged; the sample will be made again", stacklevel=2
                )
                return None
            members[suffix] = data
        return Sample(key=key, members=members, record=records.parse(members["json"]))


def _held(rows: tuple[Row, ...]) -> dict[str, tuple[str, ...]]:
    """The keys in each tar, in order."""
    keys: dict[str, dict[str, None]] = {}
    for row in rows:
        for member in row.members.values():
            keys.setdefault(member.shard, {})[row.key] = None
    return {shard: tuple(held) for shard, held in keys.items()}


def read_member(folder: Path, place: Member) -> bytes:
    """The bytes at a place; fewer than it says, or none, if the tar is cut short or missing."""
    try:
        with (folder / place.shard).open("rb") as file:
            file.seek(place.offset)
            return file.read(place.size)
    except FileNotFoundError:
        return b""
