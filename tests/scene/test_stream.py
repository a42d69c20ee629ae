import numpy as np
import pytest
from numpy.random import SeedSequence, default_rng

from kinebench.hidden import secret
from kinebench.scene.stream import Stream


def stream(number=0):
    return Stream(secret(2**255 + 1, "scene", "toys", "test", number, 0))


def test_one_key_one_stream_whatever_was_asked_before():
    one, two = stream(), stream()
    assert [one.uniform() for _ in range(2000)] == [two.uniform() for _ in range(2000)]
    assert stream(0).uniform(size=3).tolist() != stream(1).uniform(size=3).tolist()


def test_fractions_are_uniform_and_independent_of_their_order():
    drawn = stream().uniform(2, 4, size=8000)
    assert drawn.min() >= 2 and drawn.max() < 4
    counts, _ = np.histogram(drawn, bins=16, range=(2, 4))
    assert ((counts - 500) ** 2 / 500).sum() < 37.7  # chi-squared, 15 degrees of freedom, p = 0.001
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.04


def test_integers_and_orders_are_all_there_and_equally_likely():
    rng = stream()
    counts = np.bincount([rng.integers(3, 5, endpoint=True) for _ in range(3000)], minlength=6)
    assert counts[:3].sum() == 0 and abs(counts[3:] - 1000).max() < 120
    assert {rng.integers(2) for _ in range(60)} == {0, 1}
    orders = [tuple(rng.permutation(3).tolist()) for _ in range(3000)]
    assert len(set(orders)) == 6 and max(map(orders.count, set(orders))) < 620


def pool_of(words):
    """The 128 bits of a SeedSequence, from the first four words that it gave: each step of it can be undone."""
    mask, const, pool = 0xFFFFFFFF, 0x8B51F9DD, []
    for word in words:
        after = const * 0x58F38DED & mask
        value = word ^ word >> 16
        value = value * pow(after, -1, 2**32) & mask
        pool.append(value ^ const)
        const = after
    return pool


def test_numpys_own_seeds_can_be_computed_backwards():
    """Why a season has streams of its own: 128 bits of one scene's start give back what all scenes were mixed from."""
    sequence = SeedSequence(2**255 + 1, spawn_key=(1, 2, 3, 0))
    assert pool_of(sequence.generate_state(4).tolist()) == sequence.pool.tolist()


@pytest.mark.parametrize("digits", [64, 128, 256, 300])
def test_seeds_of_any_length_count_to_the_last_bit(digits):
    seeds = [2**digits, 2**digits + 1]
    assert len({secret(seed, "key", "test", 0) for seed in seeds}) == 2
    assert len({float(default_rng(SeedSequence(seed, spawn_key=(0,))).uniform()) for seed in seeds}) == 2
