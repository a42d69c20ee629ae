"""run.json: all that a table was made of, so that it can be made again from this file alone, and held against it.

No path of a machine and no name of one is in it: tasks run inside the folder of the ablation.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kinebench import __version__, recipe, schema
from kinebench.ablations import scale as scales
from kinebench.ablations import stamp as stamps
from kinebench.ablations import table as tables
from kinebench.ablations.machine import machine, versions
from kinebench.ablations.plan import Plan, metric_versions
from kinebench.ablations.plan import plan as planned
from kinebench.ablations.scale import Scale
from kinebench.ablations.table import Table
from kinebench.ablations.task import Task
from kinebench.errors import KineBenchError
from kinebench.shards import manifest
from kinebench.shards.files import sha256_file

KIND, FORMAT_VERSION = "kinebench ablation", 1
RUN = "run.json"
SCHEMA_PATH = Path(__file__).with_name("run.schema.json")
_LOG = "log.jsonl"
_TRAINED = ("backbone", "stage1", "stage2")


def record(plan: Plan, out: Path, table: Table) -> dict[str, Any]:
    """The content of <out>/<table>/run.json. What is not done yet has no entry among results.

    Reads every weight of the last checkpoints, to hash it. Raises KineBenchError for a stamp or a file that is damaged.
    """
    tasks = tasks_of(plan, table)
    done = [task for task in tasks if stamps.found(out, task)]
    return {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "kinebench": __version__,
        "data_version": recipe.DATA_VERSION,
        "metrics": metric_versions(plan.scale.metrics),
        "table": {"name": table.name, "content": table.content},
        "scale": {"name": plan.scale.name, "content": plan.scale.content},
        "seeds": list(plan.scale.seeds),
        "versions": versions(),
        "machine": machine(),
        "tasks": [_task(task, out) for task in tasks],
        "datasets": {task.id: _dataset(out / task.made) for task in done if task.kind == "data"},
        "checkpoints": {task.id: _checkpoint(task, out) for task in done if task.kind in _TRAINED},
        "scores": {task.id: _scores(out / task.made, plan.scale.metrics) for task in done if task.kind == "scores"},
    }


def tasks_of(plan: Plan, table: Table) -> tuple[Task, ...]:
    """What a table needs of a plan, in the plan's order."""
    wanted = {cell.scores for cell in plan.cells if cell.table == table.name}
    for task in reversed(plan.tasks):
        if task.id in wanted:
            wanted.update(task.needs)
    return tuple(task for task in plan.tasks if task.id in wanted)


def read(path: Path) -> dict[str, Any]:
    """A run.json. Raises KineBenchError if it is none, or damaged."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise KineBenchError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KineBenchError(f"{path}: this is no JSON: {error}") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise KineBenchError(f"{path}: this is no run.json of kinebench ablate")
    if content.get("format_version") != FORMAT_VERSION:
        raise KineBenchError(
            f"{path}: format version {content.get('format_version')}; this KineBench reads {FORMAT_VERSION}; "
            f"{_same(content)}"
        )
    schema.demand(content, SCHEMA_PATH, str(path))
    return content


def load(path: Path) -> tuple[tuple[Table, ...], Scale]:
    """The tables and the scale of a run.json: planned, they are the same tasks.

    Raises KineBenchError if this KineBench would make other data or scores, or plans otherwise: what differs, and which
    version to install.
    """
    content = read(path)
    if differing := _other_versions(content):
        raise KineBenchError(f"{path}: {'; '.join(differing)}; {_same(content)}")
    table = tables.parse(content["table"]["content"], content["table"]["name"], str(path))
    scale = scales.parse(content["scale"]["content"], content["scale"]["name"], str(path))
    then = [task["id"] for task in content["tasks"]]
    now = [task.id for task in planned([table], scale).tasks]
    if strange := [name for name in then if name not in now]:
        raise KineBenchError(
            f"{path}: KineBench {content['kinebench']} planned {strange[0]}, and this one, {__version__}, plans "
            f"{len(strange)} of {len(then)} tasks otherwise; {_same(content)}"
        )
    return (table,), scale


def differs(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What came out otherwise in a repeat: a line for each dataset, checkpoint and score. Nothing: all is the same.

    What one of the two has not done yet counts as other.
    """
    lines = [
        *_differing("dataset", before["datasets"], now["datasets"]),
        *_differing("checkpoint", before["checkpoints"], now["checkpoints"]),
        *_differing("scores", before["scores"], now["scores"]),
    ]
    if lines:
        lines += [
            *_differing("versions", before, now, ("versions",)),
            *_differing("machine", before, now, ("machine",)),
        ]
    return lines


