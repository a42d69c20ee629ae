"""Flow and points against pictures that were moved by known amounts."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from kinebench.metrics import optical_flow


@pytest.fixture(scope="module")
def texture():
    rough = np.random.default_rng(0).integers(0, 256, (40, 60)).astype(np.float32)
    return cv2.resize(rough, (240, 160), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def test_backward_flow_says_where_things_were(texture):
    flow = optical_flow.backward_flow(texture, np.roll(texture, (-2, 5), (0, 1)))
    assert np.abs(np.median(flow[20:-20, 20:-20], axis=(0, 1)) - (-5, 2)).max() < 0.1


@pytest.mark.parametrize("threads", [1, 3, 4])
def test_flow_does_not_depend_on_threads(texture, threads):
    after = np.roll(texture, 3, 1)
    expected = optical_flow.backward_flow(texture, after)
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(threads)
        assert np.array_equal(optical_flow.backward_flow(texture, after), expected)
        assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)


def test_pictures_of_any_size():
    """In a process of its own: OpenCV itself crashes for some of these."""
    code = (
        "import numpy as np; from kinebench.metrics.optical_flow import backward_flow\n"
        "for h, w in [(1, 1), (8, 8), (12, 40), (16, 16), (33, 33), (12, 400), (300, 5), (47, 49), (64, 40)]:\n"
        "    a = np.random.default_rng(0).integers(0, 256, (h, w)).astype(np.uint8)\n"
        "    flow = backward_flow(a, a[::-1]); assert flow.shape == (h, w, 2) and np.isfinite(flow).all()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_a_mask_is_carried_and_stays_inside_the_image():
    mask = np.zeros((30, 40), np.float32)
    mask[10:20, 30:40] = 1
    flow = np.zeros((30, 40, 2), np.float32)
    flow[..., 0] = -6.5  # what is here was 6.5 px further left
    moved = optical_flow.carried(mask, flow, (slice(0, 30), slice(0, 40)))
    assert moved[15, 36] == 0.5 and np.all(moved[10:20, 37:] == 1) and moved[:, :36].sum() == 0
    part = optical_flow.carried(mask, flow, (slice(5, 25), slice(33, 40)))
    assert np.array_equal(part, moved[5:25, 33:40])
    flow[..., 0] = 15  # what is at the right border was outside
    assert optical_flow.carried(mask, flow, (slice(0, 30), slice(25, 40))).sum() == 0


def test_parts_are_counted_with_their_areas():
    mask = np.zeros((6, 9), bool)
    mask[1:3, 1:4] = mask[3, 4] = mask[0, 7] = True
    numbers, areas = optical_flow.parts(mask)
    assert areas[0] == 54 - 8 and areas[numbers[1, 1]] == 7 and areas[numbers[0, 7]] == 1
    assert numbers[3, 4] == numbers[1, 1] != numbers[0, 7]  # touching at a corner is touching


def test_points_are_followed_and_lost_where_all_is_alike(texture):
    points = np.array([[60.25, 50.5], [120, 80], [180.75, 100]], np.float32)
    later, found = optical_flow.followed(texture, np.roll(texture, (1, -3), (0, 1)), points)
    assert found.all() and np.abs(later - points - (-3, 1)).max() < 0.05
    flat = np.full_like(texture, 90)
    assert not optical_flow.followed(flat, flat, points)[1].any()
