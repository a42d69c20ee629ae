"""Wan2.2-TI2V-5B, image to video: what diffusers makes of first frame and prompt, with its authors' settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.methods.adapter import Adapter, Setup
from kinebench.methods.condition import Condition
from kinebench.methods.video import Video

KIND = "WanImageToVideoPipeline"
PUBLISHED_AS = "WanPipeline"
"""What the published folder calls itself; that class would make a video of the prompt alone."""
GUIDANCE = 5.0
FLOW_SHIFT = 5.0
PROMPT_TOKENS = 512
NEGATIVE = (
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，"  # noqa: RUF001
    "JPEG压缩残留，丑陋的，残缺的，多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，"  # noqa: RUF001
    "手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"  # noqa: RUF001
)
"""The negative prompt of the authors' own configuration, which their program uses unless it is given another."""


class Wan:
    """The pipeline and what it was opened from."""

    def __init__(self, pipeline: Any, folder: Path, options: Mapping[str, Any]) -> None:
        from kinebench.methods.diffusion import origin

        self.pipeline = pipeline
        self.options = options
        self.facts = origin(folder, pipeline, options) | {
            "guidance": GUIDANCE,
            "flow_shift": FLOW_SHIFT,
            "negative_prompt": "the authors'",
        }

    def generate(self, condition: Condition, seed: int) -> Video:
        """The clip's frames, and up to three more that are dropped."""
        from diffusers.pipelines.wan.pipeline_wan_i2v import prompt_clean
        from PIL import Image

        from kinebench.methods.diffusion import as_pictures, made, told

        frames = self._frames(condition)
        width, height = condition.size
        video = made(
            self.pipeline,
            seed,
            image=Image.fromarray(condition.first_frame),
            prompt=condition.prompt,
            negative_prompt=NEGATIVE,
            width=width,
            height=height,
            num_frames=frames,
            num_inference_steps=self.options["steps"],
            guidance_scale=GUIDANCE,
            max_sequence_length=PROMPT_TOKENS,
        )
        read = told(self.pipeline.tokenizer, prompt_clean(condition.prompt), PROMPT_TOKENS)
        facts = self.facts | read | {"frames_made": frames}
        return Video(as_pictures(video, condition.frames, condition.size), facts=facts)

    def _frames(self, condition: Condition) -> int:
        """How many frames to make: 4 n + 1. Raises KineBenchError for a size that the pipeline would floor."""
        step = self.pipeline.vae_scale_factor_spatial * self.pipeline.transformer.config.patch_size[1]
        width, height = condition.size
        if width % step or height % step:
            raise KineBenchError(
                f"it makes multiples of {step} pixels, and was given {width}x{height}; the pipeline would floor that"
            )
        group = self.pipeline.vae_scale_factor_temporal
        return int(-(-(condition.frames - 1) // group) * group + 1)


def load(setup: Setup) -> Adapter:
    """The published pipeline, its autoencoder in float32 as its authors and diffusers run it."""
    from kinebench.methods.diffusion import opened, weights

    from .tiny import pipeline as tiny

    options = setup.options
    with weights(setup, "model", tiny) as folder:
        pipeline = opened(
            KIND,
            folder,
            device=setup.device,
            dtype=options["dtype"],
            offload=options["offload"],
            float32=("vae",),
            saved_as=(PUBLISHED_AS,),
        )
        if not pipeline.config.expand_timesteps:
            raise KineBenchError(f"{folder} holds another model of Wan; Wan2.2-TI2V-5B is wanted")
        pipeline.scheduler = _scheduler(pipeline.scheduler.config)
        return Wan(pipeline, folder, options)


def _scheduler(config: Any) -> Any:
    from diffusers import UniPCMultistepScheduler

    return UniPCMultistepScheduler.from_config(config, flow_shift=FLOW_SHIFT)
