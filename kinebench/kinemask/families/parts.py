"""The parts of a published pipeline, loaded one by one from its folder."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from kinebench.errors import KineBenchError
from kinebench.methods.diffusion import CPU_LIMIT_GB
from kinebench.methods.hub import INDEX

_SAMPLE_BYTES = 1 << 20


@dataclass(frozen=True)
class Parts:
    """A folder of diffusers, where its models run, and what they compute in."""

    folder: Path
    device: str
    precision: str  # "bfloat16" or "float32"

    @property
    def dtype(self) -> torch.dtype:
        """The same for torch."""
        return getattr(torch, self.precision)

    @property
    def index(self) -> dict[str, Any]:
        """What the folder says of the whole."""
        return self._json(INDEX)

    def demand(self, *pipelines: str) -> None:
        """Raises KineBenchError if the folder holds none of these pipelines."""
        found = self.index.get("_class_name")
        if found not in pipelines:
            raise KineBenchError(f"{self.folder} holds a {found}; a {pipelines[0]} is wanted: see backbone.weights")

    def config(self, part: str) -> dict[str, Any]:
        """How a part is set up."""
        return self._json(f"{part}/{'scheduler_config' if part == 'scheduler' else 'config'}.json")

    def frozen(self, part: str, kind: Any, dtype: torch.dtype | None = None) -> Any:
        """A model that is not trained, on the device.

        Raises KineBenchError for a large one without a GPU, and for one that is missing or damaged.
        """
        gigabytes = sum(path.stat().st_size for path in (self.folder / part).glob("*.safetensors")) / 1e9
        if self.device == "cpu" and gigabytes > CPU_LIMIT_GB:
            raise KineBenchError(f"{gigabytes:.0f} GB of weights do not train on a CPU; run it where torch finds a GPU")
        where = {"subfolder": part, "local_files_only": True}
        try:
            model = kind.from_pretrained(str(self.folder), dtype=dtype or self.dtype, **where)
        except (OSError, ValueError, SafetensorError) as error:
            raise KineBenchError(f"{self.folder / part}: {error}") from error
        return model.eval().requires_grad_(False).to(self.device)

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            return dict(json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            raise KineBenchError(
                f"{self.folder} is no folder of diffusers: its {name} is missing or broken; see backbone.weights"
            ) from None


def identity(folder: Path, *parts: str) -> str:
    """Hash of parts of a pipeline: every file's name and size, its first MiB and its last."""
    digest = hashlib.sha256()
    for part in parts:
        for path in sorted(path for path in (folder / part).rglob("*") if path.is_file()):
            size = path.stat().st_size
            digest.update(f"{path.relative_to(folder).as_posix()} {size}\n".encode())
            with path.open("rb") as file:
                digest.update(file.read(_SAMPLE_BYTES))
                file.seek(max(file.tell(), size - _SAMPLE_BYTES))
                digest.update(file.read())
    return digest.hexdigest()


def pixels(frames: Any, dtype: torch.dtype, device: str) -> torch.Tensor:
    """Pictures uint8 (F, H, W, 3) as an autoencoder takes them: (1, 3, F, H, W) in [-1, 1]."""
    return (torch.from_numpy(frames).to(device).movedim(-1, 0)[None].float() / 127.5 - 1).to(dtype)


def pictures(decoded: torch.Tensor) -> NDArray[np.uint8]:
    """What an autoencoder made, (1, 3, F, H, W) in [-1, 1], as pictures (F, H, W, 3); what is no number is grey.

    Rounded to the nearest of 256 levels, as `methods.diffusion.as_pictures` does.
    """
    levels = (decoded[0].float().nan_to_num() / 2 + 0.5).clamp(0, 1) * 255
    made: NDArray[np.uint8] = levels.round().to(torch.uint8).movedim(0, -1).cpu().numpy()
    return made
