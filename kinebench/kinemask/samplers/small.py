"""The small backbone: a few Euler steps, without guidance. Frame 0 of a video is the picture itself."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.kinemask.draw import Draw
from kinebench.kinemask.families import Name, Precision
from kinebench.kinemask.families.parts import Parts
from kinebench.kinemask.families.small import Small as Family
from kinebench.kinemask.samplers.sampler import Call
from kinebench.kinemask.small import words
from kinebench.kinemask.small.codec import FRAMES
from kinebench.methods.diffusion import versions
from kinebench.methods.placement import Size
from kinebench.metrics.precision import steady


class Small:
    """A backbone that `kinebench train backbone` made."""

    name: Name = "small"
    steps = 4
    guidance: float | None = None
    negative_prompt = ""

    def __init__(self, folder: Path, device: str, dtype: Precision, offload: str, tiling: bool | None) -> None:
        """Raises KineBenchError if the folder holds another model. It is small: the memory switches say nothing."""
        self.folder = folder
        self.family = Family(Parts(folder, device, dtype))
        self.control: Any = self.family.control
        self.transformer: Any = self.family.transformer
        self.codec = self.family.codec
        self.clip = self.family.clip  # now: the folder of a rehearsal goes away

    @property
    def place(self) -> Any:
        """The torch device on which it works."""
        return self.transformer.device

    @property
    def dtype(self) -> Any:
        """The torch dtype in which it works."""
        return self.transformer.dtype

    def makes(self, size: Size, frames: int | None) -> int:
        """As many as it was trained to make. Raises KineBenchError for another size, or for more."""
        own, *trained = self.clip
        if size != tuple(trained) or (frames is not None and frames > own):
            given = "" if frames is None else f"{frames} frames of "
            raise KineBenchError(
                f"this small backbone makes {own} frames of {trained[0]}x{trained[1]} alone, and was given "
                f"{given}{size[0]}x{size[1]}"
            )
        return own

    def facts(self, call: Call) -> dict[str, Any]:
        """Sampling, versions, and how much of the prompt is heard."""
        phrases = sum(bool(words.heard(part)) for part in words.BREAK.split(call.prompt.lower()))
        return {
            "steps": call.steps,
            **versions(self.place, str(self.dtype).removeprefix("torch.")),
            "prompt_phrases": phrases,
            "prompt_truncated": phrases > words.PHRASES,
        }

    def sampled(self, call: Call) -> NDArray[np.uint8]:
        """The videos (N, F, H, W, 3)."""
        count = len(call.seeds)
        still = np.repeat(call.image[None], 1 + FRAMES, axis=0)
        first = torch.from_numpy(self.codec.encode(still)[:1]).repeat(count, 1, 1, 1).to(self.place)
        text = self.family.text([call.prompt] * count).to(self.place)
        draw = Draw([np.random.default_rng(seed) for seed in call.seeds])
        with steady():
            made = self.family.sampled(first, text, call.steps, draw).cpu().numpy()
        return np.stack([self.codec.decode(latents, call.image) for latents in made])
