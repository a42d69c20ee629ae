"""Shared by all tests: the tiny recipes, and scenes drawn from the real ones."""

from pathlib import Path

import pytest

from kinebench import recipe as recipes
from kinebench.recipe import Recipe

RECIPES = Path(__file__).parent / "recipes"
GROUNDS = {"wood_planks_01": ("a wooden floor", 2.0)}


@pytest.fixture(scope="session")
def interactions() -> Recipe:
    return recipes.load("interactions")


@pytest.fixture(scope="session")
def simple_motion() -> Recipe:
    return recipes.load("simple_motion")


@pytest.fixture(scope="session")
def tiny_interactions() -> Recipe:
    return recipes.load(str(RECIPES / "tiny_interactions.toml"))


@pytest.fixture(scope="session")
def tiny_simple() -> Recipe:
    return recipes.load(str(RECIPES / "tiny_simple.toml"))


@pytest.fixture(scope="session")
def grounds() -> dict[str, tuple[str, float]]:
    return GROUNDS
