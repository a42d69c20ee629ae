"""Tables as files for programs: CSV and JSON, with all digits."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from kinebench.board.standing import Number, Row, Standing

FOLDER = "tables"
KIND = "kinebench standing"
SCHEMA_VERSION = 1
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet begins a formula, which a stranger's words must not be."""
_NONE = Number(None, None, None, 0)


def as_json(standing: Standing) -> bytes:
    """A table: its head, columns, and rows with statements and numbers."""
    value = {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        **{name: getattr(standing, name) for name in ("title", "dataset", "version", "split", "metrics_version")},
        **{name: getattr(standing, name) for name in ("fps", "frames")},
        "columns": [asdict(column) for column in standing.columns],
        "rows": [_row(row) for row in standing.rows],
    }
    return json.dumps(value, indent=1, ensure_ascii=True, allow_nan=False).encode() + b"\n"


def _row(row: Row) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in ("method", "revision", "track", "title", "seeds", "withdrawn")},
        "numbers": {name: asdict(number) for name, number in row.numbers.items()},
        "statement": dict(row.statement),
    }


def as_csv(standing: Standing) -> bytes:
    """A line for each row: who, how, and of each column value, interval, N, rank interval and group."""
    about = ("method", "revision", "title", "track", "kind", "seeds", "backbone", "parameters", "prompt", "withdrawn")
    parts = ("", "_low", "_high", "_n", "_rank_best", "_rank_worst", "_group")
    head = [*about, *(f"{column.name}{part}" for column in standing.columns for part in parts)]
    return _csv(head, ([*_about(row), *_numbers(row, standing)] for row in standing.rows))


def _about(row: Row) -> list[Any]:
    def said(section: str, name: str) -> Any:
        found = row.statement.get(section)
        return found.get(name) if isinstance(found, Mapping) else None

    return [
        row.method,
        row.revision,
        row.title,
        row.track,
        said("method", "kind"),
        " ".join(map(str, row.seeds)),
        said("model", "backbone"),
        said("model", "parameters"),
        said("inference", "prompt"),
        row.withdrawn,
    ]


def _numbers(row: Row, standing: Standing) -> Iterable[Any]:
    for column in standing.columns:
        number = row.numbers.get(column.name, _NONE)
        yield from (number.value, number.low, number.high, number.n, *(number.rank or (None, None)), number.group)


def pairs_csv(standing: Standing) -> bytes:
    """A line for each pair of rows in each column: the first less the second over common clips, interval, p."""
    rows = [f"{row.method}@{row.revision}" for row in standing.rows]
    head = ["column", "first", "second", "difference", "low", "high", "p"]
    return _csv(
        head,
        (
            [pair.column, rows[pair.first], rows[pair.second], pair.difference, pair.low, pair.high, pair.p]
            for pair in standing.pairs
        ),
    )


def samples_csv(standing: Standing, row: Row) -> bytes:
    """A line for each clip: key, and the row's value in each column of clips, mean over seeds."""
    names = [column.name for column in standing.columns if column.name in row.samples]
    values = [row.samples[name] for name in names]
    return _csv(["clip", *names], ([key, *each] for key, *each in zip(standing.clips, *values, strict=True)))


def _csv(head: list[str], rows: Iterable[list[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
