"""Shares and strengths as inline SVG. Positions are percentages: nothing is stretched, whatever the width."""

from collections.abc import Sequence
from html import escape

from kinebench.board.study.findings import Preference, Strength
from kinebench.board.study.wording import interval, number, percent

_LEAST_SHOWN = 0.08
"""A narrower part of a bar has no room for its number."""
_EDGE = 4.0


def bars(rows: Sequence[Preference]) -> str:
    """A bar for each pair: how many prefer the first, neither, the second; lines are the intervals of both."""
    lines = "".join(
        f'<div><span class="name first">{escape(row.first)}</span>{_bar(row)}'
        f'<span class="name">{escape(row.second)}</span></div>'
        for row in rows
    )
    return f'<figure class="bars">{lines}</figure>'


def _bar(row: Preference) -> str:
    shares = (row.prefers_first, row.no_difference, row.prefers_second)
    if row.answers == 0:
        return '<div class="bar none">no answers</div>'
    values = [share.value or 0.0 for share in shares]
    kinds, told, start, parts = ("first", "same", "second"), [], 0.0, []
    for kind, share, value in zip(kinds, shares, values, strict=True):
        told.append(f"{percent(value)} ({interval(share.low, share.high, percent) or 'no interval'})")
        parts.append(f'<rect class="{kind}" x="{100 * start:.3f}%" width="{100 * value:.3f}%" height="100%"/>')
        if value >= _LEAST_SHOWN:
            parts.append(f'<text class="{kind}" x="{100 * (start + value / 2):.3f}%" y="50%">{percent(value)}</text>')
        start += value
    one, two = row.prefers_first, row.prefers_second
    parts += _whisker(one.low, one.high, 90)
    if two.low is not None and two.high is not None:
        parts += _whisker(1 - two.high, 1 - two.low, 10)
    said = f"{row.first} {told[0]}, no difference {told[1]}, {row.second} {told[2]}"
    return f'<div class="bar"><svg role="img"><title>{escape(said)}</title>{"".join(parts)}</svg></div>'


def _whisker(low: float | None, high: float | None, height: int) -> list[str]:
    if low is None or high is None:
        return []
    return [f'<line class="whisker" x1="{100 * low:.3f}%" x2="{100 * high:.3f}%" y1="{height}%" y2="{height}%"/>']


def dots(rows: Sequence[Strength]) -> str:
    """A dot for each method with its interval, on one axis around 0."""
    ends = [abs(end) for row in rows for end in (row.value, row.low, row.high) if end is not None]
    reach = max(max(ends), 0.1)

    def place(value: float) -> str:
        return f"{50 + (50 - _EDGE) * value / reach:.3f}%"

    lines = []
    for row in rows:
        parts = [f'<line class="zero" x1="{place(0)}" x2="{place(0)}" y1="0" y2="100%"/>']
        if row.low is not None and row.high is not None:
            parts.append(f'<line class="range" x1="{place(row.low)}" x2="{place(row.high)}" y1="50%" y2="50%"/>')
        parts.append(f'<circle class="mean" cx="{place(row.value)}" cy="50%" r="5"/>')
        span = interval(row.low, row.high, number)
        said = number(row.value) + (f" ({span})" if span else "")
        lines.append(
            f'<div><span class="name">{escape(row.method)}</span><div class="dot"><svg role="img">'
            f"<title>{escape(f'{row.method} {said}')}</title>{''.join(parts)}</svg></div>"
            f'<span class="told">{said}</span></div>'
        )
    return f'<figure class="dots">{"".join(lines)}</figure>'
