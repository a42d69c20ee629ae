"""The small backbone for everyone: CogVideoX's or Wan's own transformer class at a few million parameters.

Rectified flow: latents at time t in [0, 1] are (1 - t) clean + t noise, and the transformer names the clean ones. What
the classes differ in is in `small/`; codec, words, loss and sampling are the same, so their numbers compare.
"""

import contextlib
import itertools
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from kinebench.errors import KineBenchError
from kinebench.kinemask.draw import Draw
from kinebench.kinemask.families.parts import Parts, identity
from kinebench.kinemask.family import Tensors
from kinebench.kinemask.small import words
from kinebench.kinemask.small.architecture import Architecture, Name, architecture
from kinebench.kinemask.small.codec import FRAMES, Codec
from kinebench.methods.hub import INDEX

KIND = "KineBenchSmall"
SHIFT = 3.0
"""Times are drawn, and stepped through, more densely near pure noise: t = s u / (1 + (s - 1) u)."""
ARCHITECTURES: Mapping[str, Name] = {"CogVideoXTransformer3DModel": "cogvideox", "WanTransformer3DModel": "wan"}
"""By the class of the transformer in a folder."""

_TRANSFORMER, _CODEC = "transformer", "codec"
_CODEC_FILE = f"{_CODEC}/model.safetensors"
_CLIP = ("frames", "width", "height")


class Small:
    """Latents are (T, C, h, w), T = (F - 1) / 4 + 1, see `small/codec.py`. Text is `small/words.py`'s."""

    name = "small"

    def __init__(self, parts: Parts) -> None:
        """Raises KineBenchError if the folder holds another model."""
        parts.demand(KIND)
        self.parts = parts

    @cached_property
    def _architecture(self) -> Architecture:
        found = str(self.parts.config(_TRANSFORMER).get("_class_name"))
        if found not in ARCHITECTURES:
            raise KineBenchError(f"{self.parts.folder / _TRANSFORMER} is a {found}; no small backbone is one")
        return architecture(ARCHITECTURES[found])

    @property
    def architecture(self) -> Name:
        """Whose transformer class it is. Raises KineBenchError if it is nobody's that is known."""
        return self._architecture.name

    @property
    def control(self) -> Any:
        """The class of its control branch."""
        return self._architecture.control

    @cached_property
    def transformer(self) -> Any:
        """The model that is steered."""
        return self.parts.frozen(_TRANSFORMER, self._architecture.kind)

    @cached_property
    def codec(self) -> Codec:
        """The autoencoder. Raises KineBenchError if its file is missing or damaged."""
        return Codec.load(self.parts.folder / _CODEC_FILE)

    @cached_property
    def identity(self) -> str:
        """Hash of the codec, and the version of the words."""
        return f"{self.name} {identity(self.parts.folder, _CODEC)} words {words.VERSION}"

    @property
    def pixel(self) -> int:
        """So many pixels make one latent, each way."""
        return self.codec.patch_px

    @cached_property
    def clip(self) -> tuple[int, int, int]:
        """Frames, width and height of the clips that it was made for."""
        if self.architecture == "wan":  # whose configuration has no place for it
            frames, width, height = (int(self.parts.index[name]) for name in _CLIP)
            return frames, width, height
        model, pixel = self.parts.config(_TRANSFORMER), self.codec.patch_px
        wide, high = model["sample_width"] * pixel, model["sample_height"] * pixel
        return FRAMES * (model["sample_frames"] - 1) + 1, wide, high

    def check(self, frames: int, width: int, height: int) -> None:
        """Raises KineBenchError for a size or number of frames that the model was not made for."""
        own = self.clip
        if (frames, width, height) != own:
            raise KineBenchError(
                f"this small backbone makes {own[0]} frames of {own[1]}x{own[2]} alone, and the clips are {frames} of "
                f"{width}x{height}; set data.size = [{own[1]}, {own[2]}]"
                + ("" if frames == own[0] else " and take other clips")
            )

    def latents(self, frames: NDArray[np.uint8]) -> Tensors:
        """`latents` (T, C, h, w) float32 of the clip."""
        self.check(len(frames), frames.shape[2], frames.shape[1])
        return {"latents": torch.from_numpy(self.codec.encode(frames))}

    def text(self, prompts: Sequence[str]) -> Tensor:
        """Vectors of the prompts' phrases, float32."""
        return torch.from_numpy(words.embedded(prompts))

    def loss(self, batch: Tensors, draw: Draw) -> Tensor:
        """Mean square error of the clean latents after frame 0, in parts of their variance, (B,).

        Of many clips, the prediction that nothing moves has 1.
        """
        clean = batch["latents"].float()
        times = shifted(draw.uniform()).to(clean.device)
        noise = draw.normal(*clean.shape[1:]).to(clean.device)
        share = times.view(-1, 1, 1, 1, 1)
        named = self.clean((1 - share) * clean + share * noise, clean[:, 0], batch["text"], times)
        return (named.float() - clean)[:, 1:].square().flatten(1).mean(dim=1) / self.codec.deviation**2

    def clean(self, noisy: Tensor, first: Tensor, text: Tensor, times: Tensor) -> Tensor:
        """The clean latents (B, T, C, h, w) behind noisy ones at `times` (B,), given those of frame 0 (B, C, h, w)."""
        with _attention(self.transformer):
            named: Tensor = self._architecture.clean(self.transformer, noisy, first, text, times)
        return named

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def sampled(self, first: Tensor, text: Tensor, steps: int, draw: Draw) -> Tensor:
        """Latents (B, T, C, h, w) float32 made from noise in Euler steps, given those of frame 0 (B, C, h, w)."""
        frames = (self.clip[0] - 1) // FRAMES + 1
        made = draw.normal(frames, *first.shape[1:]).to(first.device)
        for now, then in itertools.pairwise(shifted(torch.linspace(1, 0, steps + 1))):
            named = self.clean(made, first, text, now.repeat(len(first)).to(first.device)).float()
            made = named + then / now * (made - named)
        return made

    def shown(self, batch: Tensors, first: NDArray[np.uint8], steps: int, draw: Draw) -> NDArray[np.uint8]:
        """Clips (B, F, H, W, 3) that begin with frame 0 as it is given."""
        made = self.sampled(batch["latents"][:, 0], batch["text"], steps, draw).cpu().numpy()
        return np.stack([self.codec.decode(each, frame) for each, frame in zip(made, first, strict=True)])


