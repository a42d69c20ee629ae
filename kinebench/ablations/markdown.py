"""The report in Markdown, with pictures as files beside it: for a repository's own pages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from kinebench.ablations import account, reading, wording
from kinebench.ablations.plan import Plan
from kinebench.ablations.results import PairResult, Results, RowResult
from kinebench.ablations.strips import Sample
from kinebench.ablations.table import Table
from kinebench.ablations.wording import duration, interval, metric, number, probability

_SPECIAL = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#~$"} | {"&": "&amp;", "\n": " "})

_UNBROKEN = "&nbsp;"


def pictures(samples: Sequence[Sample]) -> Iterator[tuple[str, bytes]]:
    """The files of strips by name."""
    for sample in samples:
        yield f"{sample.number}-asked.jpg", sample.asked.data
        yield f"{sample.number}-truth.jpg", sample.truth.data
        for strip in sample.strips:
            if strip.picture is not None:
                yield f"{sample.number}-{strip.row}.jpg", strip.picture.data


def text(
    results: Results, plan: Plan, table: Table, samples: Sequence[Sample], told: dict[str, Any], folder: str
) -> str:
    """The whole report; `folder` is where pictures lie, relative to it."""
    commands = "\n".join(f"    {command}" for command in account.repeat(plan, table))
    choices = ["## Where the paper does not say", _list(table.choices)] if table.choices else []
    blocks = [
        f"# {plain(table.title)}",
        f"**{plain(table.question)}**",
        plain(" ".join(account.account(plan, table))),
        plain(account.limits(plan)),
        "## What came out",
        _table(results, table),
        _list(reading.notes(results, table)),
        *_pairs(results),
        "## The same clips in every row",
        plain(reading.shown(samples, results)),
        *(_sample(sample, results, folder) for sample in samples),
        *choices,
        "## How it was done",
        _costs(results),
        _rows(["", ""], ["", ""], [[plain(name), plain(said)] for name, said in account.facts(results, told)]),
        f"To do it again, with `run.json`, which lies beside this page:\n\n{commands}",
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def plain(words: str) -> str:
    """Text in which nothing is Markdown or HTML."""
    return words.translate(_SPECIAL)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {plain(line)}" for line in lines)


def _rows(heads: Sequence[str], marks: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column whose mark is n has numbers."""
    rules = ["---:" if mark == "n" else "---" for mark in marks]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rules, *rows))


def _table(results: Results, declared: Table) -> str:
    heads, marks = ["row", "velocities told", "words", "steps"], ["", "", "", "n"]
    papers = [reading.in_paper(results, column) for column in results.columns]
    for column, paper in zip(results.columns, papers, strict=True):
        star = "\\*" if paper and not column.same else ""
        name = f"{plain(metric(column.name))}{star} {wording.ARROWS[column.better]}"
        heads += [name, "the paper"] if paper else [name]
        marks += ["n", "n"] if paper else ["n"]
    best = reading.best(results)
    rows = [_cells(each, results, declared, papers, best.get) for each in results.rows]
    return _rows(heads, marks, rows)


def _cells(each: RowResult, results: Results, declared: Table, papers: Sequence[bool], best: Any) -> list[str]:
    tag = " (ours)" if declared.reported and not each.row.reported else ""
    cells = [
        f"{plain(each.row.label)}{tag}",
        wording.told(each.row),
        plain(each.row.prompt),
        wording.steps(each.steps),
    ]
    for column, paper in zip(results.columns, papers, strict=True):
        value = each.values[column.name]
        shown = number(value.mean)
        span = interval(value.low, value.high)
        shown = f"**{shown}**" if best(column.name) == each.row.id else shown
        cells.append(f"{shown}<br>{span.replace(' ', _UNBROKEN)}" if span else shown)
        if paper:
            cells.append(wording.reported(each.reported.get(column.name)))
    return cells


def _pairs(results: Results) -> Iterator[str]:
    if not results.pairs:
        return
    yield "## Questions"
    yield plain(reading.paired(results))
    for pair in results.pairs:
        first, second = map(plain, pair.labels)
        yield f"### {plain(pair.pair.asks)}"
        yield f"{first}, against {second}; {reading.trained(results, pair)}."
        yield _list(reading.answered(results, pair))
        yield _differences(results, pair)


def _differences(results: Results, pair: PairResult) -> str:
    heads = ["", "difference", "95 % interval", "p", "better", "the paper"]
    marks = ["", "n", "n", "n", "", "n"]
    count = len(heads) if any(each.reported for each in results.pairs) else len(heads) - 1
    rows = []
    for column in results.columns:
        found = pair.differences[column.name]
        row = [
            plain(metric(column.name)),
            number(found.mean, signed=True),
            interval(found.low, found.high, signed=True),
            plain(probability(found.p_holm)),
            plain(wording.verdict(pair, column)),
            wording.reported(pair.reported.get(column.name), signed=True),
        ]
        rows.append(row[:count])
    return _rows(heads[:count], marks[:count], rows)


def _sample(sample: Sample, results: Results, folder: str) -> str:
    """A clip: what is asked, and a table of strips."""
    columns = reading.of_clips(results)
    rows = [["ground truth", _image(f"{folder}/{sample.number}-truth.jpg", "frames of the clip itself")]]
    for each, strip in zip(results.rows, sample.strips, strict=True):
        image = _image(f"{folder}/{sample.number}-{strip.row}.jpg", "frames that it made")
        shown = image if strip.picture else plain(reading.fault(strip))
        rows.append([f"{plain(each.row.label)}<br>{plain(reading.scored(strip, columns))}", shown])
    asked = f'<img src="{folder}/{sample.number}-asked.jpg" alt="the first frame with what is asked" width="380">'
    head = f"### Clip {sample.number} of {results.clips:,}\n\n{plain(sample.caption)}\n\n{asked}\n\n"
    return head + _rows(["", ", ".join(reading.times(sample))], ["", ""], rows)


def _image(path: str, told: str) -> str:
    return f'<img src="{path}" alt="{told}">'


def _costs(results: Results) -> str:
    rows = (
        [
            plain(each.row.label),
            wording.steps(each.steps),
            duration(each.train_s) if each.steps else wording.NOTHING,
            duration(each.video_s),
        ]
        for each in results.rows
    )
    return _rows(["row", "steps", "training, a seed", "a video"], ["", "n", "n", "n"], rows)
