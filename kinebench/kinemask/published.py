"""How the published backbones are set up, without their weights: for what is measured or computed of them alone.

The names are those of their own configurations; what is not here is the default of diffusers or transformers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Model:
    """A backbone with its autoencoder and text encoder, and the clips that it is trained on here."""

    family: Literal["cogvideox", "wan"]
    frames: int
    width: int
    height: int
    words: int  # of a prompt, as the transformer hears it
    transformer: Settings
    vae: Settings
    text_encoder: Settings
    scheduler: Settings
    branch: Settings = field(default_factory=dict)  # where it is not `config.Branch`'s default


COGVIDEOX = Model(
    family="cogvideox",
    frames=49,
    width=720,
    height=480,
    words=226,
    transformer={
        "num_attention_heads": 48,
        "attention_head_dim": 64,
        "in_channels": 32,
        "out_channels": 16,
        "time_embed_dim": 512,
        "text_embed_dim": 4096,
        "num_layers": 42,
        "sample_width": 90,
        "sample_height": 60,
        "sample_frames": 49,
        "patch_size": 2,
        "max_text_seq_length": 226,
        "use_rotary_positional_embeddings": True,
        "use_learned_positional_embeddings": True,
    },
    vae={
        "block_out_channels": (128, 256, 256, 512),
        "latent_channels": 16,
        "layers_per_block": 3,
        "norm_num_groups": 32,
        "scaling_factor": 0.7,
        "sample_height": 480,
        "sample_width": 720,
    },
    text_encoder={
        "vocab_size": 32128,
        "d_model": 4096,
        "d_kv": 64,
        "d_ff": 10240,
        "num_layers": 24,
        "num_heads": 64,
        "feed_forward_proj": "gated-gelu",
    },
    scheduler={"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "snr_shift_scale": 1.0},
)
"""CogVideoX-5B-I2V."""

WAN = Model(
    family="wan",
    frames=49,
    width=1152,
    height=768,
    words=512,
    transformer={
        "patch_size": (1, 2, 2),
        "num_attention_heads": 24,
        "attention_head_dim": 128,
        "in_channels": 48,
        "out_channels": 48,
        "ffn_dim": 14336,
        "num_layers": 30,
        "text_dim": 4096,
    },
    vae={
        "base_dim": 160,
        "decoder_base_dim": 256,
        "z_dim": 48,
        "dim_mult": (1, 2, 4, 4),
        "num_res_blocks": 2,
        "temperal_downsample": (False, True, True),
        "latents_mean": (0.0,) * 48,
        "latents_std": (1.0,) * 48,
        "is_residual": True,
        "in_channels": 12,
        "out_channels": 12,
        "patch_size": 2,
        "scale_factor_spatial": 16,
        "scale_factor_temporal": 4,
    },
    text_encoder={**COGVIDEOX.text_encoder, "vocab_size": 256384},
    scheduler={"flow_shift": 5.0},
)
"""Wan2.2-TI2V-5B, at the size that clips of 720x480 are scaled to without being cut. Its latents' own means are left
out: they cost nothing."""

_TINY_TEXT = {"vocab_size": 256, "d_model": 32, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}
_TINY_BRANCH = {"layers": 2, "mask_width": 8, "mask_channels": 4}

TINY_COGVIDEOX = replace(
    COGVIDEOX,
    frames=9,
    width=96,
    height=64,
    words=16,
    transformer={
        **COGVIDEOX.transformer,
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "in_channels": 8,
        "out_channels": 4,
        "time_embed_dim": 16,
        "text_embed_dim": 32,
        "num_layers": 3,
        "sample_width": 12,
        "sample_height": 8,
        "sample_frames": 9,
        "max_text_seq_length": 16,
    },
    vae={
        **COGVIDEOX.vae,
        "block_out_channels": (8, 8, 8, 8),
        "latent_channels": 4,
        "layers_per_block": 1,
        "norm_num_groups": 2,
    },
    text_encoder={**COGVIDEOX.text_encoder, **_TINY_TEXT},
    branch=_TINY_BRANCH,
)
"""The same classes with some ten thousand weights: all of the code, and no figure that says anything."""

TINY_WAN = replace(
    WAN,
    frames=9,
    width=96,
    height=64,
    words=16,
    transformer={
        **WAN.transformer,
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 8,
        "out_channels": 8,
        "text_dim": 32,
        "freq_dim": 32,
        "ffn_dim": 32,
        "num_layers": 3,
    },
    vae={
        **WAN.vae,
        "base_dim": 4,
        "decoder_base_dim": 4,
        "z_dim": 8,
        "dim_mult": (1, 1, 1, 1),
        "num_res_blocks": 1,
        "latents_mean": (0.0,) * 8,
        "latents_std": (1.0,) * 8,
    },
    text_encoder={**WAN.text_encoder, **_TINY_TEXT},
    branch=_TINY_BRANCH,
)
"""The same of Wan."""

MODELS: Mapping[tuple[str, str], Model] = {
    ("cogvideox", "published"): COGVIDEOX,
    ("cogvideox", "tiny"): TINY_COGVIDEOX,
    ("wan", "published"): WAN,
    ("wan", "tiny"): TINY_WAN,
}
"""By family and size."""
