"""Made-up results, as the scorer would file them, for boards of any size."""

import hashlib

import numpy as np

from kinebench.board import results as stores
from kinebench.board.result import Result
from kinebench.board.suite import METRICS_VERSION
from kinebench.metrics.catalogue import Setup, choose
from kinebench.metrics.resampling import Jackknife, groups
from kinebench.scoring import scorecard

CLIP_METRICS = {  # middle, spread over clips; of mse a factor
    "mse": (150.0, 0.6),
    "psnr": (24.0, 3.0),
    "ssim": (0.8, 0.08),
    "iou_flow": (0.4, 0.15),
    "trajectory_diameters": (1.2, 0.5),
    "velocity_error": (0.5, 0.2),
    "collisions_missed": (0.4, 0.3),
    "collisions_invented": (0.2, 0.2),
    "objects_lost": (0.1, 0.1),
    "iou_sam2": (0.35, 0.15),
}
SET_METRICS = {"fvd": (300.0, 60.0), "fvmd": (900.0, 200.0)}
SPARSE = ("collisions_missed",)  # every third clip has no collision
METERS = {
    "pixel": {"mse": 1, "psnr": 1, "ssim": 1},
    "flow": {"opencv": "4.11.0", "iou_flow": 1},
    "fvd": {"versions": {"fvd": 1}, "weights": "f" * 64, "device": "cuda", "precision": "float32"},
    "fvmd": {"fvmd": 1, "weights": "e" * 64, "device": "cuda", "precision": "float32"},
    "sam2": {"versions": {"iou_sam2": 1}, "weights": "d" * 64, "device": "cuda", "bfloat16": False},
}
FRAMES, FPS = 49, 8.0


def results(rows, clips, seeds, rng):
    """One `Result` for each of `seeds` seeds of `rows` methods on `clips` clips; better ones have lower numbers.

    Of six or more, the last is an anchor and the last but one privileged.
    """
    clip_effect = {name: rng.standard_normal(clips) for name in CLIP_METRICS}
    found = []
    for row in range(rows):
        skill = row / max(rows - 1, 1) - 0.5 + 0.05 * rng.standard_normal()
        row_effect = {name: 0.4 * rng.standard_normal(clips) for name in CLIP_METRICS}
        kind = "anchor" if rows >= 6 and row == rows - 1 else "method"
        said = statement(f"method-{row:03d}", kind, rows >= 6 and row == rows - 2, range(seeds))
        for seed in range(seeds):
            values = {
                name: _values(name, skill, clip_effect[name] + row_effect[name], rng.standard_normal(clips))
                for name in CLIP_METRICS
            }
            found.append(result(said, seed, values, {name: _set(name, skill, clips, rng) for name in SET_METRICS}))
    return found


def store(folder, given):
    """Results in the store's files."""
    for each in given:
        stores.write(folder, each)


def _values(name, skill, shared, own):
    middle, spread = CLIP_METRICS[name]
    noise = 0.8 * shared + 0.3 * own
    if name == "mse":
        return [float(value) for value in middle * np.exp(0.8 * skill + spread * noise)]
    better = 1 if metrics()[name].better == "lower" else -1
    value = middle * (1 + 0.5 * better * skill) + spread * noise
    shown = value if name == "psnr" else np.clip(value, 0, 1 if middle < 1 else np.inf)
    sparse = name in SPARSE
    return [None if sparse and place % 3 == 0 else float(one) for place, one in enumerate(shown)]


def _set(name, skill, clips, rng):
    """A distance, and without each group of clips."""
    middle, spread = SET_METRICS[name]
    value = middle * (1 + 0.8 * skill) + 0.1 * spread * rng.standard_normal()
    count = len(groups([f"{i:06d}" for i in range(clips)])) if clips > 1 else 0
    return float(value), [float(each) for each in value + spread / max(clips, 2) ** 0.5 * rng.standard_normal(count)]


def metrics():
    """The catalogue's, by name."""
    meters, _ = choose((), Setup())
    return {metric.name: metric for meter in meters for metric in meter.metrics}


