import pytest

from kinebench.cost import cost
from kinebench.generate import plan
from kinebench.recipe import built_in, load


def test_the_papers_datasets_cost_what_was_measured(simple_motion, interactions):
    """Ten thousand clips at the seconds and bytes of docs/performance.md and of the demo."""
    for recipe, seconds, kilobytes in ((simple_motion, 44.0, 441), (interactions, 80.2, 537)):
        price = cost(recipe, plan(recipe, "train", 10_000, 0))
        assert price.core_hours == pytest.approx(10_000 * seconds / 3600)
        assert price.tar_bytes == 10_000 * kilobytes * 1000


def test_every_built_in_recipe_has_a_cost():
    for name in built_in():
        assert cost(load(name), plan(load(name), "train", 1, 0)).core_hours > 0


def test_cost_grows_with_what_is_asked(interactions):
    def price(count=100, companions=(), **render):
        recipe = interactions.with_render(**({"samples": None, "denoiser": None, "full_frames": False} | render))
        return cost(recipe, plan(recipe, "train", count, 0, companions))

    base = price()
    assert price(count=200).core_hours == pytest.approx(2 * base.core_hours)
    assert price(samples=64).core_hours == pytest.approx(4 * base.core_hours)
    assert price(full_frames=True).core_hours > 5 * base.core_hours
    assert price(companions=("depth",)).tar_bytes > base.tar_bytes
    assert price(companions=("depth",)).core_hours == base.core_hours


def test_small_clips_cost_little(interactions, tiny_interactions):
    full, tiny = (cost(recipe, plan(recipe, "train", 1, 0)) for recipe in (interactions, tiny_interactions))
    assert tiny.core_hours < full.core_hours / 100
