"""Wan2.2-TI2V-5B: flow matching on latents whose first frame is the picture itself, and stays clean."""

import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from diffusers.pipelines.wan.pipeline_wan_i2v import prompt_clean
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoTokenizer, UMT5EncoderModel

from kinebench.errors import KineBenchError
from kinebench.kinemask.branch.wan import WanControl
from kinebench.kinemask.draw import Draw
from kinebench.kinemask.families.parts import Parts, identity, pictures, pixels
from kinebench.kinemask.family import Tensors
from kinebench.metrics.precision import steady

WORDS = 512
TIMES = 1000
FLOW_SHIFT = 5.0
"""Where the scheduler's own settings have none."""

_KEEPING = ("vae", "text_encoder", "tokenizer")


class Wan:
    """Latents are (C, T, h, w), T = (F - 1) / 4 + 1: means alone, from which nothing is drawn, as in Wan's own code.

    Pictures are encoded in float32 whatever the backbone computes in, as its authors do.
    """

    name = "wan"
    architecture: Literal["wan"] = "wan"
    control = WanControl

    def __init__(self, parts: Parts) -> None:
        """Raises KineBenchError if the folder holds another model."""
        parts.demand("WanImageToVideoPipeline", "WanPipeline")
        if parts.config("transformer").get("image_dim") or not parts.config("vae").get("is_residual"):
            raise KineBenchError(f"{parts.folder} holds another model of Wan; Wan2.2-TI2V-5B is wanted")
        self.parts = parts

    @cached_property
    def transformer(self) -> Any:
        """The model that is steered."""
        return self.parts.frozen("transformer", WanTransformer3DModel)

    @cached_property
    def _vae(self) -> Any:
        return self.parts.frozen("vae", AutoencoderKLWan, torch.float32)

    @cached_property
    def _encoder(self) -> tuple[Any, Any]:
        tokenizer = AutoTokenizer.from_pretrained(str(self.parts.folder / "tokenizer"), local_files_only=True)
        return tokenizer, self.parts.frozen("text_encoder", UMT5EncoderModel)

    @cached_property
    def identity(self) -> str:
        """Hash of autoencoder, text encoder, and how they compute."""
        return f"{self.name} {identity(self.parts.folder, *_KEEPING)} {self.parts.precision}"

    @property
    def pixel(self) -> int:
        """So many pixels make one latent, each way."""
        return int(self.parts.config("vae")["scale_factor_spatial"])

    def check(self, frames: int, width: int, height: int) -> None:
        """Raises KineBenchError for a size or number of frames that the model would floor."""
        step = self.pixel * self.parts.config("transformer")["patch_size"][1]
        if width % step or height % step:
            raise KineBenchError(
                f"Wan makes multiples of {step} pixels, and the clips are {width}x{height}; "
                f"set data.size = [{width // step * step or step}, {height // step * step or step}]"
            )
        if frames % 4 != 1:
            raise KineBenchError(f"Wan makes 4 n + 1 frames, and the clips have {frames}; take other clips")

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def latents(self, frames: NDArray[np.uint8]) -> Tensors:
        """`latents` (C, T, h, w), normalised, float32."""
        self.check(len(frames), frames.shape[2], frames.shape[1])
        with steady():
            found = self._vae.encode(pixels(frames, torch.float32, self.parts.device)).latent_dist.mean[0].cpu()
        middle, spread = self._normal
        return {"latents": (found - middle) / spread}

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def text(self, prompts: Sequence[str]) -> Tensor:
        """UMT5's embeddings (N, 512, width), zero after the prompt's end, in the precision of the backbone."""
        tokenizer, encoder = self._encoder
        cleaned = [prompt_clean(prompt) for prompt in prompts]
        tokens = tokenizer(cleaned, padding="max_length", max_length=WORDS, truncation=True, return_tensors="pt")
        mask = tokens.attention_mask.to(self.parts.device)
        with steady():
            found = encoder(tokens.input_ids.to(self.parts.device), mask).last_hidden_state
        return (found * mask[..., None].to(found.dtype)).to(self.parts.dtype).cpu()

    @cached_property
    def _shift(self) -> float:
        return float(self.parts.config("scheduler").get("flow_shift") or FLOW_SHIFT)

    def loss(self, batch: Tensors, draw: Draw) -> Tensor:
        """Mean square error of noise - latents after frame 0, at shifted uniform times; (B,)."""
        clean = batch["latents"].float()
        device = clean.device
        part = draw.uniform()
        level = self._shifted(part).to(device)
        noise = draw.normal(*clean.shape[1:]).to(device)
        share = level.view(-1, 1, 1, 1, 1).expand(-1, 1, clean.shape[2], 1, 1).clone()
        share[:, :, 0] = 0  # the picture is there from the first step on
        noisy = (1 - share) * clean + share * noise
        wanted = noise - clean
        return (self._predicted(noisy, share, batch["text"]) - wanted)[:, :, 1:].square().flatten(1).mean(dim=1)

    def _shifted(self, part: Tensor) -> Tensor:
        """Shares of noise, 0..1, of which more are near 1."""
        return self._shift * part / (1 + (self._shift - 1) * part)

    def _predicted(self, noisy: Tensor, share: Tensor, text: Tensor) -> Tensor:
        """Noise - latents behind noisy ones (B, C, T, h, w), of which `share` (B, 1, T, 1, 1) is noise; float32."""
        return self.transformer(
            hidden_states=noisy.to(self.transformer.dtype),
            timestep=self._times(share, noisy.shape),
            encoder_hidden_states=text.to(self.transformer.dtype),
            return_dict=False,
        )[0].float()

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def shown(self, batch: Tensors, first: NDArray[np.uint8], steps: int, draw: Draw) -> NDArray[np.uint8]:
        """Clips (B, F, H, W, 3) by Euler steps, evenly spaced before they are shifted. `first` is not looked at."""
        picture = batch["latents"][:, :, :1].float()
        made = draw.normal(*batch["latents"].shape[1:]).to(picture.device)
        for now, then in itertools.pairwise(self._shifted(torch.linspace(1, 0, steps + 1)).tolist()):
            made[:, :, :1] = picture
            share = torch.full_like(made[:, :1, :, :1, :1], now)
            share[:, :, 0] = 0
            made = made + (then - now) * self._predicted(made, share, batch["text"])
        made[:, :, :1] = picture
        return np.stack([self._decoded(latents) for latents in made])

    def _decoded(self, latents: Tensor) -> NDArray[np.uint8]:
        """Pictures (4 T - 3, H, W, 3) of normalised latents (C, T, h, w)."""
        middle, spread = (part.to(latents.device) for part in self._normal)
        with steady():
            return pictures(self._vae.decode((latents * spread + middle)[None]).sample)

    @property
    def _normal(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of latents, (C, 1, 1, 1), on the CPU."""
        settings = self.parts.config("vae")
        middle, spread = (torch.tensor(settings[name]).view(-1, 1, 1, 1) for name in ("latents_mean", "latents_std"))
        return middle, spread

    def _times(self, share: Tensor, shape: torch.Size) -> Tensor:
        """The time of each token, (B, tokens): 0 in the first frame."""
        _, rows, columns = self.transformer.config.patch_size
        times = TIMES * share[:, 0]
        return times.expand(-1, -1, shape[3] // rows, shape[4] // columns).flatten(1)
