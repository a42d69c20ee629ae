"""Masks carried through videos whose motion is known, and what the meter makes of them."""

import pickle
import sys

import cv2
import numpy as np
import pytest

from kinebench.errors import MissingExtra
from kinebench.metrics.flow import FlowMasks
from kinebench.metrics.flow.appearance import appearance, colour_numbers
from kinebench.metrics.flow.carrier import carry
from kinebench.metrics.iou import iou_per_frame
from kinebench.metrics.truth import Truth
from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera

F, H, W, EDGE = 14, 96, 144, 24


def texture(seed, height, width, low, high):
    rough = np.random.default_rng(seed).uniform(0, 1, (height // 4 + 2, width // 4 + 2)).astype(np.float32)
    fine = cv2.resize(rough, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    return (np.array(low) + fine * (np.array(high) - np.array(low))).astype(np.uint8)


GROUND = texture(0, H, W, (60, 90, 60), (130, 150, 110))
LOOKS = {
    "red": texture(1, EDGE, EDGE, (150, 20, 20), (220, 60, 50)),
    "red too": texture(2, EDGE, EDGE, (150, 20, 20), (220, 60, 50)),
    "blue": texture(3, EDGE, EDGE, (20, 30, 140), (50, 70, 220)),
}


def film(*objects, gone_from=F):
    """Frames and instance maps of textured squares over a textured ground; each is (look, path (F, 2)), last on top."""
    frames, instances = np.repeat(GROUND[None], F, 0), np.zeros((F, H, W), np.uint8)
    for id, (look, path) in enumerate(objects, 1):
        for frame, (x, y) in enumerate(np.round(path).astype(int)[:gone_from]):
            rows, columns = slice(max(y, 0), max(y + EDGE, 0)), slice(max(x, 0), max(x + EDGE, 0))
            shape = instances[frame][rows, columns].shape
            frames[frame][rows, columns] = LOOKS[look][: shape[0], EDGE - shape[1] if x < 0 else 0 :][:, : shape[1]]
            instances[frame][rows, columns] = id
    return frames, instances


def line(x, y, dx=0.0, dy=0.0):
    return np.array([x, y]) + np.arange(F)[:, None] * np.array([dx, dy])


def followed(frames, instances):
    ids = [int(id) for id in np.unique(instances[0]) if id]
    masks = carry(frames, frames[0], instances[0], ids)
    return {id: iou_per_frame(instances == id, masks[id]) for id in ids}, masks


@pytest.mark.parametrize("step", [(0, 0), (1.5, 0.5), (6, 1), (-3, -2)])
def test_a_moving_object_keeps_its_mask(step):
    ious, _ = followed(*film(("red", line(50, 36, *step))))
    assert ious[1].min() > 0.93


def test_objects_that_pass_in_front_of_others():
    ious, masks = followed(*film(("blue", line(70, 36)), ("red", line(20, 40, 7))))
    assert ious[2].min() > 0.9 and ious[1].min() > 0.6 and ious[1].mean() > 0.95 and ious[1][-1] > 0.98
    assert not (masks[1] & masks[2]).any()


def test_two_objects_that_look_alike_keep_their_border():
    ious, _ = followed(*film(("red", line(20, 36, 4)), ("red too", np.maximum(line(70, 36), line(44, 36, 4)))))
    assert ious[1].min() > 0.85 and ious[2].min() > 0.85


def test_an_object_that_vanishes_loses_its_mask():
    frames, instances = film(("red", line(50, 36, 2)), ("blue", line(100, 10)), gone_from=8)
    _, masks = followed(frames, instances)
    assert masks[1][:8].any(axis=(1, 2)).all() and not masks[1][9:].any() and not masks[2][9:].any()


def test_an_object_that_comes_back_is_found_again():
    frames, instances = film(("red", line(50, 36)))
    frames[4:9] = GROUND
    ious, masks = followed(frames, instances)
    assert not masks[1][5:9].any() and ious[1][9:].min() > 0.9


def test_an_object_that_leaves_the_image():
    ious, masks = followed(*film(("red", line(30, 36, -6))))
    assert not masks[1][-3:].any() and ious[1].min() > 0.6


def test_a_still_video_keeps_its_first_masks():
    frames, instances = film(("red", line(20, 36, 5)), ("blue", line(80, 60)))
    still = np.repeat(frames[:1], F, 0)
    masks = carry(still, frames[0], instances[0], [1, 2])
    exact = iou_per_frame(instances == 1, np.repeat(instances[:1] == 1, F, 0)).mean()
    assert iou_per_frame(instances == 1, masks[1]).mean() == pytest.approx(exact, abs=0.01)


def test_masks_begin_with_the_true_ones_whatever_the_video_shows():
    frames, instances = film(("red", line(50, 36)))
    masks = carry(np.repeat(GROUND[None], F, 0), frames[0], instances[0], [1])
    assert np.array_equal(masks[1][0], instances[0] == 1) and not masks[1][1:].any()


def test_the_same_masks_every_time_and_in_any_order_of_objects():
    frames, instances = film(("red", line(20, 36, 5)), ("blue", line(80, 60)))
    first = carry(frames, frames[0], instances[0], [1, 2])
    again = carry(frames, frames[0], instances[0], [2, 1])
    assert all(np.array_equal(first[id], again[id]) for id in (1, 2))


def test_nothing_to_carry():
    assert carry(np.repeat(GROUND[None], F, 0), GROUND, np.zeros((H, W), np.uint8), []) == {}


def test_colours_are_numbered_without_running_into_each_other():
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).astype(np.uint8)
    numbers = colour_numbers(grid)
    assert numbers.min() >= 0 and numbers.max() < 1 << 17
    assert colour_numbers(np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], np.uint8)).size == 4
    assert len(np.unique(numbers)) > 0.4 * numbers.size


