"""Dots and lines of an ablation as inline SVG. Positions are percentages: nothing is stretched, whatever the width."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from kinebench.ablations import wording
from kinebench.ablations.results import Column, Difference, Results, RowResult, Value
from kinebench.ablations.wording import interval, number

_EDGE = 3.0  # percent that is left free on either side
_MOST_TICKS = 4


def chart(results: Results, column: Column) -> str:
    """A metric: each row's seeds, mean and interval; beside it the paper's numbers on an axis of their own.

    Both axes begin at 0, so that shares can be compared where values cannot.
    """
    papers = [each.reported.get(column.name) for each in results.rows]
    ours = _axis([edge for each in results.rows for edge in _edges(each.values[column.name])])
    theirs = _axis([value for value in papers if value is not None])
    with_paper = column.reported is not None and any(value is not None for value in papers)
    lines = [_line(each, column, ours, theirs if with_paper else None) for each in results.rows]
    head = f"<span></span><span>ours</span>{'<span>the paper</span>' if with_paper else ''}"
    foot = f"<span></span>{_ticks(ours)}{_ticks(theirs) if with_paper else ''}"
    return (
        f'<figure class="chart"><figcaption><strong>{escape(wording.metric(column.name))}</strong> '
        f"{escape(wording.direction(column))}</figcaption>"
        f'<div class="dots{"" if with_paper else " alone"}">'
        f'<div class="head">{head}</div>{"".join(lines)}<div class="axis">{foot}</div></div></figure>'
    )


def fork(found: Difference, column: Column, reach: float) -> str:
    """A difference with its interval around zero, up to `reach` either way; right is where the first row is better."""
    if found.mean is None:
        return ""
    turn = 1.0 if column.better == "higher" else -1.0
    axis = _Axis(-reach, reach)
    mean, low, high = (
        axis.place(turn * value) if value is not None else None for value in (found.mean, found.low, found.high)
    )
    kind = "unclear" if found.better == "not clear" else "clear"
    parts = [_upright("zero", axis.place(0), 12)]
    if low is not None and high is not None:
        parts.append(_level("range", min(low, high), max(low, high)))
    parts.append(_dot("mean", mean or 0.0, 4))
    told = f"{number(found.mean, signed=True)} ({interval(found.low, found.high, signed=True)})"
    return _svg(f"fork {kind}", told, parts)


def reach(differences: Iterable[Difference]) -> float:
    """The farthest that one of them goes from zero."""
    ends = [abs(end) for each in differences for end in (each.mean, each.low, each.high) if end is not None]
    return max(ends, default=0.0) or 1.0


@dataclass(frozen=True)
class _Axis:
    """What lies between the edges of a panel."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """In percent of the width."""
        return _EDGE + (100 - 2 * _EDGE) * (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[float]:
        """A few round numbers."""
        span = self.high - self.low
        power = math.floor(math.log10(span)) - 1
        sizes = (lead * 10.0**tens for tens in range(power, power + 3) for lead in (1, 2, 5))
        step = next(size for size in sizes if span / size <= _MOST_TICKS)
        return [round(step * i, 12) for i in range(math.ceil(self.low / step), math.floor(self.high / step + 1e-9) + 1)]


def _axis(values: Sequence[float]) -> _Axis:
    """From 0, or the lowest value if that is below, to the highest one."""
    low, high = min([0.0, *values]), max([0.0, *values])
    return _Axis(low, high if high > low else low + 1.0)


def _edges(value: Value) -> list[float]:
    seeds = value.by_seed.values()
    return [each for each in (value.mean, value.low, value.high, *seeds) if each is not None]


def _line(each: RowResult, column: Column, ours: _Axis, theirs: _Axis | None) -> str:
    name = f'<span class="name">{escape(each.row.label)}</span>'
    mine = _panel(_value(each.values[column.name], ours), ours, _said(each.values[column.name]))
    if theirs is None:
        return f"<div>{name}{mine}</div>"
    told = each.reported.get(column.name)
    dots = [] if told is None else [_dot("paper", theirs.place(told), 4)]
    return f"<div>{name}{mine}{_panel(dots, theirs, 'not in the paper' if told is None else number(told))}</div>"


def _value(value: Value, axis: _Axis) -> list[str]:
    parts = []
    if value.low is not None and value.high is not None:
        parts.append(_level("range", axis.place(value.low), axis.place(value.high)))
    parts += [_dot("seed", axis.place(found), 3) for found in value.by_seed.values() if found is not None]
    if value.mean is not None:
        parts.append(_upright("mean", axis.place(value.mean), 8))
    return parts


def _said(value: Value) -> str:
    """The numbers behind it."""
    seeds = ", ".join(f"seed {seed}: {number(found)}" for seed, found in value.by_seed.items())
    span = interval(value.low, value.high)
    return f"{number(value.mean)}{f' ({span})' if span else ''}; {seeds}"


def _panel(parts: Sequence[str], axis: _Axis, told: str) -> str:
    rules = "".join(
        f'<line class="rule" x1="{axis.place(tick):.2f}%" x2="{axis.place(tick):.2f}%" y1="0" y2="100%"/>'
        for tick in axis.ticks
    )
    return _svg("panel", told, parts, rules)


def _svg(kind: str, told: str, parts: Sequence[str], behind: str = "") -> str:
    """A picture as wide as there is room, and as high; the parts are drawn around its middle."""
    inner = f'<svg y="50%" height="1" overflow="visible">{"".join(parts)}</svg>'
    return f'<div class="{kind}"><svg role="img"><title>{escape(told)}</title>{behind}{inner}</svg></div>'


def _ticks(axis: _Axis) -> str:
    texts = "".join(
        f'<text x="{axis.place(tick):.2f}%" y="12" text-anchor="middle">{_short(tick)}</text>' for tick in axis.ticks
    )
    return f'<svg height="16" aria-hidden="true">{texts}</svg>'


def _short(value: float) -> str:
    return f"{value:,.6g}".replace("-", wording.MINUS) if abs(value) < 1e6 else f"{value:.0e}"


def _level(kind: str, start: float, end: float) -> str:
    return f'<line class="{kind}" x1="{start:.2f}%" x2="{end:.2f}%" y1="0" y2="0"/>'


def _upright(kind: str, place: float, half_px: int) -> str:
    return f'<line class="{kind}" x1="{place:.2f}%" x2="{place:.2f}%" y1="{-half_px}" y2="{half_px}"/>'


def _dot(kind: str, place: float, radius: float) -> str:
    return f'<circle class="{kind}" cx="{place:.2f}%" cy="0" r="{radius:g}"/>'
