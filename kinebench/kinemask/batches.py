"""What a step of training is given, in an order that depends on seed and epoch alone.

Place p of step s is clip number `s B + p` of an endless walk through shuffled epochs, B the total batch: whoever works
on it, in whatever portions, and from whatever step on. Nothing here runs an autoencoder or a text encoder.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
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
from kinebench.kinemask.mirror import mirrored_frames, mirrored_text, mirrored_velocities
from kinebench.methods.placement import Size, fitted, mask_to_native
from kinebench.shards.read import Shards

_FAULT = "fault"
SILENT = ""
"""What a clip is told whose caption is dropped: as guidance has it."""
PLAIN = "c0"


@dataclass(frozen=True)
class Course:
    """What is drawn anew each time a clip is met."""

    truncation: Truncation | None  # of its mask; None: it gets no mask
    silent: float = 0.0  # share of clips that are told nothing
    plain: float = 0.0  # share of clips that are told c_0 alone
    mirror: bool = False  # whether half of them are turned left to right


@dataclass(frozen=True)
class Clips:
    """Clips of a dataset in their own order, or of several one after another, with what precompute kept of them."""

    homes: Mapping[str, Dataset]  # of each key, in order
    cache: Cache
    caption: str  # "c0" or "c"
    encoding: Encoding
    kept: dict[str, dict[str, Tensor]] | None = None  # what was read, where all of it has room in memory

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.homes)

    def __getitem__(self, key: str) -> Example:
        return self.homes[key][key]

    def sha256(self, key: str) -> str:
        """Of a clip's mp4, from its dataset's index."""
        source = self.homes[key].source
        assert isinstance(source, Shards)  # `material.gathered` has seen to it
        return source.rows[key].members["mp4"].sha256

    def prompts(self, key: str, course: Course) -> Iterator[str]:
        """Everything that may be told of a clip."""
        captions = self[key].record["captions"]
        told = [captions[self.caption]] + ([captions[PLAIN]] if course.plain else [])
        yield from told
        if course.mirror:
            yield from map(mirrored_text, told)

    def item(self, key: str, course: Course, draw: np.random.Generator) -> dict[str, Any]:
        """What training is given of a clip: `key`, `text` (words, width), latents, and what `painted` makes masks of.

        `ids` are uint8 (F, H, W), `table` float32 (F, 256, 3): a twelfth of the mask, which is made on the device.
        """
        example = self[key]
        share = draw.random()
        turned = course.mirror and draw.random() < 0.5
        caption = PLAIN if course.silent <= share < course.silent + course.plain else self.caption
        told = SILENT if share < course.silent else str(example.record["captions"][caption])
        text = self.cache.get_prompt(mirrored_text(told) if turned else told)
        item = {"key": key, "text": text, **self._read(key, turned, course.truncation is not None)}
        if course.truncation is not None:
            velocities = velocity_table(
                example.rollout.velocities_mps, example.driven, example.camera, encoding=self.encoding
            )
            table = (velocities / example.v_max_mps).clip(-1, 1).astype(np.float32)
            table = mirrored_velocities(table) if turned else table
            contacts = [event["frame"] for event in example.record["events"]]
            kept = kept_frames(course.truncation, len(table), contacts, draw)
            item["table"] = torch.from_numpy(truncated(table, kept))
        return item

    def _read(self, key: str, turned: bool, masked: bool) -> dict[str, Tensor]:
        """Latents, and ids if there is to be a mask."""
        name = f"{key} {turned} {masked}"
        if self.kept is not None and name in self.kept:
            return self.kept[name]
        found = self.cache.get_clip(self.sha256(key), turned)
        if masked:
            ids = sized_ids(self[key], self.cache.size)
            found["ids"] = torch.from_numpy(mirrored_frames(ids) if turned else ids)
        if self.kept is not None:
            self.kept[name] = found
        return found


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
    clips, frames = ids.shape[:2]
    rows = torch.arange(clips * frames, device=ids.device, dtype=torch.int32) * table.shape[2]
    places = ids.int() + rows.view(clips, frames, 1, 1)
    return torch.nn.functional.embedding(places, table.reshape(-1, table.shape[-1])).movedim(-1, 2)


@dataclass(frozen=True)
class Walk:
    """The endless walk through a stage's clips: item i is what place `i % B` of step `i // B` is given."""

    clips: Clips
    course: Course
    seed: int

    def __getitem__(self, number: int) -> dict[str, Any]:
        epoch, place = divmod(number, len(self.clips.keys))
        key = self.clips.keys[int(order(self.seed, epoch, len(self.clips.keys))[place])]
        draw = clip_rng(self.seed, epoch, key)
        try:
            return self.clips.item(key, self.course, draw) | {"number": number}
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
