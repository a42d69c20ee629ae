import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from kinebench.methods.path import (
    GRAVITY_MPS2,
    NEAR_M,
    Nominal,
    ground_place,
    image_path,
    nominal,
    pole_px,
    sliding_m,
)
from kinebench.recipe import parse
from kinebench.scene.camera import Camera, look_at

CONSTANTS = Nominal(friction=0.1, restitution=0.1, height_m=0.1)
CAMERA = look_at(
    np.array([0.3, -2.5, 1.6]), np.zeros(3), width_px=720, height_px=480, field_of_view_rad=float(np.radians(48))
)
START = np.array([350.0, 260.0])
masks = st.builds(
    lambda seed, share: np.random.default_rng(seed).random((13, 17)) < share,
    st.integers(0, 2**32 - 1),
    st.floats(0.3, 0.99),
).filter(lambda mask: mask.any())


def path(velocity, constants=CONSTANTS, frames=49, fps=24.0, start=START, camera=CAMERA):
    return image_path(camera, start, velocity, constants, frames, fps)


def test_the_pole_of_a_ring_is_in_the_ring():
    y, x = np.mgrid[:60, :80] + 0.5
    radius = np.hypot(x - 40, y - 30)
    ring = (radius < 25) & (radius > 15)
    place = pole_px(ring)
    assert ring[int(place[1]), int(place[0])] and abs(np.hypot(*(place - (40, 30))) - 20) < 1.5


def test_the_pole_of_a_split_mask_is_in_its_thickest_part():
    mask = np.zeros((40, 60), bool)
    mask[5:15, 5:11], mask[20:35, 30:45] = True, True
    assert pole_px(mask).tolist() == [37.5, 27.5]


def test_the_border_of_the_image_is_outside():
    mask = np.zeros((20, 20), bool)
    mask[5:14, :9] = True
    assert pole_px(mask).tolist() == [4.5, 9.5]
    assert pole_px(np.ones((1, 1), bool)).tolist() == [0.5, 0.5]


def test_an_empty_mask_has_no_pole():
    with pytest.raises(ValueError, match="no pole"):
        pole_px(np.zeros((4, 4), bool))


def first_maximum(mask):
    far = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int((far**2).round().argmax()), far.shape)
    return [x + 0.5, y + 0.5]


@given(masks)
@settings(max_examples=60, deadline=None)
def test_the_pole_is_the_first_maximum_of_the_distance_transform(mask):
    assert pole_px(mask).tolist() == first_maximum(mask)


@pytest.mark.parametrize("shape", ["box", "disc", "diamond", "wedge", "holes"])
def test_the_pole_of_a_large_mask(shape):
    y, x = np.mgrid[:400, :500] - 200
    mask = {
        "box": (abs(y) < 90) & (abs(x - 20) < 150),
        "disc": x**2 + y**2 < 180**2,
        "diamond": abs(x) + abs(y) < 190,
        "wedge": (abs(y) < 180) & (3 * y < 2 * x),
        "holes": (np.random.default_rng(0).random(x.shape) < 0.995) & (abs(x) < 190),
    }[shape]
    assert pole_px(mask).tolist() == first_maximum(mask)


