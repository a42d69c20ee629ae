"""MSE, PSNR and SSIM against the public codes' golden values and scikit-image; errors by region."""

import pickle

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.metrics import pixel
from kinebench.metrics.pixel import Pixel, mse, psnr, ssim


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def test_golden(golden, recipes):
    record, _ = golden("pixel")
    a, b = recipes.video_pair(record["seed"])
    assert (recipes.sha(a), recipes.sha(b)) == (record["sha_a"], record["sha_b"])
    frames = np.array([pixel.mse_per_frame(x, y) for x, y in zip(a, b, strict=True)])
    np.testing.assert_allclose(frames, record["mse_255"], rtol=0, atol=1e-9)
    assert mse(a, b) == pytest.approx(np.mean(record["mse_255"]), abs=1e-9)
    np.testing.assert_allclose(pixel.decibels(frames).mean(axis=0), record["psnr_per_frame"], atol=1e-6)
    assert psnr(a, b) == pytest.approx(record["psnr"], abs=1e-6)
    similar = np.mean([pixel.ssim_per_frame(x, y) for x, y in zip(a, b, strict=True)], axis=0)
    np.testing.assert_allclose(similar, record["ssim_per_frame"], rtol=0, atol=1e-8)
    assert ssim(a, b) == pytest.approx(record["ssim"], abs=1e-8)


@pytest.mark.parametrize("size", [(11, 11), (12, 43), (107, 45), (206, 75)])
@pytest.mark.parametrize("kind", ["noise", "smooth", "flat", "opposite"])
def test_ssim_is_scikit_image_s(size, kind):
    metrics = pytest.importorskip("skimage.metrics")
    a = noise((*size, 3))
    if kind == "smooth":
        a = np.broadcast_to(np.linspace(0, 255, size[1]).astype(np.uint8)[None, :, None], (*size, 3))
    elif kind == "flat":
        a = np.full((*size, 3), 255, np.uint8)
    b = 255 - a if kind == "opposite" else np.clip(a.astype(int) + noise(a.shape, 1) // 32, 0, 255).astype(np.uint8)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    theirs = metrics.structural_similarity(a, b, channel_axis=-1, **options)
    assert pixel.ssim_per_frame(a[None], b[None])[0] == pytest.approx(theirs, abs=2e-7)


def test_equal_videos_are_best_and_finite():
    a = noise((2, 3, 24, 32, 3))
    assert (mse(a, a), psnr(a, a), ssim(a, a)) == (0, pixel.MOST_DB, 1)
    b = a.copy()
    b[0, 0, 0, 0, 0] ^= 1
    assert mse(a, b) > 0 and psnr(a, b) < pixel.MOST_DB and ssim(a, b) < 1


def test_the_worst_of_all():
    black, white = np.zeros((1, 2, 16, 16, 3), np.uint8), np.full((1, 2, 16, 16, 3), 255, np.uint8)
    assert (mse(black, white), psnr(black, white)) == (255**2, 0)
    assert 0 < ssim(black, white) < 1e-3


def test_videos_weigh_alike_and_frame_0_counts():
    a = np.zeros((2, 4, 16, 16, 3), np.uint8)
    b = a.copy()
    b[0, 0] = 10
    assert mse(a, b) == 100 / 4 / 2
    assert psnr(a, b) == pytest.approx((10 * np.log10(255**2 / 100) + 7 * pixel.MOST_DB) / 8)


def test_differences_do_not_wrap():
    a, b = np.zeros((1, 1, 480, 720, 3), np.uint8), np.full((1, 1, 480, 720, 3), 255, np.uint8)
    assert mse(a, b) == mse(b, a) == 65025  # the sum is beyond 32 bits


@pytest.mark.parametrize("function", [mse, psnr, ssim])
def test_what_cannot_be_compared_is_said(function):
    good = noise((1, 2, 16, 16, 3))
    with pytest.raises(KineBenchError, match=r"uint8 \(N, F, H, W, 3\), RGB"):
        function(good[0], good[0])
    with pytest.raises(KineBenchError, match="frames are float64"):
        function(good, good / 255)
    with pytest.raises(KineBenchError, match=r"shapes \(1, 2, 16, 16, 3\) and \(1, 1, 16, 16, 3\)"):
        function(good, good[:, :1])


def test_ssim_of_too_small_frames_is_refused():
    small = noise((1, 1, 10, 40, 3))
    with pytest.raises(KineBenchError, match="11x11 pixels or more, not 40x10"):
        ssim(small, small)


@pytest.fixture(scope="module")
def truth(flat):
    """A square that crosses the picture, and one at rest."""
    frames = noise((4, 40, 64, 3))
    return flat(frames, [(8, 8), (16, 8), (24, 8), (32, 8)], [(48, 24)] * 4)


def test_the_truth_itself(truth):
    best = {metric.name: metric.best for metric in Pixel().metrics}
    assert Pixel().read(truth, truth.frames).values == pytest.approx(best)


def test_whole_frames_are_the_public_functions(truth):
    made = noise(truth.frames.shape, 5)
    values = Pixel().read(truth, made).values
    for name, function in (("mse", mse), ("psnr", psnr), ("ssim", ssim)):
        assert values[name] == pytest.approx(function(truth.frames[None], made[None]), rel=1e-12)


def changed(truth, x, y, by=10):
    """One 8x8 place of the last frame off by so many levels."""
    frames = truth.frames.copy()
    place = frames[-1, y : y + 8, x : x + 8].astype(int)
    frames[-1, y : y + 8, x : x + 8] = np.where(place > 127, place - by, place + by)
    return Pixel().read(truth, frames).values


@pytest.mark.parametrize(
    ("x", "y", "region"),
    [
        (32, 8, "mse_moving"),  # where the square is in the last frame
        (8, 8, "mse_moving"),  # where it was at first: an object left behind
        (8, 24, "mse_background"),
        (48, 24, None),  # the square at rest
    ],
)
def test_an_error_counts_in_its_region_only(truth, x, y, region):
    values = changed(truth, x, y)
    pixels = {"mse_moving": 4 * 64, "mse_background": 40 * 64 - 5 * 64}
    for name, count in pixels.items():
        expected = 100 * 64 / (4 * count) if name == region else 0
        assert values[name] == pytest.approx(expected)
    assert values["mse"] == pytest.approx(100 * 64 / (4 * 40 * 64))


def test_a_region_without_pixels_is_none(flat):
    still = flat(noise((3, 40, 64, 3)), [(48, 24)] * 3)
    assert Pixel().read(still, still.frames).values["mse_moving"] is None
    assert Pixel().worst(still)["mse_moving"] is None


def test_nothing_is_worse_than_the_worst(truth):
    opposite = np.where(truth.frames > 127, 0, 255).astype(np.uint8)
    values, worst = Pixel().read(truth, opposite).values, Pixel().worst(truth)
    assert values.keys() == worst.keys() == {metric.name for metric in Pixel().metrics}
    for metric in Pixel().metrics:
        sign = 1 if metric.better == "lower" else -1
        assert sign * values[metric.name] < sign * worst[metric.name]


def test_it_travels_to_worker_processes():
    meter = pickle.loads(pickle.dumps(Pixel()))
    assert meter == Pixel() and meter.configuration == dict.fromkeys((m.name for m in meter.metrics), 1)
    assert (meter.distances, meter.respond([])) == ({}, {})


def test_a_list_of_videos_is_as_good_as_an_array_of_them():
    a, b = noise((2, 3, 16, 16, 3)), noise((2, 3, 16, 16, 3), 1)
    for metric in (mse, psnr, ssim):
        assert metric(list(a), list(b)) == metric(a, b)
