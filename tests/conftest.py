"""Shared by all tests: the recipes, tiny ones among them, and a packed dataset of synthetic samples."""

import importlib.util
import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from kinebench import recipe as recipes
from kinebench.recipe import Recipe
from kinebench.shards.pack import pack
from kinebench.shards.spool import Spool

settings.register_profile("repeatable", derandomize=True, database=None)  # the same examples wherever tests run
settings.load_profile("repeatable")

signal.signal(signal.SIGINT, signal.default_int_handler)  # processes of a job in the background would ignore Ctrl-C

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


def beside(name):
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic():
    return beside("synthetic")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A Chromium with one page, for the tests of a file."""
    module = beside("browser")
    if module.PROGRAM is None:
        pytest.skip("no chromium; apt.txt names it")
    page = module.Browser(tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


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


@pytest.fixture(scope="session")
def branched(tmp_path_factory):
    """`branched(folder, "wan", (96, 64), 9)`: a checkpoint as training leaves one, of a branch for a tiny backbone.

    Its projections have learnt noise of a size; other keywords stand in trainer.json instead.
    """

    def write(folder, family, size, frames, *, noise=0.5, average=None, **facts):
        import torch

        from kinebench.kinemask import checkpoint
        from kinebench.kinemask.families import open_family
        from kinebench.kinemask.families.parts import identity

        kind = open_family(family, folder, "cpu", "float32")

        def branch(strength):
            torch.manual_seed(1)
            made = kind.control.on(kind.transformer, num_layers=1, mask_width=8, mask_channels=4, unshuffle=kind.pixel)
            for parameter in made.projections.parameters():
                parameter.data = torch.randn(parameter.shape) * strength
            return made

        told = {
            "stage": "stage2",
            "step": 7,
            "backbone": {"family": family, "sha256": identity(folder, "transformer", "scheduler")},
            "config": {"backbone": {"weights": None}, "branch": {"weight": 0.5}, "data": {"encoding": "v_t"}},
            "dataset": {"v_max_mps": 2.0, "size": list(size), "frames": frames},
        }
        models = {"control": branch(noise)} | ({} if average is None else {"average": branch(average)})
        place = tmp_path_factory.mktemp("run")
        return checkpoint.write(place, told | facts, "# A card", models, {}).folder

    return write
