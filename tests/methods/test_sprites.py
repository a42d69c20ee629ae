"""Cut-outs that move: where they come to, how large, what is under and over them."""

from dataclasses import replace

import numpy as np
import pytest

from kinebench.errors import MissingExtra
from kinebench.methods import sprites
from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.path import Nominal, ground_place, pole_px
from kinebench.methods.sprites import Way, filled, moved, seen_way, staged
from kinebench.scene.camera import look_at

H, W, F = 120, 180, 9
GROUND, RED, BLUE = (110, 120, 100), (250, 20, 10), (10, 30, 240)
NOMINAL = Nominal(friction=0.1, restitution=0.1, height_m=0.1)


def box(top, left, height, width):
    mask = np.zeros((H, W), dtype=bool)
    mask[top : top + height, left : left + width] = True
    return mask


def painted(*layers):
    """A picture of a plain ground with masks in flat colours."""
    picture = np.full((H, W, 3), GROUND, dtype=np.uint8)
    for mask, colour in layers:
        picture[mask] = colour
    return picture


def way(*points, scale=1.0):
    return Way(np.array(points, dtype=float), np.array([1.0, *[scale] * (len(points) - 1)]))


def share(frame, colour):
    """How much of each pixel has a colour, the rest being ground: (H, W) in 0..1."""
    along = np.subtract(colour, GROUND).astype(float)
    return (frame.astype(float) - GROUND) @ along / (along @ along)


def centre(weights):
    rows, columns = np.mgrid[: weights.shape[0], : weights.shape[1]] + 0.5
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.mark.parametrize("shift", [(10, 0), (7.25, -3.5), (-12.5, 20.125)])
@pytest.mark.parametrize("scale", [1.0, 0.7, 1.6])
def test_a_cut_out_lands_where_its_way_says(shift, scale):
    mask = box(50, 70, 21, 15)
    start = np.array([77.5, 60.5])  # its middle
    frames = moved(painted((mask, RED)), {1: mask}, {1: way(start, start + shift, scale=scale)}, 2)
    red = share(frames[1], RED)
    np.testing.assert_allclose(centre(red), start + shift, atol=0.1)
    assert red.sum() == pytest.approx(scale**2 * mask.sum(), rel=0.04)


def test_a_point_aside_of_the_middle_is_where_it_grows_from():
    mask = box(50, 70, 20, 20)
    corner = np.array([70.0, 50.0])
    frames = moved(painted((mask, RED)), {1: mask}, {1: way(corner, corner + 5, scale=2.0)}, 2)
    np.testing.assert_allclose(centre(share(frames[1], RED)), corner + 25, atol=0.05)


def test_on_the_ground_it_follows_the_camera():
    """Half a pixel against the projection of the world's places, and the size against the depths."""
    camera = look_at(np.array([0.0, -2.5, 1.5]), np.zeros(3), width_px=W, height_px=H, field_of_view_rad=0.9)
    mask = box(55, 80, 17, 17)
    pole = pole_px(mask)
    start = ground_place(camera, pole, NOMINAL.height_m)[:2]
    places = start + np.linspace(0, 1, F)[:, None] * (0.3, -0.4)
    picture = painted((mask, RED))
    frames = moved(picture, {1: mask}, {1: seen_way(camera, places, NOMINAL.height_m)}, F)
    points, depths = camera.project(np.column_stack([places, np.full(F, NOMINAL.height_m)]))
    np.testing.assert_allclose(points[0], pole, atol=1e-9)
    np.testing.assert_array_equal(frames[0], picture)
    for frame in range(F):
        red = share(frames[frame], RED)
        np.testing.assert_allclose(centre(red), points[frame], atol=0.1)
        assert np.sqrt(red.sum()) == pytest.approx(17 * depths[0] / depths[frame], rel=0.02)
    assert depths[-1] < 0.9 * depths[0], "it comes nearer"


def test_behind_the_camera_it_is_gone():
    camera = look_at(np.array([0.0, -2.5, 1.5]), np.zeros(3), width_px=W, height_px=H, field_of_view_rad=0.9)
    mask = box(55, 80, 17, 17)
    places = np.array([ground_place(camera, pole_px(mask), 0.1)[:2], (0.0, -9.0)])
    frames = moved(painted((mask, RED)), {1: mask}, {1: seen_way(camera, places, 0.1)}, 2)
    assert np.abs(share(frames[1], RED)).max() < 0.05


def test_above_the_horizon_there_is_no_ground():
    camera = look_at(
        np.array([0.0, -2.5, 0.5]), np.array([0.0, 0.0, 0.5]), width_px=W, height_px=H, field_of_view_rad=1
    )
    for y in (H / 2, H / 2 - 10):
        with pytest.raises(ValueError, match="no ground to move on"):
            ground_place(camera, np.array([W / 2, y]), 0.1)


