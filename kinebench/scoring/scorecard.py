"""The scorecard: every score of one method on one split, as JSON. See `scores.schema.json`."""

import contextlib
import errno
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kinebench import __version__
from kinebench.errors import KineBenchError
from kinebench.hidden import told_seed
from kinebench.metrics.metric import Meter, Metric, Reading, Reply
from kinebench.scoring import provenance
from kinebench.scoring.codec import Coded
from kinebench.scoring.groups import Group
from kinebench.scoring.predictions import Predictions, Slot, digest
from kinebench.scoring.reader import Readings, Subject
from kinebench.scoring.sets import Sets, compare_sets
from kinebench.scoring.sidecar import Told
from kinebench.scoring.summary import Distances, Floor, estimate, mean
from kinebench.scoring.truths import clip_frames
from kinebench.shards import manifest as manifests
from kinebench.shards.files import Progress, disk_room, sha256_file, write_atomic

SCHEMA_VERSION = 2
SCHEMA_PATH = Path(__file__).with_name("scores.schema.json")
KIND = "kinebench scores"

Card = dict[str, Any]
Values = dict[str, float | None]


def is_season(card: Card) -> bool:
    """Whether the clips are of a hidden season, whose seed no card tells."""
    return card["dataset"]["seed"] is None


@dataclass(frozen=True)
class Run:
    """What was scored, and what was found."""

    subject: Subject
    split: str
    predictions: Predictions
    hashes: Mapping[Slot, str]
    meters: Sequence[Meter]
    wanted: frozenset[str]  # names of metrics
    readings: Readings
    told: Told
    codecs: Sequence[Coded]
    groups: Sequence[Group]
    device: str
    precision: str
    floor: tuple[Subject, Readings] | None = None  # truths of another seed, for the floor of `set` metrics

    @property
    def metrics(self) -> list[tuple[Meter, Metric]]:
        """The metrics that are asked for, and their meters, in the order of the catalogue."""
        return [(meter, one) for meter in self.meters for one in meter.metrics if one.name in self.wanted]


def scorecard(run: Run, note: Progress) -> Card:
    """The scores. The same inputs give the same card; it holds no time and no name of a machine or a folder."""
    sets, reasons = _sets(run, note)
    clips, groups = _clips(run), _groups(run)
    unavailable = {
        metric.name: run.readings.unavailable.get(meter.name) or reasons.get(metric.name)
        for meter, metric in run.metrics
    }
    summaries = {
        metric.name: _distance(*sets[metric.name])
        if metric.scope == "set"
        else _mean(run, metric.name, clips if metric.scope == "clip" else groups)
        for _, metric in run.metrics
        if unavailable[metric.name] is None
    }
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "kinebench": __version__,
        "dataset": _dataset(run),
        "predictions": {
            "name": run.predictions.name,
            "seeds": list(run.predictions.seeds),
            "sha256": digest(run.hashes),
            "unknown": list(run.predictions.unknown),
            "failed": dict(run.told.failed),
        },
        "sampling": provenance.sampling(run.told, clip_frames(run.subject.shards), _fps(run)),
        "method": provenance.method(run.told),
        "run": provenance.run(run.told),
        "making": provenance.making(run.told.deliveries),
        "codecs": provenance.codecs(run.codecs),
        "device": run.device,
        "precision": run.precision,
        "metrics": {metric.name: _metric(meter, metric) for meter, metric in run.metrics},
        "meters": {
            meter.name: meter.configuration for meter in run.meters if meter.name not in run.readings.unavailable
        },
        "summaries": summaries,
        "unavailable": {name: reason for name, reason in unavailable.items() if reason},
        "unusable": [
            {"key": key, "seed": seed, "reason": why.reason, "remedy": why.remedy}
            for (key, seed), why in sorted(run.readings.unusable.items())
        ],
        "sets": {
            name: {"values": dict(found.by_seed), "jackknife": list(found.left_out)}
            for name, (found, _) in sets.items()
        },
        "groups": groups,
        "clips": clips,
    }


