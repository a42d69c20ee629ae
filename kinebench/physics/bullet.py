"""PyBullet: the only importer of pybullet. Collision shapes are exactly the rendered shapes."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import require
from kinebench.physics.approach import Pair, near_pairs
from kinebench.physics.rollout import Moment, Rollout
from kinebench.physics.touches import Contact, debounce, presses
from kinebench.scene.pose import Array, yaw_quaternion
from kinebench.scene.scene import Body, Scene

GRAVITY_MPS2 = 9.81
STEP_HZ = 960
"""Steps a second, rounded up to a multiple of the frame rate.

Measured on a box that slides and stops: at 240 Hz it hops by 3.8 mm and picks up 0.65 rad/s of spin, at 960 Hz by
0.1 mm and 0.08 rad/s.
"""
CONE_FRICTION = 1
"""Without it Bullet's friction is a pyramid: measured, paths bend by up to 11 degrees and brake up to 45 % too hard."""
ON_A, ON_B, NORMAL, DISTANCE, FORCE = 5, 6, 7, 8, 9
"""Where `getContactPoints` keeps the fields used here."""
TOUCH_M = 1e-3
"""Objects nearer than this still touch: resting contacts flicker between pressing and a hair's gap.

What presses touches from any distance: Bullet pushes a cylinder away already from what it would reach within the step.
"""
ASK_FRAMES = 3
REST_SPEED_MPS = 0.004
REST_SPIN_RADPS = 0.02
REST_DRIFT_M = 2e-4
REST_DRIFT_RAD = 2e-3
"""Below both speeds an object rests: its pose is held, as long as the solver's creep stays below both drifts."""


@cache
def _engine() -> Any:
    with _quiet():
        return require("pybullet", "render")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """PyBullet prints its build time when it is imported, from C."""
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


@dataclass(frozen=True)
class _World:
    """A Bullet world holding one scene; `ids` are Bullet's, in the order of the scene's bodies."""

    client: int
    ids: tuple[int, ...]
    step_s: float


@contextlib.contextmanager
def _world(scene: Scene, step_s: float) -> Iterator[_World]:
    p = _engine()
    client = p.connect(p.DIRECT)
    try:
        p.setGravity(0, 0, -GRAVITY_MPS2, physicsClientId=client)
        p.setPhysicsEngineParameter(
            fixedTimeStep=step_s,
            numSolverIterations=50,
            deterministicOverlappingPairs=1,
            enableConeFriction=CONE_FRICTION,
            restitutionVelocityThreshold=0.05,
            contactSlop=0.0,
            physicsClientId=client,
        )
        plane = p.createMultiBody(
            0, p.createCollisionShape(p.GEOM_PLANE, physicsClientId=client), physicsClientId=client
        )
        _surface(client, plane, scene.ground.friction, scene.ground.restitution)
        yield _World(client, tuple(_add(client, body) for body in scene.bodies), step_s)
    finally:
        p.disconnect(client)


def collision_shape(client: int, body: Body) -> int:
    """Bullet's shape of a body: a box or a cylinder whose full extents are `size_m`."""
    p = _engine()
    x, y, z = body.size_m
    if body.shape == "cube":
        return int(p.createCollisionShape(p.GEOM_BOX, halfExtents=[x / 2, y / 2, z / 2], physicsClientId=client))
    return int(p.createCollisionShape(p.GEOM_CYLINDER, radius=x / 2, height=z, physicsClientId=client))


def _add(client: int, body: Body) -> int:
    p = _engine()
    w, x, y, z = yaw_quaternion(body.yaw_rad).tolist()
    number = p.createMultiBody(
        body.mass_kg,
        collision_shape(client, body),
        basePosition=body.position_m,
        baseOrientation=[x, y, z, w],
        physicsClientId=client,
    )
    _surface(client, number, body.friction, body.restitution)
    p.resetBaseVelocity(number, body.velocity_mps, [0, 0, 0], physicsClientId=client)
    return int(number)


def _surface(client: int, number: int, friction: float, restitution: float) -> None:
    _engine().changeDynamics(
        number,
        -1,
        lateralFriction=friction,
        restitution=restitution,
        rollingFriction=0.002,  # a toppled cylinder rolls on, but not for ever
        spinningFriction=0.002,
        linearDamping=0.0,
        angularDamping=0.0,
        physicsClientId=client,
    )


def simulate(scene: Scene) -> Rollout:
    """Run a scene for its F frames, rounded as stored; deterministic for one version of Bullet.

    Bullet multiplies the friction, and the restitution, of the two sides of a contact.
    """
    rollout = simulate_unless(scene, lambda moment: None)
    assert isinstance(rollout, Rollout)
    return rollout


