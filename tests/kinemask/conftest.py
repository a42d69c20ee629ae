"""Both backbones, tiny and with random weights; as published folders too, with clips to train them on."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
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


BASELINES = Path(__file__).parents[2] / "baselines"


def _published(name):
    """The folder that the baseline `name` would be given, but tiny."""
    from kinebench.methods.adapter import Setup
    from kinebench.methods.diffusion import weights

    spec = importlib.util.spec_from_file_location(f"tiny_{name}", BASELINES / name / "tiny.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return weights(Setup("cpu", True, {"steps": 1}, weights=None), "model", module.pipeline)


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """Folders of tiny pipelines, by family."""
    with _published("cogvideox") as cogvideox, _published("wan") as wan:
        yield {"cogvideox": cogvideox, "wan": wan, "small": _small(tmp_path_factory.mktemp("small"))}


def _small(folder):
    """The small backbone, smaller, untrained, for the clips of `toys`."""
    from kinebench.kinemask.families.small import save, untrained
    from kinebench.kinemask.small.codec import fitted

    clips = np.random.default_rng(0).integers(0, 256, (12, FRAMES, 64, 96, 3), dtype=np.uint8)
    codec = fitted(clips, patch_px=8, channels=8, whitening=1.0, deviation=0.3)
    torch.manual_seed(0)
    save(folder, untrained(codec, FRAMES, 64, 96, layers=1, heads=1), codec, FRAMES, 64, 96)
    return folder


@pytest.fixture(scope="session")
def toys(tmp_path_factory, synthetic, make):
    """A packed split of six clips, 9 frames of 96x64; the first is a near miss."""
    folder = tmp_path_factory.mktemp("trained") / "toys"
    make(folder, [synthetic.sample("train", index) for index in range(6)])
    return folder


@pytest.fixture(scope="session")
def cached(tmp_path_factory):
    """A cache that all tests share: it may be, for what is in it is called after its content."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def configured(published, toys, cached):
    """`configured("wan", stage1={"steps": 3})`: a configuration of something tiny, with these rows changed."""
    from kinebench.kinemask.config import parse

    def build(family="cogvideox", **rows):
        stage = {"steps": 4, "warmup_steps": 1, "learning_rate": 1e-2}
        table = {
            "backbone": {"family": family, "weights": str(published[family])},
            "branch": {"layers": 1, "mask_width": 8, "mask_channels": 4},
            "data": {"folder": str(toys), "held_out": 2, "cache": str(cached)},
            "stage1": stage,
            "stage2": stage,
            "training": {"precision": "float32", "total_batch": 4, "device_batch": 2, "workers": 0},
            "saving": {"every": 2, "keep": 3, "validate_every": 2, "strips": 0},
        }
        for name, row in rows.items():
            table[name] = table.get(name, {}) | row
        return parse(table, "toys.toml")

    return build
