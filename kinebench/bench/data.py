"""Clips a second against plain webdataset doing the same work with the same decoder; and two ways to a velocity mask.

Both are measured on the clips of one dataset folder, in turn, in one run. The work is what a model needs of a clip: its
RGB frames as uint8 and its velocity mask as float32, both torch tensors (F, 3, H, W), and its caption. Every tensor is
read once, because memory that nobody looks at costs nothing.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from kinebench.annotate import velocity
from kinebench.bench.spent import Spent, spent
from kinebench.errors import KineBenchError, require
from kinebench.shards import index, video
from kinebench.shards import record as records
from kinebench.shards.read import Shards

FIELDS = ("rgb", "velocity", "caption")
WORKERS = (0, 2)
MIN_CLIPS = 12
"""Clips of one measurement; a smaller dataset is read several times over."""


@dataclass(frozen=True)
class LoaderCost:
    """Reading `clips` clips with so many loader workers, both ways; one entry a repeat."""

    workers: int
    clips: int
    ours: tuple[Spent, ...]
    plain: tuple[Spent, ...]  # webdataset and PyAV

    @property
    def speed_up(self) -> float:
        """Clips a second, ours over plain: median of the repeats' ratios."""
        return median(b.wall_s / a.wall_s for a, b in zip(self.ours, self.plain, strict=True))


@dataclass(frozen=True)
class MaskCost:
    """One velocity mask a clip, from its encoded members to float32, both ways; one entry a clip and repeat."""

    rebuilt: tuple[Spent, ...]  # segmentation and table of velocities: exact
    decoded: tuple[Spent, ...]  # the stored video of the mask: exact to half a step
    largest_difference_steps: float  # between the two, in steps of the stored mask

    @property
    def speed_up(self) -> float:
        """Median of the ratios of wall time."""
        return median(b.wall_s / a.wall_s for a, b in zip(self.rebuilt, self.decoded, strict=True))


def masks(folder: Path, repeats: int) -> MaskCost:
    """Both ways to the mask, for every clip (at most `MIN_CLIPS`), in turn."""
    shards = Shards(folder)
    rebuilt, decoded, differences = [], [], []
    for key in shards.keys()[:MIN_CLIPS]:
        members = {name: shards.member(key, name) for name in ("segmentation.mkv", "velocity.mkv", "json")}
        for _ in range(repeats):
            exact, cost = spent(lambda: _read_once(_rebuilt(members)))  # noqa: B023 - done at once
            rebuilt.append(cost)
            stored, cost = spent(lambda: _read_once(_decoded(members)))  # noqa: B023
            decoded.append(cost)
        v_max = records.parse(members["json"])["velocity"]["v_max_mps"]
        differences.append(float(np.abs(exact - stored).max()) * velocity.STEPS / v_max)
    return MaskCost(tuple(rebuilt), tuple(decoded), max(differences))


def _rebuilt(members: dict[str, bytes]) -> Any:
    record = records.parse(members["json"])
    ids = video.decode_gray(members["segmentation.mkv"])
    motion = records.rollout(record).velocities_mps
    return velocity.velocity_mask(ids, motion, record["driven"], records.camera(record))


def _decoded(members: dict[str, bytes]) -> Any:
    record = records.parse(members["json"])
    return velocity.decode(video.decode_rgb(members["velocity.mkv"]), record["velocity"]["v_max_mps"])


def loaders(folder: Path, repeats: int) -> Iterator[LoaderCost]:
    """Both ways with each number of `WORKERS`. Raises KineBenchError for no dataset, no torch or no webdataset."""
    require("webdataset", "dev")
    with tempfile.TemporaryDirectory() as scratch:
        clips = _lengthened(Shards(folder), Path(scratch))
        for workers in WORKERS:
            ways: dict[str, list[Spent]] = {"ours": [], "plain": []}
            for turn in range(repeats + 1):
                for name, view in (("ours", _ours), ("plain", _plain)):
                    count, cost = spent(lambda: _consume(view(Path(scratch)), workers))  # noqa: B023
                    if count != clips:
                        raise KineBenchError(f"{name} read {count} of {clips} clips; run: kinebench verify {folder}")
                    if turn:  # the first is for the disk's cache
                        ways[name].append(cost)
            yield LoaderCost(workers, clips, tuple(ways["ours"]), tuple(ways["plain"]))


def _lengthened(shards: Shards, into: Path) -> int:
    """A dataset of links: every tar so often that there are `MIN_CLIPS`, and as many tars as loader workers.

    webdataset shares tars, not samples, among workers; so each gets the same number of clips.
    """
    times = -(-MIN_CLIPS // len(shards.rows))
    times += -times % max(WORKERS)
    rows = []
    for turn in range(times):
        for row in shards.rows.values():
            name = f"{turn:03d}-{row.shard}"
            if not (into / name).exists():
                (into / name).symlink_to((shards.folder / row.shard).resolve())
            members = {k: replace(m, shard=name) for k, m in row.members.items() if m.shard == row.shard}
            rows.append(replace(row, key=f"{turn:03d}-{row.key}", shard=name, members=members))
    (into / index.NAME).write_bytes(index.dump(rows))
    return len(rows)


def _ours(folder: Path) -> Any:
    from kinebench.data import open_dataset

    return open_dataset(folder).stream().torch(FIELDS)


def _plain(folder: Path) -> Any:
    webdataset = require("webdataset", "dev")
    tars = sorted(str(path) for path in folder.glob("*.tar"))
    return webdataset.WebDataset(tars, shardshuffle=False).map(_plain_item)


def _plain_item(sample: dict[str, Any]) -> dict[str, Any]:
    """What a loop over webdataset does: the mask from its video, through a table of its 256 codes."""
    from kinebench.data.torch_view import torch

    def tensor(array: Any) -> Any:
        return torch.from_numpy(array).permute(0, 3, 1, 2)

    return {
        "key": sample["__key__"],
        "rgb": tensor(video.decode_rgb(sample["mp4"])),
        "velocity": tensor(_decoded({"velocity.mkv": sample["velocity.mkv"], "json": sample["json"]})),
        "caption": sample["txt"].decode().strip(),
    }


def _consume(view: Iterable[Any], workers: int) -> int:
    """Read every clip through a loader; returns how many came."""
    from kinebench.data.torch_view import torch

    options = {"prefetch_factor": 1} if workers else {}
    loader = torch.utils.data.DataLoader(view, batch_size=None, num_workers=workers, **options)
    count = 0
    for item in loader:
        _read_once(item["rgb"])
        _read_once(item["velocity"])
        count += 1
    return count


def _read_once(values: Any) -> Any:
    values.max()
    return values
