"""Standings as plain values for the pages: a table of all rows, and of each row what only its own pages show."""

from collections.abc import Mapping, Sequence
from typing import Any

from kinebench.ablations.wording import WORDS, metric
from kinebench.board.film import COLUMNS
from kinebench.board.site import naming
from kinebench.board.site.films import Shelf
from kinebench.board.standing import Board, Column, Number, Pair, Row, Standing

Plain = dict[str, Any]
DIGITS = 7
"""Of numbers on pages; the downloads have all."""


def index(board: Board, names: Sequence[str], version: str) -> Plain:
    """Every table's name and size."""
    return {
        "kinebench": version,
        "prompts": WORDS,
        "film_columns": COLUMNS,
        "standings": [
            {**_head(standing, name), "rows": len(standing.rows), "clips": len(standing.clips)}
            for standing, name in zip(board.standings, names, strict=True)
        ],
    }


def table(standing: Standing, name: str) -> Plain:
    """What the index page shows of a standing."""
    reasons: dict[str, int] = {}
    rows = [_row(row, standing, reasons) for row in standing.rows]
    return {
        **_head(standing, name),
        "fps": standing.fps,
        "frames": standing.frames,
        "columns": [_column(column) for column in standing.columns],
        "rows": rows,
        "reasons": list(reasons),
    }


def clips(standing: Standing, shelf: Shelf) -> Plain:
    """Keys, and the films of truths and conditions that there are: a name, or 0 where there is no film."""
    conditions = [f"{truth}-condition" for truth in standing.truths]
    return {
        "clips": standing.clips,
        "truths": [truth if shelf.has(truth) else 0 for truth in standing.truths],
        "conditions": [name if shelf.has(name) else 0 for name in conditions],
    }


def row(standing: Standing, place: int, pairs: Mapping[int, Plain], shelf: Shelf) -> Plain:
    """A row's values by clip, its films, and its pairs.

    A film is the name, 0 where the site has no film of the video, or None where there is no video.
    """
    one = standing.rows[place]
    return {
        "samples": {name: [_short(value) for value in values] for name, values in one.samples.items()},
        "films": {
            str(seed): [None if name is None else name if shelf.has(name) else 0 for name in names]
            for seed, names in one.films.items()
        },
        "shown": one.shown,
        "pairs": pairs.get(place, {}),
    }


def by_row(pairs: Sequence[Pair]) -> dict[int, Plain]:
    """By place of a row and column: [other row's place, this minus the other, low, high, p], for every pair."""
    out: dict[int, Plain] = {}
    for pair in pairs:
        difference, low, high, p = (_short(each) for each in (pair.difference, pair.low, pair.high, pair.p))
        there = [pair.second, difference, low, high, p]
        back = [pair.first, *(-each if each else each for each in (difference, high, low)), p]
        for place, told in ((pair.first, there), (pair.second, back)):
            out.setdefault(place, {}).setdefault(pair.column, []).append(told)
    return out


def card(entries: Sequence[tuple[str, Row]]) -> Plain:
    """What a method's page says of a revision; `entries` are tables' names with its row there."""
    first = entries[0][1]
    return {
        "id": naming.row(first),
        "title": first.title,
        "track": first.track,
        "entries": [
            {"standing": name, "statement": dict(each.statement), "withdrawn": each.withdrawn} for name, each in entries
        ],
    }


def _head(standing: Standing, name: str) -> Plain:
    return {
        "id": name,
        "dataset": standing.dataset,
        "version": standing.version,
        "split": standing.split,
        "metrics": standing.metrics_version,
        "hidden": standing.hidden,
        "title": standing.title,
    }


def _column(column: Column) -> Plain:
    return {
        "name": column.name,
        "label": metric(column.name),
        "what": column.what,
        "unit": column.unit,
        "better": column.better,
        "version": column.version,
        "scope": column.scope,
        "headline": column.headline,
    }


def _row(row: Row, standing: Standing, reasons: dict[str, int]) -> Plain:
    told, reported = row.statement, row.track == "reported"
    model, inference = _part(told, "model"), _part(told, "inference")
    return {
        "id": f"{row.method}@{row.revision}" if reported else naming.row(row),
        "method": row.method,
        "revision": row.revision,
        "track": row.track,
        "title": row.title,
        "kind": _part(told, "method").get("kind"),
        "authors": _part(told, "method").get("authors"),
        "seeds": row.seeds,
        "backbone": model.get("backbone"),
        "parameters": model.get("parameters"),
        "prompt": inference.get("prompt"),
        "withdrawn": row.withdrawn,
        "source": told.get("source") if reported else None,
        "shown": len(row.shown) or standing.frames,
        "numbers": [_number(row.numbers.get(column.name), reasons) for column in standing.columns],
    }


def _part(statement: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = statement.get(name)
    return found if isinstance(found, Mapping) else {}


def _number(number: Number | None, reasons: dict[str, int]) -> list[Any] | None:
    """[value, low, high, n, best rank, worst rank, group], or [place among the reasons] of one without value."""
    if number is None:
        return None
    if number.value is None:
        return [reasons.setdefault(number.reason or "no reason is given", len(reasons))]
    rank = number.rank or (None, None)
    told = [*map(_short, (number.value, number.low, number.high)), number.n, *rank, number.group]
    while told[-1] is None:
        told.pop()
    return told


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
