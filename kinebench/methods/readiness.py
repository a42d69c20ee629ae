"""Whether a method could run here: what is missing, found without importing or reading anything large."""

import importlib.util
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Lack:
    """Something that a method lacks here."""

    what: str  # in two or three words
    remedy: str  # what to do


def missing(method: Method) -> Iterator[str]:
    """What a method lacks here, in two or three words each; nothing if it can run."""
    return (each.what for each in lacks(method, (), {}))


def lacks(method: Method, given: Collection[str], weights: Mapping[str, Path]) -> Iterator[Lack]:
    """What a method lacks here, if the user has set the options `given` and named these weights of his own."""
    if method.extra and any(importlib.util.find_spec(name) is None for name in MODULES.get(method.extra, ())):
        yield Lack(f"extra {method.extra}", f"run: pip install 'kinebench[{method.extra}]'")
    options = [(name, each) for name, each in method.options.items() if name not in given]
    if wanted := [(name, each) for name, each in options if each.default is None or (each.place and not each.default)]:
        listed = "; ".join(f"--set {name}=... ({each.help})" for name, each in wanted)
        yield Lack(f"--set {', '.join(name for name, _ in wanted)}", f"{method.name} wants to know: {listed}")
    if method.runs == "in process":
        locate = hub.weights(method, weights)
        for name in method.weights:
            try:
                locate(name)
            except KineBenchError as error:
                yield Lack(f"weights {name}", str(error))
