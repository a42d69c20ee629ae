"""The control branch on Wan2.2-TI2V-5B: a copy of its first blocks that also sees the velocity mask."""

from typing import Any

import torch
from diffusers import WanTransformer3DModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.transformers.transformer_wan import (
    WanRotaryPosEmbed,
    WanTimeTextImageEmbedding,
    WanTransformerBlock,
)
from torch import Tensor, nn

from kinebench.kinemask.branch.encoder import MaskEncoder, Norm
from kinebench.kinemask.branch.projection import projections


class WanControl(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Residuals for the first blocks of a Wan transformer, from latents, mask, text and timesteps.

    `backbone` is the configuration of that transformer. Its latents hold the clean first frame, so the branch sees it.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules = ("WanTransformerBlock",)

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        backbone: dict[str, Any],
        num_layers: int = 8,
        unshuffle: int = 16,
        mask_width: int = 96,
        mask_channels: int = 48,
        norm: Norm = "group",
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        heads, width = backbone["num_attention_heads"], backbone["num_attention_heads"] * backbone["attention_head_dim"]
        patch = tuple(backbone["patch_size"])
        self.latent_channels = backbone["in_channels"]
        self.encoder = MaskEncoder(unshuffle, mask_width, mask_channels, norm)
        self.rope = WanRotaryPosEmbed(backbone["attention_head_dim"], patch, backbone["rope_max_seq_len"])
        self.patch_embedding = nn.Conv3d(self.latent_channels + mask_channels, width, patch, stride=patch)
        self.condition_embedder = WanTimeTextImageEmbedding(
            width, backbone["freq_dim"], 6 * width, backbone["text_dim"]
        )
        self.blocks = nn.ModuleList(
            WanTransformerBlock(
                width,
                backbone["ffn_dim"],
                heads,
                backbone["qk_norm"],
                backbone["cross_attn_norm"],
                backbone["eps"],
            )
            for _ in range(num_layers)
        )
        self.projections = projections(num_layers, width, zero_init)
        self.gradient_checkpointing = False

    @classmethod
    def on(cls, transformer: WanTransformer3DModel, **options: Any) -> "WanControl":
        """A branch whose weights are the transformer's own, as far as that has them."""
        config = dict(transformer.config)
        if config.get("image_dim") or config.get("added_kv_proj_dim"):
            raise ValueError("this is a Wan model with an image encoder; the branch is for Wan2.2-TI2V-5B")
        control = cls({name: value for name, value in config.items() if not name.startswith("_")}, **options)
        control.condition_embedder.load_state_dict(transformer.condition_embedder.state_dict())
        with torch.no_grad():
            control.patch_embedding.weight[:, : control.latent_channels] = transformer.patch_embedding.weight
            control.patch_embedding.bias.copy_(transformer.patch_embedding.bias)
        for mine, theirs in zip(control.blocks, transformer.blocks, strict=False):
            mine.load_state_dict(theirs.state_dict())
        return control

    def adopt(self, transformer: WanTransformer3DModel) -> None:
        """Raises ValueError if the transformer is another model than the branch was made for."""
        mine, theirs = self.config.backbone, transformer.config
        if differing := [name for name in mine if name in theirs and _listed(mine[name]) != _listed(theirs[name])]:
            listed = ", ".join(f"{name} {mine[name]} instead of {theirs[name]}" for name in differing)
            raise ValueError(f"the control branch is of another backbone: {listed}")

    def forward(
        self, masks: Tensor, hidden_states: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, **_: Any
    ) -> tuple[Tensor, ...]:
        """What is added to the tokens after each of the backbone's first blocks, (B, tokens, width).

        `masks` are (B', F, 3, H, W), B a multiple of B'. The rest is what the backbone itself is called with:
        `hidden_states` (B, C, T, h, w), `timestep` (B,) or for each token (B, tokens).
        """
        features = self.encoder(masks).transpose(1, 2)
        features = features.repeat(hidden_states.shape[0] // features.shape[0], 1, 1, 1, 1)
        rotary = self.rope(hidden_states)
        tokens = self.patch_embedding(torch.cat([hidden_states, features.to(hidden_states.dtype)], dim=1))
        tokens = tokens.flatten(2).transpose(1, 2).contiguous()
        each = timestep.shape[1] if timestep.ndim == 2 else None
        _, moment, text, _ = self.condition_embedder(
            timestep.flatten(), encoder_hidden_states, None, timestep_seq_len=each
        )
        moment = moment.unflatten(-1, (6, -1))
        residuals = []
        for block, projection in zip(self.blocks, self.projections, strict=True):
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                tokens = self._gradient_checkpointing_func(block, tokens, text, moment, rotary)
            else:
                tokens = block(tokens, text, moment, rotary)
            residuals.append(projection(tokens))
        return tuple(residuals)


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
