"""What makes videos with a backbone, as its authors do: one for each family."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kinebench.kinemask.families import Name
from kinebench.methods.placement import Size


@dataclass(frozen=True, eq=False)
class Call:
    """Some videos of one picture at once."""

    image: NDArray[np.uint8] = field(repr=False)  # (H, W, 3)
    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]  # one for each video
    frames: int
    steps: int
    guidance: float


class Sampler(Protocol):
    """A backbone with all its parts, ready on its device."""

    name: Name
    control: Any  # the class of its control branch
    folder: Path  # where its weights lie
    steps: int  # unless others are asked for
    guidance: float | None  # the same; None: it was not trained for any
    negative_prompt: str  # the same

    @property
    def transformer(self) -> Any:
        """What a branch is attached to."""
        ...

    @property
    def place(self) -> Any:
        """The torch device on which it works, and so must a branch."""
        ...

    @property
    def dtype(self) -> Any:
        """The torch dtype in which it works."""
        ...

    def makes(self, size: Size, frames: int | None) -> int:
        """How many frames it makes so that there are as many; if None, how many it makes by itself.

        Raises KineBenchError if it cannot make so many, or not of this size.
        """
        ...

    def facts(self, call: Call) -> Mapping[str, Any]:
        """What videos are made with, and what is read of the prompt: plain JSON."""
        ...

    def sampled(self, call: Call) -> NDArray[np.uint8]:
        """The videos (N, F, H, W, 3). The transformer is called with named arguments, so that a branch hears them."""
        ...
