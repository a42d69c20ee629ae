"""Tracks by Lucas and Kanade on pictures that move by known amounts, and their distance."""

import pickle

import cv2
import numpy as np
import pytest

from kinebench.errors import Unavailable
from kinebench.metrics.histogram import grid
from kinebench.metrics.lucas_kanade import STILL_PX, FvmdLk, tracks

F, H, W = 20, 128, 192


@pytest.fixture(scope="module")
def ground():
    rough = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.float32)
    return cv2.resize(rough, (320, 240), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def pan(ground, dx, dy, frames=F):
    return np.stack([ground[60 - dy * k :, 60 - dx * k :][:H, :W] for k in range(frames)])


def test_points_go_with_the_picture(ground):
    found = tracks(pan(ground, 3, -2))
    assert found.shape == (F - 15, 16, 400, 2) and found.dtype == np.float32
    assert np.array_equal(found[:, 0], np.broadcast_to(grid(256, 256), (F - 15, 400, 2)))
    steps = np.diff(found, axis=1).reshape(-1, 2)
    assert np.abs(np.median(steps, axis=0) - (3 * 256 / W, -2 * 256 / H)).max() < 0.05


def test_every_window_is_tracked_by_itself(ground):
    frames = pan(ground, 2, 1)
    whole = tracks(frames)
    for window in range(F - 15):
        assert np.array_equal(tracks(frames[window : window + 16])[0], whole[window])


def test_what_stands_still_stands_still(ground):
    still = np.repeat(ground[None, :H, :W], F, 0)
    assert not np.diff(tracks(still), axis=1).any()
    noise = np.random.default_rng(0).normal(0, 1, still.shape)
    steps = np.hypot(*np.moveaxis(np.diff(tracks(np.clip(still + noise, 0, 255).astype(np.uint8)), axis=1), -1, 0))
    assert (steps == 0).mean() > 0.9 and not ((steps > 0) & (steps < 0.99 * STILL_PX)).any()


def test_lost_points_stay_to_the_end_of_their_window(ground):
    frames = pan(ground, 2, 0)
    frames[6:8] = 128  # nothing to be found
    steps = np.diff(tracks(frames)[0], axis=0)
    assert steps[:5].any() and not steps[6:].any()


def test_features_tell_motion_from_standstill_more_than_from_noise(ground):
    meter = pickle.loads(pickle.dumps(FvmdLk()))
    clips = [pan(ground, dx, dy) for dx, dy in ((2, 0), (0, 2), (-2, 1), (1, -2))]
    rng = np.random.default_rng(0)
    sets = {
        "same": clips,
        "noisy": [np.clip(clip + rng.normal(0, 2, clip.shape), 0, 255).astype(np.uint8) for clip in clips],
        "still": [np.repeat(clip[:1], F, 0) for clip in clips],
    }
    features = {
        name: np.concatenate([meter.read(None, clip).arrays["features"] for clip in each])
        for name, each in sets.items()
    }
    assert features["same"].shape == (4 * (F - 15), 1024) and features["same"].dtype == np.float32
    distance = meter.distances["fvmd_lk"]
    same, noisy, still = (distance(features["same"], features[name]) for name in ("same", "noisy", "still"))
    assert abs(same) < 0.05 and still > 20 * noisy


def test_a_clip_shorter_than_a_window_has_none(ground):
    with pytest.raises(Unavailable, match="16 frames"):
        FvmdLk().read(None, pan(ground, 1, 1, frames=15))


def test_configuration_is_plain():
    assert {"opencv", "still_px", "patch_px"} <= set(FvmdLk().configuration)
    assert FvmdLk().worst(None) == {} and FvmdLk().light
