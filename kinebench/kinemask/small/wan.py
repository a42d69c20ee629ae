"""Wan2.2-TI2V-5B's transformer class, small.

As there, frame 0 is tokens of its own, which are clean from the first step on and have the time 0. Its latents also
stand beside those of every latent frame, as Wan2.1 is given a picture: see `small/cogvideox.py`.
"""

import torch
from diffusers import WanTransformer3DModel
from torch import Tensor

from kinebench.kinemask.branch.wan import WanControl
from kinebench.kinemask.small import words
from kinebench.kinemask.small.architecture import HEAD, TIMES, Name
from kinebench.kinemask.small.codec import Codec

WIDER = 4
"""A block's inner layer in parts of its width, as in CogVideoX; 8 learnt no faster, and took a third more time."""


class SmallWan:
    """Words beside the tokens, which look at them; a time for each token."""

    name: Name = "wan"
    kind = WanTransformer3DModel
    control = WanControl

    def untrained(
        self, codec: Codec, frames: int, height: int, width: int, layers: int, heads: int, patch: int
    ) -> WanTransformer3DModel:
        """A transformer for clips of this codec, of any size. Its weights are torch's to draw."""
        return WanTransformer3DModel(
            patch_size=(1, patch, patch),
            num_attention_heads=heads,
            attention_head_dim=HEAD,
            in_channels=2 * codec.channels,
            out_channels=codec.channels,
            text_dim=words.WIDTH,
            ffn_dim=WIDER * HEAD * heads,
            num_layers=layers,
        )

    def clean(
        self, transformer: WanTransformer3DModel, noisy: Tensor, first: Tensor, text: Tensor, times: Tensor
    ) -> Tensor:
        """See `Architecture.clean`."""
        still, dtype = first[:, None], transformer.dtype
        told = torch.cat([torch.cat([still, noisy[:, 1:]], dim=1), still.expand_as(noisy)], dim=2)
        _, rows, columns = transformer.config.patch_size
        tokens = (noisy.shape[3] // rows) * (noisy.shape[4] // columns)
        each = (times * TIMES)[:, None].repeat(1, noisy.shape[1])
        each[:, 0] = 0
        named = transformer(
            hidden_states=told.transpose(1, 2).to(dtype),
            timestep=each.repeat_interleave(tokens, dim=1),
            encoder_hidden_states=text.to(dtype),
            return_dict=False,
        )[0]
        return named.transpose(1, 2)
