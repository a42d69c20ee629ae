"""What training costs, counted and not measured: on torch's meta device, where tensors have shapes and no content."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinebench.bench.backbone import Drawn, blocks_of, encoded, kept, opened, settings
from kinebench.kinemask.branch.attach import attached
from kinebench.kinemask.draw import Draw
from kinebench.kinemask.family import Family
from kinebench.kinemask.published import Model
from kinebench.kinemask.session import new_branch

STEPS, BATCH = 2 * 1000, 40
"""Of both stages together, and clips a step: the paper's."""
TRAINED_BYTES = 4 + 4 + 8
"""For each parameter of the branch: itself, its gradient, AdamW's two moments, all in float32."""
LOWER_BYTES = 2
"""For each parameter of the branch: its copy in bfloat16, which autocast makes."""

_META = "meta"


@dataclass(frozen=True)
class Parameters:
    """How many there are."""

    backbone: int
    branch: int
    autoencoder: int
    text_encoder: int


@dataclass(frozen=True)
class Flops:
    """Of a clip: matrix products, attention and convolutions; a multiplication and an addition are two."""

    forward: int  # backbone and branch
    step: int  # forward and backward, nothing computed twice: the useful ones
    checkpointed: int  # the same, with what gradient checkpointing computes again
    autoencoder: int  # as precompute runs it, once
    text_encoder: int
    in_the_loop: int  # both, as the ancestor runs them in every step


@dataclass(frozen=True)
class Memory:
    """Bytes, training on one clip at once with gradient checkpointing.

    What a block takes while it works is not in it, nor what the allocator wastes.
    """

    backbone: int
    branch: int  # with gradients and moments
    lower: int  # the branch's weights in bfloat16
    activations: int  # what goes into each block, and what the branch says

    @property
    def whole(self) -> int:
        """All that is counted."""
        return self.backbone + self.branch + self.lower + self.activations


@dataclass(frozen=True)
class Estimate:
    """One model, and its clips."""

    model: Model
    tokens: int  # of a clip, with its prompt where both are in one sequence
    parameters: Parameters
    flops: Flops
    memory: Memory
    clip_bytes: int  # of what precompute keeps of a clip
    prompt_bytes: int  # and of a prompt that is as long as can be

    def hours(self, flops_per_s: float) -> float:
        """Both stages on one device: clips seen, times the useful FLOPs of each, over useful FLOPs a second."""
        return STEPS * BATCH * self.flops.step / flops_per_s / 3600


def estimate(model: Model) -> Estimate:
    """Count what one clip costs. Takes seconds, and next to no memory."""
    family, parts = opened(model, _META)
    with torch.device(_META):
        branch = new_branch(settings(model), family).to(torch.bfloat16)
    forward, step, _ = _counted(model, family, branch)
    for each in (family.transformer, branch):
        each.enable_gradient_checkpointing()
    _, checkpointed, activations = _counted(model, family, branch)
    encoder = parts.encoder()
    text_encoder = _flops(lambda: encoder(_words(model)))
    once, looped = (_encoding(model, parts, in_the_loop) for in_the_loop in (False, True))
    shapes = kept(model, family.pixel)
    prompt = shapes.pop("text")
    trained = _count(branch)
    return Estimate(
        model=model,
        tokens=_tokens(model, family.pixel),
        parameters=Parameters(_count(family.transformer), trained, _count(parts.autoencoder()), _count(encoder)),
        flops=Flops(forward, step, checkpointed, once - text_encoder, text_encoder, looped),
        memory=Memory(_bytes(family.transformer), TRAINED_BYTES * trained, LOWER_BYTES * trained, activations),
        clip_bytes=sum(map(_size, shapes.values())),
        prompt_bytes=_size(prompt),
    )


def _counted(model: Model, family: Family, branch: Any) -> tuple[int, int, int]:
    """FLOPs forward, FLOPs forward and backward, and bytes of what stays for the way back."""
    clip = {
        name: torch.empty(1, *shape, dtype=dtype, device=_META)
        for name, (shape, dtype) in kept(model, family.pixel).items()
    }
    masks = torch.empty(1, model.frames, 3, model.height, model.width, device=_META)
    stays: dict[int, torch.Tensor] = {}

    def hear(_: nn.Module, positional: tuple[Any, ...], __: Any) -> None:
        stays.update((id(value), value) for value in positional if isinstance(value, torch.Tensor))

    def say(_: nn.Module, __: Any, output: torch.Tensor) -> None:
        stays[id(output)] = output

    blocks = [block for each in (family.transformer, branch) for block in blocks_of(each)]
    hooks = [block.register_forward_hook(hear) for block in blocks]
    hooks += [layer.register_forward_hook(say) for layer in branch.projections]
    with FlopCounterMode(display=False) as counter:
        with attached(family.transformer, branch, masks):
            loss = family.loss(clip, Draw([np.random.default_rng(0)])).mean()
        forward, held = counter.get_total_flops(), sum(value.nbytes for value in stays.values())
        for hook in hooks:
            hook.remove()
        loss.backward()
    branch.zero_grad()
    return forward, counter.get_total_flops(), held


def _encoding(model: Model, parts: Drawn, in_the_loop: bool) -> int:
    """FLOPs of the autoencoder and the text encoder together."""
    frames = np.zeros((model.frames, model.height, model.width, 3), dtype=np.uint8)
    return _flops(lambda: encoded(model, parts.autoencoder(in_the_loop), parts.encoder(), frames, _words(model)))


def _words(model: Model) -> torch.Tensor:
    return torch.zeros(1, model.words, dtype=torch.long, device=_META)


@torch.no_grad()  # type: ignore[untyped-decorator]
def _flops(work: Callable[[], Any]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


def _tokens(model: Model, pixel: int) -> int:
    patch = model.transformer["patch_size"]
    rows, columns = (patch, patch) if isinstance(patch, int) else patch[1:]
    picture = (model.height // pixel // rows) * (model.width // pixel // columns)
    clip = ((model.frames - 1) // 4 + 1) * picture
    return clip + (model.words if model.family == "cogvideox" else 0)


def _count(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


def _bytes(module: nn.Module) -> int:
    return sum(value.nbytes for value in (*module.parameters(), *module.buffers()))


def _size(kind: tuple[tuple[int, ...], torch.dtype]) -> int:
    return math.prod(kind[0]) * kind[1].itemsize
