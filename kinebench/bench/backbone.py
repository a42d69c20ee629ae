"""Published backbones with random weights, made where they are needed, and clips as precompute would have kept them."""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinebench.errors import require
from kinebench.kinemask.config import Backbone, Branch, Config, Data, Training
from kinebench.kinemask.families.parts import Parts, pixels
from kinebench.kinemask.family import Family, Tensors
from kinebench.kinemask.published import Model

_KINDS = {
    "cogvideox": ("AutoencoderKLCogVideoX", "T5EncoderModel"),
    "wan": ("AutoencoderKLWan", "UMT5EncoderModel"),
}


@dataclass(frozen=True)
class Drawn(Parts):
    """A published pipeline of which nothing is read: weights are drawn, on the device, in the precision."""

    model: Model

    def demand(self, *pipelines: str) -> None:
        """It is the one that was asked for."""

    def config(self, part: str) -> dict[str, Any]:
        """How a part is set up, as a file has it."""
        return dict(json.loads(json.dumps(getattr(self.model, part))))

    def frozen(self, part: str, kind: Any, dtype: torch.dtype | None = None) -> Any:
        """A model that is not trained, its tensors in the dtypes in which `Parts.frozen` loads them."""
        settings, lower, usual = self.config(part), dtype or self.dtype, torch.get_default_dtype()
        words = part == "text_encoder"
        torch.set_default_dtype(lower)
        try:
            with torch.device(self.device):
                made = kind(kind.config_class(**settings)) if words else kind.from_config(settings)
        finally:
            torch.set_default_dtype(usual)
        exact = set() if words else set(made._keep_in_fp32_modules or ())
        saved = made.state_dict().keys()
        for name, value in itertools.chain(made.named_parameters(), made.named_buffers()):
            if name in saved and value.is_floating_point():
                value.data = value.to(torch.float32 if exact & set(name.split(".")) else lower)
        return made.eval().requires_grad_(False)

    def autoencoder(self, in_the_loop: bool = False) -> Any:
        """The one that makes latents, in the precision; `in_the_loop` as KineMask's public ancestor runs it: tiled.

        Of Wan there is no such ancestor, and nothing is tiled.
        """
        made = self.frozen("vae", getattr(require("diffusers", "diffusion"), _KINDS[self.model.family][0]))
        if in_the_loop and self.model.family == "cogvideox":
            made.enable_tiling()
        return made

    def encoder(self) -> Any:
        """The one that reads prompts, in the precision."""
        return self.frozen("text_encoder", getattr(require("transformers", "diffusion"), _KINDS[self.model.family][1]))


def opened(model: Model, device: str) -> tuple[Family, Drawn]:
    """The family of a model, and its parts, in bfloat16; nothing is made yet."""
    from kinebench.kinemask.families.cogvideox import CogVideoX
    from kinebench.kinemask.families.wan import Wan

    parts = Drawn(Path(), device, "bfloat16", model)
    family: Family = CogVideoX(parts) if model.family == "cogvideox" else Wan(parts)
    family.check(model.frames, model.width, model.height)
    return family, parts


def settings(model: Model, **training: Any) -> Config:
    """The trainer's configuration for it: the published one, but for these rows of `training`."""
    branch, data = Branch(**model.branch), Data("", size=(model.width, model.height))
    return Config(Backbone(model.family), data, branch, training=Training(**training), source="bench train")


def blocks_of(model: Any) -> Any:
    """The blocks of a transformer, or of a branch."""
    return model.transformer_blocks if hasattr(model, "transformer_blocks") else model.blocks


def kept(model: Model, pixel: int) -> dict[str, tuple[tuple[int, ...], Any]]:
    """Shape and dtype of what precompute keeps of a clip, and of its prompt, `text`."""
    frames, height, width = (model.frames - 1) // 4 + 1, model.height // pixel, model.width // pixel
    if model.family == "cogvideox":
        channels, reads = model.vae["latent_channels"], model.transformer["text_embed_dim"]
        clip, image = ((count, channels, height, width) for count in (frames, 1))
        found = {"mean": clip, "logvar": clip, "image_mean": image, "image_logvar": image}
        return {name: (shape, torch.bfloat16) for name, shape in {**found, "text": (model.words, reads)}.items()}
    latents = (model.vae["z_dim"], frames, height, width)
    return {
        "latents": (latents, torch.float32),
        "text": ((model.words, model.transformer["text_dim"]), torch.bfloat16),
    }


def batch(model: Model, pixel: int, clips: int, device: str = "cpu") -> dict[str, Tensor]:
    """Clips as the trainer's loader hands them over: one object that moves to the right, and noise for the rest."""
    shapes = kept(model, pixel)
    made = {name: torch.randn(clips, *shape, device=device, dtype=dtype) for name, (shape, dtype) in shapes.items()}
    ids = torch.zeros(clips, model.frames, model.height, model.width, dtype=torch.uint8, device=device)
    rows, columns = model.height // 4, model.width // 4
    for frame in range(model.frames):
        left = frame * 2 * columns // model.frames
        ids[:, frame, rows : 2 * rows, left : left + columns] = 1
    table = torch.zeros(clips, model.frames, 256, 3, device=device)
    table[:, :, 1, 0] = 0.5
    return {**made, "ids": ids, "table": table, "number": torch.arange(clips)}


@torch.no_grad()  # type: ignore[untyped-decorator]
def encoded(model: Model, vae: Any, encoder: Any, frames: NDArray[np.uint8], words: Tensor) -> Tensors:
    """What `kept` says, of a clip (F, H, W, 3) and tokens (1, words), made on the device and left there.

    In whatever precision, and by whatever algorithm, torch chooses: so does a training loop that encodes.
    """
    text = encoder(words)[0]
    clip = vae.encode(pixels(frames, vae.dtype, str(vae.device))).latent_dist
    if model.family == "wan":
        settings = vae.config
        middle, spread = (
            torch.tensor(settings[name], device=vae.device).view(1, -1, 1, 1, 1)
            for name in ("latents_mean", "latents_std")
        )
        return {"latents": (clip.mean - middle) / spread, "text": text}
    image = vae.encode(pixels(frames[:1], vae.dtype, str(vae.device))).latent_dist
    found = {"mean": clip.mean, "logvar": clip.logvar, "image_mean": image.mean, "image_logvar": image.logvar}
    return {**{name: value.transpose(1, 2) for name, value in found.items()}, "text": text}
