"""The optimizer of a run: AdamW, or Muon for the matrices of its blocks and AdamW for the rest."""

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from kinebench.kinemask.sharding import part

Kind = Literal["adamw", "muon"]

REST = 0.5
"""Beside Muon, AdamW's learning rate in parts of Muon's."""
_MATRICES = ("blocks.", "projections.")
"""Where the matrices lie that Muon turns; embeddings and the first and last layers are AdamW's."""


class Optimizer:
    """One or two of torch's, which keep their state by the names of parameters."""

    def __init__(self, model: nn.Module, kind: Kind, betas: tuple[float, float], weight_decay: float) -> None:
        named = list(model.named_parameters())
        turned = [name for name, value in named if kind == "muon" and value.ndim == 2 and _inside(name)]
        fused = any(value.is_cuda for _, value in named)
        rest = [value for name, value in named if name not in set(turned)]
        self._parts: list[tuple[torch.optim.Optimizer, list[str], float]] = []
        if turned:
            matrices = [value for name, value in named if name in set(turned)]
            muon = torch.optim.Muon(matrices, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
            self._parts.append((muon, turned, 1.0))
        adamw = torch.optim.AdamW(rest, betas=betas, weight_decay=weight_decay, fused=fused)
        self._parts.append((adamw, [name for name, _ in named if name not in set(turned)], REST if turned else 1.0))

    def step(self, rate: float) -> None:
        """Change the parameters by their gradients, which are gone then."""
        for optimizer, _, share in self._parts:
            for group in optimizer.param_groups:
                group["lr"] = rate * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """What it remembers, by "moment/parameter"."""
        found = {}
        for optimizer, names, _ in self._parts:
            for name, parameter in zip(names, _parameters(optimizer), strict=True):
                for moment, value in optimizer.state.get(parameter, {}).items():
                    if moment != "step":
                        found[f"{moment}/{name}"] = value
        return found

    def restore(self, read: Callable[[str], Tensor], step: int) -> None:
        """Give back what `state` said after so many steps; `read` finds it by name."""
        for optimizer, names, _ in self._parts:
            muon = isinstance(optimizer, torch.optim.Muon)
            moments = ("momentum_buffer",) if muon else ("exp_avg", "exp_avg_sq")
            state: dict[int, dict[str, Any]] = {
                number: {moment: part(read(f"{moment}/{name}"), parameter) for moment in moments}
                | ({} if muon else {"step": torch.tensor(float(step))})
                for number, (name, parameter) in enumerate(zip(names, _parameters(optimizer), strict=True))
            }
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _inside(name: str) -> bool:
    return any(part in name for part in _MATRICES)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