def test_what_has_not_moved_is_as_it_was():
    """To the bit: the frames before a strike, and everything away from what moves."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (H, W, 3), dtype=np.uint8)
    first, second = box(20, 20, 15, 15), box(70, 100, 15, 15)
    go = Way(np.array([[27.5, 27.5]] * 3 + [[60.0, 27.5]] * 3), np.ones(6))
    stay = Way(np.array([[107.5, 77.5]] * 6), np.ones(6))
    frames = moved(picture, {1: first, 2: second}, {1: go, 2: stay}, 6)
    for frame in range(3):
        np.testing.assert_array_equal(frames[frame], picture)
    touched = np.any(frames[3] != picture, axis=-1)
    rows, columns = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    reach = sprites.RIM_PX
    assert (rows[0], rows[-1]) == (20 - reach, 34 + reach)
    assert (columns[0], columns[-1]) == (20 - reach, 67)
    np.testing.assert_array_equal(frames[3], frames[5])


def test_a_hole_is_filled_from_around_it_and_nothing_else_is_touched():
    rng = np.random.default_rng(1)
    ramp = np.clip(np.linspace(60, 180, W)[None, :, None] + rng.normal(0, 1, (H, W, 3)), 0, 255).astype(np.uint8)
    mask = box(50, 80, 12, 12)
    picture = ramp.copy()
    picture[mask] = RED
    whole = filled(picture, mask)
    np.testing.assert_array_equal(whole[~mask], picture[~mask])
    assert np.abs(whole[mask].astype(int) - ramp[mask]).max() < 20
    np.testing.assert_array_equal(filled(picture, np.zeros_like(mask)), picture)


def test_a_hole_beside_another_object_is_filled_with_ground():
    """Not with the colours of the neighbour, which touches it."""
    left, right = box(50, 60, 20, 20), box(50, 80, 20, 20)
    ways = {1: way((70, 60), (20, 60)), 2: way((90, 60), (90, 60))}
    frames = moved(painted((left, RED), (right, BLUE)), {1: left, 2: right}, ways, 2)
    np.testing.assert_allclose(frames[1][left], np.broadcast_to(GROUND, (400, 3)), atol=5)
    np.testing.assert_array_equal(frames[1][right], np.broadcast_to(BLUE, (400, 3)))


@pytest.mark.parametrize(("y", "over"), [(30, BLUE), (90, RED)])
def test_what_is_lower_is_in_front(y, over):
    """Of one that passes and one that stands."""
    passing, standing = box(y - 10, 20, 20, 20), box(50, 100, 20, 20)
    ways = {1: Way(np.array([[30.0, y], [110.0, y]]), np.ones(2)), 2: way((110, 60), (110, 60))}
    masks = {1: passing, 2: standing}
    ways[1] = Way(np.array([[30.0, y], [110.0, 60 + np.sign(y - 60) * 5]]), np.ones(2))
    frames = moved(painted((passing, RED), (standing, BLUE)), masks, ways, 2)
    np.testing.assert_array_equal(frames[1][60, 110], over)


def test_two_that_pass_are_drawn_from_behind():
    far, near = box(20, 20, 20, 20), box(80, 120, 20, 20)
    ways = {2: way((30, 30), (80, 55)), 1: way((130, 90), (85, 60))}
    frames = moved(painted((far, RED), (near, BLUE)), {2: far, 1: near}, ways, 2)
    np.testing.assert_array_equal(frames[1][60, 85], BLUE)
    np.testing.assert_array_equal(frames[1][46, 71], RED)


def test_it_leaves_through_the_border():
    mask = box(50, 80, 20, 20)
    points = [(90, 60), (0, 60), (-11, 60), (500, 500), (90, -9.5)]
    frames = moved(painted((mask, RED)), {1: mask}, {1: way(*points)}, 5)
    areas = [share(frame, RED).clip(0).sum() for frame in frames]
    np.testing.assert_allclose(areas, [400, 200, 0, 0, 10], atol=12)


def condition(**changes):
    driven, other = box(50, 40, 17, 17), box(30, 120, 15, 15)
    path = np.linspace((48.5, 58.5), (90.5, 70.5), F)
    plain = Condition(
        key="toy",
        first_frame=painted((driven, RED), (other, BLUE)),
        prompt="",
        frames=F,
        fps=12.0,
        driven=(DrivenObject(1, driven, None, path),),
        others=(OtherObject(2, other),),
        camera=None,
        nominal=None,
    )
    return replace(plain, **changes)


def test_without_a_camera_it_goes_along_the_path_in_its_size():
    frames = staged(condition(), {})
    for frame, point in enumerate(condition().driven[0].path_px):
        red = share(np.where((np.arange(W) < 115)[:, None], frames[frame], GROUND), RED)
        np.testing.assert_allclose(centre(red), point, atol=0.1)
        assert red.sum() == pytest.approx(17 * 17, rel=0.02)
        np.testing.assert_array_equal(frames[frame][30:45, 120:135], np.broadcast_to(BLUE, (15, 15, 3)))


def test_nothing_to_move_is_a_still_picture():
    for still in (condition(driven=()), condition(driven=(), others=())):
        np.testing.assert_array_equal(staged(still, {}), np.repeat(still.first_frame[None], F, axis=0))
    hidden = condition(driven=(replace(condition().driven[0], mask=np.zeros((H, W), dtype=bool)),))
    np.testing.assert_array_equal(staged(hidden, {})[-1], hidden.first_frame)


def test_without_opencv_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(MissingExtra, match=r"kinebench\[score\]"):
        staged(condition(), {})
