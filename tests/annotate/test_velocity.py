import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kinebench.annotate import velocity
from kinebench.scene.camera import look_at

CAMERA = look_at(
    np.array([1.5, -2.5, 1.2]), np.array([0.0, 0.0, 0.2]), width_px=24, height_px=16, field_of_view_rad=0.8
)
F, H, W, N = 5, 16, 24, 3


def scene(seed=0):
    """Segmentation (F, H, W) of 3 objects, one hidden in frame 2, and world velocities (F, N, 3)."""
    rng = np.random.default_rng(seed)
    segmentation = np.zeros((F, H, W), np.uint8)
    for frame in range(F):
        segmentation[frame, 2:6, frame : frame + 5] = 1
        segmentation[frame, 9:14, 3:9] = 2
        if frame != 2:
            segmentation[frame, 4:12, 15 - frame : 20 - frame] = 3
    return segmentation, rng.uniform(-1.2, 1.2, (F, N, 3))


def by_hand(segmentation, velocities, driven, rotation):
    """Pixel by pixel, from the words of the design."""
    mask = np.zeros((*segmentation.shape, 3), np.float32)
    for f, y, x in np.ndindex(segmentation.shape):
        if segmentation[f, y, x] in driven:
            mask[f, y, x] = rotation @ velocities[f, segmentation[f, y, x] - 1]
    return mask


@pytest.mark.parametrize(
    ("frame", "axes"), [("ground", CAMERA.ground_axes), ("world", np.eye(3)), ("camera", CAMERA.rotation_array)]
)
def test_mask_is_the_velocity_on_the_visible_pixels_of_driven_objects(frame, axes):
    segmentation, velocities = scene()
    mask = velocity.velocity_mask(segmentation, velocities, [1, 3], CAMERA, frame=frame)
    assert mask.dtype == np.float32
    np.testing.assert_allclose(mask, by_hand(segmentation, velocities, {1, 3}, axes), atol=1e-6)
    assert not mask[segmentation == 2].any(), "an object that is not driven stays blank, however fast it is"


def test_ground_frame_does_not_depend_on_the_azimuth():
    away = []
    for azimuth in np.linspace(0, 2 * np.pi, 7):
        direction = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])
        camera = look_at(-3 * direction + [0, 0, 1.5], np.zeros(3), width_px=24, height_px=16, field_of_view_rad=0.8)
        away.append(velocity.in_frame(0.7 * direction + [0, 0, 0.1], camera))
    np.testing.assert_allclose(away, np.broadcast_to([0.0, 0.7, 0.1], (7, 3)), atol=1e-12)


def test_v_0_paints_the_first_velocity_everywhere():
    segmentation, velocities = scene()
    frozen = np.broadcast_to(velocities[0], velocities.shape)
    np.testing.assert_array_equal(
        velocity.velocity_mask(segmentation, velocities, [1, 2], CAMERA, encoding="v_0"),
        velocity.velocity_mask(segmentation, frozen, [1, 2], CAMERA),
    )


@pytest.mark.parametrize("encoding", ["v_t", "v_0"])
def test_the_short_way_to_codes_and_pictures_agrees_with_the_long_way(encoding):
    segmentation, velocities = scene()
    driven, v_max = (1, 3), 1.5
    mask = velocity.velocity_mask(segmentation, velocities, driven, CAMERA, encoding=encoding)
    np.testing.assert_array_equal(
        velocity.velocity_codes(segmentation, velocities, driven, CAMERA, v_max, encoding=encoding),
        velocity.encode(mask, velocity.covered(segmentation, driven), v_max),
    )
    pictures = velocity.velocity_pictures(segmentation, velocities, driven, CAMERA, v_max, encoding=encoding)
    assert np.abs(pictures.astype(int) - velocity.picture(mask, v_max)).max() <= 1  # float32 may round the other way


@given(arrays(np.float64, (7, 3), elements=st.floats(-3, 3)), st.floats(0.1, 2.0))
def test_codes_are_exact_to_half_a_step_within_range_and_saturate_beyond(mask, v_max):
    codes = velocity.encode(mask, np.ones(7, bool), v_max)
    assert codes.min() >= 1
    error = np.abs(velocity.decode(codes, v_max) - mask.clip(-v_max, v_max))
    assert error.max() <= v_max / 254 + 1e-6


def test_blank_and_standing_still_differ():
    codes = velocity.encode(np.zeros((2, 3)), np.array([True, False]), 1.5)
    np.testing.assert_array_equal(codes, [[128] * 3, [0] * 3])
    assert not velocity.decode(codes, 1.5).any()


def test_known_codes():
    mask = np.array([[1.5, -1.5, 0.0], [0.75, 9.0, -9.0]])
    np.testing.assert_array_equal(velocity.encode(mask, np.ones(2, bool), 1.5), [[255, 1, 128], [192, 255, 1]])


@given(st.lists(st.integers(0, F - 1), unique=True))
def test_keep_frames_blanks_the_others(kept):
    segmentation, velocities = scene()
    codes = velocity.velocity_codes(segmentation, velocities, [1], CAMERA, 1.5)
    before = codes.copy()
    short = velocity.keep_frames(codes, kept)
    for frame in range(F):
        np.testing.assert_array_equal(short[frame], codes[frame] if frame in kept else 0)
    np.testing.assert_array_equal(codes, before)


@given(st.floats(0, 2 * np.pi), st.floats(0, 1))
def test_picture_is_hue_by_direction_and_brightness_by_speed(angle, speed):
    got = velocity.picture(1.5 * speed * np.array([np.cos(angle), np.sin(angle), 0.0]), 1.5)
    want = colorsys.hsv_to_rgb(angle / (2 * np.pi) % 1, 1.0, speed)
    assert np.abs(got - 255 * np.array(want)).max() <= 1


def test_picture_is_black_at_rest_and_white_straight_up():
    np.testing.assert_array_equal(velocity.picture(np.array([[0, 0, 0], [0, 0, 1.5]]), 1.5), [[0] * 3, [255] * 3])
