"""What a step of training is given, in an order that depends on seed and epoch alone.

Place p of step s is clip number `s B + p` of an endless walk through shuffled epochs, B the total batch: whoever works
on it, in whatever portions, and from whatever step on. Nothing here runs an autoencoder or a text encoder.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from kinebench.annotate.velocity import Encoding, velocity_table
from kinebench.data.dataset import Dataset
from kinebench.data.example import Example
from kinebench.data.torch_view import collate
from kinebench.errors import KineBenchError
from kinebench.kinemask.conditioning import Truncation, clip_rng, kept_frames, truncated
from kinebench.kinemask.latents import Cache
from kinebench.methods.placement import Size, fitted, mask_to_native
from kinebench.shards.read import Shards

_FAULT = "fault"
SILENT = ""
"""What a clip is told whose caption is dropped: as guidance has it."""


@dataclass(frozen=True)
class Clips:
    """Clips of a dataset in their own order, with what precompute kept of them."""

    dataset: Dataset
    keys: tuple[str, ...]
    cache: Cache
    caption: str  # "c0" or "c"
    encoding: Encoding

    def sha256(self, key: str) -> str:
        """Of a clip's mp4, from the dataset's index."""
        return self.shards.rows[key].members["mp4"].sha256

    @property
    def shards(self) -> Shards:
        """Where the dataset lies."""
        assert isinstance(self.dataset.source, Shards)  # `material.gathered` has seen to it
        return self.dataset.source

    def prompt(self, example: Example) -> str:
        """What is told of a clip."""
        return str(example.record["captions"][self.caption])

    def item(self, key: str, truncation: Truncation, draw: np.random.Generator, dropout: float) -> dict[str, Any]:
        """What training is given of a clip: `key`, `text` (words, width), latents, and what `painted` makes masks of.

        `ids` are uint8 (F, H, W), `table` float32 (F, 256, 3): a twelfth of the mask, which is made on the device.
        """
        example = self.dataset[key]
        silent = bool(draw.random() < dropout)
        velocities = velocity_table(
            example.rollout.velocities_mps, example.driven, example.camera, encoding=self.encoding
        )
        table = (velocities / example.v_max_mps).clip(-1, 1).astype(np.float32)
        contacts = [event["frame"] for event in example.record["events"]]
        table = truncated(table, kept_frames(truncation, len(table), contacts, draw))
        return {
            "key": key,
            "ids": torch.from_numpy(sized_ids(example, self.cache.size)),
            "table": torch.from_numpy(table),
            "text": self.cache.get_prompt(SILENT if silent else self.prompt(example)),
            **self.cache.get_clip(self.sha256(key)),
        }


def sized_ids(example: Example, size: Size) -> NDArray[np.uint8]:
    """Ids of driven objects (F, h, w) at a size that the clip is fitted into, laid out as at inference."""
    width, height = size
    segmentation = example.segmentation
    if segmentation.shape[1:] == (height, width):
        return segmentation
    place = fitted((segmentation.shape[2], segmentation.shape[1]), size)
    ids = np.zeros((len(segmentation), height, width), dtype=np.uint8)
    for number in example.driven:
        for frame, out in zip(segmentation == number, ids, strict=True):
            if frame.any():
                out[mask_to_native(frame, place, size)] = number
    return ids


def painted(ids: Tensor, table: Tensor) -> Tensor:
    """Masks (B, F, 3, H, W) of ids (B, F, H, W) and what stands on each of them, (B, F, 256, 3)."""
    clips, frames = (torch.arange(count, device=ids.device) for count in ids.shape[:2])
    return table[clips.view(-1, 1, 1, 1), frames.view(1, -1, 1, 1), ids.long()].movedim(-1, 2)


@dataclass(frozen=True)
class Walk:
    """The endless walk through a stage's clips: item i is what place `i % B` of step `i // B` is given."""

    clips: Clips
    truncation: Truncation
    dropout: float
    seed: int

    def __getitem__(self, number: int) -> dict[str, Any]:
        epoch, place = divmod(number, len(self.clips.keys))
        key = self.clips.keys[int(order(self.seed, epoch, len(self.clips.keys))[place])]
        draw = clip_rng(self.seed, epoch, key)
        try:
            return self.clips.item(key, self.truncation, draw, self.dropout) | {"number": number}
        except KineBenchError as error:  # a DataLoader would make a traceback of it
            return {_FAULT: str(error)}


@lru_cache(maxsize=2)
def order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """All numbers below `count`, shuffled by seed and epoch alone."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(epoch,))).permutation(count)


@dataclass(frozen=True)
class Portions:
    """Which numbers of the walk one process is given, batch by batch, from a step to another."""

    steps: range
    total: int  # clips a step
    batch: int  # clips at once
    rank: int = 0
    world: int = 1

    @property
    def batches(self) -> int:
        """Batches a step, for each process."""
        return self.total // (self.batch * self.world)

    def __len__(self) -> int:
        return len(self.steps) * self.batches

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            for portion in range(self.rank, self.total // self.batch, self.world):
                first = step * self.total + portion * self.batch
                yield list(range(first, first + self.batch))


def batches(walk: Walk, portions: Portions, workers: int) -> Iterator[dict[str, Any]]:
    """Batches in order, as `collated` makes them. Raises KineBenchError if what was kept is gone or damaged."""
    found = DataLoader(
        walk,  # type: ignore[arg-type]  # its length is never asked for
        batch_sampler=portions,
        num_workers=workers,
        collate_fn=collated,
        pin_memory=torch.cuda.is_available(),
    )
    for batch in found:
        if _FAULT in batch:
            raise KineBenchError(batch[_FAULT])
        yield batch


def collated(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One batch of items."""
    return next((item for item in items if _FAULT in item), None) or collate(list(items))
