"""Examples as torch tensors: the only importer of torch in this package.

Items are dicts: "key" and the fields asked for. Pictures come channels first: `rgb` and `lossless` uint8 (F, 3, H, W),
`velocity` float32 (F, 3, H, W) in m/s, `velocity_input` the same in [-1, 1], `velocity_codes` uint8 (F, 3, H, W);
`segmentation` is uint8 (F, H, W). In memory the channels stay last, as they were decoded: moving them costs as much as
half a decode. Any other field of `Example` is passed on as it is.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from kinebench.data.dataset import Dataset
from kinebench.data.example import Example
from kinebench.data.stream import Stream
from kinebench.errors import KineBenchError, require

torch: Any = require("torch", "networks")


class TorchDataset:
    """Map-style; give it to a `DataLoader` with `collate_fn=collate`."""

    def __init__(self, dataset: Dataset, fields: Sequence[str]) -> None:
        self.dataset = dataset
        self.fields = _known(fields)
        len(dataset)  # a list of tars has no numbers: better said here than in a worker

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return item(self.dataset[number], self.fields)


class TorchStream(torch.utils.data.IterableDataset):  # type: ignore[misc]
    """A rank's stream as dicts, or as batches of `batch` of them; the last may be smaller.

    The workers of a `DataLoader` with `batch_size=None` share it so that what comes out is the rank's order, whatever
    their number.
    """

    def __init__(self, stream: Stream, fields: Sequence[str], batch: int | None) -> None:
        if batch is not None and batch < 1:
            raise ValueError(f"a batch of {batch}")
        self.stream = stream
        self.fields = _known(fields)
        self.batch = batch

    def __len__(self) -> int:
        """How many items are left, in all workers together."""
        return -(-len(self.stream) // (self.batch or 1))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = torch.utils.data.get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        items = (item(found, self.fields) for found in self.stream.share(number, workers, self.batch or 1))
        if self.batch is None:
            yield from items
            return
        while some := list(islice(items, self.batch)):
            yield collate(some)


def item(example: Example, fields: Sequence[str]) -> dict[str, Any]:
    """One example as a dict; only the members that `fields` need are decoded."""
    return {"key": example.key} | {name: _tensor(getattr(example, name)) for name in fields}


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A batch: tensors stacked to (B, ...), all else in lists."""
    columns = {name: [item[name] for item in items] for name in items[0]}
    return {name: torch.stack(c) if isinstance(c[0], torch.Tensor) else c for name, c in columns.items()}


def _known(fields: Sequence[str]) -> tuple[str, ...]:
    known = [name for name, value in vars(Example).items() if not name.startswith("_") and not callable(value)]
    for name in fields:
        if name not in known:
            raise KineBenchError(f"an example has no field {name!r}; it has {', '.join(known)}")
    return tuple(fields)


def _tensor(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    tensor = torch.from_numpy(value)
    return tensor.permute(0, 3, 1, 2) if value.ndim == 4 else tensor
