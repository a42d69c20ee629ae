"""The paper's own numbers, of its tables 1 to 5: `leaderboard/paper_tables.json`."""

import difflib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from kinebench.content import content
from kinebench.errors import KineBenchError

NAME = "paper_tables.json"


def tables() -> dict[str, tuple[str, ...]]:
    """The rows of each of the paper's tables, by id."""
    return {name: tuple(row["id"] for row in part["rows"]) for name, part in _content().items() if _is_table(part)}


def reported(table: str, row: str) -> Mapping[str, float]:
    """A row of the paper, by its columns: mse, fvd, fvmd, iou. Raises KineBenchError for an id that there is not."""
    known = tables()
    if table not in known:
        raise KineBenchError(_unknown("table", table, tuple(known)))
    if row not in known[table]:
        raise KineBenchError(_unknown(f"row of {table}", row, known[table]))
    found = next(each for each in _content()[table]["rows"] if each["id"] == row)
    return {name: float(found[name]) for name in _content()["columns"]}


def printed(table: str) -> Mapping[str, Any]:
    """All that is known of one of the paper's tables: test set, captions, rows. Raises KineBenchError."""
    if table not in (known := tables()):
        raise KineBenchError(_unknown("table", table, tuple(known)))
    return dict(_content()[table])


def source() -> str:
    """The paper."""
    return str(_content()["source"])


@cache
def _content() -> dict[str, Any]:
    return dict(json.loads((content("leaderboard") / NAME).read_text()))


def _is_table(part: Any) -> bool:
    return isinstance(part, dict) and "rows" in part


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"the paper has no {what} {name!r}, it has {', '.join(known)}{hint}"
