"""Shared by all tests: the recipes, tiny ones among them, and a packed dataset of synthetic samples."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from kinebench import recipe as recipes
from kinebench.recipe import Recipe
from kinebench.shards.pack import pack
from kinebench.shards.spool import Spool

RECIPES = Path(__file__).parent / "recipes"
GROUNDS = {"wood_planks_01": ("a wooden floor", 2.0)}


@pytest.fixture(scope="session")
def interactions() -> Recipe:
    return recipes.load("interactions")


@pytest.fixture(scope="session")
def simple_motion() -> Recipe:
    return recipes.load("simple_motion")


@pytest.fixture(scope="session")
def counterfactual() -> Recipe:
    return recipes.load("counterfactual")


@pytest.fixture(scope="session")
def tiny_counterfactual() -> Recipe:
    return recipes.load(str(RECIPES / "tiny_counterfactual.toml"))


@pytest.fixture(scope="session")
def tiny_interactions() -> Recipe:
    return recipes.load(str(RECIPES / "tiny_interactions.toml"))


@pytest.fixture(scope="session")
def tiny_simple() -> Recipe:
    return recipes.load(str(RECIPES / "tiny_simple.toml"))


@pytest.fixture(scope="session")
def grounds() -> dict[str, tuple[str, float]]:
    return GROUNDS


@pytest.fixture(scope="session")
def synthetic():
    spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def samples(synthetic):
    """Five of train and three of test, these with the lossless companion. The first of each split is a near miss."""
    train = [synthetic.sample("train", i) for i in range(5)]
    return train + [synthetic.sample("test", i, companions=("lossless",)) for i in range(3)]


@pytest.fixture(scope="session")
def make(synthetic):
    """Spool samples into a folder and pack them: `make(folder, samples, contact="forbidden")`."""

    def build(folder, samples, *, samples_per_shard=2, **options):
        spool = Spool(folder)
        for sample in samples:
            spool.put(sample)
        keys = [sample.key for sample in samples]
        return pack(folder, keys, samples_per_shard=samples_per_shard, **synthetic.packing(**options))

    return build


@pytest.fixture(scope="session")
def packed(tmp_path_factory, samples, make):
    folder = tmp_path_factory.mktemp("packed") / "toys"
    make(folder, samples)
    return folder


@pytest.fixture
def dataset(tmp_path, packed):
    """A packed folder of the eight samples, two a shard; each test has its own."""
    return Path(shutil.copytree(packed, tmp_path / "toys"))
