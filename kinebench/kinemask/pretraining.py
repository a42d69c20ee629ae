"""Where a small backbone comes from: the codec is fitted to the clips, the transformer is trained on captions alone.

WEIGHTS-training/untrained/     codec, and a transformer as the seed draws it
WEIGHTS-training/step-004000/   a checkpoint, which is a small backbone too
WEIGHTS/                        the backbone and nothing else, when it is done
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kinebench.data.dataset import Dataset
from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint
from kinebench.kinemask.checkpoint import AVERAGE, TRANSFORMER, Checkpoint, as_os_error, sync_all
from kinebench.kinemask.config import Config
from kinebench.kinemask.draw import INITIAL, rng, torch_seed
from kinebench.kinemask.families.small import save, untrained
from kinebench.kinemask.material import content, opened, shards
from kinebench.kinemask.run import LOCK
from kinebench.kinemask.small.codec import fitted
from kinebench.methods.hub import INDEX
from kinebench.shards.files import Progress, disk_room, sweep, sync_folder, write_atomic, write_durable

_BESIDE = "-training"
FITTED_CLIPS = 400
"""The codec is fitted to so many, evenly spread over the clips that are trained on."""
WHITENING = 0.0
DEVIATION = 0.3
"""Of latents of changes, see `small/codec.py`: at 1 the same training comes to twice the error."""

_UNTRAINED, _MADE = "untrained", "made.json"
_CODEC, _CARD = "codec", "README.md"


def weights(config: Config) -> Path:
    """The folder of the backbone itself."""
    return Path(config.backbone.weights or "").expanduser()


def place(config: Config) -> Path:
    """Where a small backbone is trained: beside its own folder.

    Raises KineBenchError for another family, and for a folder that holds what this would write over.
    """
    if config.backbone.family != "small" or config.backbone.weights is None:
        raise KineBenchError(
            f"{config.source}: a backbone is made only where backbone.family is 'small', and it is "
            f"{config.backbone.family!r}: that one is published"
        )
    folder = weights(config)
    work = folder.with_name(folder.name + _BESIDE)
    if folder.exists() and not folder.is_dir():
        raise KineBenchError(f"{config.source}: {folder} is a file; name another backbone.weights")
    points = checkpoint.found(work)
    if (folder / INDEX).exists() and not points:
        raise KineBenchError(
            f"{config.source}: {folder} holds a backbone already, and nothing of its training to go on from; name "
            "another backbone.weights"
        )
    taken = [name for name in (TRANSFORMER, _CODEC, _CARD) if (folder / name).exists()]
    if taken and not points and not (work / LOCK).exists():
        raise KineBenchError(
            f"{config.source}: {folder} holds {taken[0]} already, which would be written over; name another "
            "backbone.weights"
        )
    return work


def begun(config: Config, folder: Path, note: Progress) -> Path:
    """The backbone before its first step, made if it is not there.

    Raises KineBenchError if the clips do not fit, and if the disk is full.
    """
    datasets = opened(config)
    made = {"decides": config.decides("backbone"), "data": content(datasets)}
    start = folder / _UNTRAINED
    if (start / _MADE).exists() and json.loads((start / _MADE).read_bytes()) == made:
        return start
    shape, video = config.pretraining, shards(datasets[0]).manifest.recipe["video"]
    _demand_tokens(config, video["width"], video["height"])
    codec = fitted(_clips(datasets, config.data.held_out, note), shape.patch_px, shape.channels, WHITENING, DEVIATION)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(rng(config.training.seed, INITIAL)))
        size = (video["frames"], video["height"], video["width"])
        options = {"layers": shape.layers, "heads": shape.heads, "patch": shape.patch}
        transformer = untrained(codec, *size, kind=shape.architecture, **options)
    partial = folder / f".partial-{_UNTRAINED}"
    with disk_room("making the backbone", folder, _bytes(transformer)), as_os_error(folder):
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(start, ignore_errors=True)
        partial.mkdir(parents=True)
        save(partial, transformer, codec, *size)
        write_durable(partial / _MADE, json.dumps(made).encode())
        sync_all(partial)
        partial.rename(start)
    return start


def _demand_tokens(config: Config, width: int, height: int) -> None:
    shape = config.pretraining
    token_px = shape.patch_px * shape.patch
    if width % token_px or height % token_px:
        raise KineBenchError(
            f"{config.source}: pretraining.patch_px: {shape.patch_px} times pretraining.patch, {shape.patch}, makes "
            f"tokens of {token_px} pixels, and clips of {width}x{height} are no multiples of {token_px}"
        )


def _clips(datasets: Sequence[Dataset], held: int, note: Progress) -> Iterator[Any]:
    every = [(dataset, key) for dataset in datasets for key in dataset.keys[: len(dataset) - held]]
    chosen = np.unique(np.linspace(0, len(every) - 1, min(FITTED_CLIPS, len(every))).round().astype(int))
    for number, place in enumerate(chosen, 1):
        dataset, key = every[place]
        yield dataset[key].rgb
        note("codec", number, len(chosen))


def finished(config: Config, point: Checkpoint) -> Path:
    """The folder of the backbone with what a checkpoint holds, averaged weights if it has them."""
    folder = weights(config)
    if (folder / INDEX).exists():
        return folder
    part = AVERAGE if (point.folder / AVERAGE).is_dir() else TRANSFORMER
    sweep(folder)
    size = sum(path.stat().st_size for path in point.folder.rglob("*") if path.is_file())
    with disk_room("writing the backbone", folder, size):
        folder.mkdir(exist_ok=True)
        for source, name in ((part, TRANSFORMER), (_CODEC, _CODEC)):
            shutil.rmtree(folder / name, ignore_errors=True)
            _copy(point.folder / source, folder / name)
        (folder / TRANSFORMER / _CARD).rename(folder / _CARD)
        write_atomic(folder / INDEX, (point.folder / INDEX).read_bytes())  # last: now it is whole
    return folder


def _copy(source: Path, target: Path) -> None:
    """Copy a folder of files, so that they are on the disk; shutil's errors do not say that it is full."""
    target.mkdir()
    for path in source.iterdir():
        write_durable(target / path.name, path.read_bytes())
    sync_folder(target)


def _bytes(model: Any) -> int:
    return sum(value.numel() * value.element_size() for value in model.state_dict().values())
