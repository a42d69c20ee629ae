"""What the samplers that are pipelines of diffusers have in common."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.kinemask.families import Precision
from kinebench.kinemask.samplers.sampler import Call
from kinebench.methods.diffusion import as_pictures, made


class Piped:
    """An opened pipeline, where it lies, and what it computes in."""

    def __init__(self, pipeline: Any, folder: Path, precision: Precision, tiling: bool) -> None:
        """With `tiling` its autoencoder works in tiles; one video at a time in any case."""
        self.pipeline, self.folder, self.precision = pipeline, folder, precision
        if tiling:
            pipeline.vae.enable_tiling()
        pipeline.vae.enable_slicing()

    @property
    def transformer(self) -> Any:
        """What a branch is attached to."""
        return self.pipeline.transformer

    @property
    def place(self) -> Any:
        """The torch device on which it works."""
        return self.pipeline._execution_device

    @property
    def dtype(self) -> Any:
        """The torch dtype in which it works."""
        return self.transformer.dtype

    def piped(self, call: Call, image: Any, **more: Any) -> NDArray[np.uint8]:
        """The videos (N, F, H, W, 3) of a call; `image` is as this pipeline takes pictures, `more` is its own."""
        height, width, _ = call.image.shape
        count = len(call.seeds)
        videos = made(
            self.pipeline,
            call.seeds,
            image=image,
            prompt=[call.prompt] * count,
            negative_prompt=[call.negative_prompt] * count,
            width=width,
            height=height,
            num_frames=call.frames,
            num_inference_steps=call.steps,
            guidance_scale=call.guidance,
            **more,
        )
        return np.stack([as_pictures(video, call.frames, (width, height)) for video in videos])
