"""Checkpoints of training: folders that are whole or not there.

step-000250/control/      the branch as diffusers saves models, with a model card; of a backbone: transformer/
step-000250/average/      the same of averaged weights, where they are kept
step-000250/state.safetensors   the optimizer's
step-000250/trainer.json  step, seed, configuration, versions, what the data and the backbone were
"""

import contextlib
import errno
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from kinebench.errors import KineBenchError
from kinebench.kinemask.optimizer import Optimizer
from kinebench.shards.files import disk_room, sync_folder, write_durable

CONTROL, TRANSFORMER, AVERAGE = "control", "transformer", "average"
STATE, FACTS = "state.safetensors", "trainer.json"
FORMAT_VERSION = 1
_NAME = re.compile(r"step-(\d{6,})")
_PARTIAL = ".partial-"
_OS_ERROR = re.compile(r"os error (\d+)")


@dataclass(frozen=True)
class Checkpoint:
    """A folder that is whole."""

    folder: Path

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What trainer.json says. Raises KineBenchError if it cannot be read."""
        try:
            return dict(json.loads((self.folder / FACTS).read_bytes()))
        except (OSError, ValueError) as error:
            raise KineBenchError(
                f"{self.folder} is no checkpoint: its {FACTS} is missing or damaged; remove it to go on from before"
            ) from error

    @property
    def step(self) -> int:
        """How many steps were done."""
        return int(self.facts["step"])

    def branch(self, kind: Any, transformer: Any, part: str = CONTROL) -> Any:
        """The branch in it, on the CPU in float32. Raises KineBenchError if it is of another backbone, or damaged."""
        where, here = str(self.folder / part), {"local_files_only": True}
        try:
            if (made := kind.load_config(where, **here).get("_class_name")) != kind.__name__:
                raise ValueError(f"it is a {made} of another backbone: this one takes a {kind.__name__}")
            control, found = kind.from_pretrained(where, output_loading_info=True, **here)
            if odd := [*found["missing_keys"], *found["unexpected_keys"]]:  # diffusers would draw these anew
                raise ValueError(f"its weights are of another branch than its config.json says: {odd[0]}")
            control.adopt(transformer)
        except (OSError, ValueError, SafetensorError) as error:
            raise KineBenchError(f"{self.folder / part}: {error}") from error
        return control

    def restore(self, optimizer: Optimizer) -> None:
        """Give an optimizer of the same model its state back. Raises KineBenchError if it is damaged."""
        try:
            with safe_open(str(self.folder / STATE), framework="pt") as file:
                optimizer.restore(file.get_tensor, self.step)
        except (OSError, SafetensorError) as error:
            raise KineBenchError(
                f"{self.folder / STATE}: {error}; remove {self.folder} to go on from the one before"
            ) from error


def name_of(step: int) -> str:
    """What the checkpoint after so many steps is called."""
    return f"step-{step:06d}"


def found(place: Path) -> list[Checkpoint]:
    """The checkpoints in a folder, first steps first."""
    if not place.is_dir():
        return []
    numbered = [(int(match[1]), path) for path in place.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [Checkpoint(path) for _, path in sorted(numbered)]


def sweep(place: Path) -> None:
    """Remove what a killed writer left. Call it when nobody else writes there."""
    for path in place.glob(f"{_PARTIAL}*"):
        shutil.rmtree(path)


def write(
    place: Path,
    facts: Mapping[str, Any],
    card: str,
    models: Mapping[str, Any],
    state: Mapping[str, torch.Tensor],
    keep: int | None = None,
    beside: Callable[[Path], None] | None = None,
) -> Checkpoint:
    """Write the checkpoint of `facts["step"]`, then remove the oldest but for `keep`.

    `models` are diffusers' by the name of their part, `state` is the optimizer's; `beside` writes more into the folder.
    Raises KineBenchError if the disk is full; those before are as they were.
    """
    name = name_of(facts["step"])
    partial = place / f"{_PARTIAL}{name}"
    needed = sum(_bytes(model.state_dict().values()) for model in models.values()) + _bytes(state.values())
    try:
        with disk_room(f"writing the checkpoint {name}", place, needed), as_os_error(place):
            if shutil.disk_usage(place).free < needed:
                raise OSError(errno.ENOSPC, "not enough room")
            partial.mkdir()
            for part, model in models.items():
                model.save_pretrained(str(partial / part))
                write_durable(partial / part / "README.md", card.encode())
            if beside:
                beside(partial)
            save_file({name: value.contiguous() for name, value in state.items()}, str(partial / STATE))
            write_durable(partial / FACTS, (json.dumps(facts, indent=1) + "\n").encode())
            sync_all(partial)
            partial.rename(place / name)
            sync_folder(place)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if keep is not None:
        for old in found(place)[:-keep]:
            _remove(old.folder)
    return Checkpoint(place / name)


def _remove(folder: Path) -> None:
    """Out of sight at once, then gone."""
    hidden = folder.with_name(f"{_PARTIAL}{folder.name}")
    folder.rename(hidden)
    shutil.rmtree(hidden)


def _bytes(tensors: Any) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def sync_all(folder: Path) -> None:
    """Make durable what is in a folder, files and their names."""
    for path in folder.rglob("*"):
        sync_folder(path)  # of a file, its content
    sync_folder(folder)


@contextlib.contextmanager
def as_os_error(place: Path) -> Iterator[None]:
    """Translate: safetensors has errors of its own for a full disk."""
    try:
        yield
    except SafetensorError as error:
        if match := _OS_ERROR.search(str(error)):
            raise OSError(int(match[1]), str(error), str(place)) from error
        raise
