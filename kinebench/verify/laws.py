"""A rollout against the laws of motion: nothing floats, sinks, gains energy, or is moved without being touched.

The tolerances were measured on 440 simulated clips of the built-in recipes; see docs/verify.md for both.
"""

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.sighting import Sighting, gaps_m, sight
from kinebench.physics.bullet import GRAVITY_MPS2
from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.pose import Array, rotation_matrix
from kinebench.scene.scene import Body, Scene

SINK_M = 0.001
"""How far a lowest corner may be below the ground."""
FLOAT_M = 0.003
"""How far it may be above the ground, unless the object falls."""
ENERGY_J = 0.001
"""How much the energy of a whole scene may grow from one frame to the next."""
SPEED_UP_MPS = 0.01
"""How much an object may gain in speed from one frame to the next without being touched."""
OVERLAP_M = 0.008
"""Footprints are measured to 5 mm; they may overlap by this more than quality.penetration_m says."""
APART_M = 0.01
"""Objects that touch between two frames may be this farther apart in both than their motion explains."""
CLOSING_MPS = 0.4
"""How far an event's closing speed may be beside that at the frame before, and what friction and pushes explain."""
MOMENTUM_NS = 0.02
"""How much more momentum a touching pair may gain or lose than friction with the ground can give it."""
IMPULSE_SHARE = 0.25
"""How far an event's impulse may be from the change of momentum that it makes; a long push turns its normal."""
UPRIGHT_RAD = 0.02
STEP_S = 0.002
"""Events are timed by simulation steps of about a millisecond: the push itself is up to one earlier or later."""


def law_faults(scene: Scene, rollout: Rollout, speed_limit_mps: float) -> Iterator[str]:
    """Breaches of the laws of motion in a rollout; `speed_limit_mps` is that of velocity masks."""
    yield from _speed_faults(rollout, speed_limit_mps)
    yield from _height_faults(scene, rollout)
    yield from _energy_faults(scene, rollout)
    yield from _free_faults(scene, rollout)
    seen = sight(scene, rollout)
    for a, b in combinations(range(len(seen)), 2):
        yield from _pair_faults(rollout, seen, a, b, scene.fps)
    for number, event in enumerate(rollout.events):
        yield from _touch_faults(scene, rollout, number, event)
        yield from _momentum_faults(scene, rollout, number, event)


def _speed_faults(rollout: Rollout, limit_mps: float) -> Iterator[str]:
    speeds = np.linalg.norm(rollout.velocities_mps, axis=-1)
    if speeds.max() > limit_mps:
        frame, body = np.unravel_index(speeds.argmax(), speeds.shape)
        yield f"object {body + 1} moves at {speeds.max():.3f} m/s at frame {frame}, above v_max_mps = {limit_mps:g}"


def lowest_m(body: Body, rollout: Rollout, number: int) -> Array:
    """Height (F,) of the lowest point of object `number` (1..N) above the ground."""
    down = np.abs(rotation_matrix(rollout.quaternions_wxyz[:, number - 1])[:, 2])  # the body's axes along the world's z
    x, _, z = half = np.array(body.size_m) / 2
    reach = down @ half if body.shape == "cube" else np.hypot(down[:, 0], down[:, 1]) * x + down[:, 2] * z
    lowest: Array = rollout.positions_m[:, number - 1, 2] - reach
    return lowest


def _height_faults(scene: Scene, rollout: Rollout) -> Iterator[str]:
    for number, body in enumerate(scene.bodies, 1):
        height_m = lowest_m(body, rollout, number)
        if height_m.min() < -SINK_M:
            yield f"object {number} is {-height_m.min():.4f} m below the ground at frame {height_m.argmin()}"
        falling = np.diff(rollout.velocities_mps[:, number - 1, 2]) < -GRAVITY_MPS2 / scene.fps / 2
        up = height_m > FLOAT_M
        floats = np.flatnonzero(up[:-1] & up[1:] & ~falling)
        if floats.size:
            yield f"object {number} floats {height_m[floats[0]]:.4f} m above the ground at frame {floats[0]}"


def inertia_kgm2(body: Body) -> Array:
    """Moments of inertia (3,) of a solid body about its axes."""
    x, y, z = np.square(body.size_m)
    if body.shape == "cube":
        return body.mass_kg / 12 * np.array([y + z, x + z, x + y])
    return body.mass_kg * np.array([x / 16 + z / 12, x / 16 + z / 12, x / 8])


