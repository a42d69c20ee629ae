"""What a configuration trains on: the family, the clips of both parts of the split, and where they are kept."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.cache import cache_folder
from kinebench.data.dataset import open_dataset
from kinebench.errors import KineBenchError
from kinebench.kinemask.batches import SILENT, Clips
from kinebench.kinemask.config import Config
from kinebench.kinemask.families import open_family
from kinebench.kinemask.family import Family
from kinebench.kinemask.latents import Cache
from kinebench.methods import hub
from kinebench.methods import method as methods
from kinebench.shards.files import Progress
from kinebench.shards.read import Shards


@dataclass(frozen=True)
class Material:
    """A family and its clips."""

    family: Family
    weights: Path  # the folder of the backbone
    trained: Clips
    held_out: Clips
    sha256: str  # of everything that training reads of the dataset
    silent: bool  # whether some clips are told nothing


def gathered(config: Config, device: str) -> Material:
    """Open the dataset and the folder of the backbone, and see that they fit. Loads no weights.

    Raises KineBenchError if something is not there, or a clip is none that the backbone can make.
    """
    dataset = open_dataset(Path(config.data.folder).expanduser(), config.data.split)
    if not isinstance(dataset.source, Shards):
        raise KineBenchError(f"{config.source}: data.folder is the folder of a packed dataset, not a list of tars")
    if len(dataset) <= config.data.held_out:
        raise KineBenchError(
            f"{config.source}: data.held_out keeps {config.data.held_out} clips from training, and the split "
            f"{config.data.split} has {len(dataset)}"
        )
    folder = _weights(config)
    family = open_family(config.backbone.family, folder, device, config.training.precision, **_options(config))
    video = dataset.source.manifest.recipe["video"]
    size = config.data.size or (video["width"], video["height"])
    try:
        family.check(video["frames"], *size)
    except KineBenchError as error:
        raise KineBenchError(f"{config.source}: {error}") from error
    place = Path(config.data.cache).expanduser() if config.data.cache else cache_folder() / "kinemask"
    cache = Cache(place, family.identity, size)
    split = len(dataset) - config.data.held_out
    trained, held_out = (
        Clips(dataset, keys, cache, config.data.caption, config.data.encoding)
        for keys in (dataset.keys[:split], dataset.keys[split:])
    )
    content = _content(dataset.source, dataset.keys)
    return Material(family, folder, trained, held_out, content, config.data.caption_dropout > 0)


def _weights(config: Config) -> Path:
    if config.backbone.family == "small":
        return Path(config.backbone.weights or "").expanduser()
    method = methods.find(config.backbone.family)
    given = {"model": Path(config.backbone.weights)} if config.backbone.weights else {}
    try:
        return hub.weights(method, given)("model")
    except KineBenchError as error:
        said = str(error).replace("--weights model=FOLDER", "backbone.weights").replace("--weights model=", "")
        raise type(error)(f"{config.source}: backbone.weights: {said}") from error


def _options(config: Config) -> dict[str, Any]:
    return {"image_noise": config.data.image_noise} if config.backbone.family == "cogvideox" else {}


def _content(shards: Shards, keys: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for key in keys:
        members = shards.rows[key].members
        digest.update(" ".join([key, *(members[name].sha256 for name in ("mp4", "json", "segmentation.mkv"))]).encode())
    return digest.hexdigest()


def lacking(clips: Clips, keys: Iterable[str]) -> Iterator[str]:
    """Those of these keys whose latents are not kept yet, in order."""
    return (key for key in keys if not clips.cache.clip(clips.sha256(key)).exists())


def prompts(material: Material, note: Progress) -> tuple[str, ...]:
    """Every prompt that training may give, once, in order of appearance."""
    found: dict[str, None] = dict.fromkeys([SILENT] if material.silent else [])
    keys = [(clips, key) for clips in (material.trained, material.held_out) for key in clips.keys]
    for number, (clips, key) in enumerate(keys, 1):
        found.setdefault(clips.prompt(clips.dataset[key]))
        note("captions", number, len(keys))
    return tuple(found)


def demand_kept(config: Config, material: Material, note: Progress) -> None:
    """Raises KineBenchError, which names the command, if something is not kept."""
    clips = sum(1 for part in (material.trained, material.held_out) for _ in lacking(part, part.keys))
    cache = material.trained.cache
    words = sum(1 for prompt in prompts(material, note) if not cache.prompt(prompt).exists())
    if clips or words:
        whole = len(material.trained.keys) + len(material.held_out.keys)
        raise KineBenchError(
            f"of {whole} clips the latents of {clips} are not there, and the text of {words} prompts, as this backbone "
            f"makes them at this size; run: kinebench train precompute {config.source}"
        )
