"""What pipelines of diffusers have in common, where no pipeline is needed."""

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.methods.diffusion import as_pictures

pytest.importorskip("diffusers")


def test_pixels_are_rounded_half_to_even():
    levels = np.array([0, 0.4, 0.5, 1.5, 2.5, 254.6, 255], np.float32) / 255
    video = np.broadcast_to(levels[None, None, :, None], (2, 1, 7, 3))
    made = as_pictures(video, 1, (7, 1))
    assert made.dtype == np.uint8
    assert made[0, 0, :, 0].tolist() == [0, 0, 0, 2, 2, 255, 255]
    assert made.shape == (1, 1, 7, 3)


def test_as_diffusers_makes_pictures_itself():
    from diffusers.image_processor import VaeImageProcessor

    video = np.random.default_rng(0).random((3, 8, 8, 3), dtype=np.float32)
    theirs = np.stack([np.asarray(image) for image in VaeImageProcessor.numpy_to_pil(video)])
    assert (as_pictures(video, 3, (8, 8)) == theirs).all()


def test_what_is_smaller_or_shorter_than_asked_is_refused():
    video = np.zeros((5, 32, 96, 3), np.float32)
    with pytest.raises(KineBenchError, match="asked for 5 frames of 112x32 and made 5 of 96x32"):
        as_pictures(video, 5, (112, 32))
    with pytest.raises(KineBenchError, match="asked for 9 frames of 96x32 and made 5 of 96x32"):
        as_pictures(video, 9, (96, 32))


def test_values_that_are_no_numbers_are_no_picture():
    video = np.full((1, 4, 4, 3), np.nan, np.float32)
    with pytest.raises(RuntimeError, match="values that are no numbers"):
        as_pictures(video, 1, (4, 4))
