"""One finished sample: the members of a tar entry, encoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinebench.hidden import is_hidden, opaque

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

    key: str  # see `key_of`
    members: dict[str, bytes]  # suffix -> bytes, of `MEMBERS` and of any companions
    record: dict[str, Any]


def sample_key(dataset: str, split: str, index: int) -> str:
    """The WebDataset key of a sample; it has no dot, so that a tar reader groups its members."""
    return f"{dataset}_{split}_{index:06d}"


def key_of(recipe: Mapping[str, Any], split: str, index: int, seed: int) -> str:
    """The key of a sample of this recipe, as plain content; in a hidden season it does not tell the index."""
    name = recipe["dataset"]["name"]
    return f"{name}_{split}_{opaque(seed, split, index)}" if is_hidden(recipe) else sample_key(name, split, index)
