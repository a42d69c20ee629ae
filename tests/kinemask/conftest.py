"""Both backbones, tiny and with random weights."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from diffusers import CogVideoXTransformer3DModel, WanTransformer3DModel

from kinebench.kinemask.branch.cogvideox import CogVideoXControl
from kinebench.kinemask.branch.wan import WanControl

FRAMES, HEIGHT, WIDTH = 9, 32, 48
LATENT_FRAMES = 3


@dataclass(frozen=True)
class Family:
    """A backbone, its branch, and how both are called."""

    name: str
    backbone: torch.nn.Module
    kind: Any
    options: dict[str, Any]

    def control(self, **options):
        torch.manual_seed(1)
        return self.kind.on(self.backbone, **(self.options | options))

    def blocks(self):
        return self.backbone.transformer_blocks if self.name == "cogvideox" else self.backbone.blocks

    def inputs(self, batch=2):
        draw = torch.Generator().manual_seed(2)
        if self.name == "cogvideox":
            return {
                "hidden_states": torch.randn(batch, LATENT_FRAMES, 8, 4, 6, generator=draw),
                "encoder_hidden_states": torch.randn(batch, 16, 32, generator=draw),
                "timestep": torch.tensor([400, 700])[:batch],
                "image_rotary_emb": (torch.randn(18, 16, generator=draw), torch.randn(18, 16, generator=draw)),
            }
        return {
            "hidden_states": torch.randn(batch, 48, LATENT_FRAMES, 2, 4, generator=draw),
            "encoder_hidden_states": torch.randn(batch, 16, 32, generator=draw),
            "timestep": torch.tensor([[0.0] * 2 + [700.0] * 4] * batch),
        }

    def masks(self, batch=2, frames=FRAMES):
        draw = torch.Generator().manual_seed(3)
        height, width = (HEIGHT, WIDTH) if self.name == "cogvideox" else (32, 64)
        return torch.rand(batch, frames, 3, height, width, generator=draw) * 2 - 1


def _cogvideox():
    torch.manual_seed(0)
    backbone = CogVideoXTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=8,
        out_channels=4,
        time_embed_dim=16,
        text_embed_dim=32,
        num_layers=3,
        sample_width=6,
        sample_height=4,
        sample_frames=FRAMES,
        patch_size=2,
        max_text_seq_length=16,
        use_rotary_positional_embeddings=True,
        use_learned_positional_embeddings=True,
    )
    options = {"num_layers": 2, "unshuffle": 8, "mask_width": 16, "mask_channels": 8}
    return Family("cogvideox", backbone, CogVideoXControl, options)


def _wan():
    torch.manual_seed(0)
    backbone = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=48,
        out_channels=48,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=3,
        rope_max_seq_len=32,
    )
    options = {"num_layers": 2, "unshuffle": 16, "mask_width": 16, "mask_channels": 8}
    return Family("wan", backbone, WanControl, options)


@pytest.fixture(params=[_cogvideox, _wan], ids=["cogvideox", "wan"])
def family(request):
    made = request.param()
    made.backbone.requires_grad_(False)
    return made
