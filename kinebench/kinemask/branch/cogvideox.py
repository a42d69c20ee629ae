"""The control branch on CogVideoX image-to-video: a copy of its first blocks that also sees the velocity mask."""

from typing import Any

import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.embeddings import CogVideoXPatchEmbed, TimestepEmbedding, Timesteps
from diffusers.models.modeling_utils import ModelMixin
from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXBlock
from torch import Tensor, nn

from kinebench.kinemask.branch.encoder import MaskEncoder, Norm
from kinebench.kinemask.branch.projection import projections

_PATCH = (
    "patch_size",
    "sample_width",
    "sample_height",
    "sample_frames",
    "temporal_compression_ratio",
    "max_text_seq_length",
    "spatial_interpolation_scale",
    "temporal_interpolation_scale",
    "use_learned_positional_embeddings",
)
_BLOCK = ("num_attention_heads", "attention_head_dim", "time_embed_dim", "dropout", "activation_fn", "attention_bias")
_NORM = ("norm_elementwise_affine", "norm_eps")


class CogVideoXControl(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Residuals for the first blocks of a CogVideoX transformer, from latents, mask, text and timestep.

    `backbone` is the configuration of that transformer.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules = ("CogVideoXBlock",)

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        backbone: dict[str, Any],
        num_layers: int = 8,
        unshuffle: int = 8,
        mask_width: int = 96,
        mask_channels: int = 48,
        norm: Norm = "group",
        zero_init: bool = True,
        image_latents: bool = True,
    ) -> None:
        super().__init__()
        width = backbone["num_attention_heads"] * backbone["attention_head_dim"]
        self.latent_channels = backbone["in_channels"] if image_latents else backbone["out_channels"]
        self.encoder = MaskEncoder(unshuffle, mask_width, mask_channels, norm)
        self.patch_embed = CogVideoXPatchEmbed(
            in_channels=self.latent_channels + mask_channels,
            embed_dim=width,
            text_embed_dim=backbone["text_embed_dim"],
            bias=backbone["patch_bias"],
            use_positional_embeddings=not backbone["use_rotary_positional_embeddings"],
            **{name: backbone[name] for name in _PATCH},
        )
        if hasattr(self.patch_embed, "pos_embedding"):  # the backbone's own is used, and never saved twice
            self.patch_embed.register_buffer("pos_embedding", self.patch_embed.pos_embedding, persistent=False)
        self.time_proj = Timesteps(width, backbone["flip_sin_to_cos"], backbone["freq_shift"])
        self.time_embedding = TimestepEmbedding(width, backbone["time_embed_dim"], backbone["timestep_activation_fn"])
        self.transformer_blocks = nn.ModuleList(
            CogVideoXBlock(dim=width, **{name: backbone[name] for name in (*_BLOCK, *_NORM)}) for _ in range(num_layers)
        )
        self.projections = projections(num_layers, width, zero_init)
        self.gradient_checkpointing = False

    @classmethod
    def on(cls, transformer: CogVideoXTransformer3DModel, **options: Any) -> "CogVideoXControl":
        """A branch whose weights are the transformer's own, as far as that has them."""
        config = dict(transformer.config)
        if config.get("ofs_embed_dim") or config.get("patch_size_t"):
            raise ValueError("this is CogVideoX 1.5; the branch is for CogVideoX-5B-I2V")
        control = cls({name: value for name, value in config.items() if not name.startswith("_")}, **options)
        control.time_embedding.load_state_dict(transformer.time_embedding.state_dict())
        control.patch_embed.text_proj.load_state_dict(transformer.patch_embed.text_proj.state_dict())
        with torch.no_grad():
            known = control.latent_channels
            control.patch_embed.proj.weight[:, :known] = transformer.patch_embed.proj.weight[:, :known]
            if control.patch_embed.proj.bias is not None:
                control.patch_embed.proj.bias.copy_(transformer.patch_embed.proj.bias)
        for mine, theirs in zip(control.transformer_blocks, transformer.transformer_blocks, strict=False):
            mine.load_state_dict(theirs.state_dict())
        control.adopt(transformer)
        return control

    def adopt(self, transformer: CogVideoXTransformer3DModel) -> None:
        """Use the transformer's table of positions, which it has learned. Raises ValueError if it is another model."""
        mine, theirs = self.config.backbone, transformer.config
        if differing := [name for name in mine if name in theirs and mine[name] != theirs[name]]:
            listed = ", ".join(f"{name} {mine[name]} instead of {theirs[name]}" for name in differing)
            raise ValueError(f"the control branch is of another backbone: {listed}")
        if hasattr(transformer.patch_embed, "pos_embedding"):
            self.patch_embed.pos_embedding = transformer.patch_embed.pos_embedding

    def forward(
        self,
        masks: Tensor,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        timestep: Tensor,
        image_rotary_emb: tuple[Tensor, Tensor] | None = None,
        **_: Any,
    ) -> tuple[Tensor, ...]:
        """What is added to the image tokens after each of the backbone's first blocks, (B, tokens, width).

        `masks` are (B', F, 3, H, W), B a multiple of B': guidance runs the same clips more than once. The rest is what
        the backbone itself is called with.
        """
        features = self.encoder(masks)
        features = features.repeat(hidden_states.shape[0] // features.shape[0], 1, 1, 1, 1)
        latents = hidden_states[:, :, : self.latent_channels]
        joint = self.patch_embed(encoder_hidden_states, torch.cat([latents, features.to(latents.dtype)], dim=2))
        words = encoder_hidden_states.shape[1]
        text, image = joint[:, :words], joint[:, words:]
        moment = self.time_embedding(self.time_proj(timestep).to(hidden_states.dtype))
        residuals = []
        for block, projection in zip(self.transformer_blocks, self.projections, strict=True):
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                image, text = self._gradient_checkpointing_func(block, image, text, moment, image_rotary_emb)
            else:
                image, text = block(image, text, moment, image_rotary_emb)
            residuals.append(projection(image))
        return tuple(residuals)
