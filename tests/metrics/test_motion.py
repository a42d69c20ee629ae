"""What masks say of motion, on masks that are known."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinebench.metrics import motion
from kinebench.metrics.ground import centroids_px
from kinebench.metrics.motion.onset import onset_frame
from kinebench.metrics.motion.trajectory import NO_DIRECTION_DEG, WORST_DIRECTION_DEG, WORST_VELOCITY

F, H, W = 12, 40, 64
DIAGONAL = float(np.hypot(H, W))


def line(x, y, dx=0, dy=0):
    return [(x + dx * k, y + dy * k) for k in range(F)]


def until(path, frame):
    """A path that ends, and stays."""
    return path[:frame] + [path[frame]] * (F - frame)


def after(path, frame):
    """A path that begins later."""
    return [path[0]] * frame + path[: F - frame]


FRAMES = np.full((F, H, W, 3), 100, np.uint8)
NEVER = [(-90, -90)] * F


@pytest.fixture(scope="module")
def judge(flat):
    """`judge(true paths, predicted paths)`: the metrics; a predicted path of None has no mask at all."""

    def metrics(true, predicted, frames=FRAMES):
        truth = flat(FRAMES, *true)
        made = flat(FRAMES, *[path or NEVER for path in predicted])
        return motion.motion(truth, frames, {id: made.mask(id) for id, path in enumerate(predicted, 1) if path})

    return metrics


def test_the_truth_makes_no_error(judge):
    scene = [line(4, 10, 3), after(line(30, 10, 2), 5), line(50, 30)]
    values = judge(scene, scene)
    assert values == dict.fromkeys(values, 0.0) and len(values) == len(motion.METRICS)


@settings(max_examples=30, deadline=None)
@given(dx=st.integers(-4, 4), dy=st.integers(-6, 6))
def test_a_shift_is_measured_in_pixels(flat, dx, dy):
    true, made = flat(FRAMES, line(6, 12, 2)), flat(FRAMES, line(6 + dx, 12 + dy, 2))
    values = motion.motion(true, FRAMES, {1: made.mask(1)})
    assert values["trajectory_px"] == pytest.approx(np.hypot(dx, dy))
    assert values["final_position_px"] == pytest.approx(np.hypot(dx, dy))
    assert values["trajectory_diameters"] == pytest.approx(np.hypot(dx, dy) / (2 * np.sqrt(64 / np.pi)))
    assert values["velocity_error"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("step", "error", "angle"),
    [
        ((3, 0), 0, 0),
        ((-3, 0), 2, 180),
        ((0, 3), np.sqrt(2), 90),
        ((0, -3), np.sqrt(2), 90),
        ((6, 0), 1, 0),
        ((2, 2), np.hypot(1, 2) / 3, 45),
        ((0, 0), 1, NO_DIRECTION_DEG),
        ((-9, 0), WORST_VELOCITY, 180),
    ],
)
def test_first_velocity_and_direction(judge, step, error, angle):
    values = judge([until(line(28, 16, 3), 4)], [until(line(28, 16, *step), 3)])  # at 12 fps, 4 frames count
    assert values["velocity_error"] == pytest.approx(error) and values["direction_error_deg"] == pytest.approx(angle)


def test_what_is_lost_is_as_far_as_can_be(judge):
    values = judge([line(4, 10, 3)], [None])
    assert values["trajectory_px"] == values["final_position_px"] == pytest.approx(DIAGONAL)
    assert values["velocity_error"] == WORST_VELOCITY and values["direction_error_deg"] == WORST_DIRECTION_DEG
    assert values["objects_lost"] == 1 and values["area_error"] is None


def test_frames_in_which_the_truth_shows_nothing_are_left_out(judge):
    leaving = line(40, 10, 4)  # out of the image from frame 6 on
    stopping = until(line(40, 10, 4), 3)
    values = judge([leaving], [leaving[:8] + NEVER[8:]])
    assert values["trajectory_px"] == 0 and values["objects_lost"] is None
    assert judge([leaving], [stopping])["trajectory_px"] > 0


def test_onsets(flat):
    pushed = flat(FRAMES, line(2, 10, 3), after(line(24, 10, 3), 4))
    assert onset_frame(pushed.mask(2), pushed.instances > 0) == 5
    swaying = [(24 + (2 if 3 < k < 8 else 0), 10) for k in range(F)]
    assert onset_frame(flat(FRAMES, swaying).mask(1), flat(FRAMES, swaying).instances > 0) is None
    slow = [(24 + k // 3, 10) for k in range(F)]
    assert onset_frame(flat(FRAMES, slow).mask(1), flat(FRAMES, slow).instances > 0) == 9


def test_hiding_a_part_is_no_motion(flat):
    """The centroid of what is left of the second square moves by more than the threshold."""
    truth = flat(FRAMES, line(24, 10), until(line(0, 10, 3), 7))
    away = np.abs(centroids_px(truth.mask(1))[:, 0] - 28)
    assert away.max() > 2
    assert onset_frame(truth.mask(1), truth.instances > 0) is None


def test_collisions_late_missed_and_invented(judge):
    driven, struck, rest = line(2, 4, 1), after(line(30, 4, 2), 3), line(30, 28)
    scene = [driven, struck, rest]
    late = judge(scene, [driven, after(line(30, 4, 2), 6), rest])
    assert late["collision_time_error_s"] == pytest.approx(3 / 12) and late["collisions_missed"] == 0
    missed = judge(scene, [driven, line(30, 4), rest])
    assert missed["collision_time_error_s"] is None and missed["collisions_missed"] == 1
    assert missed["collisions_invented"] == 0
    assert judge(scene, [driven, struck, line(30, 28, 1)])["collisions_invented"] == 1
    assert judge(scene, [driven, None, rest])["collisions_missed"] == 1
    alone = judge([driven], [driven])
    assert alone["collisions_missed"] is None and alone["collisions_invented"] is None


def test_the_background_stands_still_or_not(flat, judge):
    scene = [line(4, 10, 3)]
    frames = FRAMES.copy()
    truth = flat(FRAMES, *scene)
    frames[truth.instances == 1] = 0  # the object itself is no background
    assert judge(scene, scene, frames)["background_drift"] == 0
    assert judge(scene, [line(4, 20, 3)], frames)["background_drift"] == 0  # nor where the truth has it
    brighter = frames.copy()
    brighter[1:][truth.instances[1:] == 0] += 5
    assert judge(scene, scene, brighter)["background_drift"] == 25
    assert judge(scene, scene, FRAMES + np.uint8(50))["background_drift"] == 0  # wrong, but steady


def test_areas_are_compared_in_doublings(flat):
    truth = flat(FRAMES, line(20, 10, 1))
    half = truth.mask(1).copy()
    half[1:] &= (np.arange(H) < 14)[:, None]
    values = motion.motion(truth, FRAMES, {1: half})
    assert values["area_error"] == pytest.approx(1) and values["objects_lost"] == 0
    sliver = truth.mask(1).copy()
    sliver[1:] &= (np.arange(H) < 11)[:, None] & (np.arange(W) < 24)
    assert motion.motion(truth, FRAMES, {1: sliver})["objects_lost"] == 1


def test_worst_says_none_where_there_is_nothing_to_measure(flat):
    still = motion.worst(flat(FRAMES, line(20, 10)))
    assert still["trajectory_px"] is None and still["collisions_missed"] is None and still["collisions_invented"] == 1
    moving = motion.worst(flat(FRAMES, line(4, 10, 3), after(line(30, 10, 2), 5), line(50, 30)))
    assert None not in moving.values() and moving["trajectory_px"] == pytest.approx(DIAGONAL)
    assert set(still) == {metric.name for metric in motion.METRICS}


def test_losing_all_is_no_worse_than_the_worst(flat):
    """Also where one of the moving objects, a large one, leaves the image before there is a frame to compare."""
    truth = flat(FRAMES, line(4, 4, 2), [(4, 20), *[(90, 20)] * (F - 1)], [(4, 30), *[(90, 30)] * (F - 1)])
    instances = np.where(truth.instances == 3, 2, truth.instances).astype(np.uint8)
    truth = dataclasses.replace(truth, instances=instances)
    lost, worst = motion.motion(truth, FRAMES, {}), motion.worst(truth)
    assert lost["trajectory_diameters"] == worst["trajectory_diameters"]
    assert all(value <= worst[name] for name, value in lost.items() if value is not None)
