"""The backbones that can be steered."""

from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from kinebench.kinemask.family import Family

Name = Literal["cogvideox", "wan", "small"]
Precision = Literal["bfloat16", "float32"]

_CLASSES = {"cogvideox": "CogVideoX", "wan": "Wan", "small": "Small"}


def open_family(name: Name, folder: Path, device: str, precision: Precision, **options: Any) -> Family:
    """A family whose weights lie in a folder of diffusers; nothing is loaded yet.

    Raises KineBenchError if the folder holds another model.
    """
    from kinebench.kinemask.families.parts import Parts

    module = import_module(f"kinebench.kinemask.families.{name}")
    return getattr(module, _CLASSES[name])(Parts(folder, device, precision), **options)
