"""Which objects of a clip count as moving."""

import dataclasses

import numpy as np
import pytest

FRAMES = np.zeros((4, 40, 64, 3), np.uint8)


@pytest.mark.filterwarnings("error")
def test_an_object_whose_centre_is_behind_the_camera_has_no_place(flat):
    truth = flat(FRAMES, [(4 * k, 10) for k in range(4)], [(40, 10)] * 4)
    places = truth.rollout.positions_m.copy()
    places[:, 1, 2] = -10  # always
    places[2:, 0, 2] = -10  # later
    truth = dataclasses.replace(truth, rollout=dataclasses.replace(truth.rollout, positions_m=places))
    assert np.isnan(truth.centres_px[1]).all() and truth.moving == (1,)
