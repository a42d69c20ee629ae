"""CogVideoX-5B, image to video: what diffusers makes of the first frame and the prompt, with its authors' settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.methods.adapter import Adapter, Setup
from kinebench.methods.condition import Condition
from kinebench.methods.video import Video

KIND = "CogVideoXImageToVideoPipeline"
GUIDANCE = 6.0


class CogVideoX:
    """The pipeline and what it was opened from."""

    def __init__(self, pipeline: Any, folder: Path, options: Mapping[str, Any]) -> None:
        from kinebench.methods.diffusion import origin

        self.pipeline = pipeline
        self.options = options
        self.facts = origin(folder, pipeline, options) | {"guidance": GUIDANCE, "dynamic_guidance": True}

    def generate(self, condition: Condition, seed: int) -> Video:
        """All the frames that the model was trained to make, of which the clip's are kept."""
        from PIL import Image

        from kinebench.methods.diffusion import as_pictures, made, told

        frames = self._frames(condition)
        width, height = condition.size
        limit = self.pipeline.transformer.config.max_text_seq_length
        video = made(
            self.pipeline,
            seed,
            image=Image.fromarray(condition.first_frame),
            prompt=condition.prompt,
            width=width,
            height=height,
            num_frames=frames,
            num_inference_steps=self.options["steps"],
            guidance_scale=GUIDANCE,
            use_dynamic_cfg=True,
            max_sequence_length=limit,
        )
        facts = self.facts | told(self.pipeline.tokenizer, condition.prompt, limit) | {"frames_made": frames}
        return Video(as_pictures(video, condition.frames, condition.size), facts=facts)

    def _frames(self, condition: Condition) -> int:
        """How many frames to make. Raises KineBenchError for a condition of a size or length that the model lacks."""
        config, pixel = self.pipeline.transformer.config, self.pipeline.vae_scale_factor_spatial
        trained = (config.sample_width * pixel, config.sample_height * pixel)
        step = pixel * config.patch_size
        if config.use_learned_positional_embeddings and condition.size != trained:
            raise KineBenchError(f"it makes {_by(trained)} alone, and was given {_by(condition.size)}")
        if any(edge % step for edge in condition.size):
            raise KineBenchError(f"it makes multiples of {step} pixels, and was given {_by(condition.size)}")
        if condition.frames > config.sample_frames:
            raise KineBenchError(f"it makes {config.sample_frames} frames, and the clip has {condition.frames}")
        return int(config.sample_frames)


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def load(setup: Setup) -> Adapter:
    """The published pipeline, with the scheduler and the tiling that its authors use."""
    from kinebench.methods.diffusion import opened, weights

    from .tiny import pipeline as tiny

    options = setup.options
    with weights(setup, "model", tiny) as folder:
        pipeline = opened(KIND, folder, device=setup.device, dtype=options["dtype"], offload=options["offload"])
        pipeline.scheduler = _scheduler(pipeline.scheduler.config)
        pipeline.vae.enable_tiling()
        return CogVideoX(pipeline, folder, options)


def _scheduler(config: Any) -> Any:
    from diffusers import CogVideoXDPMScheduler

    return CogVideoXDPMScheduler.from_config(config, timestep_spacing="trailing")