def untrained(
    codec: Codec,
    frames: int,
    height: int,
    width: int,
    *,
    kind: Name = "cogvideox",
    layers: int = 6,
    heads: int = 4,
    patch: int = 2,
) -> Any:
    """A transformer for clips (F, H, W, 3) of this codec. Its weights are torch's to draw."""
    return architecture(kind).untrained(codec, frames, height, width, layers, heads, patch)


def save(folder: Path, transformer: Any, codec: Codec, frames: int, height: int, width: int) -> None:
    """A folder that `Small` opens: transformer and codec, each in a folder of its own, as diffusers lays them out."""
    transformer.save_pretrained(folder / _TRANSFORMER)
    complete(folder, codec, (frames, width, height))


def complete(folder: Path, codec: Codec, clip: tuple[int, int, int]) -> None:
    """Put beside a transformer what else `Small` wants; `clip` is frames, width and height of its clips."""
    (folder / _CODEC).mkdir(exist_ok=True)
    codec.save(folder / _CODEC_FILE)
    told = {"_class_name": KIND, **dict(zip(_CLIP, clip, strict=True))}
    (folder / INDEX).write_text(json.dumps(told) + "\n")


def shifted(uniform: Tensor) -> Tensor:
    """Times in [0, 1], see `SHIFT`."""
    return SHIFT * uniform / (1 + (SHIFT - 1) * uniform)


def _attention(transformer: Any) -> contextlib.AbstractContextManager[Any]:
    """On a CPU the fused kernel of torch 2.13 takes twice the time of plain products for so few tokens of bfloat16.

    Gradient checkpointing computes again outside this block, and must find the same kernel.
    """
    plain = transformer.device.type == "cpu" and not transformer.gradient_checkpointing
    return sdpa_kernel(SDPBackend.MATH) if plain else contextlib.nullcontext()
