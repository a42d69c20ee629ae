"""CogVideoX-5B, image to video: v-prediction on latents, beside which stands the latent of the first frame."""

import hashlib
import itertools
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any, Literal

import numpy as np
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoTokenizer, T5EncoderModel

from kinebench.errors import KineBenchError
from kinebench.kinemask.branch.cogvideox import CogVideoXControl
from kinebench.kinemask.draw import Draw
from kinebench.kinemask.families.parts import Parts, identity, pictures, pixels
from kinebench.kinemask.family import Tensors
from kinebench.metrics.precision import steady

NOISY_IMAGES = 4
"""With `image_noise` so many noisy versions of each first frame are kept, of which training draws one."""
NOISE_LOG_MEAN, NOISE_LOG_STD = -3.0, 0.5
"""Of the noise's standard deviation, where pixels are in [-1, 1]: as the model itself was trained."""

_KEEPING = ("vae", "text_encoder", "tokenizer")


class CogVideoX:
    """Latents are (T, C, h, w), T = (F - 1) / 4 + 1. Mean and logarithm of variance are kept, and drawn from later."""

    name = "cogvideox"
    architecture: Literal["cogvideox"] = "cogvideox"
    control = CogVideoXControl

    def __init__(self, parts: Parts, image_noise: bool = False) -> None:
        """Raises KineBenchError if the folder holds another model."""
        parts.demand("CogVideoXImageToVideoPipeline")
        if parts.config("scheduler").get("prediction_type") != "v_prediction":
            raise KineBenchError(f"{parts.folder} was not trained to predict v, as CogVideoX-5B-I2V was")
        self.parts = parts
        self.image_noise = image_noise

    @cached_property
    def transformer(self) -> Any:
        """The model that is steered."""
        return self.parts.frozen("transformer", CogVideoXTransformer3DModel)

    @cached_property
    def _vae(self) -> Any:
        return self.parts.frozen("vae", AutoencoderKLCogVideoX)

    @cached_property
    def _encoder(self) -> tuple[Any, Any]:
        tokenizer = AutoTokenizer.from_pretrained(str(self.parts.folder / "tokenizer"), local_files_only=True)
        return tokenizer, self.parts.frozen("text_encoder", T5EncoderModel)

    @cached_property
    def identity(self) -> str:
        """Hash of autoencoder, text encoder, and how they compute."""
        parts = identity(self.parts.folder, *_KEEPING)
        return f"{self.name} {parts} {self.parts.precision} {NOISY_IMAGES if self.image_noise else 1}"

    @property
    def pixel(self) -> int:
        """So many pixels make one latent, each way."""
        return 2 ** (len(self.parts.config("vae")["block_out_channels"]) - 1)

    def check(self, frames: int, width: int, height: int) -> None:
        """Raises KineBenchError for a size or number of frames that the model was not made for."""
        model, pixel = self.parts.config("transformer"), self.pixel
        own = (model["sample_frames"], model["sample_width"] * pixel, model["sample_height"] * pixel)
        if model.get("use_learned_positional_embeddings") and (frames, width, height) != own:
            raise KineBenchError(
                f"CogVideoX makes {_told(*own)} alone, and the clips are {_told(frames, width, height)}; "
                f"set data.size = [{own[1]}, {own[2]}]" + ("" if frames == own[0] else " and take other clips")
            )
        step = pixel * model["patch_size"]
        if width % step or height % step or frames % 4 != 1 or frames > own[0]:
            raise KineBenchError(
                f"CogVideoX makes 4 n + 1 frames, {own[0]} at most, of multiples of {step} pixels, and the clips are "
                f"{_told(frames, width, height)}; set data.size, or take other clips"
            )

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def latents(self, frames: NDArray[np.uint8]) -> Tensors:
        """`mean` and `logvar` (T, C, h, w) of the clip; `image_mean` and `image_logvar` (K, C, h, w) of frame 0."""
        self.check(len(frames), frames.shape[2], frames.shape[1])
        clip = self._encoded(pixels(frames, torch.float32, self.parts.device))
        first = pixels(frames[:1], torch.float32, self.parts.device)
        images = [self._encoded(image) for image in (self._noisy(first, frames[0]) if self.image_noise else [first])]
        mean, logvar = (torch.cat([image[i] for image in images]) for i in (0, 1))
        return {"mean": clip[0], "logvar": clip[1], "image_mean": mean, "image_logvar": logvar}

    def _noisy(self, image: Tensor, picture: NDArray[np.uint8]) -> list[Tensor]:
        """Versions of a picture, the same ones each time."""
        draw = np.random.default_rng(list(hashlib.sha256(picture.tobytes()).digest()))
        spreads = np.exp(draw.normal(NOISE_LOG_MEAN, NOISE_LOG_STD, NOISY_IMAGES))
        noise = [torch.from_numpy(draw.standard_normal(image.shape, dtype=np.float32)) for _ in spreads]
        return [image + spread * each.to(image.device) for spread, each in zip(spreads, noise, strict=True)]

    def _encoded(self, images: Tensor) -> tuple[Tensor, Tensor]:
        with steady():
            found = self._vae.encode(images.to(self.parts.dtype)).latent_dist
        mean, logvar = (value[0].transpose(0, 1).contiguous().cpu() for value in (found.mean, found.logvar))
        return mean, logvar

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def text(self, prompts: Sequence[str]) -> Tensor:
        """T5's embeddings, as many words as the transformer takes, in the precision of the backbone."""
        tokenizer, encoder = self._encoder
        words = self.parts.config("transformer")["max_text_seq_length"]
        tokens = tokenizer(list(prompts), padding="max_length", max_length=words, truncation=True, return_tensors="pt")
        with steady():
            return encoder(tokens.input_ids.to(self.parts.device))[0].to(self.parts.dtype).cpu()

    @cached_property
    def _alphas(self) -> Tensor:
        """What is left of the clip's power at each time, (1000,); nothing at the last."""
        return CogVideoXDDIMScheduler.from_config(self.parts.config("scheduler")).alphas_cumprod.float()

    def loss(self, batch: Tensors, draw: Draw) -> Tensor:
        """Mean square error of v = sqrt(a) noise - sqrt(1 - a) latents, t uniform over the model's times; (B,)."""
        device = self.transformer.device
        time = (draw.uniform() * len(self._alphas)).long()
        clean = self._scale * _drawn(batch["mean"], batch["logvar"], draw)
        image = _drawn(*_picked(batch["image_mean"], batch["image_logvar"], draw), draw)
        noise = draw.normal(*clean.shape[1:]).to(device)
        power = self._alphas[time].to(device).view(-1, 1, 1, 1, 1)
        noisy = power.sqrt() * clean + (1 - power).sqrt() * noise
        wanted = power.sqrt() * noise - (1 - power).sqrt() * clean
        predicted = self._predicted(noisy, image, batch["text"], time)
        return (predicted - wanted).square().flatten(1).mean(dim=1)

    @property
    def _scale(self) -> float:
        return float(self.parts.config("vae")["scaling_factor"])

    def _predicted(self, noisy: Tensor, image: Tensor, text: Tensor, time: Tensor) -> Tensor:
        """The v of noisy latents (B, T, C, h, w) at times (B,), beside latents (B, 1, C, h, w) of frame 0; float32."""
        inverse = self.parts.config("vae").get("invert_scale_latents")
        image = image / self._scale if inverse else image * self._scale
        image = torch.cat([image, torch.zeros_like(noisy[:, 1:])], dim=1)
        return self.transformer(
            hidden_states=torch.cat([noisy, image], dim=2).to(self.transformer.dtype),
            encoder_hidden_states=text.to(self.transformer.dtype),
            timestep=time.to(noisy.device),
            image_rotary_emb=self.rotary(*noisy.shape[1:2], *noisy.shape[3:]),
            return_dict=False,
        )[0].float()

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def shown(self, batch: Tensors, first: NDArray[np.uint8], steps: int, draw: Draw) -> NDArray[np.uint8]:
        """Clips (B, F, H, W, 3) by DDIM, whose times end where training has pure noise and are evenly spaced.

        Frame 0 is encoded here: what was kept of it may be noisy, and at inference it is not.
        """
        device = self.transformer.device
        made = draw.normal(*batch["mean"].shape[1:]).to(device)
        seen = [self._encoded(pixels(one[None], torch.float32, self.parts.device)) for one in first]
        mean, logvar = (torch.stack([one[i] for one in seen]) for i in (0, 1))
        image = _drawn(mean, logvar, draw).to(device)
        powers = torch.cat([self._alphas, torch.ones(1)]).to(device)  # at the time -1 nothing is noise
        times = [round(len(self._alphas) * part / steps) - 1 for part in range(steps, -1, -1)]
        for now, then in itertools.pairwise(times):
            v = self._predicted(made, image, batch["text"], torch.full((len(made),), now))
            clean = powers[now].sqrt() * made - (1 - powers[now]).sqrt() * v
            noise = (1 - powers[now]).sqrt() * made + powers[now].sqrt() * v
            made = powers[then].sqrt() * clean + (1 - powers[then]).sqrt() * noise
        frames = 4 * (made.shape[1] - 1) + 1
        return np.stack([self._decoded(latents)[-frames:] for latents in made])

    def _decoded(self, latents: Tensor) -> NDArray[np.uint8]:
        """Pictures of scaled latents (T, C, h, w): 4 T - 3, or 4 T if T is even, as the model's own code does."""
        self._vae.enable_tiling()
        try:
            with steady():
                found = self._vae.decode((latents / self._scale).transpose(0, 1)[None].to(self.parts.dtype)).sample
        finally:
            self._vae.disable_tiling()  # `latents` is exact
        return pictures(found)

    def rotary(self, frames: int, height: int, width: int) -> tuple[Tensor, Tensor] | None:
        """The places of tokens on a grid of latents, as the pipeline tells them; None if the model needs none."""
        config = self.transformer.config
        if not config.use_rotary_positional_embeddings:
            return None
        patch = config.patch_size
        own = (config.sample_width // patch, config.sample_height // patch)
        return _rotary(config.attention_head_dim, frames, height // patch, width // patch, own, self.transformer.device)


@cache
def _rotary(
    width: int, frames: int, rows: int, columns: int, own: tuple[int, int], device: torch.device
) -> tuple[Tensor, Tensor]:
    crop = get_resize_crop_region_for_grid((rows, columns), *own)
    return get_3d_rotary_pos_embed(width, crop, (rows, columns), frames, device=device)


def _drawn(mean: Tensor, logvar: Tensor, draw: Draw) -> Tensor:
    """A sample of what the autoencoder said, float32."""
    noise = draw.normal(*mean.shape[1:]).to(mean.device)
    return mean.float() + torch.exp(0.5 * logvar.float()) * noise


def _picked(means: Tensor, logvars: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
    """One version of each picture: (B, K, C, h, w) to (B, 1, C, h, w)."""
    chosen = (draw.uniform() * means.shape[1]).long().to(means.device)
    rows = torch.arange(len(means), device=means.device)
    return means[rows, chosen][:, None], logvars[rows, chosen][:, None]


def _told(frames: int, width: int, height: int) -> str:
    return f"{frames} frames of {width}x{height}"
