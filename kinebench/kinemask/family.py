"""What differs between backbones: how clips become latents, what noise does to them, what is to be predicted."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kinebench.kinemask.draw import Draw

Tensors = Mapping[str, Any]
"""Names to torch tensors."""


class Family(Protocol):
    """A backbone with its autoencoder and its text encoder: CogVideoX, Wan, or the small one for everyone.

    Each part is loaded when it is first used: training needs the transformer alone.
    """

    name: str

    @property
    def architecture(self) -> Literal["cogvideox", "wan"]:
        """Whose transformer class it is."""
        ...

    @property
    def control(self) -> Any:
        """The class of its control branch, see `branch/`."""
        ...

    @property
    def transformer(self) -> Any:
        """The diffusers model that is steered: frozen, in evaluation mode, on its device."""
        ...

    @property
    def identity(self) -> str:
        """Hash of what decides `latents` and `text`: the weights of those parts, and how they compute."""
        ...

    @property
    def pixel(self) -> int:
        """So many pixels make one latent, each way."""
        ...

    def check(self, frames: int, width: int, height: int) -> None:
        """Raises KineBenchError, which says what it takes, for clips that it cannot be trained on."""
        ...

    def latents(self, frames: NDArray[np.uint8]) -> Tensors:
        """What training keeps of a clip, uint8 (F, H, W, 3): without a batch axis, on the CPU."""
        ...

    def text(self, prompts: Sequence[str]) -> Any:
        """Embeddings of prompts, (N, words, width), on the CPU."""
        ...

    def loss(self, batch: Tensors, draw: "Draw") -> Any:
        """The loss of each clip of a batch, float32 (B,): of kept latents, `text`, and noise and times from `draw`.

        The transformer is called once, with named arguments, so that a control branch attached to it hears them.
        """
        ...

    def shown(self, batch: Tensors, first: NDArray[np.uint8], steps: int, draw: "Draw") -> NDArray[np.uint8]:
        """Clips (B, F, H, W, 3) made from noise in so many steps, without guidance.

        `batch` is what `latents` kept of each clip, of which only that of frame 0 is read, and `text`; `first` is frame
        0 itself (B, H, W, 3). The transformer is called with named arguments, so that an attached branch hears them.
        """
        ...
