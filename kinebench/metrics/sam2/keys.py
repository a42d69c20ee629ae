"""Names of the published SAM 2.1 weights, and what `transformers` calls the same tensors."""

import re
from collections.abc import Mapping
from typing import Any

import torch

_MODULES = (
    (r"^image_encoder\.trunk\.patch_embed\.proj\.", "vision_encoder.backbone.patch_embed.projection."),
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"^sam_mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^sam_mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^sam_mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    (r"^sam_prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^memory_encoder\.mask_downsampler\.encoder\.12\.", "memory_encoder.mask_downsampler.final_conv."),
    (r"^memory_encoder\.pix_feat_proj\.", "memory_encoder.feature_projection."),
    (r"^memory_encoder\.out_proj\.", "memory_encoder.projection."),
    (r"^memory_encoder\.fuser\.", "memory_encoder.memory_fuser."),
    (r"^obj_ptr_proj\.", "object_pointer_proj."),
    (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
    (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    (r"^no_obj_ptr$", "no_object_pointer"),
    (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
)
_LAYERS = (
    (r"\.norm(\d?)\.", r".layer_norm\1."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"\.out_proj\.", ".o_proj."),
    (r"\.dwconv\.", ".depthwise_conv."),
    (r"\.pwconv(\d)\.", r".pointwise_conv\1."),
    (r"\.gamma$", ".scale"),
    (r"(\.mlp)\.layers\.0\.", r"\1.proj_in."),
    (r"(\.mlp)\.layers\.1\.", r"\1.proj_out."),
)
_THREE_LAYERS = r"(_proj|_head|_mlps\.\d)\.layers\.([012])\."  # an MLP: in, hidden, out
_MLP = {"0": "proj_in", "1": "layers.0", "2": "proj_out"}
_POINTS = r"^sam_prompt_encoder\.point_embeddings\.(\d)\.weight$"  # four embeddings, there one table
_STAGES = r"^memory_encoder\.mask_downsampler\.encoder\.(\d+)\."  # four times convolution, norm, activation
_GRID = "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"  # there kept twice


def renamed(name: str) -> str:
    """What `transformers` calls a published tensor that it keeps as it is."""
    for pattern, replacement in _MODULES:
        name, hits = re.subn(pattern, replacement, name)
        if hits:
            break
    for pattern, replacement in _LAYERS:
        name = re.sub(pattern, replacement, name)
    name = re.sub(_THREE_LAYERS, lambda found: f"{found[1]}.{_MLP[found[2]]}.", name)
    return re.sub(_STAGES, _stage, name)


def _stage(found: re.Match[str]) -> str:
    layer, part = divmod(int(found[1]), 3)
    return f"memory_encoder.mask_downsampler.layers.{layer}.{'layer_norm' if part else 'conv'}."


def to_transformers(published: Mapping[str, Any]) -> dict[str, Any]:
    """The published state dict under the names of `transformers.Sam2VideoModel`: same tensors, nothing computed."""
    points = sorted(name for name in published if re.match(_POINTS, name))
    state = {renamed(name): tensor for name, tensor in published.items() if name not in points and name != _GRID}
    if points:
        state["prompt_encoder.point_embed.weight"] = torch.cat([published[name] for name in points])
    if _GRID in published:
        state["prompt_encoder.shared_embedding.positional_embedding"] = published[_GRID]
        state["shared_image_embedding.positional_embedding"] = published[_GRID]
    return state
