from dataclasses import replace

import numpy as np
import pytest

from kinebench.physics.bullet import GRAVITY_MPS2, collision_shape, simulate
from kinebench.scene.pose import rotation_matrix
from kinebench.scene.sampler import sample_scene
from kinebench.scene.scene import Body


def body(x=0.0, y=0.0, velocity=(0.0, 0.0, 0.0), shape="cube", edge=0.2, mass=1.0, yaw=0.0, friction=0.35):
    return Body(
        shape=shape,
        size_m=(edge, edge, edge),
        colour="red",
        rgb=(1.0, 0.0, 0.0),
        roughness=0.5,
        mass_kg=mass,
        friction=friction,
        restitution=0.3,
        position_m=(x, y, edge / 2),
        yaw_rad=yaw,
        velocity_mps=velocity,
    )


@pytest.fixture(scope="module")
def stage(interactions, grounds):
    """A scene to put bodies into."""
    drawn = (sample_scene(interactions, "train", index, 0, 0, grounds) for index in range(9))
    scene = next(scene for scene in drawn if scene)
    return replace(scene, ground=replace(scene.ground, friction=0.25, restitution=0.05))


@pytest.fixture(scope="module")
def samples(interactions, grounds):
    drawn = (sample_scene(interactions, "train", index, 0, 0, grounds) for index in range(12))
    return [(scene, simulate(scene)) for scene in drawn if scene]


@pytest.mark.parametrize("shape", ["cube", "cylinder"])
@pytest.mark.parametrize("heading_deg", [0, 30, 75, 200])
def test_sliding_slows_by_mu_g_and_goes_straight(stage, shape, heading_deg):
    heading = np.radians(heading_deg)
    direction = np.array([np.cos(heading), np.sin(heading), 0.0])
    scene = replace(stage, bodies=(body(velocity=tuple(direction.tolist()), shape=shape, yaw=0.3),))
    rollout = simulate(scene)
    seconds = 19 / scene.fps
    speed = np.linalg.norm(rollout.velocities_mps[19, 0])
    assert (1.0 - speed) / seconds == pytest.approx(0.35 * 0.25 * GRAVITY_MPS2, rel=0.03)
    path = rollout.positions_m[19, 0] - rollout.positions_m[0, 0]
    assert np.degrees(np.arccos(path @ direction / np.linalg.norm(path))) < 1.0
    assert np.all(rollout.velocities_mps[-1] == 0)  # and it comes to rest within the clip


def test_head_on_collision_keeps_momentum(stage):
    striker = body(x=-0.4, velocity=(1.5, 0.0, 0.0), mass=1.0, friction=0.02)
    struck = body(x=0.0, mass=2.0, friction=0.02)
    rollout = simulate(replace(stage, bodies=(striker, struck)))
    (event,) = rollout.events[:1]
    assert (event.a, event.b) == (1, 2)
    assert event.normal == pytest.approx((-1, 0, 0), abs=1e-2)  # from b to a
    assert event.point_m[0] == pytest.approx(-0.1, abs=5e-3)
    assert event.time_s == pytest.approx(0.2 / 1.5, abs=0.01)
    assert event.closing_speed_mps == pytest.approx(1.5, abs=0.03)
    after = rollout.velocities_mps[int(event.end_s * stage.fps) + 2, :, 0]
    assert after @ [1.0, 2.0] == pytest.approx(1.5, rel=0.03)
    assert event.impulse_ns == pytest.approx(2.0 * after[1], rel=0.05)


def test_velocity_table_against_finite_differences(samples):
    checked = 0
    for scene, rollout in samples:
        numeric = (rollout.positions_m[2:] - rollout.positions_m[:-2]) * scene.fps / 2
        for frame in range(1, scene.frames - 1):
            span = ((frame - 1.1) / scene.fps, (frame + 1.1) / scene.fps)
            busy = {i for e in rollout.events if e.time_s < span[1] and e.end_s > span[0] for i in (e.a, e.b)}
            for i in set(range(1, len(scene.bodies) + 1)) - busy:
                assert rollout.velocities_mps[frame, i - 1] == pytest.approx(numeric[frame - 1, i - 1], abs=0.06)
                checked += 1
    assert checked > 1000


def test_events_agree_with_positions(samples):
    """At a touch the two bodies' bounding spheres overlap; without events no two bodies ever do so deeply."""
    events = 0
    for scene, rollout in samples:
        for event in rollout.events:
            frame = round(event.time_s * scene.fps)
            a, b = scene.bodies[event.a - 1], scene.bodies[event.b - 1]
            gap = np.linalg.norm(rollout.positions_m[frame, event.a - 1] - rollout.positions_m[frame, event.b - 1])
            assert gap < np.linalg.norm(a.size_m) / 2 + np.linalg.norm(b.size_m) / 2 + 0.04
            point = np.array(event.point_m)
            for number, solid in ((event.a, a), (event.b, b)):
                local = rotation_matrix(rollout.quaternions_wxyz[frame, number - 1]).T @ (
                    point - rollout.positions_m[frame, number - 1]
                )
                assert np.all(np.abs(local) < np.array(solid.size_m) / 2 + 0.06)
            events += 1
    assert events >= 5


def test_energy_never_grows(samples):
    for scene, rollout in samples:
        mass = np.array([b.mass_kg for b in scene.bodies])
        kinetic = 0.5 * (mass * np.sum(rollout.velocities_mps**2, axis=-1)).sum(axis=-1)
        potential = (mass * GRAVITY_MPS2 * rollout.positions_m[..., 2]).sum(axis=-1)
        energy = kinetic + potential
        assert np.all(np.diff(energy) < 0.02 * energy[0])


def test_nothing_falls_sinks_or_overlaps(samples):
    for _, rollout in samples:
        assert rollout.positions_m[..., 2].min() > 0.05
        assert rollout.penetration_m < 0.006
        assert np.linalg.norm(rollout.quaternions_wxyz, axis=-1) == pytest.approx(1, abs=1e-6)


def test_what_rests_is_still_to_the_last_bit(samples):
    for scene, rollout in samples:
        struck = {i for event in rollout.events for i in (event.a, event.b)}
        for i in range(1, len(scene.bodies) + 1):
            if i not in struck and i not in scene.driven:
                assert np.all(rollout.positions_m[:, i - 1] == rollout.positions_m[0, i - 1])
                assert np.all(rollout.velocities_mps[:, i - 1] == 0)


def test_simulation_is_deterministic(samples):
    for scene, rollout in samples[:3]:
        again = simulate(scene)
        assert again.positions_m.tobytes() == rollout.positions_m.tobytes()
        assert again.events == rollout.events


@pytest.mark.parametrize("shape", ["cube", "cylinder"])
def test_collision_shape_has_the_bodys_size(shape):
    import pybullet as p

    client = p.connect(p.DIRECT)
    try:
        solid = replace(body(shape=shape), size_m=(0.2, 0.2, 0.3) if shape == "cylinder" else (0.2, 0.2, 0.2))
        number = p.createMultiBody(1, collision_shape(client, solid), physicsClientId=client)
        dimensions = p.getCollisionShapeData(number, -1, physicsClientId=client)[0][3]
    finally:
        p.disconnect(client)
    expected = (0.3, 0.1, 0.0) if shape == "cylinder" else (0.2, 0.2, 0.2)  # Bullet lists (height, radius)
    assert dimensions == pytest.approx(expected)