def owners():
    """Meter of each metric."""
    meters, _ = choose((), Setup())
    return {metric.name: meter.name for meter in meters for metric in meter.metrics}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def statement(name, kind="method", privileged=False, seeds=(0,), version="1.0.0"):
    """What submission.json says."""
    return {
        "kind": "kinebench submission",
        "schema_version": 1,
        "kinebench": "0.7.0",
        "method": {
            "name": name,
            "title": name.replace("-", " ").capitalize(),
            "version": version,
            "kind": kind,
            "description": f"Videos of {name}, which nobody made.",
            "authors": ["Ada Example", "Ben Example"],
            "contact": "ada@example.org",
            "paper": "https://example.org/paper",
            "code": "https://example.org/code",
            "code_revision": "0123456789abcdef",
            "licence": "Apache-2.0",
            "privileged": privileged,
            "uses": ["first_frame", "prompt", "masks", "velocity"],
        },
        "model": {
            "backbone": None if kind == "anchor" else "CogVideoX-5b-I2V",
            "parameters": None if kind == "anchor" else 5_570_000_000,
            "weights": [],
            "training_data": {
                "kinebench": [{"dataset": "interactions", "version": "1.0.0", "split": "train"}],
                "other": None,
            },
        },
        "inference": {
            "prompt": "c_infer",
            "prompt_rewriting": None,
            "seeds": list(seeds),
            "best_of": {"n": 1, "selector": None},
            "steps": 50,
            "guidance": 6.0,
            "scheduler": "DPM",
            "precision": "bfloat16",
            "native": {"width": 720, "height": 480, "frames": FRAMES, "fps": FPS},
            "options": {},
        },
        "cost": {"hardware": "1 x H100 80 GB", "seconds_per_sample": 92.5, "memory_gb": 26.0},
        "dataset": {
            "name": "interactions",
            "version": "1.0.0",
            "split": "test",
            "seed": 0,
            "recipe_sha256": sha256("recipe"),
            "manifest_sha256": sha256("manifest"),
        },
        "environment": {"python": "3.11.7", "packages": {"torch": "2.6.0"}},
        "videos": {
            "url": "https://example.org/videos",
            "files": [{"name": f"seed-{seed}-000000.tar", "bytes": 10240, "sha256": sha256(name)} for seed in seeds],
        },
    }


def result(said, seed, values, sets=None, **changes):
    """A result of one seed: `values` by clip metric and clip, `sets` the value and left-out values by set metric."""
    return Result(
        said,
        changes.pop("submission_sha256", sha256(f"{said['method']['name']} {said['method']['version']}")),
        changes.pop("metrics_version", METRICS_VERSION),
        seed,
        card(said, seed, values, sets or {}),
        **changes,
    )


def card(said, seed, values, sets):
    """A scorecard as the scorer writes it; its intervals are only near to what it would say."""
    name, catalogue, owner = said["method"]["name"], metrics(), owners()
    count = len(next(iter(values.values())))
    keys = [f"interactions_test_{place:06d}" for place in range(count)]
    used = [metric for metric in catalogue if metric in values or metric in sets]
    return {
        "kind": scorecard.KIND,
        "schema_version": scorecard.SCHEMA_VERSION,
        "kinebench": "0.7.0",
        "dataset": {**said["dataset"], "reference": "lossless", "clips": count},
        "predictions": {
            "name": "videos",
            "seeds": [seed],
            "sha256": sha256(f"{name} {seed}"),
            "unknown": [],
            "failed": {},
        },
        "sampling": {
            "clip_frames": FRAMES,
            "truth_frames": list(range(FRAMES)),
            "fps": FPS,
            "alignment": {"index": count},
        },
        "method": {
            "name": name,
            "version": said["method"]["version"],
            "identity": sha256(f"code of {name}"),
            "privileged": said["method"]["privileged"],
        },
        "run": None,
        "making": None,
        "codecs": [],
        "device": "cpu",
        "precision": "float32",
        "metrics": {
            metric: {
                "meter": owner[metric],
                **{
                    part: getattr(catalogue[metric], part)
                    for part in ("version", "what", "unit", "better", "best", "scope", "headline")
                },
            }
            for metric in used
        },
        "meters": {meter: METERS[meter] for meter in dict.fromkeys(owner[metric] for metric in used)},
        "summaries": {
            **{metric: _summary(one) for metric, one in values.items()},
            **{metric: _distance(one, count) for metric, one in sets.items()},
        },
        "unavailable": {},
        "unusable": [],
        "sets": {metric: {"values": {str(seed): one[0]}, "jackknife": one[1]} for metric, one in sets.items()},
        "groups": {},
        "clips": {
            key: {
                "truth": sha256(f"truth of {key}"),
                "ceiling": {metric: catalogue[metric].best for metric in values},
                "predictions": {
                    str(seed): {
                        "status": "scored",
                        "sha256": sha256(f"{name} {said['method']['version']} {seed} {key}"),
                        "values": {metric: one[place] for metric, one in values.items()},
                    }
                },
            }
            for place, key in enumerate(keys)
        },
    }


def _summary(values):
    there = np.array([value for value in values if value is not None])
    if not len(there):
        return {"value": None, "low": None, "high": None, "n": 0, "ceiling": None}
    reach = 1.96 * there.std() / len(there) ** 0.5
    ends = (float(there.mean() - reach), float(there.mean() + reach)) if len(there) > 1 else (None, None)
    return {"value": float(there.mean()), "low": ends[0], "high": ends[1], "n": len(there), "ceiling": 0.0}


def _distance(found, count):
    value, left_out = found
    ends = (None, None)
    if len(left_out) > 1:
        interval = Jackknife(value, tuple(left_out), count).interval
        ends = interval.low, interval.high
    return {
        "value": value,
        "low": ends[0],
        "high": ends[1],
        "n": count,
        "floor": None,
        "floor_n": 0,
        "floor_of": "halves",
    }
