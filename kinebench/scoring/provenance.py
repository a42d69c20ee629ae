"""What a scorecard says of how predictions were made: the frames compared, the method, its run, the codec."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from kinebench.errors import KineBenchError
from kinebench.hidden import told_seed
from kinebench.methods.delivery import Delivery
from kinebench.scoring.codec import Coded
from kinebench.scoring.predictions import Slot
from kinebench.scoring.sidecar import Told
from kinebench.shards.manifest import Manifest


def check_source(told: Told, manifest: Manifest, split: str) -> None:
    """Raises KineBenchError if run.json says that the videos were made for other clips than these."""
    if told.run is None:
        return
    seed = told_seed(manifest.recipe, manifest.seed)
    mine = {"recipe_sha256": manifest.recipe_sha256, "seed": seed, "split": split}
    its = {name: told.run["source"].get(name) for name in mine}
    if differences := [f"{name} {its[name]}, not {mine[name]}" for name in mine if its[name] != mine[name]]:
        raise KineBenchError(
            f"these videos were made for other clips: run.json says {'; '.join(differences)}; "
            "give --data and --split that they were made for"
        )


def sampling(told: Told, clip_frames: int, fps: float) -> dict[str, Any]:
    """Which frames of each clip are compared, and how the videos' frames were matched with them."""
    frames = told.frames or tuple(range(clip_frames))
    return {
        "clip_frames": clip_frames,
        "truth_frames": list(frames),
        "fps": fps * (len(frames) - 1) / (frames[-1] - frames[0]) if len(frames) > 1 else fps,
        "alignment": dict(sorted(Counter(said.alignment for said in told.deliveries.values()).items())),
    }


def method(told: Told) -> dict[str, Any] | None:
    """Who made the videos, where that is said."""
    signature = next((vars(said.method) for said in told.deliveries.values()), None)
    if signature is None and told.run is None:
        return None
    said = told.run["method"] if told.run else {}
    named = signature or {name: said[name] for name in ("name", "version", "identity")}
    return {**named, "privileged": said.get("privileged")}


def run(told: Told) -> dict[str, Any] | None:
    """What run.json says besides the method."""
    return {name: told.run[name] for name in ("options", "source", "device", "versions")} if told.run else None


def making(deliveries: Mapping[Slot, Delivery]) -> dict[str, Any] | None:
    """Sidecars in numbers of videos; None without any."""
    said = list(deliveries.values())
    if not said:
        return None
    sizes = Counter((each.native.width, each.native.height, each.native.frames) for each in said)
    facts = Counter(name for each in said for name, value in each.facts.items() if value is True)
    return {
        "videos": len(said),
        "native": [
            {"width": width, "height": height, "frames": frames, "videos": count}
            for (width, height, frames), count in sorted(sizes.items())
        ],
        "resized": dict(sorted(Counter(each.resized or "no" for each in said).items())),
        "with_unused_frames": sum(each.unused_frames > 0 for each in said),
        "with_driven_ignored": sum(bool(each.driven_ignored) for each in said),
        "seconds": float(np.mean([each.seconds for each in said])),
        "facts": dict(sorted(facts.items())),
    }


def codecs(found: Sequence[Coded]) -> list[dict[str, Any]]:
    """As JSON values."""
    return [
        {
            "codec": each.coding.codec,
            "pixel_format": each.coding.pixel_format,
            "rate": asdict(each.coding.rate) if each.coding.rate else None,
            "lossless": each.coding.lossless,
            "videos": each.videos,
            "fine": each.fine,
            "cost": asdict(each.cost) if each.cost else None,
        }
        for each in found
    ]
