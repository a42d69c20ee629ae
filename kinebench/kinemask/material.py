"""What a configuration trains on: the family, the clips of both parts of the split, and where they are kept."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.cache import cache_folder
from kinebench.data.dataset import Dataset, open_dataset
from kinebench.errors import KineBenchError
from kinebench.kinemask.batches import SILENT, Clips, Course
from kinebench.kinemask.config import FIRST_FRAME_SEEN, Config, StageName
from kinebench.kinemask.families import open_family
from kinebench.kinemask.families.parts import Parts
from kinebench.kinemask.family import Family
from kinebench.kinemask.latents import Cache
from kinebench.methods import hub
from kinebench.methods import method as methods
from kinebench.shards.files import Progress
from kinebench.shards.manifest import Manifest
from kinebench.shards.read import Shards

MEMORY_BYTES = 2 << 30
"""What is kept of clips stays in memory if all of it, in every worker, takes no more than this."""


@dataclass(frozen=True)
class Material:
    """A family and its clips."""

    family: Family
    weights: Path  # the folder of the backbone
    manifests: tuple[Manifest, ...]  # of the datasets
    trained: Clips
    held_out: Clips
    sha256: str  # of everything that training reads of the datasets


def course(config: Config, stage: StageName) -> Course:
    """What a stage draws anew each time it meets a clip."""
    data = config.data
    if stage == "backbone":
        return Course(None, data.caption_dropout, config.pretraining.plain_captions, data.mirror)
    row = config.stage1 if stage == "stage1" else config.stage2
    return Course(row.truncation, data.caption_dropout, 0.0, data.mirror)


def gathered(config: Config, device: str, weights: Path | None = None) -> Material:
    """Open the datasets and the folder of the backbone, and see that they fit. Loads no weights.

    `weights` is a small backbone that is being trained itself, in float32; otherwise it is the configuration's, frozen.
    Raises KineBenchError if something is not there, or a clip is none that the backbone can make.
    """
    datasets = opened(config)
    manifests = tuple(shards(dataset).manifest for dataset in datasets)
    folder = weights or _weights(config)
    precision = "float32" if weights else config.training.precision
    family = open_family(config.backbone.family, folder, device, precision, **_options(config))
    video = manifests[0].recipe["video"]
    size = config.data.size or (video["width"], video["height"])
    blocks = Parts(folder, device, precision).config("transformer")["num_layers"]
    if config.branch.layers > blocks and weights is None:
        raise KineBenchError(
            f"{config.source}: branch.layers is {config.branch.layers}; the backbone has {blocks} blocks"
        )
    if not config.branch.image_latents and family.architecture != "cogvideox" and weights is None:
        raise KineBenchError(f"{config.source}: branch.image_latents: {FIRST_FRAME_SEEN}")
    try:
        family.check(video["frames"], *size)
    except KineBenchError as error:
        raise KineBenchError(f"{config.source}: {error}") from error
    place = Path(config.data.cache).expanduser() if config.data.cache else cache_folder() / "kinemask"
    cache = Cache(place, family.identity, size)
    parts: tuple[dict[str, Dataset], dict[str, Dataset]] = ({}, {})
    for dataset in datasets:
        split = len(dataset) - config.data.held_out
        parts[0].update(dict.fromkeys(dataset.keys[:split], dataset))
        parts[1].update(dict.fromkeys(dataset.keys[split:], dataset))
    kept = _room(config, len(parts[0]), len(parts[1]), video["frames"] * size[0] * size[1])
    trained, held_out = (
        Clips(homes, cache, config.data.caption, config.data.encoding, {} if kept else None) for homes in parts
    )
    return Material(family, folder, manifests, trained, held_out, content(datasets))


def opened(config: Config) -> tuple[Dataset, ...]:
    """The datasets. Raises KineBenchError if one is not there, is too small, or is not like the others."""
    datasets = tuple(open_dataset(folder, config.data.split) for folder in config.folders)
    if not all(isinstance(dataset.source, Shards) for dataset in datasets):
        raise KineBenchError(f"{config.source}: data.folder is the folder of a packed dataset, not a list of tars")
    first = _alike(datasets[0])
    for folder, dataset in zip(config.folders, datasets, strict=True):
        if len(dataset) <= config.data.held_out:
            raise KineBenchError(
                f"{config.source}: data.held_out keeps {config.data.held_out} clips from training, and the split "
                f"{config.data.split} of {folder} has {len(dataset)}"
            )
        for name, value in _alike(dataset).items():
            if value != first[name]:
                raise KineBenchError(
                    f"{config.source}: data.folder: {folder} has {name} {value}, and {config.folders[0]} has "
                    f"{first[name]}; what is trained on together is alike in that"
                )
    seen: dict[str, Path] = {}
    for folder, dataset in zip(config.folders, datasets, strict=True):
        if both := next((key for key in dataset.keys if key in seen), None):
            raise KineBenchError(f"{config.source}: data.folder: {seen[both]} and {folder} both have a clip {both}")
        seen.update(dict.fromkeys(dataset.keys, folder))
    return datasets


def shards(dataset: Dataset) -> Shards:
    """Where a dataset of `opened` lies."""
    assert isinstance(dataset.source, Shards)
    return dataset.source


def _alike(dataset: Dataset) -> dict[str, Any]:
    recipe = shards(dataset).manifest.recipe
    return {name: recipe["video"][name] for name in ("frames", "fps", "width", "height")} | {
        "v_max_mps": recipe["motion"]["v_max_mps"]
    }


def _room(config: Config, clips: int, held_out: int, clip_px: int) -> bool:
    """Whether ids and latents, about as large again, have room in memory, with all workers and turned clips."""
    copies = max(config.training.workers, 1) * (2 if config.data.mirror else 1)
    return 4 * clip_px * (clips * copies + held_out) <= MEMORY_BYTES


def _weights(config: Config) -> Path:
    if config.backbone.family == "small":
        folder = Path(config.backbone.weights or "").expanduser()
        if not (folder / hub.INDEX).exists():
            raise KineBenchError(
                f"{config.source}: backbone.weights: there is no small backbone in {folder}; make it with: "
                f"kinebench train backbone {config.source}"
            )
        return folder
    method = methods.find(config.backbone.family)
    given = {"model": Path(config.backbone.weights)} if config.backbone.weights else {}
    try:
        return hub.weights(method, given)("model")
    except KineBenchError as error:
        said = str(error).replace("--weights model=FOLDER", "backbone.weights").replace("--weights model=", "")
        raise type(error)(f"{config.source}: backbone.weights: {said}") from error


def _options(config: Config) -> dict[str, Any]:
    return {"image_noise": config.data.image_noise} if config.backbone.family == "cogvideox" else {}


def content(datasets: Sequence[Dataset]) -> str:
    """Hash of all that training reads of datasets."""
    digest = hashlib.sha256()
    for dataset in datasets:
        for key in dataset.keys:
            members = shards(dataset).rows[key].members
            names = ("mp4", "json", "segmentation.mkv")
            digest.update(" ".join([key, *(members[name].sha256 for name in names)]).encode())
    return digest.hexdigest()


def wanted(material: Material, mirror: bool) -> list[tuple[Clips, str, bool]]:
    """Clips in order, and whether turned left to right; only those trained on ever are."""
    turns = ((material.trained, (False, True) if mirror else (False,)), (material.held_out, (False,)))
    return [(clips, key, turned) for clips, each in turns for key in clips.keys for turned in each]


def lacking(clips: Clips, key: str, turned: bool) -> bool:
    """Whether a clip's latents are not kept yet."""
    return not clips.cache.clip(clips.sha256(key), turned).exists()


def prompts(material: Material, courses: Sequence[Course], note: Progress) -> tuple[str, ...]:
    """Every prompt that training may give, once, in order of appearance."""
    found: dict[str, None] = dict.fromkeys([SILENT] if any(each.silent for each in courses) else [])
    keys = [(clips, key) for clips in (material.trained, material.held_out) for key in clips.keys]
    for number, (clips, key) in enumerate(keys, 1):
        for each in courses:
            found.update(dict.fromkeys(clips.prompts(key, each)))
        note("captions", number, len(keys))
    return tuple(found)


def demand_kept(config: Config, material: Material, stage: StageName, note: Progress) -> None:
    """Raises KineBenchError, which names the command, if something is not kept."""
    clips = len({each[1] for each in wanted(material, config.data.mirror) if lacking(*each)})
    cache = material.trained.cache
    words = sum(1 for prompt in prompts(material, [course(config, stage)], note) if not cache.prompt(prompt).exists())
    if clips or words:
        whole = len(material.trained.keys) + len(material.held_out.keys)
        raise KineBenchError(
            f"of {whole} clips the latents of {clips} are not there, and the text of {words} prompts, as this backbone "
            f"makes them at this size; run: kinebench train precompute {config.source}"
        )