def _dataset(run: Run) -> dict[str, Any]:
    manifest, folder = run.subject.shards.manifest, run.subject.shards.folder
    return {
        "name": manifest.dataset,
        "version": manifest.recipe["dataset"]["version"],
        "split": run.split,
        "seed": told_seed(manifest.recipe, manifest.seed),
        "recipe_sha256": manifest.recipe_sha256,
        "manifest_sha256": sha256_file(folder / manifests.NAME),
        "reference": run.subject.frames,
        "clips": len(run.subject.keys),
    }


def _fps(run: Run) -> float:
    return float(run.subject.shards.manifest.recipe["video"]["fps"])


def _metric(meter: Meter, metric: Metric) -> dict[str, Any]:
    return {
        "meter": meter.name,
        "version": metric.version,
        "what": metric.what,
        "unit": metric.unit,
        "better": metric.better,
        "best": metric.best,
        "scope": metric.scope,
        "headline": metric.headline,
    }


def _clips(run: Run) -> dict[str, Any]:
    """Each clip's truth, ceiling, and values by seed."""
    return {
        key: {
            "truth": run.subject.truths[key],
            "ceiling": _values(run, {name: found[key] for name, found in run.readings.truth.items()}),
            "predictions": {str(seed): _prediction(run, (key, seed)) for seed in run.subject.seeds},
        }
        for key in run.subject.keys
    }


def _prediction(run: Run, slot: Slot) -> dict[str, Any]:
    return {
        "status": "unusable" if slot in run.readings.unusable else "scored",
        "sha256": run.hashes.get(slot),
        "values": _values(run, {name: found[slot] for name, found in run.readings.predicted.items()}),
    }


def _values(run: Run, readings: Mapping[str, Reading]) -> Values:
    return {
        metric.name: readings[meter.name].values[metric.name]
        for meter, metric in run.metrics
        if metric.scope == "clip" and meter.name in readings
    }


def _groups(run: Run) -> dict[str, Any]:
    """Each counterfactual group's ceiling, and values by seed."""
    meters = {
        meter.name: meter
        for meter, metric in run.metrics
        if metric.scope == "group" and meter.name not in run.readings.unavailable
    }
    if not meters:
        return {}
    return {
        group.name: {
            "factor": group.factor,
            "clips": [key for key, _ in group.clips],
            "ceiling": _responses(run, meters, group, None),
            "predictions": {str(seed): _responses(run, meters, group, seed) for seed in run.subject.seeds},
        }
        for group in run.groups
    }


def _responses(run: Run, meters: Mapping[str, Meter], group: Group, seed: int | None) -> Values:
    values: Values = {}
    for name, meter in meters.items():
        truth, predicted = run.readings.truth[name], run.readings.predicted[name]
        replies = [
            Reply(group.factor, value, truth[key], truth[key] if seed is None else predicted[key, seed])
            for key, value in group.clips
        ]
        values |= meter.respond(replies)
    return {name: value for name, value in values.items() if name in run.wanted}


def _sets(run: Run, note: Progress) -> tuple[dict[str, tuple[Distances, Floor]], dict[str, str]]:
    """The distances of all predictions to all truths, by metric; and the reasons of those that there are not."""
    found, reasons = {}, {}
    for meter, metric in run.metrics:
        if metric.scope != "set" or meter.name in run.readings.unavailable:
            continue
        if run.readings.unusable:
            reasons[metric.name] = (
                f"{len(run.readings.unusable)} of {len(run.subject.keys) * len(run.subject.seeds)} predictions are "
                "unusable, and a distance between sets has no worst case; mend them, and score again"
            )
            continue
        try:
            found[metric.name] = compare_sets(_compared(run, meter), metric.name, note)
        except KineBenchError as error:
            reasons[metric.name] = str(error)
    return found, reasons


