"""Published weights that an ablation cannot do without, and whether they are here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from kinebench.ablations.plan import ALONE, Plan
from kinebench.ablations.table import Backbone
from kinebench.ablations.task import Kind
from kinebench.errors import Unavailable
from kinebench.methods import hub, method
from kinebench.metrics import fvd, fvmd
from kinebench.metrics.catalogue import Setup, choose
from kinebench.metrics.sam2 import Sam2Masks
from kinebench.weights.catalogue import find

_MODEL: tuple[Kind, ...] = ("latents", "stage1", "stage2", "videos")
_SCORES: tuple[Kind, ...] = ("scores",)


@dataclass(frozen=True)
class Need:
    """Something that has to be here before."""

    name: str
    purpose: str  # what needs it
    kinds: tuple[Kind, ...]  # of tasks that do
    gb: float | None  # None: nobody has told it, or it is no file
    lacking: str | None  # why it cannot be used, and what to do; None: it is here


def needs(plan: Plan) -> tuple[Need, ...]:
    """Published backbones, and what metrics read videos with. Looks at files, and loads none."""
    return (*_backbones(plan), *_meters(plan.scale.metrics))


def _backbones(plan: Plan) -> Iterator[Need]:
    roles: Iterable[Backbone] = dict.fromkeys(table.backbone(row) for table in plan.tables for row in table.rows)
    for role in roles:
        model = plan.scale.backbones[role]
        if model.pretraining is None:
            chosen = method.find(ALONE[model.family])
            what = chosen.weights["model"]
            if lacking := _lacking(partial(hub.weights(chosen, {}), "model")):
                state = lacking.partition("; ")[0]
                lacking = f"{state}; run: hf download {what.hub} --revision {what.revision} ({what.licence})"
            yield Need(what.hub or chosen.name, model.title, _MODEL, what.gb or model.weights_gb, lacking)


def _meters(metrics: Iterable[str]) -> Iterator[Need]:
    published = {"fvd": fvd.WEIGHTS, "fvmd": fvmd.WEIGHTS, "sam2": Sam2Masks().published}
    meters, wanted = choose(tuple(metrics), Setup())
    for meter in meters:
        purpose = ", ".join(metric.name for metric in meter.metrics if metric.name in wanted)
        lacking = _lacking(partial(getattr, meter, "configuration"))
        if meter.name in published:
            entry = find(published[meter.name])
            yield Need(entry.name, purpose, _SCORES, entry.bytes / 1e9 if entry.bytes else None, lacking)
        elif lacking:
            yield Need(meter.name, purpose, _SCORES, None, lacking)


def _lacking(look: Callable[[], Any]) -> str | None:
    try:
        look()
    except Unavailable as error:
        return str(error)
    return None