def simulate_unless(scene: Scene, doomed: Callable[[Moment], str | None]) -> Rollout | str:
    """As `simulate`; but `doomed` is asked every few frames, and if it gives a reason, that is returned at once."""
    substeps = -(-STEP_HZ // scene.fps)
    with _world(scene, 1.0 / (scene.fps * substeps)) as world:
        states = [_state(world)]
        contacts: list[Contact] = []
        for frame in range(1, scene.frames):
            near = near_pairs(scene.bodies, *states[-1], seconds=1 / scene.fps)
            for substep in range(substeps):
                time_s = ((frame - 1) * substeps + substep + 1) * world.step_s
                contacts += _step(world, near, time_s)
            states.append(_state(world))
            if _rest(*states[-1][2:]).all():  # nothing will move again
                states += [states[-1]] * (scene.frames - len(states))
                break
            if frame % ASK_FRAMES == 0:
                positions, _, velocities, _ = states[-1]
                reason = doomed(Moment(frame, positions, velocities, touched=any(map(presses, contacts))))
                if reason is not None:
                    return reason
    positions, quaternions, velocities, spins = (np.stack(parts) for parts in zip(*states, strict=True))
    rest = _rest(velocities, spins)
    positions, quaternions = _hold(positions, quaternions, rest)
    rollout = Rollout(
        positions_m=positions,
        quaternions_wxyz=quaternions,
        velocities_mps=np.where(rest[..., None], 0.0, velocities),
        angular_velocities_radps=np.where(rest[..., None], 0.0, spins),
        events=debounce(contacts),
        penetration_m=max((-c.distance_m for c in contacts if c.distance_m < 0), default=0.0),
    )
    return rollout.rounded()


def _state(world: _World) -> tuple[Array, Array, Array, Array]:
    """Positions (N, 3), quaternions (N, 4), velocities (N, 3), spins (N, 3)."""
    p = _engine()
    poses = [p.getBasePositionAndOrientation(i, physicsClientId=world.client) for i in world.ids]
    speeds = [p.getBaseVelocity(i, physicsClientId=world.client) for i in world.ids]
    xyzw = np.array([pose[1] for pose in poses])
    return (
        np.array([pose[0] for pose in poses]),
        xyzw[:, [3, 0, 1, 2]],
        np.array([speed[0] for speed in speeds]),
        np.array([speed[1] for speed in speeds]),
    )


def _step(world: _World, near: tuple[Pair, ...], time_s: float) -> list[Contact]:
    """Advance one step; the contact points of the `near` pairs during it that press, or are nearer than `TOUCH_M`."""
    p = _engine()
    near_ones = {i for pair in near for i in pair}
    before = {i: p.getBaseVelocity(world.ids[i], physicsClientId=world.client) for i in near_ones}
    p.stepSimulation(physicsClientId=world.client)
    found = []
    for a, b in near:
        for point in p.getContactPoints(world.ids[a], world.ids[b], physicsClientId=world.client):
            if point[DISTANCE] < TOUCH_M or point[FORCE] > 0:
                found.append(_contact(world, point, a, b, before, time_s))
    return found


def _contact(
    world: _World, point: tuple[Any, ...], a: int, b: int, before: dict[int, tuple[Any, Any]], time_s: float
) -> Contact:
    """One of Bullet's contact points; `a` and `b` are places in the scene, `before` velocities before the step."""
    where, normal = (np.array(point[ON_A]) + np.array(point[ON_B])) / 2, np.array(point[NORMAL])
    touching = []
    for i in (a, b):
        centre, _ = _engine().getBasePositionAndOrientation(world.ids[i], physicsClientId=world.client)
        touching.append(np.array(before[i][0]) + _cross(before[i][1], (where - centre).tolist()))
    return Contact(
        time_s=time_s,
        a=a + 1,
        b=b + 1,
        point_m=tuple(where.tolist()),
        normal=tuple(normal.tolist()),
        distance_m=point[DISTANCE],
        impulse_ns=point[FORCE] * world.step_s,
        closing_speed_mps=float((touching[1] - touching[0]) @ normal),
    )


def _cross(a: Sequence[float], b: Sequence[float]) -> Array:
    """numpy.cross takes twenty times as long, and half of a simulation with it."""
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _rest(velocities_mps: Array, spins_radps: Array) -> NDArray[np.bool_]:
    """Which objects (...) rest, by their velocities and spins (..., 3)."""
    slow: NDArray[np.bool_] = np.linalg.norm(velocities_mps, axis=-1) < REST_SPEED_MPS
    return slow & (np.linalg.norm(spins_radps, axis=-1) < REST_SPIN_RADPS)


def _hold(positions_m: Array, quaternions_wxyz: Array, rest: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Hold the pose of objects at rest, so that what stands still is still to the last bit."""
    positions, quaternions = positions_m.copy(), quaternions_wxyz.copy()
    for frame in range(1, len(positions)):
        drift_m = np.linalg.norm(positions[frame] - positions[frame - 1], axis=-1)
        cosine = np.abs(np.sum(quaternions[frame] * quaternions[frame - 1], axis=-1)).clip(0, 1)
        hold = rest[frame] & (drift_m < REST_DRIFT_M) & (2 * np.arccos(cosine) < REST_DRIFT_RAD)
        positions[frame][hold] = positions[frame - 1][hold]
        quaternions[frame][hold] = quaternions[frame - 1][hold]
    return positions, quaternions
