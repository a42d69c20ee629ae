"""A dataset folder as a sequence of examples."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kinebench.data.example import Example
from kinebench.shards.read import Shards

if TYPE_CHECKING:
    from kinebench.data.torch_view import TorchDataset, TorchStream

FIELDS = ("rgb", "velocity", "segmentation", "caption")


class Dataset:
    """Examples by number or key, in order of split and index. Cheap to make, to pickle and to fork."""

    def __init__(self, shards: Shards, split: str | None = None) -> None:
        """All samples of `split`, or of every split. Raises KineBenchError for a split that is not there."""
        self.shards = shards
        self.split = split
        self.keys = shards.keys(split)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, which: int | str) -> Example:
        """By number (negative from the end) or by key. Raises IndexError for a number, KeyError for a key."""
        if isinstance(which, str):
            if which not in self.shards.rows or self.split not in (None, self.shards.rows[which].split):
                raise KeyError(which)
            return Example(which, self.shards)
        return Example(self.keys[which], self.shards)

    def __iter__(self) -> Iterator[Example]:
        return (Example(key, self.shards) for key in self.keys)

    def part(self, number: int, of: int) -> tuple[str, ...]:
        """The keys of one of `of` even parts: neighbours, so that a part is read in the order of the tars."""
        if not 0 <= number < of:
            raise ValueError(f"there is no part {number} of {of}")
        return self.keys[len(self) * number // of : len(self) * (number + 1) // of]

    def torch(self, fields: tuple[str, ...] = FIELDS) -> "TorchDataset":
        """A map-style torch dataset of dicts with these fields of `Example`; needs torch."""
        from kinebench.data.torch_view import TorchDataset

        return TorchDataset(self, fields)

    def torch_stream(self, fields: tuple[str, ...] = FIELDS, rank: int = 0, world: int = 1) -> "TorchStream":
        """An iterable torch dataset that reads the tars in order, its part by rank and loader worker; needs torch."""
        from kinebench.data.torch_view import TorchStream

        return TorchStream(self, fields, rank, world)


def open_dataset(folder: Path | str, split: str | None = None) -> Dataset:
    """Open a dataset folder, one split of it or all. Raises KineBenchError if it holds no dataset or no such split."""
    return Dataset(Shards(folder), split)
