"""What can be known on the ground from the first frame alone: each object as a disc that slides and strikes others.

All have the nominal friction and restitution, and the same mass. The real ones have
corners, turn, and topple.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods.condition import Condition, Mask
from kinebench.methods.path import GRAVITY_MPS2, Nominal, ground_place, sliding_m
from kinebench.metrics.ground import centroids_px
from kinebench.scene.camera import Camera

Places = NDArray[np.float64]
"""World x and y on the ground, in metres."""

STEP_S = 1 / 960
"""Touches are looked for in steps of this, then found exactly; discs graze unseen by at most some micrometres."""
STEPS = 240  # looked at together
BOUNCE_MPS = 0.05
"""Slower than this nothing bounces: as in the simulation."""
PRESS_MPS = 1e-4
"""Touching discs that approach more slowly are left alone."""
EXACT_S = 1e-12
HIT_MPS = 0.02
"""Slower touches are no hits to speak of."""
ROUNDNESS = 0.85
"""Radius over half the width that is seen, which is a cube's diagonal as often as its edge."""


@dataclass(frozen=True)
class Disc:
    """An object on the ground in the first frame, world frame."""

    id: int
    place_m: tuple[float, float]
    radius_m: float
    velocity_mps: tuple[float, float]


@dataclass(frozen=True)
class Hit:
    """Two discs touch."""

    time_s: float
    a: int  # ids, in the order of the discs
    b: int
    closing_speed_mps: float
    point_m: tuple[float, float]  # world, where they touch
    normal: tuple[float, float]  # unit, world, from b to a


@dataclass(frozen=True, eq=False)
class Slide:
    """Motion of N discs at the F frame times."""

    positions_m: Places = field(repr=False)  # (F, N, 2)
    velocities_mps: Places = field(repr=False)  # (F, N, 2)
    hits: tuple[Hit, ...]  # in order of time


@dataclass(frozen=True, eq=False)
class _State:
    """All discs at a moment."""

    time_s: float
    places_m: Places  # (N, 2)
    velocities_mps: Places  # (N, 2)
    slowing_mps2: float

    def after(self, times_s: NDArray[np.float64]) -> tuple[Places, Places]:
        """Places and velocities, (T, N, 2) each, these times later if nothing touches."""
        speeds = np.linalg.norm(self.velocities_mps, axis=1)
        headings = self.velocities_mps / np.where(speeds > 0, speeds, 1)[:, None]
        ways = sliding_m(speeds, self.slowing_mps2 / GRAVITY_MPS2, times_s[:, None])
        left = np.maximum(speeds - self.slowing_mps2 * times_s[:, None], 0)
        return self.places_m + ways[..., None] * headings, left[..., None] * headings


def roll_out(discs: Sequence[Disc], nominal: Nominal, frames: int, fps: float) -> Slide:
    """Slide all discs for so many frames; where two touch they push each other along the line of their centres."""
    pairs = np.array(list(combinations(range(len(discs)), 2)), dtype=int).reshape(-1, 2)
    reach = np.array([discs[i].radius_m + discs[j].radius_m for i, j in pairs])
    times = np.arange(frames) / fps
    positions, velocities = (np.empty((frames, len(discs), 2)) for _ in range(2))
    state = _State(
        0.0,
        np.array([disc.place_m for disc in discs]).reshape(-1, 2),
        np.array([disc.velocity_mps for disc in discs]).reshape(-1, 2),
        nominal.friction * GRAVITY_MPS2,
    )
    hits: list[Hit] = []
    done, found = 0, _next_touch(state, pairs, reach, times[-1])
    while found is not None:
        until = int(np.searchsorted(times, state.time_s + found[0]))
        positions[done:until], velocities[done:until] = state.after(times[done:until] - state.time_s)
        done = max(done, until)
        a, b = pairs[found[1]].tolist()
        state, hit = _pushed(state, found[0], (discs[a], discs[b]), (a, b), nominal.restitution)
        if hit.closing_speed_mps >= HIT_MPS:
            hits.append(hit)
        found = _next_touch(state, pairs, reach, times[-1] - state.time_s)
    positions[done:], velocities[done:] = state.after(times[done:] - state.time_s)
    return Slide(positions, velocities, tuple(hits))


def on_ground(condition: Condition) -> tuple[Disc, ...]:
    """The visible objects of a condition as discs, in the order of their ids; no two overlap.

    Raises KineBenchError if nothing is known of the camera, the constants or a velocity.
    """
    camera, nominal = condition.camera, condition.nominal
    if camera is None or nominal is None or any(each.velocity_mps is None for each in condition.driven):
        raise KineBenchError(
            f"{condition.key}: nothing is known in metres: it has no camera, constants or velocities; "
            "take conditions of a generated dataset"
        )
    velocities = {each.id: np.array(each.velocity_mps) @ camera.ground_axes for each in condition.driven}
    try:
        places = [_measured(camera, each.mask, nominal.height_m) for each in condition.objects]
    except ValueError as error:
        raise KineBenchError(f"{condition.key}: {error}") from error
    found = []
    for each, (place, radius_m) in zip(condition.objects, places, strict=True):
        x, y, _ = velocities.get(each.id, np.zeros(3)).tolist()
        found.append(Disc(each.id, place, radius_m, (x, y)))
    return _apart(found)


