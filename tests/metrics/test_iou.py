"""Overlap of masks against the public codes' golden values, and who is counted."""

import dataclasses

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.metrics.iou import iou_per_frame, object_ious, summary

FRAMES = np.zeros((5, 40, 64, 3), np.uint8)


def at(*corners):
    return np.array(corners)


@pytest.fixture(scope="module")
def truth(flat):
    """Square 1 is driven, 2 struck from frame 3, 3 at rest."""
    struck = at((30, 10), (30, 10), (30, 10), (33, 10), (36, 10))
    return flat(FRAMES, at(*[(4 * k, 10) for k in range(5)]), struck, at(*[(50, 30)] * 5))


def own(truth):
    return {id: truth.mask(id) for id in truth.visible}


def test_golden(golden, recipes):
    record, _ = golden("masks")
    for case in record["cases"]:
        gt, pred = recipes.masks(case["seed"])
        assert (recipes.sha(gt), recipes.sha(pred)) == (case["sha_gt"], case["sha_pd"])
        for object in range(3):
            ious = iou_per_frame(gt[:, object], pred[:, object])
            shared, either = (np.array(case["plain_counts"][name])[:, object] for name in ("intersection", "union"))
            np.testing.assert_array_equal(ious, np.where(either == 0, 1, shared / np.maximum(either, 1)))
            assert ious.mean() == pytest.approx(case["pisa_iou_per_object"][object], abs=1e-9)
            assert 100 * ious.mean() == pytest.approx(case["sav_J"][object], abs=1e-9)


def test_empty_masks():
    nothing, all = np.zeros((1, 4, 5), bool), np.ones((1, 4, 5), bool)
    assert [iou_per_frame(a, b)[0] for a in (nothing, all) for b in (nothing, all)] == [1, 0, 0, 1]
    assert iou_per_frame(nothing, all).dtype == np.float64


def test_masks_that_do_not_fit_are_refused():
    mask = np.zeros((2, 4, 5), bool)
    for other in (mask[:1], mask.astype(np.uint8), mask[0]):
        with pytest.raises(KineBenchError, match=r"both must be bool \(F, H, W\)"):
            iou_per_frame(mask, other)


def test_the_truth_s_own_masks_are_perfect(truth):
    assert truth.moving == (1, 2) and truth.driven == (1,) and truth.struck == (2,)
    assert summary(truth, own(truth), "x") == {"iou_x": 1, "iou_x_all": 1, "iou_x_driven": 1, "iou_x_struck": 1}


def test_frame_0_does_not_count(truth):
    masks = own(truth)
    masks[1] = masks[1].copy()
    masks[1][0] = False
    assert object_ious(truth, masks)[1] == 1


def test_objects_that_stay_at_rest_are_in_all_only(truth):
    masks = {id: np.repeat(mask[:1], 5, axis=0) for id, mask in own(truth).items()}  # a video that stands still
    driven = np.mean([4 / 12, 0, 0, 0])  # 8 wide, 4 and more pixels away
    struck = np.mean([1, 1, 5 / 11, 2 / 14])
    found = summary(truth, masks, "flow")
    assert found["iou_flow_driven"] == pytest.approx(driven)
    assert found["iou_flow_struck"] == pytest.approx(struck)
    assert found["iou_flow"] == pytest.approx((driven + struck) / 2)
    assert found["iou_flow_all"] == pytest.approx((driven + struck + 1) / 3)


def test_an_object_without_masks_is_empty(truth):
    found = summary(truth, {2: truth.mask(2), 3: truth.mask(3)}, "x")
    assert found == {"iou_x": 0.5, "iou_x_all": pytest.approx(2 / 3), "iou_x_driven": 0, "iou_x_struck": 1}


def test_nothing_to_measure_is_none(flat):
    still = flat(FRAMES, at(*[(50, 30)] * 5))
    assert summary(still, own(still), "x") == {
        "iou_x": None,
        "iou_x_all": 1,
        "iou_x_driven": None,
        "iou_x_struck": None,
    }


def test_an_object_that_leaves_and_is_not_seen_any_more_is_right(flat):
    leaving = flat(FRAMES, at((0, 10), (-4, 10), (-8, 10), (-12, 10), (-16, 10)))
    assert [int(mask.any()) for mask in leaving.mask(1)] == [1, 1, 0, 0, 0]
    assert summary(leaving, own(leaving), "x")["iou_x"] == 1
    stuck = {1: np.repeat(leaving.mask(1)[:1], 5, axis=0)}
    assert summary(leaving, stuck, "x")["iou_x"] == pytest.approx(0.5 / 4)


def test_a_clip_of_one_frame_has_nothing_to_measure(truth):
    first = dataclasses.replace(truth, frames=truth.frames[:1], instances=truth.instances[:1])
    assert set(summary(first, own(first), "x").values()) == {None}
