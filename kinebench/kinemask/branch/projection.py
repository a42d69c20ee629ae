"""The layers through which a control branch speaks."""

from torch import nn


def projections(count: int, width: int, zero_init: bool) -> nn.ModuleList:
    """One for each block: zero at first, so that training starts from the untouched backbone; or none at all.

    Without `zero_init` the branch's tokens are added as they are, as the paper's code base does.
    """
    if not zero_init:
        return nn.ModuleList(nn.Identity() for _ in range(count))
    layers = nn.ModuleList(nn.Linear(width, width) for _ in range(count))
    for layer in layers:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return layers
