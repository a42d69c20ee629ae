"""What a small backbone may be: a transformer class of diffusers, and how that is told frame 0 and the time."""

from importlib import import_module
from typing import Any, Literal, Protocol

from kinebench.kinemask.small.codec import Codec

Name = Literal["cogvideox", "wan"]

TIMES = 1000.0
"""The transformers' own count of t = 1."""
HEAD = 32
"""So wide is a head of attention."""

_CLASSES = {"cogvideox": "SmallCogVideoX", "wan": "SmallWan"}


class Architecture(Protocol):
    """A class of transformer, with none of its weights."""

    name: Name
    kind: Any  # the transformer's class
    control: Any  # the class of its control branch

    def untrained(self, codec: Codec, frames: int, height: int, width: int, layers: int, heads: int, patch: int) -> Any:
        """A transformer for clips (F, H, W, 3) of this codec. Its weights are torch's to draw."""
        ...

    def clean(self, transformer: Any, noisy: Any, first: Any, text: Any, times: Any) -> Any:
        """The clean latents (B, T, C, h, w) behind noisy ones at `times` (B,) in [0, 1].

        `first` are those of frame 0 (B, C, h, w), `text` is (B, words, width). The transformer is called once, with
        named arguments. What is said of frame 0 counts for nothing.
        """
        ...


def architecture(name: Name) -> Architecture:
    """An architecture by its name."""
    module = import_module(f"kinebench.kinemask.small.{name}")
    made: Architecture = getattr(module, _CLASSES[name])()
    return made
