import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.kinemask.conditioning import TRUNCATIONS, clip_rng, kept_frames, truncated

FRAMES = 49


def draws(truncation, contacts=(), frames=FRAMES, count=4000, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([kept_frames(truncation, frames, contacts, rng) for _ in range(count)])


@given(st.integers(1, 12), st.data())
def test_what_is_kept_is_untouched_and_the_rest_is_zero(frames, data):
    kept = data.draw(st.integers(1, frames))
    mask = np.random.default_rng(0).uniform(-1, 1, (frames, 2, 3, 3)).astype(np.float32)
    before = mask.copy()
    cut = truncated(mask, kept)
    assert np.array_equal(cut[:kept], before[:kept]) and not cut[kept:].any()
    assert np.array_equal(mask, before)


@pytest.mark.parametrize("kept", [0, -1, 50])
def test_a_mask_keeps_its_first_frame_and_no_more_than_it_has(kept):
    with pytest.raises(ValueError, match="1 to 49"):
        truncated(np.zeros((FRAMES, 2, 2, 3), np.float32), kept)


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("frames", [1, 2, 13, 49])
def test_every_draw_keeps_from_one_frame_to_all(truncation, frames):
    kept = draws(truncation, contacts=(frames - 1,), frames=frames, count=500)
    assert kept.min() >= 1 and kept.max() <= frames


def test_full_and_first_are_the_ends():
    assert set(draws("full")) == {FRAMES} and set(draws("first")) == {1}


def test_uniform_reaches_every_count_equally():
    counts = np.bincount(draws("uniform", count=49_000), minlength=50)[1:]
    assert abs(counts / 1000 - 1).max() < 0.15


def test_early_has_the_stated_share_of_single_frames():
    kept = draws("early", count=40_000)
    assert np.mean(kept == 1) == pytest.approx((1 / 49) ** (1 / 3), abs=0.01)
    assert np.mean(kept > 24.5) == pytest.approx(1 - 0.5 ** (1 / 3), abs=0.015)
    assert np.mean(draws("early", frames=13, count=40_000) == 1) == pytest.approx((1 / 13) ** (1 / 3), abs=0.01)


def test_collision_lies_around_the_contacts_of_the_clip():
    kept = draws("collision", contacts=(10, 30))
    near = np.minimum(abs(kept - 11), abs(kept - 31))
    assert np.quantile(near, 0.9) < 8 and abs(np.mean(kept < 21) - 0.5) < 0.03


def test_without_contacts_collision_is_uniform():
    assert np.array_equal(draws("collision"), draws("uniform"))


def test_an_unknown_truncation_is_named():
    with pytest.raises(ValueError, match="late"):
        kept_frames("late", 9, (), np.random.default_rng(0))


def test_a_clips_draw_depends_on_seed_epoch_and_key_alone():
    def first(seed=1, epoch=2, key="a"):
        return clip_rng(seed, epoch, key).random()

    assert first() == first()
    assert len({first(), first(seed=2), first(epoch=3), first(key="b")}) == 4
