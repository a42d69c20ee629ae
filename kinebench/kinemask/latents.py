"""What training needs of clips and prompts, kept on the disk, so that it never runs an autoencoder or a text encoder.

A file for each clip and each prompt, called after a hash of all that decides its content. So a cache can be shared by
datasets, runs and models, is never stale, and may be deleted at any time.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from kinebench.errors import KineBenchError
from kinebench.kinemask.family import Tensors
from kinebench.shards.files import disk_room, write_atomic

FORMAT = 1
"""Raised whenever the same clip and model would be kept otherwise."""
_TEXT = "text"
_WORDS = "words"


@dataclass(frozen=True)
class Cache:
    """The files of one model at one size. Any number of processes may write them at once."""

    folder: Path
    model: str  # `Family.identity`
    size: tuple[int, int]  # width and height of clips, in pixels

    def clip(self, sha256: str, mirrored: bool = False) -> Path:
        """The file of a clip, or of the same turned left to right; `sha256` is of its mp4."""
        return self._path("clips", sha256, *self.size, *(["mirrored"] if mirrored else []))

    def prompt(self, text: str) -> Path:
        """The file of a prompt."""
        return self._path("prompts", text)

    def put_clip(self, sha256: str, tensors: Tensors, mirrored: bool = False) -> None:
        """Keep what `Family.latents` made, float32 or bfloat16 as it is. Raises KineBenchError if the disk is full."""
        _write(self.clip(sha256, mirrored), tensors, {})

    def put_prompt(self, text: str, embedding: Tensor) -> None:
        """Keep an embedding (words, width), without the zeros at its end."""
        said = embedding.any(dim=1).nonzero()
        count = int(said.max()) + 1 if len(said) else 0
        _write(self.prompt(text), {_TEXT: embedding[:count]}, {_WORDS: str(len(embedding))})

    def get_clip(self, sha256: str, mirrored: bool = False) -> dict[str, Tensor]:
        """What was kept of a clip. Raises KineBenchError if it is not there or damaged."""
        return _read(self.clip(sha256, mirrored))[0]

    def get_prompt(self, text: str) -> Tensor:
        """The whole embedding (words, width) of a prompt. Raises KineBenchError if it is not there or damaged."""
        tensors, facts = _read(self.prompt(text))
        said = tensors[_TEXT]
        whole = said.new_zeros(int(facts[_WORDS]), said.shape[1])
        whole[: len(said)] = said
        return whole

    def _path(self, kind: str, *what: str | int) -> Path:
        name = hashlib.sha256(json.dumps([FORMAT, self.model, *what]).encode()).hexdigest()
        return self.folder / kind / name[:2] / f"{name}.safetensors"


def _write(path: Path, tensors: Tensors, facts: Mapping[str, str]) -> None:
    data = save({name: value.contiguous() for name, value in tensors.items()}, dict(facts))
    with disk_room("keeping latents", path.parents[2] if path.parents[2].is_dir() else Path.cwd(), len(data)):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        data = path.read_bytes()
        size = int.from_bytes(data[:8], "little")
        facts = json.loads(data[8 : 8 + size]).get("__metadata__", {})
        return load(data), facts
    except FileNotFoundError:
        raise KineBenchError(f"{path} is gone; run the same kinebench train precompute again") from None
    except (OSError, ValueError, SafetensorError) as error:
        raise KineBenchError(
            f"{path} is damaged ({error}); delete it and run the same kinebench train precompute again"
        ) from error
