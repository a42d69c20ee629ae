"""Toom and Cook's way against the plain sum."""

import numpy as np
import pytest

from kinebench.metrics.pips import winograd


def convolve(scheme, x, taps):
    products = (scheme.enter @ x).reshape(len(scheme.weigh), -1) * (scheme.weigh @ taps)[:, None]
    return scheme.leave @ products.ravel()


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 15, 16, 17])
def test_it_is_the_convolution(frames):
    generator = np.random.default_rng(frames)
    x, taps = generator.standard_normal(frames), generator.standard_normal(3)
    plain = np.convolve(x, taps[::-1])[1:-1]
    np.testing.assert_allclose(convolve(winograd.scheme(frames), x, taps), plain, atol=1e-13)


def test_it_takes_half_the_multiplications():
    scheme = winograd.scheme(16)
    assert scheme.enter.shape == (24, 16)  # a plain sum takes 48
    assert scheme.leave.shape == (16, 24)


def test_float32_loses_little():
    """Over 512 channels at most four times what the plain sum loses."""
    generator = np.random.default_rng(0)
    x = np.maximum(generator.standard_normal((16, 512)), 0).astype(np.float32)
    taps = generator.standard_normal((3, 512, 64)).astype(np.float32)
    padded = np.pad(x, ((1, 1), (0, 0)))
    exact = sum(padded[k : k + 16].astype(float) @ taps[k].astype(float) for k in range(3))
    plain = sum(padded[k : k + 16] @ taps[k] for k in range(3))
    scheme = winograd.scheme(16)
    kernel = np.einsum("pk,kio->pio", scheme.weigh, taps.astype(float)).astype(np.float32)
    tiles = np.matmul((scheme.enter.astype(np.float32) @ x).reshape(6, 4, 512), kernel)
    ours = scheme.leave.astype(np.float32) @ tiles.reshape(24, 64)
    assert np.std(ours - exact) < 4 * np.std(plain - exact)
