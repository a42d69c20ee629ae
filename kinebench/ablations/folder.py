"""A table's own folder in that of an ablation: what came out, how it was made, and the report."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench import __version__
from kinebench.ablations import executor, report, stamp
from kinebench.ablations.plan import LATENTS, Plan
from kinebench.ablations.record import RUN, record
from kinebench.ablations.results import Results, plain, results
from kinebench.ablations.table import Table
from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room, write_atomic

RESULTS = "results.json"
TAKEN = ("data", "recipes", "backbones", "branches", LATENTS, "videos", "scores", stamp.FOLDER, executor.LOGS)
"""Folders that tables share."""


@dataclass(frozen=True)
class Written:
    """A table that is done."""

    results: Results
    page: Path


def demand_apart(tables: Sequence[Table]) -> None:
    """Raises KineBenchError if two tables would write into one folder, or one into what all share."""
    names = [table.name for table in tables]
    for table in tables:
        if names.count(table.name) > 1:
            sources = ", ".join(each.source for each in tables if each.name == table.name)
            raise KineBenchError(f"two tables are called {table.name}: {sources}; give one of the files another name")
        if table.name in TAKEN:
            raise KineBenchError(f"{table.source}: a table's folder is named like its file, and {table.name} is taken")


def changes(plan: Plan, out: Path) -> list[str]:
    """What is to be known before a plan goes on in a folder: a line each.

    Tasks that count as done and were made with another KineBench, and reports of another scale that are written anew.
    """
    done = [found for task in plan.tasks if (found := stamp.found(out, task))]
    made = Counter(each.versions.get("kinebench", "of unknown version") for each in done)
    lines = [
        f"{count} of the tasks that are done were made with KineBench {version}, and this is {__version__}: they count "
        f"as done. To make one anew, remove its file in {out / stamp.FOLDER}"
        for version, count in made.items()
        if version != __version__
    ]
    for table in plan.tables:
        before = _scale_of(out / table.name / RUN)
        if before not in (None, plan.scale.name):
            lines.append(
                f"{out / table.name} is of scale {before}, and is written anew, of scale {plan.scale.name}; "
                "what tasks made stays"
            )
    return lines


def _scale_of(path: Path) -> str | None:
    try:
        return str(json.loads(path.read_bytes())["scale"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def ready(plan: Plan, table: Table, done: Collection[str]) -> bool:
    """Whether all rows of a table have their scores; `done` are ids of tasks."""
    return all(cell.scores in done for cell in plan.cells if cell.table == table.name)


def write(plan: Plan, table: Table, out: Path) -> Written:
    """Write run.json, results.json and the report of a table that is ready. Raises KineBenchError."""
    found = results(plan, table, out)
    _write(out / table.name / RUN, record(plan, out, table))
    _write(out / table.name / RESULTS, plain(found))
    return Written(found, report.write(found, plan, table, out))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    data = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    with disk_room("writing what came out", path.parent, len(data)):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