def _differing(
    what: str, before: Mapping[str, Any], now: Mapping[str, Any], names: Sequence[str] | None = None
) -> list[str]:
    lines = []
    for name in names or sorted(before.keys() | now.keys()):
        ones, twos = before.get(name), now.get(name)
        said = what if name == what else f"{what} {name}"
        if ones is None or twos is None:
            lines.append(f"{said}: {'not there before' if ones is None else 'not there now'}")
        elif facts := [
            f"{key} {_short(twos.get(key))} instead of {_short(ones.get(key))}"
            for key in sorted(ones.keys() | twos.keys())
            if ones.get(key) != twos.get(key)
        ]:
            lines.append(f"{said}: {', '.join(facts)}")
    return lines


def _short(value: Any) -> str:
    """A hash is told by its beginning."""
    text = "nothing" if value is None else str(value)
    return text[:12] if len(text) == 64 else text


def _other_versions(content: Mapping[str, Any]) -> list[str]:
    """Why the same declaration would give other numbers here."""
    found = []
    if (then := content["data_version"]) != recipe.DATA_VERSION:
        found.append(f"this run had data version {then}, this KineBench makes {recipe.DATA_VERSION}")
    try:
        now = metric_versions(tuple(content["metrics"]))
    except KineBenchError as error:
        return [*found, str(error)]
    found += [
        f"this run had version {then} of {name}, this KineBench has {now[name]}"
        for name, then in content["metrics"].items()
        if then != now[name]
    ]
    return found


def _same(content: Mapping[str, Any]) -> str:
    return f"install the version that made it: pip install kinebench=={content.get('kinebench', '...')}"


def _task(task: Task, out: Path) -> dict[str, Any]:
    stamp = stamps.read(out, task.id)
    went = {} if stamp is None else {name: value for name, value in asdict(stamp).items() if name != "id"}
    row = {"id": task.id, "kind": task.kind, "title": task.title, "units": task.units}
    return {**row, "needs": list(task.needs), "command": ["kinebench", *task.command], "went": went or None}


def _dataset(folder: Path) -> dict[str, Any]:
    """Its recipe, and a hash over those of its tars."""
    found = manifest.read(folder)
    rows = "".join(f"{shard.sha256}  {shard.name}\n" for shard in sorted(found.all_shards, key=lambda each: each.name))
    return {"recipe_sha256": found.recipe_sha256, "sha256": hashlib.sha256(rows.encode()).hexdigest()}


def _checkpoint(task: Task, out: Path) -> dict[str, Any]:
    """What came out of a training: a hash of all its weights, and its last losses."""
    if task.kind == "backbone":
        weights, log = out / task.made, out / f"{task.made}-training" / _LOG
    else:
        weights, log = out / task.made / task.kind / f"step-{task.units:06d}", out / task.made / task.kind / _LOG
    files = sorted(weights.glob("*/*.safetensors"))
    if not files:
        stamp = out / stamps.FOLDER / f"{task.id}.json"
        raise KineBenchError(f"{weights} has no weights; remove {stamp}, and it is trained anew")
    rows = "".join(f"{sha256_file(path)}  {path.relative_to(weights).as_posix()}\n" for path in files)
    return {"sha256": hashlib.sha256(rows.encode()).hexdigest(), **_losses(log)}


def _losses(log: Path) -> dict[str, float]:
    """The last of each kind."""
    found: dict[str, float] = {}
    try:
        for line in log.read_text().splitlines():
            row = json.loads(line)
            if row["kind"] == "train":
                found["loss"] = row["loss"]
            elif row["kind"] == "validation":
                found |= {f"validation_{name}": row[name] for name in row if name not in ("step", "kind")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KineBenchError(f"{log} cannot be read: {error}") from error
    return found


def _scores(path: Path, metrics: Sequence[str]) -> dict[str, float | None]:
    from kinebench.scoring import scorecard

    found = scorecard.load(path)["summaries"]
    return {name: found[name]["value"] if name in found else None for name in metrics}
