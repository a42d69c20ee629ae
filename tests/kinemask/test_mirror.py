"""A turned clip is a clip: what is told of it, where its objects are and how they move agree."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kinebench.kinemask.mirror import mirrored_frames, mirrored_text, mirrored_velocities
from kinebench.scene.camera import look_at


@given(st.lists(st.sampled_from(["left", "right", "Left", "leftmost", "rightmost,", "bright", "cleft", "right."])))
def test_twice_turned_is_as_before(words):
    text = " ".join(words)
    assert mirrored_text(mirrored_text(text)) == text


def test_sides_change_and_nothing_else():
    told = "The leftmost cube, on the right, moves towards the bottom left; a bright one is left of it."
    turned = "The rightmost cube, on the left, moves towards the bottom right; a bright one is right of it."
    assert mirrored_text(told) == turned


@given(st.integers(0, 999))
def test_a_thing_on_the_other_side_moves_to_the_other_side(seed):
    """Reflected in the camera's upright plane, points are seen at the mirrored pixels, with `mirrored_velocities`."""
    draw = np.random.default_rng(seed)
    place, target = draw.normal(size=3) + np.array([0, 0, 3]), draw.normal(size=3) * [1, 1, 0.1]
    camera = look_at(place, target, width_px=96, height_px=64, field_of_view_rad=0.8)
    points, velocities = target + draw.normal(size=(5, 3)) * 0.3, draw.normal(size=(5, 3))
    right = camera.ground_axes[0]
    other = points - 2 * np.outer((points - camera.position_m) @ right, right)
    turned = velocities - 2 * np.outer(velocities @ right, right)
    seen, again = camera.project(points)[0], camera.project(other)[0]
    assert np.allclose(again, seen * [-1, 1] + [96, 0])
    assert np.allclose(turned @ camera.ground_axes.T, mirrored_velocities(velocities @ camera.ground_axes.T))


def test_the_pixel_of_a_mirrored_place():
    picture = np.zeros((1, 64, 96, 3), np.uint8)
    picture[0, 7, 10] = 255  # its centre is at x = 10.5
    assert mirrored_frames(picture)[0, 7, 96 - 1 - 10].all()  # and at 96 - 10.5 now
