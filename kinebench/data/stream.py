"""Samples in order: shuffled by seed and epoch, shared among ranks and loader workers, resumed at any sample."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from kinebench.data.example import Example
from kinebench.data.tarlist import TarList
from kinebench.errors import KineBenchError
from kinebench.shards.read import Shards

if TYPE_CHECKING:
    from kinebench.data.torch_view import TorchStream

POOL = 1000
"""Samples of neighbouring tars, in the epoch's order of tars, that are shuffled among each other."""
LIST_POOL = 100
"""The same for a list of tars; those from a web server wait in memory, half a megabyte each."""

T = TypeVar("T")


@dataclass(frozen=True)
class Stream:
    """One rank's samples of one epoch; iterate over it as often as you like.

    All ranks agree on one order of all samples; rank r has numbers r, r + world, r + 2 world, ... of it. With `even`,
    the last few that would give some ranks one more than others are left out; under another seed or epoch it is others.
    """

    source: Shards | TarList
    split: str | None = None
    companions: tuple[str, ...] = ()
    shuffle_seed: int | None = None  # None: in the order of the tars
    epoch: int = 0
    rank: int = 0
    world: int = 1
    start: int = 0  # samples of this rank that were consumed before
    even: bool = True  # every rank has as many samples

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise ValueError(f"there is no rank {self.rank} of {self.world}")
        if self.start < 0 or self.epoch < 0:
            raise ValueError(f"start {self.start} or epoch {self.epoch} is negative")

    def __iter__(self) -> Iterator[Example]:
        return self.share(0, 1)

    def __len__(self) -> int:
        """How many samples are left to this rank. Raises a TypeError for a list of tars, which does not know."""
        return max(self._whole(len(self.source.keys(self.split))) - self.start, 0)

    def share(self, worker: int, workers: int, batch: int = 1) -> Iterator[Example]:
        """What one of `workers` loader workers reads: every `workers`-th batch of this rank, none of it twice.

        A torch `DataLoader` takes a batch from each worker in turn, so that the consumer gets this rank's order
        whatever the number of workers.
        """

        def mine(place: int) -> bool:
            return place >= self.start and (place - self.start) // batch % workers == worker

        if isinstance(self.source, TarList):
            found: Iterator[tuple[str, Any]] = self._picked(self._shuffled_tars(self.source), mine)
        else:
            found = self.source.samples(self._picked(self._shuffled_keys(self.source), mine), self.companions)
        return (Example(key, members) for key, members in found)

    def state(self, consumed: int) -> dict[str, Any]:
        """What `Dataset.resume` needs to go on after so many samples of this iteration; it fits into json.

        The consumer counts, because loader workers read ahead.
        """
        if consumed < 0:
            raise ValueError(f"{consumed} samples cannot have been consumed")
        names = ("shuffle_seed", "epoch", "rank", "world", "even")
        return {name: getattr(self, name) for name in names} | {
            "start": self.start + consumed,
            "samples": self.fingerprint,
        }

    @property
    def fingerprint(self) -> str:
        """Of the samples, whatever their order: their keys, or the names of the tars in a list."""
        if isinstance(self.source, TarList):
            names = tuple(path.rpartition("/")[2] for path in self.source.tars)
        else:
            names = self.source.keys(self.split)
        return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]

    def torch(self, fields: tuple[str, ...], batch: int | None = None) -> "TorchStream":
        """An iterable torch dataset of dicts with these fields of `Example`, or of batches of them; needs torch.

        Batches are made here, so give `DataLoader` `batch_size=None` and any number of workers.
        """
        from kinebench.data.torch_view import TorchStream

        return TorchStream(self, fields, batch)

    def _whole(self, total: int) -> int:
        """How many samples of `total` are this rank's, from the epoch's beginning."""
        return total // self.world if self.even else len(range(self.rank, total, self.world))

    def _picked(self, ordered: Iterable[T], mine: Callable[[int], bool]) -> Iterator[T]:
        """Of all samples, in order, those of this rank whose place among the rank's is `mine`."""
        total, held = 0, []
        for total, found in enumerate(ordered, 1):
            place, rank = divmod(total - 1, self.world)
            if rank == self.rank and mine(place):
                held.append(found)
            if held and (rank == self.world - 1 or not self.even):
                yield held.pop()
        if self.start > self._whole(total):
            raise KineBenchError(
                f"{self.source.where} has {self._whole(total)} samples for rank {self.rank} of {self.world}, "
                f"fewer than the {self.start} that start skips"
            )

    def _generator(self) -> np.random.Generator | None:
        if self.shuffle_seed is None:
            return None
        return np.random.default_rng(np.random.SeedSequence(self.shuffle_seed, spawn_key=(self.epoch,)))

    def _shuffled_keys(self, source: Shards) -> Iterator[str]:
        """Whole tars in random order, then pools of at least `POOL` samples of neighbours in that order, mixed."""
        keys, rng = source.keys(self.split), self._generator()
        if rng is None:
            yield from keys
            return
        tars: dict[str, list[str]] = {}
        for key in keys:
            tars.setdefault(source.rows[key].shard, []).append(key)
        shards = list(tars.values())
        yield from _mixed((key for i in rng.permutation(len(shards)) for key in shards[i]), POOL, rng)

    def _shuffled_tars(self, source: TarList) -> Iterator[tuple[str, Any]]:
        rng = self._generator()
        if rng is None:
            return source.samples(range(len(source.tars)))
        return _mixed(source.samples(rng.permutation(len(source.tars)).tolist()), LIST_POOL, rng)


def _mixed(ordered: Iterable[T], pool: int, rng: np.random.Generator) -> Iterator[T]:
    """Each `pool` in a row in random order."""
    rest = iter(ordered)
    while some := list(islice(rest, pool)):
        yield from (some[i] for i in rng.permutation(len(some)))


def resumed(stream: Stream, state: dict[str, Any]) -> Stream:
    """The stream as `state` says. Raises KineBenchError if the state is of other samples."""
    state = dict(state)
    if state.pop("samples", None) != stream.fingerprint:
        raise KineBenchError(
            f"the state to resume from is of other samples than {stream.source.where} holds; "
            "open the same dataset and split"
        )
    return replace(stream, **state)
