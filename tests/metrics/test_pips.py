"""PIPs++ against what the public network prints, with the same seeded weights."""

import numpy as np
import pytest

from kinebench.metrics.histogram import grid
from kinebench.metrics.pips.network import Likeness, PipsPlusPlus, torch


@pytest.fixture(scope="module")
def network(recipes, golden):
    facts, _ = golden("pips2")
    shapes = {name: tuple(shape) for name, shape in facts["state_dict_shapes"].items()}
    weights = recipes.fill_state(shapes, facts["seed"], recipes.PIPS_SPECIAL)
    for name, sha in facts["weights_sha"].items():
        assert recipes.sha(weights[name]) == sha
    network = PipsPlusPlus()
    network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()}, strict=True)
    return network.eval()


@pytest.fixture
def clip(recipes, golden):
    def made(name):
        facts = golden("pips2")[0][name]
        frames = recipes.block_video(facts["video_seed"], facts["S"], facts["H"], facts["W"])
        assert recipes.sha(frames) == facts["video_sha"]
        return frames

    return made


def test_parameters_have_the_published_names_and_shapes(golden):
    published = {name: tuple(shape) for name, shape in golden("pips2")[0]["state_dict_shapes"].items()}
    assert {name: tuple(value.shape) for name, value in PipsPlusPlus().state_dict().items()} == published


def test_grid_is_the_public_one(recipes):
    assert np.array_equal(grid(256, 256), recipes.fvmd_grid())


@pytest.mark.parametrize("name", ["small", "small16", pytest.param("grid", marks=pytest.mark.slow)])
def test_features_and_tracks(network, golden, clip, name):
    facts, arrays = golden("pips2")
    call, frames = facts[name], clip(name)
    features = network.encode(frames)
    np.testing.assert_allclose(features[:2, ::8, ::2, ::2], arrays[f"fmap_{name}"], atol=1e-3, rtol=0)
    points = grid(call["H"], call["W"], round(call["N"] ** 0.5))
    tracks = network.follow(features[None], points, iterations=call["iters"])[0].numpy()
    assert tracks.dtype == np.float32
    np.testing.assert_allclose(tracks, arrays[f"trajs_{name}"], atol=1e-2, rtol=0)
    assert np.array_equal(tracks[0], points)


def test_a_frame_has_the_same_features_in_any_company(network, clip):
    frames = clip("small")
    together = network.encode(frames)
    np.testing.assert_allclose(network.encode(frames[5:6])[0], together[5], atol=1e-4, rtol=0)


def test_windows_do_not_see_each_other(network, clip):
    features = network.encode(clip("small16"))
    points = grid(128, 128, 4)
    windows = [features[:8], features[5:13]]
    together = network.follow(torch.stack(windows), points, iterations=3)
    for number, window in enumerate(windows):
        alone = network.follow(window[None], points, iterations=3)[0]
        np.testing.assert_allclose(together[number], alone, atol=1e-2, rtol=0)
    assert (together[0] - together[1]).abs().max() > 0.1


def test_tracks_do_not_see_each_other(network, clip):
    """Whatever their number, and however many are moved at a time."""
    features = network.encode(clip("small"))[None]
    points = grid(128, 160, 8)
    together = network.follow(features, points, iterations=3)
    np.testing.assert_allclose(network.follow(features, points[50:53], iterations=3), together[:, :, 50:53], atol=1e-2)


def test_likeness_is_the_scaled_product_of_features():
    """Between pixels as within them, and zero outside the picture."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 1, 128, 16, 16, generator=generator)
    points = torch.tensor([[[4.0, 9.0], [0.0, 0.0]]])
    likeness = Likeness(features, points)
    seen = likeness.around(points.expand(3, 1, 2, 2)).reshape(3, 2, 3, 4, 7, 7)
    for frame in range(3):
        for x, y in ((-3, -3), (0, 2), (3, -1)):
            expected = features[0, 0, :, 9, 4] @ features[frame, 0, :, 9 + y, 4 + x] / 128**0.5
            np.testing.assert_allclose(seen[frame, 0, :, 0, x + 3, y + 3], expected, atol=1e-5)
    assert seen[:, 1, :, :, :3].abs().max() < 1e-5
    assert seen[:, 1, :, :, :, :3].abs().max() < 1e-5
    half = likeness.around(torch.tensor([[[4.5, 9.0], [0.0, 0.0]]]).expand(3, 1, 2, 2)).reshape(3, 2, 3, 4, 7, 7)
    np.testing.assert_allclose(half[1, 0, 0, 0, 3, 3], seen[1, 0, 0, 0, 3:5, 3].mean(), atol=1e-5)


def test_bfloat16_is_near_and_not_the_same(network, clip):
    features = network.encode(clip("small"))[None]
    exact = network.follow(features, grid(128, 160, 4), iterations=1)
    rough = network.follow(features, grid(128, 160, 4), iterations=1, bfloat16=True)
    error = (rough - exact).abs().max() / (exact - exact[:, :1]).abs().max()
    assert 1e-4 < error < 0.2


def test_frames_too_small_for_four_scales_are_refused(network):
    with pytest.raises(ValueError, match="at least 128 pixels"):
        network.follow(torch.zeros(1, 8, 128, 8, 8), grid(64, 64, 4))
