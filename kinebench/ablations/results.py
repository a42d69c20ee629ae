"""What came out of a table: rows, and pairs of rows, with how sure it is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kinebench.ablations import stamp
from kinebench.ablations.cards import Cards, cards
from kinebench.ablations.plan import Plan
from kinebench.ablations.reported import reported
from kinebench.ablations.significance import Sure, holm
from kinebench.ablations.table import Pair, Row, Table
from kinebench.ablations.task import Task

PAPER = {
    "mse": ("mse", True),
    "fvd": ("fvd", True),
    "fvmd": ("fvmd", True),
    "iou_sam2": ("iou", True),
    "iou_flow": ("iou", False),
    "fvmd_lk": ("fvmd", False),
}
"""Metrics that stand beside a column of the paper's, and whether they are that very metric."""
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Column:
    """A metric."""

    name: str  # as the scorecard has it
    what: str
    unit: str
    better: Literal["lower", "higher"]
    scope: str  # clip, group or set
    version: int
    reported: str | None  # the paper's column that it stands beside
    same: bool  # whether it is that very metric: iou_flow stands beside the paper's IoU, and is another


@dataclass(frozen=True)
class Value:
    """A row's number."""

    mean: float | None  # over clips and seeds; None: nothing to measure
    low: float | None  # 95 % interval over clips and seeds, of one seed over clips; None: of fewer than two clips
    high: float | None
    by_seed: Mapping[int, float | None]
    left_out: int  # clips without a value in some seed: left out in all


@dataclass(frozen=True)
class Difference:
    """Of a pair and a metric: the first row's value minus the second's, clip by clip and seed by seed."""

    mean: float | None
    low: float | None
    high: float | None
    p: float | None  # two-sided
    p_holm: float | None  # the same with Holm's correction over the table's pairs of this metric
    better: Literal["first", "second", "not clear"]  # by p_holm < 0.05
    left_out: int  # clips without a value in either row in some seed: left out in all


@dataclass(frozen=True)
class RowResult:
    """A row: its numbers beside the paper's."""

    row: Row
    values: Mapping[str, Value]  # by metric
    reported: Mapping[str, float]  # the paper's, by metric of ours; empty for a row that the paper does not have
    steps: int  # that its branch was trained, in all stages
    train_s: float  # of one core or GPU, for one seed on average: all stages
    video_s: float  # for one video


@dataclass(frozen=True)
class PairResult:
    """A question of the table, metric by metric."""

    pair: Pair
    differences: Mapping[str, Difference]
    reported: Mapping[str, float]  # the paper's difference, by metric of ours, where it has both rows
    same_steps: bool  # whether both rows' branches were trained for as many steps
    labels: tuple[str, str]  # of the rows


@dataclass(frozen=True)
class Results:
    """All of a table."""

    table: str
    clips: int
    seeds: tuple[int, ...]
    columns: tuple[Column, ...]
    rows: tuple[RowResult, ...]
    pairs: tuple[PairResult, ...]


def results(plan: Plan, table: Table, out: Path) -> Results:
    """What came out of a table whose cells are all done. Nothing in it depends on the order in which they were.

    Raises KineBenchError that names rows and seeds if scores are missing, lack a metric, or cannot be compared.
    """
    found = cards(plan, table, out)
    columns = tuple(_column(found, name) for name in found.metrics(plan.scale.metrics))
    rows = {row.id: _row(row, found, columns, plan, table, out) for row in table.rows}
    differences = [_differences(found, column, table.pairs) for column in columns]
    pairs = [
        _pair(pair, {column.name: each[place] for column, each in zip(columns, differences, strict=True)}, rows)
        for place, pair in enumerate(table.pairs)
    ]
    clips = int(found.first["dataset"]["clips"])
    return Results(table.name, clips, found.seeds, columns, tuple(rows.values()), tuple(pairs))


def plain(found: Results) -> dict[str, Any]:
    """As JSON values."""
    return dict(_plain(asdict(found)))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _column(found: Cards, name: str) -> Column:
    metric = found.first["metrics"][name]
    column, same = PAPER.get(name, (None, False))
    comparable = found.first["meters"].get(metric["meter"], {}).get("comparable", True)
    given = {key: metric[key] for key in ("what", "unit", "better", "scope", "version")}
    return Column(name=name, **given, reported=column, same=same and comparable)


def _row(row: Row, found: Cards, columns: Sequence[Column], plan: Plan, table: Table, out: Path) -> RowResult:
    cells = [cell for cell in plan.cells if (cell.table, cell.row) == (table.name, row.id)]
    videos = [plan.task(cell.videos) for cell in cells]
    stages = [_stages(plan, task) for task in videos]
    paper = reported(table.reported, row.reported) if table.reported and row.reported else {}
    return RowResult(
        row=row,
        values={column.name: _value(found.value(row.id, column.name), found.seeds) for column in columns},
        reported={each.name: paper[each.reported] for each in columns if each.reported and each.reported in paper},
        steps=sum(task.units for task in stages[0]),
        train_s=float(np.mean([sum(_seconds(out, task) for task in each) for each in stages])),
        video_s=float(np.mean([_seconds(out, task) / task.units for task in videos])),
    )


def _stages(plan: Plan, task: Task) -> list[Task]:
    """Those that a task needs, one after the other."""
    before = [plan.task(name) for name in task.needs]
    last = next((each for each in before if each.kind in ("stage1", "stage2")), None)
    return [*_stages(plan, last), last] if last else []


def _seconds(out: Path, task: Task) -> float:
    """As it took, else as foreseen: a task that was made elsewhere has no stamp."""
    found = stamp.read(out, task.id)
    return found.seconds if found and found.done else task.seconds


def _value(found: Sure, seeds: Sequence[int]) -> Value:
    by_seed = dict(zip(seeds, found.by_seed, strict=True))
    return Value(found.mean, found.low, found.high, by_seed, found.left_out)


def _differences(found: Cards, column: Column, pairs: Sequence[Pair]) -> list[Difference]:
    """Of one metric, pair by pair."""
    each = [found.difference(pair.first, pair.second, column.name) for pair in pairs]
    return [
        Difference(one.mean, one.low, one.high, one.p, p, _better(one.mean, p, column), one.left_out)
        for one, p in zip(each, holm([one.p for one in each]), strict=True)
    ]


def _better(mean: float | None, p: float | None, column: Column) -> Literal["first", "second", "not clear"]:
    if mean is None or p is None or p >= SIGNIFICANT:
        return "not clear"
    return "first" if (mean > 0) == (column.better == "higher") else "second"


def _pair(pair: Pair, differences: Mapping[str, Difference], rows: Mapping[str, RowResult]) -> PairResult:
    first, second = rows[pair.first], rows[pair.second]
    return PairResult(
        pair=pair,
        differences=differences,
        reported={
            name: first.reported[name] - second.reported[name] for name in first.reported.keys() & second.reported
        },
        same_steps=first.steps == second.steps,
        labels=(first.row.label, second.row.label),
    )
