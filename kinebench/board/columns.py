"""One metric of all rows of a table: values, intervals, ranks, groups, and pairs."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kinebench.board import comparisons, ranking
from kinebench.board.comparisons import Comparisons
from kinebench.board.entry import TABLES, Entry
from kinebench.board.standing import Column, Number, Pair
from kinebench.metrics.resampling import bootstrap_columns
from kinebench.scoring.scorecard import Card

Matrix = NDArray[np.float64]
NOTHING = "no clip has anything to measure"


@dataclass(frozen=True)
class Measured:
    """A column of R rows before they are compared."""

    column: Column
    numbers: tuple[Number, ...]  # without ranks
    units: Matrix  # (R, U) means of clips or groups, (R, G) distances without each group; NaN where there is none
    clips: int  # of the split

    def compared(self, rows: Sequence[int]) -> Comparisons:
        """Some of the rows, which have numbers, with each other."""
        units = self.units[list(rows)]
        if self.column.scope != "set":
            return comparisons.of_means(units)
        values = np.array([self.numbers[row].value for row in rows])
        return comparisons.of_distances(values, units, max(self.clips, units.shape[1]))  # NaN where too few are left


def measure(entries: Sequence[Entry], rng: np.random.Generator) -> list[Measured]:
    """Every column that some row has, or says why it has not, in the order of the scorecards.

    Intervals of means are from the same resampled clips in every row and column.
    """
    names = list(dict.fromkeys(name for entry in entries for card in entry.cards for name in card["metrics"]))
    found = [_measured(entries, name) for name in names]
    for scope in TABLES:
        found = _with_intervals(found, scope, rng)
    return [one for one in found if any(number.reason != NOTHING for number in one.numbers)]


def _measured(entries: Sequence[Entry], name: str) -> Measured:
    reasons = [entry.reason(name) for entry in entries]
    able = [entry for entry, reason in zip(entries, reasons, strict=True) if reason is None]
    lead = _lead(able, name)
    if lead is not None:
        for place, entry in enumerate(entries):
            if reasons[place] is None and (unlike := next(entry.unlike(name, lead), None)):
                reasons[place] = f"not computed as in this table: {unlike}"
    named = lead or next(card for entry in entries for card in entry.cards if name in card["metrics"])
    said = named["metrics"][name]
    column = Column(name, *(said[part] for part in ("what", "unit", "better", "version", "scope", "headline")))
    make = _distances if column.scope == "set" else _means
    numbers, units = make(entries, column, reasons)
    return Measured(column, tuple(numbers), units, len(named["clips"]))


def _lead(able: Sequence[Entry], name: str) -> Card | None:
    """The card whose setup is that of the table: the one that most rows have, whole clips before some frames."""
    if not able:
        return None
    setups = [_setup(entry.first.card, name) for entry in able]
    counted = Counter(setups)
    best = min(range(len(able)), key=lambda place: (setups[place][0], -counted[setups[place]], setups[place][1]))
    return able[best].first.card


def _setup(card: Card, name: str) -> tuple[bool, str]:
    """Whether only some frames are compared, where that matters; and all that a number depends on, as text."""
    metric = card["metrics"][name]
    frames = card["sampling"]["truth_frames"] if metric["scope"] == "set" else []
    meter = {part: value for part, value in card["meters"][metric["meter"]].items() if part != "device"}
    partly = bool(frames) and len(frames) < card["sampling"]["clip_frames"]
    return partly, json.dumps([metric["version"], meter, frames], sort_keys=True)


def _means(entries: Sequence[Entry], column: Column, reasons: Sequence[str | None]) -> tuple[list[Number], Matrix]:
    table = TABLES[column.scope]
    width = max(len(entry.first.card[table]) for entry in entries)  # none where nothing could be computed
    units = np.full((len(entries), width), np.nan)
    numbers = []
    for place, (entry, reason) in enumerate(zip(entries, reasons, strict=True)):
        if reason is None:
            units[place] = entry.means(column.name, table)
        there = units[place][~np.isnan(units[place])]
        value = float(there.mean()) if len(there) else None
        why = reason if value is not None or reason else NOTHING
        numbers.append(Number(value, None, None, len(there), reason=why))
    return numbers, units


def _distances(entries: Sequence[Entry], column: Column, reasons: Sequence[str | None]) -> tuple[list[Number], Matrix]:
    found = [None if why else entry.distances(column.name) for entry, why in zip(entries, reasons, strict=True)]
    width = max((len(one.left_out) for one in found if one), default=0)
    units = np.full((len(entries), max(width, 2)), np.nan)
    numbers = []
    for place, (one, reason) in enumerate(zip(found, reasons, strict=True)):
        if one is None:
            numbers.append(Number(None, None, None, 0, reason=reason))
            continue
        if len(one.left_out) == width > 1:
            units[place] = one.left_out
        sure = one.estimate
        numbers.append(Number(sure.value, sure.low, sure.high, sure.n))
    return numbers, units


def _with_intervals(found: Sequence[Measured], scope: str, rng: np.random.Generator) -> list[Measured]:
    """Columns of this scope with the ends of their intervals, all from one set of resampled clips or groups."""
    chosen = [one for one in found if one.column.scope == scope]
    if not chosen:
        return list(found)
    ends = bootstrap_columns(np.concatenate([one.units for one in chosen]).T, rng)
    low, high = (each.reshape(len(chosen), -1).tolist() for each in ends)
    sure = {one.column.name: ends for one, *ends in zip(chosen, low, high, strict=True)}
    return [_between(one, *sure[one.column.name]) if one.column.name in sure else one for one in found]


def _between(one: Measured, low: Sequence[float], high: Sequence[float]) -> Measured:
    numbers = (
        replace(number, low=_some(a), high=_some(b)) for number, a, b in zip(one.numbers, low, high, strict=True)
    )
    return replace(one, numbers=tuple(numbers))


def _some(value: float) -> float | None:
    return None if np.isnan(value) else value


def ranked(measured: Measured, entries: Sequence[Entry]) -> tuple[tuple[Number, ...], list[Pair]]:
    """The numbers with ranks and groups, and the pairs that pages show, track by track."""
    numbers, pairs = list(measured.numbers), []
    for track in dict.fromkeys(entry.track for entry in entries):
        rows = [
            row
            for row, entry in enumerate(entries)
            if entry.track == track and entry.first.withdrawn is None and numbers[row].value is not None
        ]
        if rows:
            pairs += _ranked_track(measured, rows, [not entries[row].anchor for row in rows], numbers)
    return tuple(numbers), pairs


def _ranked_track(
    measured: Measured, rows: Sequence[int], contends: Sequence[bool], numbers: list[Number]
) -> list[Pair]:
    """Sets the ranks of the `rows` that contend; anchors only have pairs, which are corrected among themselves."""
    found = measured.compared(rows)
    able = np.array(contends)
    both = able[:, None] & able[None, :]
    p = np.where(both, found.corrected(both), found.corrected(~both))
    sign = -1 if measured.column.better == "lower" else 1
    with np.errstate(invalid="ignore"):
        better = (p < comparisons.LEVEL) & (sign * found.difference > 0)
    order = sorted(range(len(rows)), key=lambda place: -sign * _value(numbers[rows[place]]))
    contenders = [place for place in order if contends[place]]
    if contenders:
        chosen = np.flatnonzero(able)
        intervals = ranking.rank_intervals(better[np.ix_(chosen, chosen)])
        groups = ranking.tied(contenders, better)
        for place, rank in zip(chosen.tolist(), intervals, strict=True):
            numbers[rows[place]] = replace(numbers[rows[place]], rank=rank, group=groups[place])
    shown = comparisons.shown(order, (contenders or order)[0])
    return [
        _pair(measured.column.name, (rows[one], rows[two]), found, p, (one, two))
        for one, two in shown
        if not np.isnan(p[one, two])
    ]


def _value(number: Number) -> float:
    return 0.0 if number.value is None else number.value


def _pair(name: str, rows: tuple[int, int], found: Comparisons, p: Matrix, at: tuple[int, int]) -> Pair:
    difference, reach = float(found.difference[at]), float(found.reach[at])
    return Pair(name, *rows, difference, difference - reach, difference + reach, float(p[at]))


def samples(measured: Sequence[Measured], row: int) -> Mapping[str, tuple[float | None, ...]]:
    """By column of scope clip: what a row has on each clip."""
    return {
        one.column.name: tuple(_some(value) for value in one.units[row].tolist())
        for one in measured
        if one.column.scope == "clip" and one.numbers[row].value is not None
    }
