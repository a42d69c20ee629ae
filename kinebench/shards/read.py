"""Random access to a packed dataset, by its index: no tar is scanned."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from kinebench.errors import KineBenchError
from kinebench.shards import index, staging
from kinebench.shards import manifest as manifests
from kinebench.shards import record as records
from kinebench.shards.index import Member, Row
from kinebench.shards.manifest import Manifest
from kinebench.shards.sample import COMPANIONS
from kinebench.shards.stock import read_member


class Members(Protocol):
    """Where the members of one sample, or of many, are read from."""

    def member(self, key: str, suffix: str) -> bytes:
        """The bytes of one member. Raises KineBenchError if they are not there."""


class Shards:
    """The samples of a dataset folder. Holds no open file, so that it can be pickled and forked."""

    where: str
    """The folder, for messages."""
    rows: dict[str, Row]

    def __init__(self, folder: Path | str) -> None:
        """Read the index. Raises KineBenchError if there is none, it is damaged, or a pack was interrupted."""
        self.folder = Path(folder)
        self.where = str(folder)
        if staging.interrupted(self.folder):
            raise KineBenchError(
                f"{self.folder}: packing was interrupted half-way; run the same kinebench generate command again"
            )
        self.rows = {row.key: row for row in index.read(self.folder)}

    @cached_property
    def manifest(self) -> Manifest:
        """What the folder says it holds."""
        return manifests.read(self.folder)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(dict.fromkeys(row.split for row in self.rows.values()))

    def keys(self, split: str | None = None) -> tuple[str, ...]:
        """Keys in order, of one split or of all. Raises KineBenchError for a split that is not there."""
        if split is not None and split not in self.splits:
            raise KineBenchError(f"{self.where} has no split {split!r}; it has {', '.join(self.splits)}")
        return tuple(key for key, row in self.rows.items() if split in (None, row.split))

    def require(self, keys: Iterable[str], companions: Sequence[str]) -> None:
        """Raises KineBenchError if one of these samples lacks one of these companions."""
        for companion in companions:
            for suffix in COMPANIONS.get(companion, (companion,)):
                for key in keys:
                    if suffix not in self.rows[key].members:
                        raise KineBenchError(
                            f"{key} in {self.where} has no companion {companion!r}; there are {', '.join(COMPANIONS)}, "
                            "each made by: kinebench generate ... --with"
                        )

    def samples(self, keys: Iterable[str], companions: Sequence[str]) -> Iterator[tuple[str, Members]]:
        """Samples in this order, each with where its members are read from."""
        return ((key, self) for key in keys)

    def member(self, key: str, suffix: str) -> bytes:
        """The bytes of one member, such as "mp4". Raises KineBenchError if they are not there."""
        if key not in self.rows:
            raise KineBenchError(f"{self.where} has no sample {key!r}; keys look like {next(iter(self.rows), '')}")
        places = self.rows[key].members
        if suffix not in places:
            raise KineBenchError(f"{key} in {self.where} has no member {suffix!r}; it has {', '.join(places)}")
        return self._read(key, places[suffix])

    def record(self, key: str) -> dict[str, Any]:
        """The content of a sample's json member."""
        return records.parse(self.member(key, "json"))

    def _read(self, key: str, place: Member) -> bytes:
        data = read_member(self.folder, place)
        if len(data) != place.size:
            raise KineBenchError(
                f"{self.folder / place.shard} is missing or cut short; run: kinebench verify {self.folder}"
            )
        return data
