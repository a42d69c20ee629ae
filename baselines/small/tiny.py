"""A small backbone with some ten thousand random weights, for checks: 49 frames of 96x64."""

from pathlib import Path
from typing import Any

import numpy as np

FRAMES, HEIGHT, WIDTH = 49, 64, 96


class Tiny:
    """Lies in a folder as a trained one does."""

    def __init__(self, tokenizer: Any) -> None:
        """It has words of its own."""
        from kinebench.kinemask.families.small import untrained
        from kinebench.kinemask.small.codec import fitted

        noise = np.random.default_rng(0).integers(0, 256, (1, FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)
        self.codec = fitted(noise, patch_px=8, channels=8, whitening=1.0, deviation=0.3)
        self.transformer = untrained(self.codec, FRAMES, HEIGHT, WIDTH, layers=1, heads=1)

    def save_pretrained(self, folder: str) -> None:
        """As diffusers' pipelines do."""
        from kinebench.kinemask.families.small import save

        save(Path(folder), self.transformer, self.codec, FRAMES, HEIGHT, WIDTH)