def _measured(camera: Camera, mask: Mask, height_m: float) -> tuple[tuple[float, float], float]:
    """Place and radius of an object by the centroid and the width of its mask."""
    place = ground_place(camera, centroids_px(mask[None])[0], height_m)
    depth_m = float(camera.to_camera(place)[2])
    columns = np.flatnonzero(mask.any(axis=0))
    width_m = (columns[-1] - columns[0] + 1) * depth_m / camera.focal_px
    return (float(place[0]), float(place[1])), float(ROUNDNESS * width_m / 2)


def _apart(discs: Sequence[Disc]) -> tuple[Disc, ...]:
    """The discs, those that overlap others made smaller."""
    places, radii = np.array([disc.place_m for disc in discs]).reshape(-1, 2), np.array([d.radius_m for d in discs])
    room = np.linalg.norm(places[:, None] - places, axis=-1) / (radii[:, None] + radii)
    np.fill_diagonal(room, np.inf)
    shares = np.minimum(room.min(axis=1, initial=np.inf), 1)
    return tuple(
        replace(disc, radius_m=disc.radius_m * float(share)) for disc, share in zip(discs, shares, strict=True)
    )


def _gaps(
    motion: tuple[Places, Places], pairs: NDArray[np.int64], reach: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gaps (T, P) between the rims of pairs (P, 2), and how fast they close; of places and velocities (T, N, 2)."""
    apart, relative = (values[:, pairs[:, 0]] - values[:, pairs[:, 1]] for values in motion)
    distance = np.linalg.norm(apart, axis=-1)
    return distance - reach, -(apart * relative).sum(axis=-1) / np.where(distance > 0, distance, 1)


def _next_touch(
    state: _State, pairs: NDArray[np.int64], reach: NDArray[np.float64], within_s: float
) -> tuple[float, int] | None:
    """How much later two discs touch and approach, and which pair; None if none does in time."""
    begin = 0
    while len(pairs) and begin * STEP_S <= within_s and state.velocities_mps.any():
        times = np.arange(begin, begin + STEPS + 1) * STEP_S
        gaps, closing = _gaps(state.after(times), pairs, reach)
        touching = (gaps <= 0) & (closing > PRESS_MPS)
        if touching.any():
            step = int(touching.any(axis=1).argmax())
            found = []
            for pair in np.flatnonzero(touching[step]):
                before = times[step - 1] if step and gaps[step - 1, pair] > 0 else times[step]
                span = (float(before), float(times[step]))
                found.append((_moment(state, pairs[pair : pair + 1], reach[pair : pair + 1], span), int(pair)))
            return min(found) if min(found)[0] <= within_s else None
        begin += STEPS
    return None


def _moment(state: _State, pair: NDArray[np.int64], reach: NDArray[np.float64], span_s: tuple[float, float]) -> float:
    """When in a span a pair (1, 2) touches that is apart at its beginning and overlaps at its end."""
    low, high = span_s
    while low < (middle := (low + high) / 2) < high:
        gaps, closing = _gaps(state.after(np.array([middle])), pair, reach)
        low, high = (low, middle) if gaps[0, 0] <= 0 and closing[0, 0] > PRESS_MPS else (middle, high)
        if high - low < EXACT_S:
            break
    return high


def _pushed(
    state: _State, later_s: float, touching: tuple[Disc, Disc], at: tuple[int, int], restitution: float
) -> tuple[_State, Hit]:
    """The state right after two discs, numbers `at`, have pushed each other apart; and their hit."""
    places, velocities = (values[0].copy() for values in state.after(np.array([later_s])))
    a, b = at
    normal = places[a] - places[b]
    normal /= np.linalg.norm(normal)
    closing = float((velocities[b] - velocities[a]) @ normal)
    push = (1 + (restitution if closing > BOUNCE_MPS else 0)) / 2 * closing * normal
    velocities[a] += push
    velocities[b] -= push
    point = places[b] + touching[1].radius_m * normal
    after = replace(state, time_s=state.time_s + later_s, places_m=places, velocities_mps=velocities)
    hit = Hit(after.time_s, touching[0].id, touching[1].id, closing, _two(point), _two(normal))
    return after, hit


def _two(point: Places) -> tuple[float, float]:
    return float(point[0]), float(point[1])
