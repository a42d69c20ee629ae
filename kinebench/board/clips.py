"""What a submission's videos must show: the clips of a split, of a packed dataset or of exported conditions."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.hidden import is_hidden, told_seed
from kinebench.methods import listing
from kinebench.methods.source import open_source
from kinebench.scoring.truths import MEMBERS, frames_of, open_truths
from kinebench.shards import manifest as manifests
from kinebench.shards import video
from kinebench.shards.files import sha256_file


@dataclass(frozen=True, eq=False)
class Clips:
    """The clips of one split."""

    where: Path
    dataset: dict[str, Any]  # section `dataset` of a statement of them
    hidden: bool  # the truth of a hidden season, of which authors only have the conditions
    keys: tuple[str, ...]
    frames: int
    fps: float
    width_px: int
    height_px: int
    first: Callable[[str], NDArray[np.uint8]] = field(repr=False)  # first frame (H, W, 3) of a clip, by key


def splits(data: Path) -> tuple[str, ...]:
    """Names of the splits in a folder. Raises KineBenchError if it is neither a dataset nor conditions."""
    if listing.is_exported(data):
        return (str(listing.read(data).facts.get("split")),)
    return tuple(manifests.read(data).splits)


def open_clips(data: Path, split: str) -> Clips:
    """The clips of a split. Raises KineBenchError if there are none, or the folder is damaged."""
    return _exported(data, split) if listing.is_exported(data) else _packed(data, split)


def _packed(data: Path, split: str) -> Clips:
    shards = open_truths(data, split)
    manifest, keys = shards.manifest, shards.keys(split)
    member = MEMBERS[frames_of(shards.rows[key] for key in keys)]
    size = manifest.recipe["video"]
    return Clips(
        where=data,
        dataset={
            "name": manifest.dataset,
            "version": manifest.recipe["dataset"]["version"],
            "split": split,
            "seed": told_seed(manifest.recipe, manifest.seed),
            "recipe_sha256": manifest.recipe_sha256,
            "manifest_sha256": sha256_file(data / manifests.NAME),
        },
        hidden=is_hidden(manifest.recipe),
        keys=keys,
        frames=size["frames"],
        fps=float(size["fps"]),
        width_px=size["width"],
        height_px=size["height"],
        first=lambda key: video.first_rgb(shards.member(key, member)),
    )


def _exported(data: Path, split: str) -> Clips:
    facts = listing.read(data).facts
    source = open_source(data, split, facts["prompt"])
    if not source.keys:
        raise KineBenchError(f"{data} holds no conditions; export them again: kinebench conditions")
    one = source[source.keys[0]]
    names = {"name": "dataset", "version": "version", "seed": "seed", "recipe_sha256": "recipe_sha256"}
    said = {name: facts.get(fact) for name, fact in names.items()}
    return Clips(
        where=data,
        dataset=said | {"split": split, "manifest_sha256": sha256_file(data / listing.FILE)},
        hidden=False,
        keys=source.keys,
        frames=one.frames,
        fps=one.fps,
        width_px=one.size[0],
        height_px=one.size[1],
        first=lambda key: source[key].first_frame,
    )
