"""Every meter by name, imported when it is asked for."""

import difflib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from kinebench.errors import KineBenchError, Unavailable
from kinebench.metrics.metric import Meter

METERS = {
    "pixel": "kinebench.metrics.pixel:Pixel",
    "flow": "kinebench.metrics.flow:FlowMasks",
    "fvmd_lk": "kinebench.metrics.lucas_kanade:FvmdLk",
    "fvd": "kinebench.metrics.fvd:Fvd",
    "fvmd": "kinebench.metrics.fvmd:Fvmd",
    "sam2": "kinebench.metrics.sam2:Sam2Masks",
}
NETWORKS = ("fvd", "fvmd", "sam2")
"""Meters that take a device and a precision."""


@dataclass(frozen=True)
class Setup:
    """How meters are set up; each takes what concerns it."""

    device: str = "cpu"  # as torch names it
    bfloat16: bool = False
    fvd_preprocess: str = "squash"
    fvmd_acceleration: str = "released"
    fvmd_stride: int = 1
    sam2_size: str = "large"
    sam2_backend: str = "transformers"
    weights: Mapping[str, Path] = field(default_factory=dict)  # by meter, in place of the published ones

    def options(self, meter: str) -> dict[str, Any]:
        """The arguments of a meter."""
        own: dict[str, dict[str, Any]] = {
            "fvd": {"preprocess": self.fvd_preprocess},
            "fvmd": {"acceleration": self.fvmd_acceleration, "window_stride": self.fvmd_stride},
            "sam2": {"size": self.sam2_size, "backend": self.sam2_backend},
        }
        if meter not in NETWORKS:
            return {}
        return own[meter] | {"device": self.device, "bfloat16": self.bfloat16, "weights": self.weights.get(meter)}


def meter(name: str, setup: Setup) -> Meter:
    """A meter of the catalogue. Raises KineBenchError for an option that it does not have."""
    module, _, kind = METERS[name].partition(":")
    return cast(Meter, getattr(importlib.import_module(module), kind)(**setup.options(name)))


def can_run(meter: Meter) -> bool:
    """Whether the packages and weights of a meter are here."""
    try:
        return bool(meter.configuration)
    except Unavailable:
        return False


def choose(names: Sequence[str], setup: Setup) -> tuple[tuple[Meter, ...], frozenset[str]]:
    """The meters to read, and the metrics wanted of them; `names` are of either, none for all.

    Raises KineBenchError for a name that is neither.
    """
    meters = {name: meter(name, setup) for name in METERS}
    owners = {metric.name: name for name, one in meters.items() for metric in one.metrics}
    wanted = {metric for name in names for metric in _expanded(name, meters, owners)} or set(owners)
    needed = {owners[metric] for metric in wanted}
    return tuple(one for name, one in meters.items() if name in needed), frozenset(wanted)


def _expanded(name: str, meters: Mapping[str, Meter], owners: Mapping[str, str]) -> list[str]:
    if name in owners:  # before meters: `fvd` is the name of both, and `--metrics fvd` wants no kvd
        return [name]
    if name in meters:
        return [metric.name for metric in meters[name].metrics]
    near = difflib.get_close_matches(name, [*owners, *meters], 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    raise KineBenchError(f"there is no metric or meter {name!r}{hint} There are {', '.join([*METERS, *owners])}")