def energy_j(scene: Scene, rollout: Rollout) -> Array:
    """Mechanical energy (F,) of the whole scene: motion, spin and height above where each object first stood."""
    total: Array = np.zeros(len(rollout.positions_m))
    for i, body in enumerate(scene.bodies):
        turn = rotation_matrix(rollout.quaternions_wxyz[:, i])
        spin = np.einsum("fji,fj->fi", turn, rollout.angular_velocities_radps[:, i])  # about the body's axes
        total += body.mass_kg / 2 * np.square(rollout.velocities_mps[:, i]).sum(axis=-1)
        total += np.square(spin) @ inertia_kgm2(body) / 2
        total += body.mass_kg * GRAVITY_MPS2 * (rollout.positions_m[:, i, 2] - rollout.positions_m[0, i, 2])
    return total


def _energy_faults(scene: Scene, rollout: Rollout) -> Iterator[str]:
    growth_j = np.diff(energy_j(scene, rollout))
    if growth_j.size and growth_j.max() > ENERGY_J:
        frame = int(growth_j.argmax())
        yield f"the scene gains {growth_j.max():.4f} J of energy from frame {frame} to {frame + 1}"


def touched(rollout: Rollout, fps: int) -> NDArray[np.bool_]:
    """Whether each object touches another during the step after each frame, (F - 1, N)."""
    steps = np.zeros((len(rollout.positions_m) - 1, rollout.positions_m.shape[1]), dtype=bool)
    for event in rollout.events:
        first, last = _span(event, fps, len(rollout.positions_m))
        steps[first:last, [event.a - 1, event.b - 1]] = True
    return steps


def _span(event: Event, fps: int, frames: int) -> tuple[int, int]:
    """The frames before and after an event's push."""
    first, last = math.floor((event.time_s - STEP_S) * fps), math.ceil((event.end_s + STEP_S) * fps)
    return min(max(first, 0), frames - 1), min(max(last, 0), frames - 1)


def _free_faults(scene: Scene, rollout: Rollout) -> Iterator[str]:
    """Without being touched, an object on the ground only slows down."""
    gains = np.diff(np.linalg.norm(rollout.velocities_mps[..., :2], axis=-1), axis=0)
    gains[touched(rollout, scene.fps)] = 0
    if gains.size and gains.max() > SPEED_UP_MPS:
        frame, body = np.unravel_index(gains.argmax(), gains.shape)
        yield (
            f"object {body + 1} gains {gains.max():.3f} m/s from frame {frame} to {frame + 1}, and no event says "
            "that anything touches it"
        )


def _pair_faults(rollout: Rollout, seen: tuple[Sighting, ...], a: int, b: int, fps: int) -> Iterator[str]:
    """Upright objects do not overlap, and are near each other when an event says that they touch."""
    gap_m = gaps_m(seen[a], seen[b])
    upright = np.maximum(seen[a].tilts_rad, seen[b].tilts_rad) < UPRIGHT_RAD
    overlap_m = np.where(upright, -gap_m, -np.inf)
    if overlap_m.max() > rollout.penetration_m + OVERLAP_M:
        yield (
            f"objects {a + 1} and {b + 1} overlap by {overlap_m.max():.4f} m at frame {overlap_m.argmax()}, and "
            f"quality.penetration_m is {rollout.penetration_m:g}"
        )
    for event in rollout.events:
        if (event.a, event.b) == (a + 1, b + 1):
            before, _ = _span(event, fps, len(gap_m))
            ends = [before, min(before + 1, len(gap_m) - 1)]
            if not upright[ends].all():
                continue
            apart_mps = np.linalg.norm(rollout.velocities_mps[ends, a] - rollout.velocities_mps[ends, b], axis=-1).max()
            if gap_m[ends].min() > apart_mps / fps + APART_M:
                apart_m = gap_m[ends].min()
                yield f"objects {a + 1} and {b + 1} are {apart_m:.3f} m apart when they touch at {event.time_s} s"


