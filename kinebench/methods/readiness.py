"""Whether a method could run here: what is missing, found without importing or reading anything large."""

import importlib.util
from collections.abc import Iterator

from kinebench.errors import KineBenchError
from kinebench.methods import hub
from kinebench.methods.method import Method

MODULES = {
    "render": ("bpy", "pybullet"),
    "score": ("scipy", "cv2"),
    "networks": ("torch", "transformers", "safetensors"),
    "diffusion": ("torch", "diffusers", "transformers", "accelerate", "safetensors"),
}
"""By the extra that brings them."""


def missing(method: Method) -> Iterator[str]:
    """What a method lacks here, in two or three words each; nothing if it can run."""
    if method.extra and any(importlib.util.find_spec(name) is None for name in MODULES.get(method.extra, ())):
        yield f"extra {method.extra}"
    options = method.options.items()
    if wanted := [name for name, each in options if each.default is None or (each.place and each.default == "")]:
        yield f"--set {', '.join(wanted)}"
    if method.runs == "in process":
        locate = hub.weights(method, {})
        for name in method.weights:
            try:
                locate(name)
            except KineBenchError:
                yield f"weights {name}"
