from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinebench.errors import KineBenchError
from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.discs import PRESS_MPS, Disc, on_ground, roll_out
from kinebench.methods.path import GRAVITY_MPS2, Nominal, sliding_m
from kinebench.scene.camera import look_at

ICE = Nominal(friction=0.0, restitution=0.4, height_m=0.1)
FLOOR = Nominal(friction=0.08, restitution=0.1, height_m=0.1)
CLIP_S = 97 / 48
DEEPEST_M = 1.05 * PRESS_MPS * CLIP_S
"""Two discs that are pressed together sink in by less than this: slower than PRESS_MPS, for the whole clip."""


def disc(identity, x, y, vx=0.0, vy=0.0, radius=0.1):
    return Disc(identity, (x, y), radius, (vx, vy))


@st.composite
def tables(draw):
    """Up to six discs that do not overlap, fast and slow, on a small table."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    found = []
    for _ in range(40):
        place, radius = rng.uniform(-0.7, 0.7, 2), rng.uniform(0.05, 0.15)
        if len(found) < 6 and all(np.linalg.norm(place - d.place_m) > radius + d.radius_m for d in found):
            speed = rng.uniform(0, 2) if rng.random() < 0.7 else 0.0
            angle = rng.uniform(0, 2 * np.pi)
            found.append(disc(len(found) + 1, *place, speed * np.cos(angle), speed * np.sin(angle), radius))
    friction, restitution = draw(st.sampled_from([0.0, 0.05, 0.3])), draw(st.sampled_from([0.0, 0.1, 0.7, 1.0]))
    return found, Nominal(friction, restitution, 0.1)


@given(tables())
@settings(max_examples=40, deadline=None)
def test_laws(table):
    """Energy never grows, discs do not overlap, hits are in order; without friction momentum is kept."""
    discs, constants = table
    slide = roll_out(discs, constants, 97, 48.0)
    assert slide.positions_m.shape == slide.velocities_mps.shape == (97, len(discs), 2)
    energy = (slide.velocities_mps**2).sum(axis=(1, 2))
    assert (np.diff(energy) <= 1e-12).all()
    radii = np.array([each.radius_m for each in discs])
    apart = np.linalg.norm(slide.positions_m[:, :, None] - slide.positions_m[:, None], axis=-1)
    overlap = radii[:, None] + radii - apart
    assert overlap[:, ~np.eye(len(discs), dtype=bool)].max(initial=-1) < DEEPEST_M
    times = [hit.time_s for hit in slide.hits]
    assert times == sorted(times) and all(0 <= time <= 2 for time in times)
    assert all(hit.a < hit.b and hit.closing_speed_mps > 0 for hit in slide.hits)
    if constants.friction == 0:
        momentum = slide.velocities_mps.sum(axis=1)
        np.testing.assert_allclose(momentum, np.broadcast_to(momentum[0], momentum.shape), atol=1e-12)
    again = roll_out(discs, constants, 97, 48.0)
    assert np.array_equal(again.positions_m, slide.positions_m) and again.hits == slide.hits


@pytest.mark.parametrize("friction", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("velocity", [(1.2, 0.0), (-0.3, 0.7), (0.0, 0.0)])
def test_alone_it_slides_as_a_path_does(friction, velocity):
    slide = roll_out([disc(1, 0.1, -0.2, *velocity)], replace(FLOOR, friction=friction), 49, 24.0)
    way = slide.positions_m[:, 0] - (0.1, -0.2)
    speed = float(np.hypot(*velocity))
    np.testing.assert_allclose(np.hypot(*way.T), sliding_m(speed, friction, np.arange(49) / 24), atol=1e-15)
    assert not slide.hits


def test_head_on_with_one_that_stands():
    """u1 = (1 - e) / 2 v, u2 = (1 + e) / 2 v, at the moment when the rims meet."""
    slide = roll_out([disc(1, 0, 0, 1.0), disc(2, 0.5, 0)], ICE, 49, 24.0)
    (hit,) = slide.hits
    assert (hit.a, hit.b) == (1, 2) and hit.time_s == pytest.approx(0.3, abs=1e-9)
    assert hit.closing_speed_mps == pytest.approx(1.0)
    np.testing.assert_allclose(hit.point_m, (0.4, 0), atol=1e-9)
    np.testing.assert_allclose(hit.normal, (-1, 0))
    np.testing.assert_allclose(slide.velocities_mps[-1], [[0.3, 0], [0.7, 0]], atol=1e-12)
    np.testing.assert_allclose(slide.positions_m[-1], [[0.3 + 0.3 * 1.7, 0], [0.5 + 0.7 * 1.7, 0]], atol=1e-8)


def test_friction_slows_it_before_and_after():
    slowing = FLOOR.friction * GRAVITY_MPS2
    slide = roll_out([disc(1, 0, 0, 1.0), disc(2, 0.5, 0)], FLOOR, 200, 100.0)
    (hit,) = slide.hits
    when = (1 - np.sqrt(1 - 2 * slowing * 0.3)) / slowing
    speed = 1 - slowing * when
    assert hit.time_s == pytest.approx(when, abs=1e-9) and hit.closing_speed_mps == pytest.approx(speed)
    rests = np.array([0.3 + (0.45 * speed) ** 2 / (2 * slowing), 0.5 + (0.55 * speed) ** 2 / (2 * slowing)])
    np.testing.assert_allclose(slide.positions_m[-1, :, 0], rests, atol=1e-8)
    assert not slide.velocities_mps[-1].any()


@pytest.mark.parametrize("offset", [0.05, 0.1, 0.15])
def test_glancing(offset):
    """Only the part of the velocity along the line of centres is exchanged."""
    slide = roll_out([disc(1, 0, offset, 1.0), disc(2, 0.6, 0)], ICE, 49, 24.0)
    (hit,) = slide.hits
    normal = np.array([-np.sqrt(0.04 - offset**2), offset]) / 0.2
    np.testing.assert_allclose(hit.normal, normal, atol=1e-9)
    assert hit.time_s == pytest.approx(0.6 - np.sqrt(0.04 - offset**2), abs=1e-9)
    push = -1.4 / 2 * normal[0] * normal
    np.testing.assert_allclose(slide.velocities_mps[-1], [np.array([1, 0]) + push, -push], atol=1e-9)


def test_symmetric_things_stay_symmetric():
    slide = roll_out([disc(1, -0.5, 0, 0.8), disc(2, 0.5, 0, -0.8)], FLOOR, 49, 24.0)
    assert len(slide.hits) == 1
    np.testing.assert_allclose(slide.positions_m[:, 0], -slide.positions_m[:, 1], atol=1e-12)


def test_a_grazing_miss_is_no_hit():
    assert not roll_out([disc(1, 0, 0.2 + 1e-9, 1.0), disc(2, 0.6, 0)], ICE, 49, 24.0).hits
    assert roll_out([disc(1, 0, 0.2 - 1e-3, 1.0), disc(2, 0.6, 0)], ICE, 49, 24.0).hits


def test_a_row_passes_it_on():
    """Balls that touch, as on strings, without loss: the last one leaves."""
    row = [disc(1, 0, 0, 1.0), *(disc(i, 0.3 + 0.2 * i, 0) for i in range(2, 5))]
    slide = roll_out(row, replace(ICE, restitution=1.0), 49, 24.0)
    np.testing.assert_allclose(slide.velocities_mps[-1, :, 0], [0, 0, 0, 1], atol=1e-9)
    assert [(hit.a, hit.b) for hit in slide.hits] == [(1, 2), (2, 3), (3, 4)]


def test_slow_discs_do_not_bounce():
    slide = roll_out([disc(1, 0, 0, 0.04), disc(2, 0.21, 0)], replace(ICE, restitution=1.0), 49, 24.0)
    np.testing.assert_allclose(slide.velocities_mps[-1], [[0.02, 0], [0.02, 0]], atol=1e-12)


def test_nothing_and_no_motion():
    assert roll_out([], FLOOR, 5, 24.0).positions_m.shape == (5, 0, 2)
    still = roll_out([disc(1, 0, 0), disc(2, 0.1, 0)], FLOOR, 5, 24.0)
    assert not still.hits and (still.positions_m == still.positions_m[0]).all()


CAMERA = look_at(np.array([0.5, -2.6, 1.8]), np.zeros(3), width_px=240, height_px=160, field_of_view_rad=0.8)


def seen(place, radius, height_m):
    """The mask of a standing cylinder."""
    y, x = np.mgrid[:160, :240]
    rays = CAMERA.rays(x + 0.5, y + 0.5)
    mask = np.zeros((160, 240), bool)
    for height in np.linspace(0, height_m, 25):
        depth = (height - CAMERA.position_m[2]) / rays[..., 2]
        point = CAMERA.position_m + depth[..., None] * rays
        mask |= np.hypot(point[..., 0] - place[0], point[..., 1] - place[1]) < radius
    return mask


@pytest.fixture(scope="module")
def condition():
    nothing = np.zeros((9, 2))
    return Condition(
        key="toys_test_000000",
        first_frame=np.zeros((160, 240, 3), np.uint8),
        prompt="",
        frames=9,
        fps=24.0,
        driven=(DrivenObject(2, seen((-0.3, 0.2), 0.1, 0.2), (0.6, 0.2, 0.0), nothing),),
        others=(OtherObject(1, seen((0.4, -0.1), 0.14, 0.2)),),
        camera=CAMERA,
        nominal=FLOOR,
    )


def test_discs_are_where_the_objects_are(condition):
    first, second = on_ground(condition)
    assert (first.id, second.id) == (1, 2)
    assert np.linalg.norm(np.subtract(first.place_m, (0.4, -0.1))) < 0.03
    assert np.linalg.norm(np.subtract(second.place_m, (-0.3, 0.2))) < 0.03
    assert 0.1 < first.radius_m < 0.15 and 0.07 < second.radius_m < 0.11
    assert first.velocity_mps == (0, 0)
    np.testing.assert_allclose(second.velocity_mps, ([0.6, 0.2, 0] @ CAMERA.ground_axes)[:2])


def test_discs_do_not_overlap(condition):
    mask = condition.driven[0].mask
    near = replace(condition, others=(OtherObject(1, np.roll(mask, 4, axis=1)), OtherObject(3, np.roll(mask, 100, 1))))
    one, two, three = on_ground(near)
    apart = np.linalg.norm(np.subtract(one.place_m, two.place_m))
    assert one.radius_m + two.radius_m == pytest.approx(apart) and three.radius_m > 0.05


@pytest.mark.parametrize("missing", ["camera", "nominal", "velocity"])
def test_without_metres_there_are_no_discs(condition, missing):
    driven = (replace(condition.driven[0], velocity_mps=None),)
    changes = {"camera": {"camera": None}, "nominal": {"nominal": None}, "velocity": {"driven": driven}}
    with pytest.raises(KineBenchError, match="nothing is known in metres"):
        on_ground(replace(condition, **changes[missing]))


def test_above_the_horizon(condition):
    sky = np.zeros((160, 240), bool)
    sky[:2, :2] = True
    high = replace(condition, nominal=replace(FLOOR, height_m=1.9), others=(OtherObject(1, sky),))
    with pytest.raises(KineBenchError, match=r"toys_test_000000: at .* there is no ground"):
        on_ground(high)
