import numpy as np
import pytest

from kinebench.textures.canvas import Canvas
from kinebench.textures.noise import blur, double, fractal, halve, sample


@pytest.fixture
def canvas():
    return Canvas(64, 2.0, "noise")


def test_fractal_is_standardised_and_named(canvas):
    field = fractal(canvas, "a", 0.5)
    assert field.shape == (64, 64)
    assert field.dtype == np.float32
    assert abs(field.mean()) < 1e-5
    assert field.std() == pytest.approx(1, abs=1e-4)
    assert np.array_equal(field, fractal(canvas, "a", 0.5))
    assert abs(np.corrcoef(field.ravel(), fractal(canvas, "b", 0.5).ravel())[0, 1]) < 0.4


def test_fractal_has_no_features_beyond_its_largest(canvas):
    spectrum = np.abs(np.fft.rfft2(fractal(canvas, "a", largest_m=0.1))) ** 2
    f = np.hypot(np.fft.rfftfreq(64, canvas.texel_m)[None], np.fft.fftfreq(64, canvas.texel_m)[:, None])
    assert spectrum[f < 2].mean() < 0.02 * spectrum[(f > 8) & (f < 12)].mean()


def test_stretch_makes_features_longer_along_x(canvas):
    field = fractal(canvas, "a", 0.5, stretch=(6.0, 1.0))
    along_x = np.abs(field - np.roll(field, 1, axis=1)).mean()
    assert along_x < 0.4 * np.abs(field - np.roll(field, 1, axis=0)).mean()


def test_sample_reads_pixel_centres_and_repeats():
    image = np.random.default_rng(0).random((8, 8)).astype(np.float32)
    x, y = np.meshgrid(np.arange(8) + 0.5, np.arange(8) + 0.5)
    assert np.allclose(sample(image, x, y), image)
    assert np.allclose(sample(image, x + 8, y - 16), image, atol=1e-5)
    assert np.allclose(sample(image, x + 0.5, y), 0.5 * (image + np.roll(image, -1, axis=1)), atol=1e-6)


def test_blur_keeps_the_mean_and_wraps():
    image = np.zeros((32, 32), np.float32)
    image[0, 0] = 1
    soft = blur(image, 1.5)
    assert soft.mean() == pytest.approx(image.mean())
    assert soft[-1, -1] == pytest.approx(soft[1, 1], rel=1e-4)
    assert soft[1, 0] / soft[0, 0] == pytest.approx(np.exp(-0.5 / 1.5**2), rel=1e-3)


def test_halve_undoes_double():
    image = np.random.default_rng(1).random((6, 6, 3)).astype(np.float32)
    assert np.allclose(halve(double(image)), image)
