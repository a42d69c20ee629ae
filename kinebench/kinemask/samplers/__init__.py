"""The backbones at work."""

from importlib import import_module
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.kinemask.families import Name, Precision
from kinebench.kinemask.samplers.sampler import Sampler
from kinebench.methods.diffusion import demand_extra

_CLASSES = {"cogvideox": "CogVideoX", "wan": "Wan", "small": "Small"}


def open_sampler(
    name: Name, folder: Path, *, device: str, dtype: Precision, offload: str = "none", tiling: bool | None = None
) -> Sampler:
    """A family whose weights lie in a folder of diffusers, loaded.

    `tiling` is whether its autoencoder works in tiles, which takes less memory; None: as its authors do. `offload` and
    `tiling` say nothing of the small family. Raises KineBenchError if the folder holds another model, or a damaged one.
    """
    demand_extra()
    from safetensors import SafetensorError

    module = import_module(f"kinebench.kinemask.samplers.{name}")
    try:
        sampler: Sampler = getattr(module, _CLASSES[name])(folder, device, dtype, offload, tiling)
    except (OSError, ValueError, SafetensorError) as error:
        raise KineBenchError(f"{folder}: {error}") from error
    return sampler
