"""Which objects of a clip count as moving."""

import dataclasses

import numpy as np
import pytest

FRAMES = np.zeros((4, 40, 64, 3), np.uint8)


def test_some_frames_of_it(flat):
    paths = [(4 * k, 10) for k in range(7)], [(40, 10)] * 7
    frames = np.random.default_rng(0).integers(0, 256, (7, 40, 64, 3), dtype=np.uint8)
    truth = flat(frames, *paths)
    few = truth.sampled((0, 2, 5, 6))
    assert np.array_equal(few.frames, frames[[0, 2, 5, 6]])
    assert np.array_equal(few.instances, truth.instances[[0, 2, 5, 6]])
    assert np.array_equal(few.centres_px, truth.centres_px[:, [0, 2, 5, 6]])
    assert few.rollout.velocities_mps.shape == (4, 2, 3)
    assert few.fps == 12.0 * 3 / 6, "four frames in half a second: 6 a second"
    assert (few.moving, few.driven, few.visible) == (truth.moving, truth.driven, truth.visible)
    assert truth.sampled(tuple(range(7))).fps == truth.fps


@pytest.mark.filterwarnings("error")
def test_an_object_whose_centre_is_behind_the_camera_has_no_place(flat):
    truth = flat(FRAMES, [(4 * k, 10) for k in range(4)], [(40, 10)] * 4)
    places = truth.rollout.positions_m.copy()
    places[:, 1, 2] = -10  # always
    places[2:, 0, 2] = -10  # later
    truth = dataclasses.replace(truth, rollout=dataclasses.replace(truth.rollout, positions_m=places))
    assert np.isnan(truth.centres_px[1]).all() and truth.moving == (1,)
