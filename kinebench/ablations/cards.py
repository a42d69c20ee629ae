"""The scorecards of a table's cells, and what a metric says in them, clip by clip and seed by seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.ablations.plan import Plan
from kinebench.ablations.significance import Sure, around, sure
from kinebench.ablations.table import Table
from kinebench.errors import KineBenchError
from kinebench.scoring.comparison import demand_alike
from kinebench.scoring.scorecard import Card, load

Place = tuple[str, int]
"""A row by its id, and a seed."""


@dataclass(frozen=True)
class Cards:
    """One for each row and seed, all of the same clips and computed alike."""

    rows: tuple[str, ...]
    seeds: tuple[int, ...]
    by_cell: Mapping[Place, Card]

    @property
    def first(self) -> Card:
        """What all say alike can be read in it."""
        return self.by_cell[self.rows[0], self.seeds[0]]

    def metrics(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """The metrics in the order wanted; the name of a meter stands for all of its own."""
        known = self.first["metrics"]
        found = [
            each
            for name in wanted
            for each in ([] if name in known else [own for own in known if known[own]["meter"] == name]) or [name]
        ]
        return tuple(dict.fromkeys(found))

    def value(self, row: str, metric: str) -> Sure:
        """Of a row alone."""
        if self._scope(metric) == "set":
            return self._distances(row, metric).sure
        return sure(self._values(row, metric))

    def difference(self, first: str, second: str, metric: str) -> Sure:
        """The first row's values minus the second's, over the clips that have all of both."""
        if self._scope(metric) == "set":
            return self._distances(first, metric).minus(self._distances(second, metric)).sure
        return sure(self._values(first, metric) - self._values(second, metric))

    def _scope(self, metric: str) -> str:
        return str(self.first["metrics"][metric]["scope"])

    def _values(self, row: str, metric: str) -> NDArray[np.float64]:
        """Of clips, or groups of counterfactual ones, with seeds (C, S); NaN where there was nothing to measure."""
        table = "clips" if self._scope(metric) == "clip" else "groups"
        found = [
            [_cell(self.by_cell[row, seed][table][key]["predictions"][str(seed)], metric) for seed in self.seeds]
            for key in self.first[table]
        ]
        return np.array(found, dtype=np.float64).reshape(-1, len(self.seeds))  # None becomes NaN

    def _distances(self, row: str, metric: str) -> "_Distances":
        kept = [self.by_cell[row, seed]["sets"][metric] for seed in self.seeds]
        by_seed = [each["values"][str(seed)] for each, seed in zip(kept, self.seeds, strict=True)]
        groups = min(len(each["jackknife"]) for each in kept)
        left_out = [each["jackknife"][:groups] for each in kept]
        return _Distances(np.array(by_seed), np.array(left_out, dtype=np.float64).T, self.first["dataset"]["clips"])


@dataclass(frozen=True)
class _Distances:
    """Of a set metric: a row's, or what those of two differ by."""

    by_seed: NDArray[np.float64]  # (S,)
    left_out: NDArray[np.float64]  # (G, S), without each group of clips; (0, S) if the clips are too few
    clips: int

    def minus(self, other: "_Distances") -> "_Distances":
        """Seed by seed, and without the same clips."""
        groups = min(len(self.left_out), len(other.left_out))
        left_out = self.left_out[:groups] - other.left_out[:groups]
        return _Distances(self.by_seed - other.by_seed, left_out, self.clips)

    @property
    def sure(self) -> Sure:
        """By what each group of clips brings to the distance, the jackknife's pseudo-values (G, S).

        They stand for clips in the analysis of variance. With one seed, and groups of one size, the interval is the
        jackknife's own.
        """
        sizes = [len(part) for part in np.array_split(np.arange(self.clips), max(len(self.left_out), 1))]
        share = (self.clips / np.array(sizes))[: len(self.left_out), None]
        mean = float(self.by_seed.mean())
        low, high, p = around(mean, share * self.by_seed - (share - 1) * self.left_out)
        return Sure(mean, low, high, p, tuple(float(each) for each in self.by_seed), self.clips, 0)


def _cell(row: Mapping[str, object], metric: str) -> float | None:
    values = row.get("values", row)
    assert isinstance(values, Mapping)  # as the schema says
    return values.get(metric)


def cards(plan: Plan, table: Table, out: Path) -> Cards:
    """All scorecards of a table. Raises KineBenchError if one is missing, lacks a metric, or is unlike the others."""
    cells = [cell for cell in plan.cells if cell.table == table.name]
    if not cells:
        raise KineBenchError(f"the plan has no table {table.name}")
    files = {(cell.row, cell.seed): out / plan.task(cell.scores).made for cell in cells}
    if missing := [f"  {_said(*cell)}: {path}" for cell, path in files.items() if not path.is_file()]:
        raise KineBenchError("\n".join([f"{table.name}: scores are missing; run the ablation again:", *missing]))
    found = Cards(tuple(row.id for row in table.rows), plan.scale.seeds, {cell: load(files[cell]) for cell in files})
    faults = [(cell, reason) for cell, card in found.by_cell.items() for reason in _faults(found, cell, card)]
    if faults := faults or list(_unavailable(found, plan.scale.metrics)):
        raise KineBenchError("\n".join([f"{table.name}: there is no table of these scores:", *_listed(faults)]))
    return found


def _listed(faults: Sequence[tuple[Place, str]]) -> list[str]:
    """One line for each reason."""
    cells: dict[str, list[Place]] = {}
    for cell, reason in faults:
        cells.setdefault(reason, []).append(cell)
    return [f"  {_said(*them[0])}{_more(len(them) - 1)}: {reason}" for reason, them in cells.items()]


def _more(count: int) -> str:
    return f" and {count} more" if count else ""


def _said(row: str, seed: int) -> str:
    return f"row {row}, seed {seed}"


def _faults(found: Cards, cell: Place, card: Card) -> Iterator[str]:
    """What keeps a card from standing beside the first one."""
    first, start = found.first, _said(found.rows[0], found.seeds[0])
    if (seeds := card["predictions"]["seeds"]) != [cell[1]]:
        yield f"it has scores of the seeds {seeds}"
    elif any(card[table].keys() != first[table].keys() for table in ("clips", "groups")):
        yield f"it is of other clips than {start}"
    elif card["sampling"]["truth_frames"] != first["sampling"]["truth_frames"]:
        yield f"it shows other frames of the clips than {start}"
    else:
        try:
            demand_alike(card, first)
        except KineBenchError as error:
            yield f"with {start}, {error}"


def _unavailable(found: Cards, wanted: Sequence[str]) -> Iterator[tuple[Place, str]]:
    """Metrics that a cell lacks, and why."""
    for cell, card in found.by_cell.items():
        for name in found.metrics(wanted):
            if name not in card["summaries"]:
                yield cell, f"no {name}: {card['unavailable'].get(name, 'it was not asked for; score again')}"
