"""manifest.json: what a dataset folder holds, of which recipe, in which tars."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError

NAME = "manifest.json"
SUMS = "SHA256SUMS"
CARD = "README.md"
CROISSANT = "croissant.json"
BESIDE = (SUMS, CARD, CROISSANT, "index.jsonl")
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Shard:
    """One tar."""

    name: str
    bytes: int
    sha256: str
    samples: int
    first: str  # key of its first sample
    last: str


@dataclass(frozen=True)
class SplitShards:
    """The tars of one split."""

    count: int  # samples
    first: str
    last: str
    shards: tuple[Shard, ...]
    companions: dict[str, tuple[Shard, ...]]  # by companion: "lossless", "depth", ...

    @property
    def all_shards(self) -> tuple[Shard, ...]:
        """Main shards, then those of each companion."""
        return self.shards + tuple(shard for shards in self.companions.values() for shard in shards)


@dataclass(frozen=True)
class Manifest:
    """A packed dataset."""

    kinebench: str  # version that packed it
    dataset: str
    recipe: dict[str, Any]
    recipe_sha256: str
    seed: int
    samples_per_shard: int
    splits: dict[str, SplitShards]

    @property
    def all_shards(self) -> tuple[Shard, ...]:
        """Every tar, split by split."""
        return tuple(shard for split in self.splits.values() for shard in split.all_shards)


def dump(manifest: Manifest) -> bytes:
    """The file: the fields, and totals for people."""
    shards = manifest.all_shards
    totals = {
        "samples": sum(split.count for split in manifest.splits.values()),
        "shards": len(shards),
        "bytes": sum(shard.bytes for shard in shards),
    }
    plain = {"format_version": FORMAT_VERSION, **asdict(manifest), "totals": totals}
    return json.dumps(plain, indent=2, ensure_ascii=False).encode() + b"\n"


def parse(data: bytes) -> Manifest:
    """The manifest; raises ValueError for anything else."""
    try:
        plain = json.loads(data)
        if (version := plain.pop("format_version")) != FORMAT_VERSION:
            raise ValueError(f"format version {version}; this KineBench reads {FORMAT_VERSION}")
        del plain["totals"]
        splits = {name: _split(**split) for name, split in plain.pop("splits").items()}
        manifest = Manifest(splits=splits, **plain)
        if missing := [name for name in ("dataset", "video", "acceptance", "splits") if name not in manifest.recipe]:
            raise ValueError(f"the recipe lacks {', '.join(missing)}")
        if any(Path(shard.name).name != shard.name for shard in manifest.all_shards):
            raise ValueError("a shard is not in this folder")
        return manifest
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a manifest: {error}") from error


def _split(shards: list[Any], companions: dict[str, list[Any]], **rest: Any) -> SplitShards:
    return SplitShards(
        shards=tuple(Shard(**shard) for shard in shards),
        companions={name: tuple(Shard(**shard) for shard in tars) for name, tars in companions.items()},
        **rest,
    )


def read(folder: Path) -> Manifest:
    """The manifest of a dataset folder; raises KineBenchError if there is none or it is damaged."""
    path = folder / NAME
    try:
        return parse(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise KineBenchError(f"{folder} is no packed dataset: it has no {NAME}; run: kinebench generate") from error
    except ValueError as error:
        raise KineBenchError(f"{path}: {error}; restore the file from where the dataset came from") from error


def shard_name(dataset: str, split: str, number: int, companion: str | None = None) -> str:
    """File name of a tar."""
    return "-".join([dataset, split, *([companion] if companion else []), f"{number:06d}.tar"])