def test_ground_is_known_where_it_was_seen():
    frames, instances = film(("red", line(50, 36)))
    looks = appearance(frames[0], instances[0], [1])
    evidence = looks.ground_evidence(frames[0], colour_numbers(frames[0]))
    odds = looks.objects[0][colour_numbers(frames[0])] - evidence
    assert (odds[instances[0] == 1] > 2).all() and (odds[instances[0] == 0] < -2).all()


@pytest.fixture(scope="module")
def truth():
    """A red square pushes a blue one out of the image's middle."""
    frames, instances = film(("red", line(10, 36, 5)), ("blue", np.maximum(line(60, 36), line(34, 36, 5))))
    centres = np.stack([line(22, 48, 5), np.maximum(line(72, 48), line(46, 48, 5))], axis=1) - (W / 2, H / 2)
    positions = np.concatenate([centres, np.zeros((F, 2, 1))], axis=2)
    still = np.zeros_like(positions)
    camera = Camera(W, H, 1.0, ((1, 0, 0), (0, 1, 0), (0, 0, 1)), (0, 0, 1))
    return Truth("push", frames, instances, 12.0, camera, Rollout(positions, still, still, still, (), 0.0), (1,))


def test_the_meter_knows_right_from_wrong(truth):
    meter = pickle.loads(pickle.dumps(FlowMasks()))
    right = meter.read(truth, truth.frames)
    still = meter.read(truth, np.repeat(truth.frames[:1], F, 0))
    own = {metric.name for metric in meter.metrics if metric.scope == "clip"}
    assert set(right.values) == set(still.values) == set(meter.worst(truth)) == own
    assert right.values["iou_flow"] > 0.9 > 0.45 > still.values["iou_flow"]
    assert right.values["trajectory_px"] < 1 and still.values["trajectory_px"] > 10
    assert right.values["collisions_missed"] == 0 and still.values["collisions_missed"] == 1
    assert still.values["velocity_error"] == pytest.approx(1, abs=0.02)
    assert set(right.arrays) == set(still.arrays) and right.arrays


def test_worst_is_no_better_than_anything(truth):
    meter = FlowMasks()
    worst = meter.worst(truth)
    still = meter.read(truth, np.repeat(truth.frames[:1], F, 0)).values
    noise = np.random.default_rng(0).integers(0, 256, truth.frames.shape).astype(np.uint8)
    for values in (still, meter.read(truth, noise).values):
        for metric in (m for m in meter.metrics if m.scope == "clip" and values[m.name] is not None):
            sign = 1 if metric.better == "lower" else -1
            assert sign * worst[metric.name] >= sign * values[metric.name], metric.name


def test_every_metric_says_what_it_is():
    meter = FlowMasks()
    names = [metric.name for metric in meter.metrics]
    assert len(set(names)) == len(names) and {"iou_flow", "trajectory_px", "response_speed"} <= set(names)
    assert "opencv" in meter.configuration and meter.distances == {} and meter.light


def test_without_scipy_it_says_so_before_anything_is_read(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(MissingExtra, match="scipy"):
        _ = FlowMasks().configuration
