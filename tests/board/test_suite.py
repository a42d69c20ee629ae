"""The version of all metrics together is raised with any of them: results are filed under it."""

import json
from dataclasses import asdict
from pathlib import Path

from kinebench.board.suite import METRICS_VERSION
from kinebench.metrics import fvd, fvmd
from kinebench.metrics.catalogue import Setup, choose
from kinebench.metrics.sam2 import Sam2Masks
from kinebench.weights.catalogue import find

PINNED = Path(__file__).with_name(f"suite-{METRICS_VERSION}.json")
OF_THE_MACHINE = {"opencv", "package", "device", "weights"}
"""What rows say for themselves, and what stands here by name."""


def suite(tmp_path):
    """All that the numbers of `kinebench score` depend on without an option, but the machine."""
    file = tmp_path / "weights"
    file.write_bytes(b"any")
    meters, _ = choose((), Setup(weights=dict.fromkeys(("fvd", "fvmd", "sam2"), file)))
    published = {"fvd": fvd.WEIGHTS, "fvmd": fvmd.WEIGHTS, "sam2": Sam2Masks().published}
    return {
        "metrics": {metric.name: metric.version for meter in meters for metric in meter.metrics},
        "meters": {
            meter.name: {name: value for name, value in meter.configuration.items() if name not in OF_THE_MACHINE}
            for meter in meters
        },
        "weights": {name: f"{weights}, {find(weights).hash}" for name, weights in published.items()},
        "setup": {name: value for name, value in asdict(Setup()).items() if name not in ("device", "weights")},
    }


def changed(here, pinned, where=()):
    for name in sorted({*here, *pinned}):
        one, two = here.get(name), pinned.get(name)
        if isinstance(one, dict) and isinstance(two, dict):
            yield from changed(one, two, (*where, name))
        elif one != two:
            yield f"{'.'.join((*where, name))}: pinned {two!r}, now {one!r}"


def test_metrics_version_is_raised_with_any_metric(tmp_path):
    found = suite(tmp_path)
    assert PINNED.exists(), f"METRICS_VERSION was raised: write {PINNED.name} with {json.dumps(found, indent=1)}"
    differences = list(changed(found, json.loads(PINNED.read_text())))
    assert not differences, (
        f"metrics@{METRICS_VERSION} has other numbers than results under it: {'; '.join(differences)}. "
        f"Leave {PINNED.name} as it is, and raise METRICS_VERSION in kinebench/board/suite.py: rows of two versions "
        "are then kept apart, and kinebench board score makes them anew from the videos"
    )


def test_a_change_shows(tmp_path):
    found = suite(tmp_path)
    other = json.loads(json.dumps(found))
    other["metrics"]["mse"] += 1
    other["setup"]["fvmd_stride"] = 4
    other["meters"]["fvd"]["preprocess"] = "crop"
    assert [each.split(":")[0] for each in changed(other, found)] == [
        "meters.fvd.preprocess",
        "metrics.mse",
        "setup.fvmd_stride",
    ]
