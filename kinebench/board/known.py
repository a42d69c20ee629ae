"""What KineBench knows of a submission by itself: of its videos, their sidecars, run.json, and the built-in method."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kinebench import __version__
from kinebench.board import submission
from kinebench.board.clips import Clips
from kinebench.methods import method as methods
from kinebench.methods.delivery import Delivery
from kinebench.methods.method import Method
from kinebench.scoring.predictions import Predictions
from kinebench.scoring.sidecar import Told

_OPTIONS = {
    "inference.steps": ("steps", "num_inference_steps"),
    "inference.guidance": ("guidance", "guidance_scale", "cfg"),
    "inference.scheduler": ("scheduler", "sampler"),
    "inference.precision": ("dtype", "precision"),
}
"""Options of methods that are what the statement asks for."""
_PACKAGES = ("torch", "diffusers", "transformers")
_NOTHING = (
    *("model.backbone", "model.parameters", "model.training_data.other", "inference.prompt_rewriting"),
    *("inference.best_of.selector", "inference.steps", "inference.guidance", "inference.scheduler"),
    *("inference.precision", "inference.native.fps", "cost.memory_gb", "method.paper"),
)
"""What an anchor does not have."""


def known(clips: Clips, found: Predictions, told: Told) -> dict[str, Any]:
    """Facts that no author need or may say, by dotted keys of the statement."""
    facts: dict[str, Any] = {
        "kind": submission.KIND,
        "schema_version": submission.SCHEMA_VERSION,
        "kinebench": __version__,
        "inference.seeds": list(found.seeds),
        **{f"dataset.{name}": value for name, value in clips.dataset.items()},
    }
    deliveries = list(told.deliveries.values())
    if deliveries:
        sizes = Counter((each.native.width, each.native.height, each.native.frames) for each in deliveries)
        size = dict(zip(("width", "height", "frames"), sizes.most_common(1)[0][0], strict=True))
        facts |= {f"inference.native.{name}": value for name, value in size.items()}
        facts["cost.seconds_per_sample"] = round(float(np.mean([each.seconds for each in deliveries])), 3)
    if told.run:
        facts |= _of_run(told.run)
        facts["environment.packages"] = _packages(deliveries) | facts["environment.packages"]
    return facts


def _packages(deliveries: Sequence[Delivery]) -> dict[str, str]:
    """Versions that a method says of itself beside each video, the same beside all."""
    said = {name: {json.dumps(each.facts.get(name)) for each in deliveries} for name in _PACKAGES}
    common = {name: json.loads(min(values)) for name, values in said.items() if len(values) == 1}
    return {name: value for name, value in common.items() if isinstance(value, str) and value}


def _of_run(run: Mapping[str, Any]) -> dict[str, Any]:
    options, versions = run["options"], dict(run["versions"])
    facts = {
        "method.privileged": run["method"]["privileged"],
        "method.kind": "anchor" if run["method"].get("kind") == "anchor" else "method",
        "inference.prompt": run["source"].get("prompt"),
        "inference.options": options,
        "environment.python": versions.pop("python", None),
        "environment.packages": versions,
    }
    for key, names in _OPTIONS.items():
        if name := next((name for name in names if name in options), None):
            facts[key] = options[name]
    return facts


def offered(told: Told) -> dict[str, Any]:
    """What is likely, and the author's to change: by dotted keys."""
    likely: dict[str, Any] = {"videos.url": ""}
    signature = next((said.method for said in told.deliveries.values()), None)
    name = told.run["method"]["name"] if told.run else signature.name if signature else None
    version = told.run["method"]["version"] if told.run else signature.version if signature else "1.0.0"
    likely |= {"method.version": version} | ({"method.name": name} if name else {})
    if told.run and told.run["method"].get("kind") == "anchor":
        likely |= dict.fromkeys(_NOTHING) | {"model.training_data.kinebench": [], "inference.best_of.n": 1}
        likely["model.weights"] = []
    folder = methods.built_in().get(str(name))
    method = methods.read(folder) if folder else None
    if method is not None and method.version == version:
        likely |= _of_method(method, told.run or {})
    return likely


def _of_method(method: Method, run: Mapping[str, Any]) -> dict[str, Any]:
    """What method.toml says. Weights of the user's own stand in the place of the published ones."""
    own = run.get("weights")
    own = own if isinstance(own, Mapping) else {}
    rows = [
        {"name": name, "sha256": own[name]}
        if name in own
        else {
            "name": name,
            **{key: getattr(weights, key) for key in ("revision", "sha256", "licence")},
            **({"where": weights.hub} if weights.hub else {}),
        }
        for name, weights in method.weights.items()
    ]
    names = ("title", "description", "paper", "code", "code_revision", "licence")
    facts = {f"method.{name}": value for name in names if (value := getattr(method, name)) is not None}
    facts |= {"method.uses": list(method.uses), "model.weights": rows}
    return facts | ({"inference.native.fps": method.native.fps} if method.native.fps else {})