@given(st.floats(0.1, 3), st.floats(0.01, 0.5))
@settings(deadline=None)
def test_sliding_is_the_sum_of_small_steps_until_it_stops(speed, friction):
    times = np.linspace(0, 2, 41)
    step, speeds, places = 1e-3, speed, [0.0]
    for _ in range(2000):
        after = max(speeds - friction * GRAVITY_MPS2 * step, 0)
        places.append(places[-1] + step * (speeds + after) / 2)
        speeds = after
    np.testing.assert_allclose(sliding_m(speed, friction, times), np.array(places)[:: 2000 // 40], atol=2e-3)


def test_without_friction_it_goes_on():
    times = np.arange(5) / 2
    assert sliding_m(1.5, 0.0, times).tolist() == (1.5 * times).tolist()
    assert sliding_m(0.0, 0.0, times).tolist() == [0.0] * 5


@pytest.mark.parametrize("velocity", [(0.5, 0.3, 0.0), (-0.4, -0.2, 0.0), (0.0, 0.9, 0.0)])
def test_the_formula(velocity):
    """Back on the ground it lies on one line, as far as friction lets it."""
    places = np.array([ground_place(CAMERA, point, CONSTANTS.height_m) for point in path(velocity)])
    assert np.abs(places[:, 2] - CONSTANTS.height_m).max() < 1e-9
    steps = (places - places[0]) @ CAMERA.ground_axes.T
    speed = np.hypot(*velocity[:2])
    stopped = speed / (CONSTANTS.friction * GRAVITY_MPS2)
    times = np.minimum(np.arange(49) / 24, stopped)
    wanted = (speed * times - CONSTANTS.friction * GRAVITY_MPS2 * times**2 / 2)[:, None] * velocity / speed
    np.testing.assert_allclose(steps, wanted, atol=1e-5)
    assert stopped < 2 and (path(velocity)[-3:] == path(velocity)[-1]).all()


def test_what_goes_upwards_does_not_count_and_arguments_stay():
    start = START.copy()
    assert np.array_equal(path((0.5, 0.3, 7.0), start=start), path((0.5, 0.3, 0.0)))
    assert np.array_equal(start, START)


def test_a_world_turned_about_the_camera_gives_the_same_path():
    """Velocities are in the ground frame, so the camera's azimuth does not matter."""
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rotation = tuple(map(tuple, (CAMERA.rotation_array @ turn.T).tolist()))
    turned = Camera(720, 480, CAMERA.focal_px, rotation, CAMERA.translation_m)
    assert np.allclose(path((0.6, 0.4, 0.0), camera=turned), path((0.6, 0.4, 0.0)), atol=2e-3)


def test_standing_still():
    assert (path((0.0, 0.0, 0.0)) == START).all()
    assert path((1.0, 0.0, 0.0), frames=1).tolist() == [START.tolist()]


SLICK = Nominal(friction=0.0, restitution=0.1, height_m=0.1)


@given(st.floats(0, 2 * np.pi), st.floats(0.2, 20), st.floats(5, 715), st.floats(120, 475))
@settings(max_examples=150, deadline=None)
def test_it_stops_exactly_on_the_border(heading, speed, x, y):
    velocity = (speed * np.cos(heading), speed * np.sin(heading), 0.0)
    found = path(velocity, SLICK, start=np.array([x, y]))
    assert np.isfinite(found).all() and (found >= 0).all() and (found <= (720, 480)).all()
    places = np.array([ground_place(CAMERA, np.array([x, y]), 0.1)])
    places = places + np.arange(49)[:, None] / 24 * velocity @ CAMERA.ground_axes
    free, depths = CAMERA.project(places)
    inside = (depths >= NEAR_M) & (free >= 0).all(axis=1) & (free <= (720, 480)).all(axis=1)
    first = 49 if inside.all() else int(np.argmin(inside))
    np.testing.assert_allclose(found[:first], free[:first], atol=1e-3)
    if 0 < first < 49:
        assert (found[first:] == found[first]).all()
        on_border = np.isclose(found[first], 0, atol=1e-3) | np.isclose(found[first], (720, 480), atol=1e-3)
        assert on_border.any(), "the image ends before the near plane does"
        ahead = free[first] - free[first - 1] if depths[first] > NEAR_M else None
        if ahead is not None:
            way = found[first] - free[first - 1]
            assert abs(way[0] * ahead[1] - way[1] * ahead[0]) < 1e-2 * max(1, np.linalg.norm(ahead))


def test_at_the_near_plane_it_stops():
    """A camera close to the ground, and an object below its middle that comes straight at it."""
    camera = look_at(
        np.array([0.0, -1.0, 0.2]), np.array([0.0, 0.0, 0.1]), width_px=96, height_px=960, field_of_view_rad=0.3
    )
    found = path((0.0, -4.0, 0.0), SLICK, camera=camera, start=np.array([48.0, 482.0]))
    assert np.isfinite(found).all() and (np.diff(found[:, 1]) >= 0).all() and (found[-1] == found[-2]).all()
    last = ground_place(camera, found[-1], 0.1)
    if found[-1, 1] < 960:
        assert abs(camera.to_camera(last)[2] - NEAR_M) < 1e-3


def test_above_the_horizon_there_is_no_ground():
    with pytest.raises(ValueError, match="no ground to move on"):
        path((1.0, 0.0, 0.0), start=np.array([360.0, -2000.0]))


def test_constants_are_the_middle_of_the_recipe(synthetic):
    plain = synthetic.recipe()
    found = nominal(parse(plain, "toys"))
    assert found == Nominal(friction=0.075, restitution=0.09, height_m=0.15)
    plain["objects"] |= {"cylinder_share": 1.0, "cylinder_height_m": [0.4, 0.5]}
    assert nominal(parse(plain, "toys")).height_m == 0.225, "of the kinds that there are"


def test_constants_of_the_built_in_recipes(interactions, simple_motion):
    assert nominal(interactions) == nominal(simple_motion) == Nominal(0.084, 0.09, 0.115)


def test_driven_objects_of_a_dataset_move_like_that(synthetic):
    """A real motion with the very friction of the constants: the same path, but for the start on the mask."""
    record = synthetic.sample("test", 0, contact=False).record
    from kinebench.shards import record as records

    camera, rollout = records.camera(record), records.rollout(record)
    true, _ = camera.project(rollout.positions_m[:, 0])
    friction = synthetic.SLOWING_MPS2 / GRAVITY_MPS2
    velocity = tuple((camera.ground_axes @ rollout.velocities_mps[0, 0]).tolist())
    constants = Nominal(friction, 0.0, float(rollout.positions_m[0, 0, 2]))
    found = image_path(camera, true[0], velocity, constants, synthetic.F, synthetic.FPS)
    assert np.abs(found - true).max() < 0.05
