"""CogVideoX's transformer class, small.

The latents of frame 0 stand beside the noisy ones of every latent frame. CogVideoX has zeros beside all but the first;
a model this small learns far slower so, because what leaves a place is the difference to frame 0 there.
"""

from functools import cache

import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from torch import Tensor

from kinebench.kinemask.branch.cogvideox import CogVideoXControl
from kinebench.kinemask.small import words
from kinebench.kinemask.small.architecture import HEAD, TIMES, Name
from kinebench.kinemask.small.codec import FRAMES, Codec


class SmallCogVideoX:
    """One sequence of words and tokens, one time for all of them."""

    name: Name = "cogvideox"
    kind = CogVideoXTransformer3DModel
    control = CogVideoXControl

    def untrained(
        self, codec: Codec, frames: int, height: int, width: int, layers: int, heads: int, patch: int
    ) -> CogVideoXTransformer3DModel:
        """A transformer for clips (F, H, W, 3) of this codec. Its weights are torch's to draw."""
        return CogVideoXTransformer3DModel(
            num_attention_heads=heads,
            attention_head_dim=HEAD,
            in_channels=2 * codec.channels,
            out_channels=codec.channels,
            time_embed_dim=128,
            text_embed_dim=words.WIDTH,
            num_layers=layers,
            sample_width=width // codec.patch_px,
            sample_height=height // codec.patch_px,
            sample_frames=(frames - 1) // FRAMES + 1,
            temporal_compression_ratio=1,  # of `sample_frames`, which are latent ones here
            patch_size=patch,
            max_text_seq_length=words.PHRASES,
            use_rotary_positional_embeddings=True,
            spatial_interpolation_scale=1.0,
        )

    def clean(
        self, transformer: CogVideoXTransformer3DModel, noisy: Tensor, first: Tensor, text: Tensor, times: Tensor
    ) -> Tensor:
        """See `Architecture.clean`."""
        still = first[:, None].expand_as(noisy)
        dtype, config = transformer.dtype, transformer.config
        grid = config.sample_height // config.patch_size, config.sample_width // config.patch_size
        return transformer(
            hidden_states=torch.cat([noisy, still], dim=2).to(dtype),
            encoder_hidden_states=text.to(dtype),
            timestep=times * TIMES,
            image_rotary_emb=_rotary(config.attention_head_dim, config.sample_frames, grid, transformer.device),
            return_dict=False,
        )[0]


@cache
def _rotary(width: int, frames: int, grid: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    made: tuple[Tensor, Tensor] = get_3d_rotary_pos_embed(width, ((0, 0), grid), grid, frames, device=device)
    return made
