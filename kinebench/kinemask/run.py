"""The folder of a stage: whose it is, what it started from, and whether it may go on."""

import contextlib
import fcntl
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kinebench import __version__
from kinebench.errors import KineBenchError
from kinebench.kinemask import checkpoint
from kinebench.kinemask.checkpoint import FORMAT_VERSION, Checkpoint
from kinebench.kinemask.config import Config, StageName, section
from kinebench.kinemask.families.parts import identity
from kinebench.kinemask.material import Material
from kinebench.methods import hub
from kinebench.methods import method as methods
from kinebench.shards.files import disk_room

LOCK = ".lock"


def home(stage: StageName) -> str:
    """What says where a stage's folder lies."""
    return "backbone.weights" if stage == "backbone" else "--out"


@contextlib.contextmanager
def claimed(place: Path, stage: StageName) -> Iterator[None]:
    """Hold a stage's folder, made if it is not there; the lock dies with the process. Raises KineBenchError."""
    try:
        with disk_room("locking", place, 4096):
            place.mkdir(parents=True, exist_ok=True)
            file = (place / LOCK).open("w")
    except OSError as error:
        raise KineBenchError(f"{place} cannot be written: {error.strerror}; name another {home(stage)}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise KineBenchError(
                f"another process is training in {place}; wait for it, or name another {home(stage)}"
            ) from error
        checkpoint.sweep(place)
        yield


def facts_of(config: Config, stage: StageName, material: Material) -> dict[str, Any]:
    """What trainer.json says, but for the step."""
    manifests, backbone = material.manifests, ("codec",) if stage == "backbone" else ("transformer", "scheduler")
    recipe = manifests[0].recipe
    return {
        "format_version": FORMAT_VERSION,
        "stage": stage,
        "seed": config.training.seed,
        "config": config.record,
        "decides": config.decides(stage),
        "backbone": {
            "family": config.backbone.family,
            "architecture": material.family.architecture,
            **_origin(config, material.weights),
            "sha256": identity(material.weights, *backbone),
        },
        "dataset": {
            "name": " + ".join(manifest.dataset for manifest in manifests),
            "version": " + ".join(manifest.recipe["dataset"]["version"] for manifest in manifests),
            "sha256": material.sha256,
            "clips": len(material.trained.keys),
            "frames": recipe["video"]["frames"],
            "size": list(material.trained.cache.size),
            "v_max_mps": recipe["motion"]["v_max_mps"],
        },
        "versions": {"kinebench": __version__}
        | {name: importlib.metadata.version(name) for name in ("torch", "diffusers", "accelerate")},
    }


def _origin(config: Config, weights: Path) -> dict[str, str | None]:
    if config.backbone.family == "small":
        return {"title": "KineBench's small backbone", "hub": None, "revision": None}
    method = methods.find(config.backbone.family)
    return {"title": method.title, "hub": method.weights["model"].hub, "revision": hub.revision(weights)}


def demand_same(point: Checkpoint, facts: dict[str, Any], config: Config) -> None:
    """Raises KineBenchError, which says what differs, if a checkpoint is of another training."""
    stage: StageName = facts["stage"]
    for what in ("backbone", "dataset"):
        if point.facts[what]["sha256"] != facts[what]["sha256"]:
            raise KineBenchError(
                f"{point.folder} was trained with another {what}{_unlike(what, point.facts[what], facts[what])}; name "
                f"another {home(stage)}"
            )
    before, now = config.decided(stage, point.facts["decides"]), facts["decides"]
    differing = [name for name in now if before[name] != now[name]]
    if differing:
        listed = ", ".join(f"{_said(name, stage)} = {before[name]!r}, now {now[name]!r}" for name in differing)
        raise KineBenchError(
            f"{point.folder} was trained with {listed}; name another {home(stage)}, or change {config.source} back"
        )


def _said(name: str, stage: StageName) -> str:
    """What a name of `Config.decides` is called in the file."""
    part, _, key = name.partition(".")
    return f"{section(stage) if part == 'stage' else part}.{key}"


def _unlike(what: str, before: dict[str, Any], now: dict[str, Any]) -> str:
    """What a reader sees of the difference, if there is such a thing."""

    def told(row: dict[str, Any]) -> str:
        if what == "backbone":
            return str(row.get("title"))
        width, height = row["size"]
        return f"{row['clips']} clips of {row['name']}, {row['frames']} frames of {width}x{height}"

    return f": {told(before)}, and not {told(now)}" if told(before) != told(now) else ""


def start_of(
    config: Config, stage: StageName, out: Path, facts: dict[str, Any], first: Path | None = None
) -> Checkpoint | None:
    """Where a stage starts: the end of stage 1, in the folder `first` or in `out`, or None for a new branch.

    Raises KineBenchError if stage 1 is not done, or was trained with another backbone or branch.
    """
    if stage == "backbone" or (config.stage1 if stage == "stage1" else config.stage2).start == "backbone":
        return None
    place, wanted = first or out / "stage1", config.stage1.steps
    last = checkpoint.found(place)[-1:]
    again = f"run: kinebench train stage1 {config.source} --out {place.parent}"
    if not last:
        raise KineBenchError(f"stage 2 starts from stage 1, and there is no checkpoint in {place}; {again}")
    if last[0].step < wanted:
        raise KineBenchError(f"stage 1 in {place} is at step {last[0].step} of {wanted}; {again}")
    before, source = last[0].facts, "--start" if first else "--out"
    if before["backbone"]["sha256"] != facts["backbone"]["sha256"]:
        raise KineBenchError(f"stage 1 in {place} was trained with another backbone; name another {source}")
    differing = [
        name
        for name, value in facts["decides"].items()
        if name.startswith("branch.") and config.decided("stage1", before["decides"])[name] != value
    ]
    if differing:
        raise KineBenchError(
            f"stage 1 in {place} was trained with another {', '.join(differing)}; name another {source}"
        )
    return last[0]
