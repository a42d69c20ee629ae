"""What a clip costs, roughly, for `kinebench plan`: measured once on built-in recipes, and scaled to others."""

from dataclasses import dataclass

from kinebench.recipe import Recipe
from kinebench.shards.plan import Plan

_FRAMES, _WIDTH, _HEIGHT, _SAMPLES = 49, 720, 480, 16
"""The clips that were measured."""

# One core of an AMD EPYC, mean of 3 clips, from seed to members: docs/performance.md. "free" is taken as "required".
_CORE_S = {"forbidden": 44.0, "required": 80.2, "free": 80.2}
_FULL_FRAMES_CORE_S = {"forbidden": 581.0, "required": 582.0, "free": 582.0}
# Bytes a clip: main members by `kinebench stats` of ten clips each, companions by docs/companions.md.
_MAIN_BYTES = {"forbidden": 441_000, "required": 537_000, "free": 537_000}
_COMPANION_BYTES = {"lossless": 850_000, "depth": 430_000, "flow": 1_300_000, "normals": 1_700_000, "tracks": 270_000}


@dataclass(frozen=True)
class Cost:
    """Of all clips of a plan, finished ones included."""

    core_hours: float
    tar_bytes: int


def cost(recipe: Recipe, plan: Plan) -> Cost:
    """Time grows with frames, pixels and samples, size with frames and pixels. Other machines differ by a factor."""
    kind, video = recipe.acceptance.contact, recipe.video
    size = video.frames / _FRAMES * (video.width * video.height) / (_WIDTH * _HEIGHT)
    seconds = (_FULL_FRAMES_CORE_S if recipe.render.full_frames else _CORE_S)[kind]
    seconds *= size * recipe.render.samples / _SAMPLES
    clip_bytes = size * (_MAIN_BYTES[kind] + sum(_COMPANION_BYTES[name] for name in plan.companions))
    return Cost(plan.count * seconds / 3600, round(plan.count * clip_bytes))
