"""A model shared out among processes: each keeps a part of every weight, and has a block whole only while it runs.

This is FSDP2 of torch. Accelerate's own needs several GPUs and one model; here two are called around one another, the
branch from inside the backbone's forward, and all of it is tested on a CPU.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor


def blocks(model: Any) -> list[nn.Module]:
    """The blocks of a transformer of diffusers, or of a branch."""
    return list(model.transformer_blocks if hasattr(model, "transformer_blocks") else model.blocks)


def share_out(models: list[Any], device: torch.device, processes: int) -> None:
    """Share out models on this kind of device, each block for itself: it goes there whole, and a part of it stays.

    An optimizer of them is made after this. Hooks that come later, such as a branch's, find the weights whole.
    """
    warnings.filterwarnings("ignore", "FSDP2-wrapped module .* returned a view")  # nothing is added in place to it
    mesh = init_device_mesh(device.type, (processes,))
    for model in models:
        for block in blocks(model):
            fully_shard(block, mesh=mesh, reshard_after_forward=True)
        fully_shard(model, mesh=mesh, reshard_after_forward=True)


def whole(value: Tensor) -> Tensor:
    """A tensor with the parts of all processes, which call this together; one that is not shared out as it is."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def part(value: Tensor, like: Tensor) -> Tensor:
    """This process's part of a whole tensor, if `like` is shared out; nothing is sent."""
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements, src_data_rank=None)


def collected(values: Mapping[str, Tensor], kept: bool) -> dict[str, Tensor]:
    """Whole tensors, one after another; in the CPU's memory where they are shared out, and only where `kept`."""
    found = {}
    for name, value in values.items():
        each = whole(value)
        if kept:
            found[name] = each.detach().cpu() if isinstance(value, DTensor) else value
    return found


def plain(model: Any, kept: bool) -> Any:
    """The same model with whole weights, as diffusers saves it; None where it is not `kept`."""
    if not isinstance(model, FSDPModule):
        return model
    weights = collected(model.state_dict(), kept)
    if not kept:
        return None
    kind: Callable[..., Any] = next(each for each in type(model).__mro__ if not issubclass(each, FSDPModule))
    with torch.device("meta"):
        made = kind(**{name: value for name, value in model.config.items() if not name.startswith("_")})
    made.load_state_dict(weights, assign=True)
    return made
