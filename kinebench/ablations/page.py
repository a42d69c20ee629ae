"""Results as pieces of HTML: the table of numbers, the pairs, the charts, the strips."""

import base64
from collections.abc import Mapping, Sequence
from html import escape

from kinebench.ablations import charts, reading, wording
from kinebench.ablations.reading import in_paper
from kinebench.ablations.results import Column, PairResult, Results, RowResult
from kinebench.ablations.strips import Picture, Sample, Strip
from kinebench.ablations.table import Table
from kinebench.ablations.wording import duration, interval, metric, number, probability

_Column = tuple[str, str, int]
_COLUMNS: tuple[_Column, ...] = (
    ("", "", 15),
    ("", "spread", 20),
    ("difference", "n", 11),
    ("95 % interval", "n", 16),
    ("p", "n", 8),
    ("better", "", 21),
    ("the paper", "n theirs", 9),
)
"""Of a pair's table: name, mark, percent of the width."""


def table(results: Results, declared: Table) -> str:
    """Every row with all numbers, ours and the paper's."""
    papers = {column.name: in_paper(results, column) for column in results.columns}
    heads = "".join(_metric_head(column, papers[column.name]) for column in results.columns)
    whose = "".join(
        '<th class="n first">ours</th>' + ('<th class="n theirs">the paper</th>' if papers[column.name] else "")
        for column in results.columns
    )
    best = reading.best(results)
    rows = ""
    for each in results.rows:
        cells = "".join(_cells(each, column, papers, best) for column in results.columns)
        rows += f"<tr>{_row_head(each, declared)}{cells}</tr>"
    return (
        '<table class="main"><thead>'
        f'<tr><th rowspan="2">row</th><th rowspan="2">velocities<br>told</th>'
        f'<th rowspan="2">words</th><th class="n" rowspan="2">steps</th>{heads}</tr>'
        f"<tr>{whose}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _metric_head(column: Column, paper: bool) -> str:
    name = f"{escape(metric(column.name))}{'*' if paper and not column.same else ''}"
    return (
        f'<th class="n first" colspan="{2 if paper else 1}"><span class="metric">{name}</span>'
        f"<small>{escape(wording.direction(column))}</small></th>"
    )


def _row_head(each: RowResult, declared: Table) -> str:
    tag = ' <span class="tag">ours</span>' if declared.reported and not each.row.reported else ""
    return (
        f'<th scope="row">{escape(each.row.label)}{tag}</th><td class="told">{wording.told(each.row)}</td>'
        f'<td class="told">{each.row.prompt}</td><td class="n">{wording.steps(each.steps)}</td>'
    )


def _cells(each: RowResult, column: Column, papers: dict[str, bool], best: Mapping[str, str]) -> str:
    value = each.values[column.name]
    text = number(value.mean)
    if best.get(column.name) == each.row.id:
        text = f"<b>{text}</b>"
    ours = f'<td class="n first">{text}<small>{interval(value.low, value.high)}</small></td>'
    if not papers[column.name]:
        return ours
    return f'{ours}<td class="n theirs">{wording.reported(each.reported.get(column.name))}</td>'


def pairs(results: Results) -> str:
    """Each question with its answer and all differences."""
    if not results.pairs:
        return ""
    told = f"{reading.paired(results)} In the pictures right is where the first row is better; filled is clear."
    columns = _COLUMNS if any(pair.reported for pair in results.pairs) else _COLUMNS[:-1]
    reach = {
        column.name: charts.reach(pair.differences[column.name] for pair in results.pairs) for column in results.columns
    }
    parts = "".join(_pair(results, pair, columns, reach) for pair in results.pairs)
    return f'<h2>Questions</h2><p class="soft">{escape(told)}</p>{parts}'


def _pair(results: Results, pair: PairResult, columns: Sequence[_Column], reach: Mapping[str, float]) -> str:
    first, second = map(escape, pair.labels)
    head = "".join(f'<th class="{mark}" style="width:{share}%">{text}</th>' for text, mark, share in columns)
    answers = "".join(f'<p class="answer">{escape(line)}</p>' for line in reading.answered(results, pair))
    rows = ""
    for column in results.columns:
        texts = _differences(pair, column, reach[column.name])
        cells = (f'<td class="{mark}">{text}</td>' for (_, mark, _), text in zip(columns, texts, strict=False))
        rows += f"<tr>{''.join(cells)}</tr>"
    return (
        f"<section><h3>{escape(pair.pair.asks)}</h3>"
        f'<p class="soft">{first}, against {second}; {reading.trained(results, pair)}.</p>{answers}'
        f'<div class="scroll" tabindex="0"><table class="pairs"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _differences(pair: PairResult, column: Column, reach: float) -> tuple[str, ...]:
    """What stands in `_COLUMNS`."""
    found = pair.differences[column.name]
    return (
        escape(metric(column.name)),
        charts.fork(found, column, reach),
        number(found.mean, signed=True),
        interval(found.low, found.high, signed=True),
        escape(probability(found.p_holm)),
        escape(wording.verdict(pair, column)),
        wording.reported(pair.reported.get(column.name), signed=True),
    )


def legend(results: Results) -> str:
    """What the marks of the charts are."""
    papers = any(in_paper(results, column) for column in results.columns)
    return (
        "A dot is a seed, the upright line their mean, the long line its interval."
        + (" Rings are the paper's numbers, on an axis of their own." if papers else "")
        + " Every axis begins at 0."
    )


def strips(samples: Sequence[Sample], results: Results) -> str:
    """The same clips of every row."""
    told = f"{reading.shown(samples, results)} Hold a strip down to see the truth in its place."
    return f'<p class="soft">{escape(told)}</p>{"".join(_sample(sample, results) for sample in samples)}'


def _sample(sample: Sample, results: Results) -> str:
    times = "".join(f"<span>{time}</span>" for time in reading.times(sample))
    columns = reading.of_clips(results)
    rows = "".join(
        _strip(strip, columns, each.row.label) for strip, each in zip(sample.strips, results.rows, strict=True)
    )
    asked = _image(sample.asked, f"the first frame of clip {sample.number} with what is asked", "")
    truth = _image(sample.truth, f"clip {sample.number} itself", ' class="truth"')
    return (
        f'<section class="sample"><h3>Clip {sample.number} of {results.clips:,}</h3>'
        f'<div class="asked">{asked}<p>{escape(sample.caption)}</p></div>'
        '<div class="scroll" tabindex="0"><div class="film"><span class="blank"></span>'
        f'<div class="times">{times}</div><div class="label">ground truth</div>{truth}{rows}</div></div></section>'
    )


def _strip(strip: Strip, columns: Sequence[Column], label: str) -> str:
    shown = f'<div class="none">{escape(reading.fault(strip))}</div>'
    if strip.picture is not None:
        shown = _image(strip.picture, f"frames of {escape(label)}", ' class="made" tabindex="0" draggable="false"')
    return f'<div class="label">{escape(label)}<small>{escape(reading.scored(strip, columns))}</small></div>{shown}'


def _image(picture: Picture, told: str, marks: str) -> str:
    data = base64.b64encode(picture.data).decode()
    return (
        f'<img{marks} alt="{told}" width="{picture.width_px}" height="{picture.height_px}" '
        f'src="data:image/jpeg;base64,{data}">'
    )


def costs(results: Results) -> str:
    """How long rows took."""
    rows = "".join(
        f'<tr><th scope="row">{escape(each.row.label)}</th><td class="n">{wording.steps(each.steps)}</td>'
        f'<td class="n">{duration(each.train_s) if each.steps else wording.NOTHING}</td>'
        f'<td class="n">{duration(each.video_s)}</td></tr>'
        for each in results.rows
    )
    head = '<th>row</th><th class="n">steps</th><th class="n">training, a seed</th><th class="n">a video</th>'
    return f'<div class="scroll"><table class="cost"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Names and what is said of them."""
    inner = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>' for name, text in rows)
    return f'<div class="scroll"><table class="facts">{inner}</table></div>'
