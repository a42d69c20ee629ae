"""Wan2.2-TI2V-5B, image to video: what diffusers makes of first frame and prompt, with its authors' settings."""

from pathlib import Path
from typing import Any

import numpy as np
from diffusers import UniPCMultistepScheduler
from diffusers.pipelines.wan.pipeline_wan_i2v import prompt_clean
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.kinemask.branch.wan import WanControl
from kinebench.kinemask.families import Name, Precision
from kinebench.kinemask.samplers.piped import Piped
from kinebench.kinemask.samplers.sampler import Call
from kinebench.methods.diffusion import opened, origin, told
from kinebench.methods.placement import Size

KIND = "WanImageToVideoPipeline"
PUBLISHED_AS = "WanPipeline"
"""What the published folder calls itself; that class would make a video of the prompt alone."""
FRAMES = 49
FLOW_SHIFT = 5.0
PROMPT_TOKENS = 512
NEGATIVE = (
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，"  # noqa: RUF001
    "JPEG压缩残留，丑陋的，残缺的，多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，"  # noqa: RUF001
    "手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"  # noqa: RUF001
)
"""The negative prompt of the authors' own configuration, which their program uses unless it is given another."""


class Wan(Piped):
    """The published pipeline, its autoencoder in float32 as its authors and diffusers run it."""

    name: Name = "wan"
    control = WanControl
    steps = 50
    guidance: float | None = 5.0
    negative_prompt = NEGATIVE

    def __init__(self, folder: Path, device: str, dtype: Precision, offload: str, tiling: bool | None) -> None:
        """Raises KineBenchError if the folder holds another model."""
        pipeline = opened(
            KIND, folder, device=device, dtype=dtype, offload=offload, float32=("vae",), saved_as=(PUBLISHED_AS,)
        )
        if not pipeline.config.expand_timesteps:
            raise KineBenchError(f"{folder} holds another model of Wan; Wan2.2-TI2V-5B is wanted")
        pipeline.scheduler = UniPCMultistepScheduler.from_config(pipeline.scheduler.config, flow_shift=FLOW_SHIFT)
        super().__init__(pipeline, folder, dtype, bool(tiling))

    def makes(self, size: Size, frames: int | None) -> int:
        """The next 4 n + 1. Raises KineBenchError for a size that the pipeline would floor."""
        step = self.pipeline.vae_scale_factor_spatial * self.transformer.config.patch_size[1]
        width, height = size
        if width % step or height % step:
            raise KineBenchError(
                f"it makes multiples of {step} pixels, and was given {width}x{height}; the pipeline would floor that"
            )
        group = self.pipeline.vae_scale_factor_temporal
        return int(-(-((FRAMES if frames is None else frames) - 1) // group) * group + 1)

    def facts(self, call: Call) -> dict[str, Any]:
        """Weights, sampling, versions, and how much of the prompt is read."""
        own = call.negative_prompt == NEGATIVE
        return {
            **origin(self.folder, self.pipeline, steps=call.steps, dtype=self.precision),
            "guidance": call.guidance,
            "flow_shift": FLOW_SHIFT,
            "negative_prompt": "the authors'" if own else call.negative_prompt,
            **told(self.pipeline.tokenizer, prompt_clean(call.prompt), PROMPT_TOKENS),
        }

    def sampled(self, call: Call) -> NDArray[np.uint8]:
        """The videos (N, F, H, W, 3)."""
        from PIL import Image

        one = Image.fromarray(call.image)  # it is encoded for each video
        return self.piped(call, one, max_sequence_length=PROMPT_TOKENS)
