"""Counterfactual groups: does the video answer a changed cause as physics does?

The clips of a group are one scene in which one factor differs; a method sees each clip's own first frame, arrow and
prompt. What is measured is where objects go **on the ground**, in metres, by their masks (`kinebench.metrics.ground`).
The reference is measured in the same way on the ground truth's masks, and not taken from the simulation, so that what
is left of occlusion shifts both alike, and the ground truth itself is perfect. The two agree to millimetres.

Measured by the ground truth's masks, the anchor `oracle` (the ground truth) has the best value of every metric, and
`static` (its first frame standing still) that of no answer. Masks carried by a tracker add the tracker's errors.

Speed, mass and friction share one measure. Of clip i, d_i is the distance from an object's first place to its last in
the prediction, D_i in the ground truth, both 0 below `STILL_M`. Over the clips of the group

    slope = sum (d_i - mean d) (D_i - mean D) / sum (D_i - mean D)^2

says how many centimetres the video adds where physics adds one. The score is the slope up to 1 and 1 / slope above, so
that half the effect and double count the same, and 0 if it is negative. `*_rank` is Spearman's correlation of d and D,
0 if all d are equal. The score has no opinion of a constant error in d (the trajectory metrics have), and it forgives
scatter (the rank does not): see both. Physics' own distances in random order score 0.2 to 0.26 in the mean,
and 0 in rank.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.metrics.ground import Path, ground_path, held
from kinebench.metrics.metric import Metric, Reply, mean
from kinebench.metrics.truth import Truth

STILL_M = 0.02
"""What comes no farther than this has not moved: 2 to 5 pixels in the built-in recipes, well above a mask's noise."""
REACH_M = 0.2
"""An object's direction is that of the place where it has come so far, which is about its own width."""
ASTRAY_DEG = 180.0
"""The direction error of what does not move: 90 would rank it with, and above half of, all that move at random."""


def _rising(name: str, what: str, headline: bool = True) -> Metric:
    return Metric(name, 1, what, unit="", better="higher", best=1.0, scope="group", headline=headline)


def _slope_and_rank(name: str, what: str) -> tuple[Metric, Metric]:
    return (
        _rising(name, f"{what}: slope against physics"),
        _rising(f"{name}_rank", f"{what}: rank correlation with physics", headline=False),
    )


METRICS: tuple[Metric, ...] = (
    *_slope_and_rank("response_speed", "how far the driven object goes, by its speed"),
    Metric(
        "response_direction",
        version=2,
        what="angle on the ground between where the driven object sets off to and where it should",
        unit="deg",
        better="lower",
        best=0.0,
        scope="group",
        headline=True,
    ),
    _rising("response_presence", "what the struck object changes of the driven one's path, against physics"),
    *_slope_and_rank("response_mass", "how far the struck object goes, by its mass"),
    *_slope_and_rank("response_friction", "how far the driven object goes, by the ground's friction"),
)

WORST: Mapping[str, float] = {
    "response_speed": 0.0,
    "response_speed_rank": -1.0,
    "response_direction": ASTRAY_DEG,
    "response_presence": 0.0,
    "response_mass": 0.0,
    "response_mass_rank": -1.0,
    "response_friction": 0.0,
    "response_friction_rank": -1.0,
}
"""What a group says in which a prediction is missing or unusable."""


def arrays(truth: Truth, masks: Mapping[int, NDArray[np.bool_]]) -> dict[str, NDArray[Any]]:
    """What `respond` needs of one clip: for `Reading.arrays`.

    `masks` says by object id where it is seen in the prediction, bool (F, H, W); what has no mask does not move.

    Returns `driven_m` and `struck_m`, the paths of the driven object and of the one that it touches first in the ground
    truth, float64 (F, 2), or (0, 2) where there is none; `truth_driven_m` and `truth_struck_m`, the same by the ground
    truth's masks; `free_frames`, int64 (), for how many frames the ground truth's driven object has touched nothing.
    """
    driven = truth.driven[0] if truth.driven else 0
    contact = next((event for event in truth.rollout.events if driven in (event.a, event.b)), None)
    struck, free = 0, len(truth.instances)
    if contact is not None:
        struck = contact.b if contact.a == driven else contact.a
        free = min(free, contact.first_frame(truth.fps))
    found: dict[str, NDArray[Any]] = {"free_frames": np.array(free)}
    for name, id in (("driven", driven), ("struck", struck)):
        found[f"{name}_m"], found[f"truth_{name}_m"] = _paths(truth, masks, id) if id else (np.empty((0, 2)),) * 2
    return found


def _paths(truth: Truth, masks: Mapping[int, NDArray[np.bool_]], id: int) -> tuple[Path, Path]:
    """Of one object, by the prediction's masks and by the ground truth's."""
    height_m = float(truth.rollout.positions_m[0, id - 1, 2])
    mask, others = truth.mask(id), np.zeros(truth.instances.shape, dtype=bool)
    truth_path = held(ground_path(truth.camera, mask, (truth.instances > 0) & ~mask, height_m))
    if id not in masks:
        return np.zeros_like(truth_path), truth_path
    for other, its in masks.items():
        if other != id:
            others |= its
    return held(ground_path(truth.camera, masks[id], others, height_m)), truth_path


