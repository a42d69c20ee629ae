"""CogVideoX-5B, image to video: what diffusers makes of the first frame and the prompt, with its authors' settings."""

from pathlib import Path
from typing import Any

import numpy as np
from diffusers import CogVideoXDPMScheduler
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.kinemask.branch.cogvideox import CogVideoXControl
from kinebench.kinemask.families import Name, Precision
from kinebench.kinemask.samplers.piped import Piped
from kinebench.kinemask.samplers.sampler import Call
from kinebench.methods.diffusion import opened, origin, told
from kinebench.methods.placement import Size

KIND = "CogVideoXImageToVideoPipeline"


class CogVideoX(Piped):
    """The published pipeline, with the scheduler and the tiling that its authors use."""

    name: Name = "cogvideox"
    control = CogVideoXControl
    steps = 50
    guidance: float | None = 6.0
    negative_prompt = ""

    def __init__(self, folder: Path, device: str, dtype: Precision, offload: str, tiling: bool | None) -> None:
        """Raises KineBenchError if the folder holds another model."""
        pipeline = opened(KIND, folder, device=device, dtype=dtype, offload=offload)
        pipeline.scheduler = CogVideoXDPMScheduler.from_config(pipeline.scheduler.config, timestep_spacing="trailing")
        super().__init__(pipeline, folder, dtype, tiling is not False)

    @property
    def _words(self) -> int:
        return int(self.transformer.config.max_text_seq_length)

    def makes(self, size: Size, frames: int | None) -> int:
        """As many as it was trained to make. Raises KineBenchError for another size, or for more."""
        config, pixel = self.transformer.config, self.pipeline.vae_scale_factor_spatial
        trained = (config.sample_width * pixel, config.sample_height * pixel)
        step = pixel * config.patch_size
        if config.use_learned_positional_embeddings and size != trained:
            raise KineBenchError(f"it makes {_by(trained)} alone, and was given {_by(size)}")
        if any(edge % step for edge in size):
            raise KineBenchError(f"it makes multiples of {step} pixels, and was given {_by(size)}")
        if frames is not None and frames > config.sample_frames:
            raise KineBenchError(f"it makes {config.sample_frames} frames, and the clip has {frames}")
        return int(config.sample_frames)

    def facts(self, call: Call) -> dict[str, Any]:
        """Weights, sampling, versions, and how much of the prompt is read."""
        made_with = origin(self.folder, self.pipeline, steps=call.steps, dtype=self.precision)
        guided = {"guidance": call.guidance, "dynamic_guidance": True}
        return made_with | guided | told(self.pipeline.tokenizer, call.prompt, self._words)

    def sampled(self, call: Call) -> NDArray[np.uint8]:
        """The videos (N, F, H, W, 3)."""
        from PIL import Image

        images = [Image.fromarray(call.image)] * len(call.seeds)
        return self.piped(call, images, use_dynamic_cfg=True, max_sequence_length=self._words)


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
