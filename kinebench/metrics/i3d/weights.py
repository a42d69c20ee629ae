"""Published I3D weights, in either layout -> the network.

The state dict of VideoGPT and TATS has the names of `InceptionI3d`. The TorchScript archive of StyleGAN-V was made from
a class I3D of `src.i3dpt_jit` (torch prints the name when it is called wrongly): hassony2's port, whose names are
mapped here. Other names are taken by their order, if that fits in exactly one way. TensorFlow's batch norm has no
scale, so an absent one is 1.

The archive's own code is never run, so it is our network that sees the clip: with an odd number of frames, hassony2's
max pools begin a frame later than TensorFlow's and ours.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError, require
from kinebench.metrics.i3d.network import MIXED, STEM, InceptionI3d
from kinebench.weights.checkpoint import archive, is_torchscript, state_dict

torch: Any = require("torch", "networks")

STATE_DICT_EPS = 1e-5  # VideoGPT, cd-fvd
TORCHSCRIPT_EPS = 1e-3  # hassony2, where an archive does not say

_BRANCHES = ("b0", "b1a", "b1b", "b2a", "b2b", "b3b")
_NAMED = {"branch_0": "b0", "branch_1.0": "b1a", "branch_1.1": "b1b", "branch_2.0": "b2a", "branch_2.1": "b2b"}
_NAMED["branch_3.1"] = "b3b"
_COUNT = "num_batches_tracked"


def load_i3d(path: Path) -> InceptionI3d:
    """The network with the weights of a file, ready for use on the CPU.

    The epsilon of its batch norms is the archive's, or that of the code which the state dict is used with. Raises
    KineBenchError if the file is not I3D's weights.
    """
    eps = STATE_DICT_EPS
    if is_torchscript(path):
        eps = _eps(path)
    network = InceptionI3d(eps=eps)
    network.load_state_dict(published(state_dict(path), network.state_dict(), str(path)))
    return network.requires_grad_(False).eval()


def published(found: Mapping[str, Any], wanted: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Tensors under the names and in the shapes of `wanted`, whatever they are called in `found`.

    Raises KineBenchError, naming `origin`, if they do not fit, or fit in more than one way.
    """
    for renamed in (dict(found), _without_prefix(found), _from_hassony2(_without_prefix(found))):
        if fitted := _fitted(renamed, wanted):
            return fitted
    return _by_order(found, wanted, origin)


def _fitted(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """`found`, completed by scales of 1, if it has the names and shapes of `wanted` and nothing else."""
    optional = {name: torch.ones(tensor.shape) for name, tensor in wanted.items() if name.endswith(".bn.weight")}
    optional |= {name: tensor for name, tensor in wanted.items() if name.endswith(_COUNT)}
    whole = {**optional, **found}
    same = whole.keys() == wanted.keys() and all(whole[name].shape == wanted[name].shape for name in wanted)
    return whole if same else None


def _without_prefix(found: Mapping[str, Any]) -> dict[str, Any]:
    """Names without what comes before the first layer's in all of them."""
    first = next((match for name in found if (match := re.match(r"(.*?)conv3d_1a_7x7\.", name, re.IGNORECASE))), None)
    if first is None or not all(name.startswith(first[1]) for name in found):
        return dict(found)
    return {name.removeprefix(first[1]): tensor for name, tensor in found.items()}


def _from_hassony2(found: Mapping[str, Any]) -> dict[str, Any]:
    """`mixed_3b.branch_1.0.batch3d.bias` is `Mixed_3b.b1a.bn.bias`."""
    renamed = {}
    for name, tensor in found.items():
        layer, _, rest = name.partition(".")
        for theirs, ours in _NAMED.items():
            rest = re.sub(rf"^{re.escape(theirs)}\.", f"{ours}.", rest)
        layer = "logits" if layer == "conv3d_0c_1x1" else layer.capitalize()
        renamed[f"{layer}.{rest.replace('batch3d', 'bn')}"] = tensor
    return renamed


def _by_order(found: Mapping[str, Any], wanted: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Convolutions in their order, with whatever order of branches is the only one that fits in every block."""
    groups = list(_groups(found))
    fits = []
    for order in itertools.permutations(_BRANCHES):
        units = [*STEM, *(f"{mixed}.{branch}" for mixed in MIXED for branch in order), "logits"]
        if len(units) == len(groups) and (fitted := _fitted(_assigned(units, groups), wanted)):
            fits.append(fitted)
    if len(fits) == 1:
        return fits[0]
    why = f"they fit I3D in {len(fits)} ways" if fits else "names, numbers or shapes of its tensors do not fit"
    raise KineBenchError(f"{origin} is not I3D for Kinetics-400: {why}")


def _groups(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each convolution with the one-dimensional tensors that follow it, by the last part of their names."""
    group: dict[str, Any] = {}
    for name, tensor in found.items():
        if tensor.ndim == 5 and group:
            yield group
            group = {}
        group["conv3d.weight" if tensor.ndim == 5 else name.rpartition(".")[2]] = tensor
    yield group


def _assigned(units: Sequence[str], groups: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        f"{unit}.{_part(unit, name)}": tensor
        for unit, group in zip(units, groups, strict=True)
        for name, tensor in group.items()
    }


def _part(unit: str, name: str) -> str:
    return name if name == "conv3d.weight" else f"{'conv3d' if unit == 'logits' else 'bn'}.{name}"


def _eps(path: Path) -> float:
    """The epsilon that the batch norms of an archive were written with."""
    said = {float(eps) for module in archive(path).modules() if (eps := getattr(module, "eps", None)) is not None}
    if len(said) > 1:
        raise KineBenchError(f"{path} is not I3D: its batch norms have different epsilons, {sorted(said)}")
    return said.pop() if said else TORCHSCRIPT_EPS
