"""One finished sample: the members of a tar entry, encoded."""

from dataclasses import dataclass
from typing import Any

# Members of the main shard, in the order they stand in the tar.
MEMBERS = ("mp4", "velocity.mkv", "segmentation.mkv", "txt", "json")
# Companion shards, `{dataset}-{split}-{companion}-{shard:06d}.tar`, and the members each carries.
COMPANIONS = {
    "lossless": ("rgb.mkv",),
    "depth": ("depth.mkv",),
    "flow": ("forward_flow.mkv", "backward_flow.mkv"),
    "normals": ("normals.mkv",),
    "tracks": ("tracks.json",),
}


@dataclass(frozen=True)
class Sample:
    """A key and its encoded members; `record` is the content of the `json` member."""

    key: str  # "{dataset}_{split}_{index:06d}"
    members: dict[str, bytes]  # suffix -> bytes, of `MEMBERS` and of any companions
    record: dict[str, Any]


def sample_key(dataset: str, split: str, index: int) -> str:
    """The WebDataset key of a sample; it has no dot, so that a tar reader groups its members."""
    return f"{dataset}_{split}_{index:06d}"