def _touch_faults(scene: Scene, rollout: Rollout, number: int, event: Event) -> Iterator[str]:
    """An event is where its two objects are, and as fast as they near each other."""
    before, _ = _span(event, scene.fps, len(rollout.positions_m))
    point, closing_mps, slack_mps = np.array(event.point_m), _closing_mps(rollout, event, before), CLOSING_MPS
    for i in (event.a - 1, event.b - 1):
        centre = rollout.positions_m[before, i] + rollout.velocities_mps[before, i] * (
            event.time_s - before / scene.fps
        )
        away_m, half = np.linalg.norm(point - centre), np.array(scene.bodies[i].size_m) / 2
        slack_m = APART_M + _strayed_m(scene, rollout, i, before / scene.fps, event.time_s)
        slack_mps += _braking_mps2(scene, i) * (event.time_s - before / scene.fps)
        slack_mps += sum(push for push, _ in _pushes(scene, rollout, i, before / scene.fps, event.time_s))
        if not half.min() - slack_m < away_m < np.linalg.norm(half) + slack_m:
            yield f"events.{number}.point_m is {away_m:.3f} m from the centre of object {i + 1}: not on its surface"
    if abs(closing_mps - event.closing_speed_mps) > slack_mps:
        yield (
            f"events.{number}.closing_speed_mps is {event.closing_speed_mps:.3f}, and the objects near each other at "
            f"{closing_mps:.3f} m/s at frame {before}"
        )


def _closing_mps(rollout: Rollout, event: Event, frame: int) -> float:
    """How fast the points that will touch near each other at a frame, along the event's normal."""
    surface_mps = []
    for i in (event.a - 1, event.b - 1):
        arm_m = np.array(event.point_m) - rollout.positions_m[frame, i]
        turning = np.cross(rollout.angular_velocities_radps[frame, i], arm_m)
        surface_mps.append(rollout.velocities_mps[frame, i] + turning)
    return float((surface_mps[1] - surface_mps[0]) @ np.array(event.normal))  # the normal points from b to a


def _strayed_m(scene: Scene, rollout: Rollout, i: int, start_s: float, end_s: float) -> float:
    """How far friction and other pushes may have taken an object from where its velocity at `start_s` leads."""
    strayed_m = _braking_mps2(scene, i) * (end_s - start_s) ** 2 / 2
    return strayed_m + sum(push * gone_s for push, gone_s in _pushes(scene, rollout, i, start_s, end_s))


def _braking_mps2(scene: Scene, i: int) -> float:
    """What friction with the ground takes from an object's speed."""
    return scene.bodies[i].friction * scene.ground.friction * GRAVITY_MPS2


def _pushes(scene: Scene, rollout: Rollout, i: int, start_s: float, end_s: float) -> Iterator[tuple[float, float]]:
    """What each push in this time may add to an object's speed, in m/s, and how long that lasts, in s."""
    for other in rollout.events:
        if i + 1 in (other.a, other.b) and other.time_s < end_s and start_s < other.end_s + STEP_S:
            push_ns = (1 + IMPULSE_SHARE) * other.impulse_ns
            yield push_ns / scene.bodies[i].mass_kg, end_s - max(other.time_s, start_s)


def _momentum_faults(scene: Scene, rollout: Rollout, number: int, event: Event) -> Iterator[str]:
    """What one object of a touching pair gains, the other loses, but for friction with the ground."""
    first, last = _span(event, scene.fps, len(rollout.positions_m))
    for other in rollout.events:
        start, end = _span(other, scene.fps, len(rollout.positions_m))
        if other is not event and {other.a, other.b} & {event.a, event.b} and start < last and end > first:
            return  # more than these two push
    pair = [event.a - 1, event.b - 1]
    bodies = [scene.bodies[i] for i in pair]
    change = np.diff(rollout.velocities_mps[[first, last]][:, pair], axis=0)[0] * [[b.mass_kg] for b in bodies]
    friction_n = np.array([scene.bodies[i].mass_kg * _braking_mps2(scene, i) for i in pair])
    friction_ns = friction_n * (last - first) / scene.fps
    gain = np.linalg.norm(change.sum(axis=0)[:2])
    if gain > friction_ns.sum() + MOMENTUM_NS:
        yield (
            f"events.{number}: objects {event.a} and {event.b} together gain {gain:.3f} N s of momentum, and friction "
            f"with the ground can give {friction_ns.sum():.3f}"
        )
    along = change @ np.array(event.normal) * [1, -1]  # the normal points from b to a
    off = np.abs(along - event.impulse_ns) - friction_ns
    if off.max() > IMPULSE_SHARE * event.impulse_ns + MOMENTUM_NS:
        worst = int(off.argmax())
        yield (
            f"events.{number}.impulse_ns is {event.impulse_ns:.3f}, and the momentum of object {pair[worst] + 1} "
            f"changes by {along[worst]:.3f} N s along the normal"
        )
