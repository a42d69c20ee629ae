"""What came out of an ablation, as rich tables."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from kinebench.cli.printable import printable

if TYPE_CHECKING:
    from kinebench.ablations.folder import Written
    from kinebench.ablations.results import Column, PairResult, Results, RowResult, Value
    from kinebench.ablations.table import Table

WIDTH = 120
ABREAST = 4
"""Metrics that stand beside each other in so many characters."""
LABEL = 36
NOTHING = "-"


def print_results(table: "Table", written: "Written") -> None:
    """Each row beside the paper's, a few metrics at a time; then each question with its answer and all differences."""
    console, found = Console(width=WIDTH), written.results
    for start in range(0, len(found.columns), ABREAST):
        console.print(_rows(table, found, found.columns[start : start + ABREAST]))
    _print(console, _notes(found))
    for pair in found.pairs:
        console.print(Text(), _pair(pair, found.columns), sep="\n")
        _print(console, _answers(pair, found))
    _print(console, [*_method(found), f"the report is {written.page}"])


def _print(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


def _table(title: str) -> RichTable:
    made = RichTable(
        title=Text(printable(title), "table.title"), title_justify="left", min_width=min(len(title), WIDTH)
    )
    made.collapse_padding = True
    return made


def _rows(table: "Table", found: "Results", columns: "Sequence[Column]") -> RichTable:
    from kinebench.ablations.wording import ARROWS, metric

    made = _table(f"{table.name}: {table.title}")
    made.add_column("", max_width=LABEL)
    made.add_column("steps", justify="right", no_wrap=True)
    for column in columns:
        made.add_column(f"{ARROWS[column.better]} {metric(column.name)}", justify="right", no_wrap=True)
        if _in_paper(found, column):
            made.add_column("paper" if column.same else "paper*", justify="right", no_wrap=True)
    for row in found.rows:
        cells = [cell for column in columns for cell in _cells(row, column, _in_paper(found, column))]
        made.add_row(Text(printable(row.row.label)), f"{row.steps:,}" if row.steps else NOTHING, *cells)
    return made


def _in_paper(found: "Results", column: "Column") -> bool:
    return any(column.name in row.reported for row in found.rows)


def _cells(row: "RowResult", column: "Column", paper: bool) -> list[str]:
    from kinebench.ablations.wording import number

    return [_spread(row.values[column.name]), *([number(row.reported.get(column.name))] if paper else [])]


def _spread(value: "Value") -> str:
    """With half of the interval."""
    from kinebench.ablations.wording import number

    if value.mean is None or value.high is None:
        return number(value.mean)
    return f"{number(value.mean)} ± {number(value.high - value.mean)}"


def _notes(found: "Results") -> Iterator[str]:
    from kinebench.ablations.wording import metric

    seeds = f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else "one seed"
    drawn = "clips and seeds" if len(found.seeds) > 1 else "clips, and says nothing of other seeds"
    yield f"{found.clips:,} clips, {seeds}; ± is half of the 95 % interval over {drawn}"
    beside = [column for column in found.columns if column.reported and _in_paper(found, column) and not column.same]
    if beside:
        others = ", ".join(f"{metric(each.name)} is not its {metric(each.reported or '')}" for each in beside)
        yield f"* the paper's own measure: {others}; orders can be compared, values cannot"
    for column in found.columns:
        if left_out := max(row.values[column.name].left_out for row in found.rows):
            yield f"{metric(column.name)}: up to {left_out} clips of a row have no value with some seed: not counted"


def _pair(pair: "PairResult", columns: "Sequence[Column]") -> RichTable:
    from kinebench.ablations.wording import ARROWS, interval, metric, number, probability

    first, second = map(printable, pair.labels)
    made = _table(pair.pair.asks)
    made.add_column(Text(f"{first}, minus {second}"), max_width=LABEL)
    for name in ("difference", "95 %", "p", "p, Holm", *(["paper"] if pair.reported else [])):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("better", max_width=LABEL)
    for column in columns:
        one = pair.differences[column.name]
        better = {"first": first, "second": second}.get(one.better, one.better)
        made.add_row(
            f"{ARROWS[column.better]} {metric(column.name)}",
            number(one.mean, signed=True),
            interval(one.low, one.high, signed=True),
            probability(one.p),
            probability(one.p_holm),
            *([number(pair.reported.get(column.name), signed=True)] if pair.reported else []),
            Text(better),
        )
    return made


def _answers(pair: "PairResult", found: "Results") -> Iterator[str]:
    """By the metrics that the paper has too, else by the first."""
    from kinebench.ablations.answer import answer

    for column in [each for each in found.columns if each.reported] or found.columns[:1]:
        yield answer(pair, column)
    steps = {row.row.id: row.steps for row in found.rows}
    first, second = steps[pair.pair.first], steps[pair.pair.second]
    if first and second and first != second:
        yield f"The first was trained for {first:,} steps, the second for {second:,}."


def _method(found: "Results") -> Iterator[str]:
    if found.pairs:
        count = f"the {len(found.pairs)} pairs" if len(found.pairs) > 1 else "the one pair"
        yield f"better: p < 0.05 after Holm's correction for {count} of each metric; intervals are not corrected"
