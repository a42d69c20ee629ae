"""The anchors under every metric that needs no weights: does the order make sense?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.methods.method import find
from kinebench.methods.runner import run
from kinebench.methods.source import open_source
from kinebench.metrics.catalogue import METERS, NETWORKS, Setup, meter
from kinebench.metrics.metric import Meter, Metric
from kinebench.scoring.scorecard import Card
from kinebench.scoring.scorer import score
from kinebench.shards.files import Progress

ANCHORS = (
    "oracle",
    "rerender",
    "codec",
    "small512",
    "frames16",
    "resimulate",
    "friction_discs",
    "constant_velocity",
    "slowed",
    "static",
    "shuffled",
    "scrambled",
    "reversed",
)
"""Methods of `baselines/anchors`, roughly from the best to what no model should be."""
RENDERED = ("rerender", "resimulate")
TRUTH, NOTHING = "oracle", "static"
SENSIBLE = ("rerender", "codec", "small512", "frames16", "slowed")
"""Videos in which everything moves the right way."""


@dataclass(frozen=True)
class Row:
    """One metric: what it says of each anchor."""

    metric: Metric
    values: Mapping[str, float | None]  # mean over clips or groups, or distance of the sets; None: nothing to measure
    n: int  # clips or groups with a value of the ground truth's own

    @property
    def order(self) -> tuple[str, ...]:
        """The anchors that have a value, from best to worst."""
        known = {name: value for name, value in self.values.items() if value is not None}
        return tuple(sorted(known, key=known.__getitem__, reverse=self.metric.better == "higher"))

    @property
    def beaten(self) -> tuple[str, ...]:
        """The sensible motions that standing still is worth as much as, or more; none unless the metric is weak."""
        nothing = self.values.get(NOTHING)
        if nothing is None:
            return ()
        sensible = {name: value for name in SENSIBLE if (value := self.values.get(name)) is not None}
        higher = self.metric.better == "higher"
        return tuple(name for name, value in sensible.items() if (nothing >= value if higher else nothing <= value))

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        about = {name: getattr(self.metric, name) for name in ("name", "version", "unit", "better", "scope")}
        return {
            **about,
            "n": self.n,
            "values": dict(self.values),
            "order": list(self.order),
            "beaten": list(self.beaten),
        }


@dataclass(frozen=True)
class Sanity:
    """The table, and which metrics and anchors are not in it and why."""

    rows: tuple[Row, ...]
    refused: Mapping[str, str]


def measure(dataset: Path, split: str, names: Sequence[str], out: Path, workers: int, note: Progress) -> Sanity:
    """These anchors of a split, made in `out/<name>`, under every metric of the light meters, in the catalogue's order.

    The ground truth must be among them. Videos that are there and what was read of them stay. Raises KineBenchError if
    there is no such dataset or split, or an anchor cannot be made at all.
    """
    source = open_source(dataset, split, "c_infer")
    cards: dict[str, Card] = {}
    refused: dict[str, str] = {}
    for number, name in enumerate(names):
        note("anchors", number, len(names))
        outcome = run(find(name), source, (0,), out / name, given={}, weights={}, device="cpu", note=note)
        if outcome.failed:
            refused[name] = outcome.failed[0].message
        else:
            cards[name] = score(out / name, dataset, split, light_meters(), workers=workers, note=note)
    rows = tuple(_rows(cards))
    shown = {row.metric.name for row in rows}
    reasons = {name: why for name, why in cards[TRUTH]["unavailable"].items() if name not in shown}
    return Sanity(rows, reasons | refused)


def light_meters() -> tuple[str, ...]:
    """Names of the meters that need no weights."""
    return tuple(name for name in METERS if name not in NETWORKS)


def _rows(cards: Mapping[str, Card]) -> Iterator[Row]:
    truth = cards[TRUTH]
    for name in light_meters():
        one: Meter = meter(name, Setup())
        for metric in one.metrics:
            found = truth["summaries"].get(metric.name)
            if found is not None and (metric.scope != "group" or truth["groups"]):
                yield Row(metric, {anchor: _value(card, metric.name) for anchor, card in cards.items()}, found["n"])


def _value(card: Card, metric: str) -> float | None:
    return card["summaries"].get(metric, {}).get("value")