def _compared(run: Run, meter: Meter) -> Sets:
    predicted = run.readings.predicted[meter.name]
    other = run.floor[1].truth.get(meter.name) if run.floor else None
    content = [
        run.subject.identities,
        sorted(run.hashes.items()),
        run.floor[0].identities if run.floor and other else {},
    ]
    return Sets(
        meter,
        run.readings.truth[meter.name],
        {str(seed): {key: predicted[key, seed] for key in run.subject.keys} for seed in run.subject.seeds},
        other,
        content,
    )


def _distance(found: Distances, bottom: Floor) -> dict[str, Any]:
    return {**found.estimate.plain(), "floor": bottom.value, "floor_n": bottom.n, "floor_of": bottom.of}


def _mean(run: Run, name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Value, interval, N, and what the truth itself gets."""
    seeds = [str(seed) for seed in run.subject.seeds]
    rows = [[_cell(row["predictions"][seed], name) for seed in seeds] for row in table.values()]
    ceiling = mean([[row["ceiling"].get(name)] for row in table.values()])
    return {**estimate(rows, f"{digest(run.hashes)} {name}").plain(), "ceiling": ceiling}


def _cell(row: Mapping[str, Any], name: str) -> float | None:
    return row.get("values", row).get(name)


def dump(card: Card) -> bytes:
    """The file."""
    return json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def parse(data: bytes, where: str) -> Card:
    """A scorecard. Raises KineBenchError for anything else; `where` is for its message."""
    try:
        return checked(json.loads(data), where)
    except ValueError as error:
        raise KineBenchError(f"{where} is no scorecard: {error}") from error


def checked(card: Any, where: str) -> Card:
    """JSON that must be a scorecard. Raises as `parse` does."""
    from jsonschema.exceptions import best_match

    if not isinstance(card, dict) or card.get("kind") != KIND:
        raise KineBenchError(f"{where} is no scorecard; `kinebench score` writes them")
    if (version := card.get("schema_version")) != SCHEMA_VERSION:
        raise KineBenchError(
            f"{where} has schema version {version}, this KineBench reads {SCHEMA_VERSION}; score again"
        )
    if fault := best_match(_validator().iter_errors(card)):
        raise KineBenchError(f"{where}: {fault.json_path}: {fault.message}; score again")
    return card


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a scorecard."""
    return dict(json.loads(SCHEMA_PATH.read_text()))


@cache
def _validator() -> Any:
    """Made once: it takes longer to check the schema than a card."""
    import jsonschema

    return jsonschema.Draft202012Validator(_spelled_out(schema()))


def _spelled_out(part: Any) -> Any:
    """The schema with its definitions where they are named, which is checked in less than half of the time."""
    if isinstance(part, list):
        return [_spelled_out(each) for each in part]
    if not isinstance(part, dict):
        return part
    named = schema()["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else {}
    return {name: _spelled_out(each) for name, each in {**named, **part}.items() if name not in ("$ref", "$defs")}


def load(path: Path) -> Card:
    """The scorecard in a file. Raises KineBenchError."""
    try:
        return parse(path.read_bytes(), str(path))
    except OSError as error:
        raise KineBenchError(f"cannot read {path}: {error.strerror}") from error


def check_place(path: Path) -> None:
    """Raises KineBenchError if a scorecard cannot be written there without taking something else away."""
    folder = path.absolute().parent
    with _writing(path):
        if not folder.is_dir():
            raise KineBenchError(f"--out {path}: there is no folder {folder}; make it first")
        if path.is_dir() or (path.exists() and not _is_card(path)):
            raise KineBenchError(f"--out {path}: it is there already and is no scorecard; name another file")
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, f"{folder} cannot be written")


def _is_card(path: Path) -> bool:
    try:
        card = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(card, dict) and card.get("kind") == KIND


def write(card: Card, path: Path) -> None:
    """Write a scorecard, whole or not at all. Raises KineBenchError as `check_place` does, and if the disk is full."""
    check_place(path)
    data = dump(card)
    with _writing(path), disk_room("writing the scores", path.absolute().parent, len(data)):
        write_atomic(path, data)


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what the system says of a path inside the block into a KineBenchError."""
    try:
        yield
    except OSError as error:
        raise KineBenchError(f"--out {path}: {error.strerror}; name another file") from error