def respond(group: Sequence[Reply]) -> Mapping[str, float | None]:
    """The metrics of one group's factor, others not named; {} for a factor that has none.

    None where the ground truth has nothing to answer: fewer than two values, no contact, or an effect below
    `STILL_M`. A group in which the prediction of a clip has no arrays (missing, unusable) gets `WORST`.
    """
    if not group or group[0].factor not in _MEASURES:
        return {}
    factor = group[0].factor
    names, measure = _MEASURES[factor]
    replies = sorted(group, key=lambda reply: reply.value)
    if all("driven_m" in reply.predicted.arrays for reply in replies):
        return dict(zip(names, measure(replies), strict=True))
    oracle = [Reply(reply.factor, reply.value, reply.truth, reply.truth) for reply in replies]
    answerable = measure(oracle)
    return {name: None if value is None else WORST[name] for name, value in zip(names, answerable, strict=True)}


def distance_m(path: Path) -> float:
    """From the first place to the last, 0 below `STILL_M` and for no path."""
    away = float(np.linalg.norm(path[-1] - path[0])) if len(path) else 0.0
    return away if away >= STILL_M else 0.0


def slope_score(predicted: Sequence[float], truth: Sequence[float]) -> float | None:
    """The slope of predicted distances against the ground truth's, folded into [0, 1]; None if these are all alike."""
    d, reference = np.asarray(predicted, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if len(reference) < 2 or np.ptp(reference) < STILL_M:
        return None
    spread = reference - reference.mean()
    slope = float((d - d.mean()) @ spread / (spread @ spread))
    return 0.0 if slope <= 0 else min(slope, 1 / slope)


def rank_correlation(predicted: Sequence[float], truth: Sequence[float]) -> float | None:
    """Spearman's, ties at their mean rank, 0 if all predicted are equal; None if the ground truth's are all alike."""
    if len(truth) < 2 or np.ptp(truth) < STILL_M:
        return None
    ranks, reference = (_ranks(np.asarray(values)) for values in (predicted, truth))
    scale = float(np.sqrt((ranks @ ranks) * (reference @ reference)))
    return float(ranks @ reference) / scale if scale else 0.0


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks about their mean: half of (values below - values above)."""
    below = (values[:, None] > values).sum(axis=1) - (values[:, None] < values).sum(axis=1)
    return below / 2


def direction_error_deg(path: Path, truth: Path, free_frames: int) -> float | None:
    """Angle between where two objects set off to, 0 to 180; `ASTRAY_DEG` if the first does not move.

    Each is looked at when it has first come as far from its start as the ground truth does before its first contact,
    but no farther than `REACH_M`; or where it is farthest from its start, if it never comes so far. So speed does not
    matter, nor what a contact changes. None if the ground truth comes less than `STILL_M` far.
    """
    if not len(truth):
        return None
    reach_m = min(REACH_M, float(np.linalg.norm(truth[: max(free_frames, 2)] - truth[0], axis=1).max()))
    ways = [_set_off(track, reach_m) for track in (path, truth)]
    if np.linalg.norm(ways[1]) < STILL_M:
        return None
    if np.linalg.norm(ways[0]) < STILL_M:
        return ASTRAY_DEG
    (ax, ay), (bx, by) = ways
    return float(np.degrees(abs(np.arctan2(ax * by - ay * bx, ax * bx + ay * by))))


def _set_off(path: Path, reach_m: float) -> NDArray[np.float64]:
    ways = path - path[0]
    away = np.linalg.norm(ways, axis=1)
    reached = away >= reach_m
    return ways[reached.argmax() if reached.any() else away.argmax()]


def path_difference(with_it: Path, without: Path) -> Path:
    """What an object's presence does to another's path, each from its own start, (F, 2) in metres."""
    return (with_it - with_it[0]) - (without - without[0])


def _along(name: str) -> Callable[[Sequence[Reply]], tuple[float | None, ...]]:
    """Slope and rank of how far an object goes over the clips of a group."""

    def measure(replies: Sequence[Reply]) -> tuple[float | None, ...]:
        predicted = [distance_m(reply.predicted.arrays[f"{name}_m"]) for reply in replies]
        truth = [distance_m(reply.truth.arrays[f"truth_{name}_m"]) for reply in replies]
        return slope_score(predicted, truth), rank_correlation(predicted, truth)

    return measure


def _direction(replies: Sequence[Reply]) -> tuple[float | None]:
    """Mean error over the clips that have one."""
    errors = [
        direction_error_deg(
            reply.predicted.arrays["driven_m"],
            reply.truth.arrays["truth_driven_m"],
            int(reply.truth.arrays["free_frames"]),
        )
        for reply in replies
    ]
    return (mean([error for error in errors if error is not None]),)


def _presence(replies: Sequence[Reply]) -> tuple[float | None]:
    """1 - sum |difference - truth's difference| / sum |truth's difference| over frames, at least 0."""
    if len({reply.value for reply in replies}) < 2:
        return (None,)
    without, with_it = replies[0], replies[-1]
    paths = [(reply.predicted.arrays["driven_m"], reply.truth.arrays["truth_driven_m"]) for reply in (with_it, without)]
    if not all(len(path) for pair in paths for path in pair):
        return (None,)
    predicted, truth = (path_difference(a, b) for a, b in zip(*paths, strict=True))
    effect_m = np.linalg.norm(truth, axis=1)
    if effect_m.max() < STILL_M:
        return (None,)
    return (max(0.0, 1 - float(np.linalg.norm(predicted - truth, axis=1).sum() / effect_m.sum())),)


_MEASURES: Mapping[str, tuple[tuple[str, ...], Callable[[Sequence[Reply]], tuple[float | None, ...]]]] = {
    "speed": (("response_speed", "response_speed_rank"), _along("driven")),
    "direction": (("response_direction",), _direction),
    "presence": (("response_presence",), _presence),
    "mass": (("response_mass", "response_mass_rank"), _along("struck")),
    "friction": (("response_friction", "response_friction_rank"), _along("driven")),
}
"""What is measured of a group, by its factor."""
