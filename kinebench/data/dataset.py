"""A dataset as a sequence of examples, or as a stream of them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinebench.data.example import Example
from kinebench.data.remote import WebShards
from kinebench.data.stream import Stream, resumed
from kinebench.data.tarlist import TarList, expand, is_tar_list
from kinebench.errors import KineBenchError
from kinebench.shards.read import Shards

if TYPE_CHECKING:
    from kinebench.data.torch_view import TorchDataset

FIELDS = ("rgb", "velocity", "segmentation", "caption")


class Dataset:
    """Examples by number or key, in order of split and index. Cheap to make, to pickle and to fork.

    A list of tars can only be iterated over and streamed; all else raises a KineBenchError that is a TypeError too.
    """

    def __init__(self, source: Shards | TarList, split: str | None = None, companions: Sequence[str] = ()) -> None:
        """All samples of `split`, or of every split.

        Raises KineBenchError for a split that is not there, and if a sample lacks one of the companions.
        """
        self.source = source
        self.split = split
        self.companions = tuple(companions)
        if isinstance(source, Shards):
            source.require(self.keys, self.companions)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The keys in order."""
        return self.source.keys(self.split)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.keys)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, which: int | str) -> Example:
        """By number (negative from the end) or by key. Raises IndexError for a number, KeyError for a key."""
        key = which if isinstance(which, str) else self.keys[which]
        if key not in self._known:
            raise KeyError(key)
        return Example(key, self.source)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.stream())

    def stream(
        self,
        shuffle_seed: int | None = None,
        epoch: int = 0,
        rank: int = 0,
        world: int = 1,
        start: int = 0,
        even: bool = True,
    ) -> Stream:
        """The samples of one rank in one epoch, in order or shuffled, from sample `start` of the rank's on.

        With `even`, up to `world` - 1 samples are left out so that all ranks have as many, as training in step needs;
        without, every sample is somebody's, as an evaluation needs.
        """
        return Stream(self.source, self.split, self.companions, shuffle_seed, epoch, rank, world, start, even)

    def resume(self, state: dict[str, Any]) -> Stream:
        """The rest of the stream that gave this `state`. Raises KineBenchError if it was of other samples."""
        return resumed(self.stream(), state)

    def torch(self, fields: tuple[str, ...] = FIELDS) -> "TorchDataset":
        """A map-style torch dataset of dicts with these fields of `Example`; needs torch."""
        from kinebench.data.torch_view import TorchDataset

        return TorchDataset(self, fields)


def open_dataset(where: Path | str, split: str | None = None, companions: Sequence[str] = ()) -> Dataset:
    """Open a dataset, one split of it or all.

    `where` is a folder, the `http(s)://` address of one, or tars without an index: paths or addresses with braces, such
    as `data/toys-train-{000000..000099}.tar`. `companions` names what every sample must have beside its main members:
    lists of tars read it in lock step, streams from a web server fetch it along, and of others it is only checked.

    Raises KineBenchError if there is no dataset, no such split, or a sample without one of the companions.
    """
    place = str(where)
    if is_tar_list(place):
        if split is not None:
            raise KineBenchError(f"{place} names its tars already; leave out split={split!r}")
        return Dataset(TarList(place, expand(place), tuple(companions)), None, companions)
    return Dataset(WebShards(place) if place.startswith(("http://", "https://")) else Shards(where), split, companions)
