import pytest

from kinebench import recipe as recipes
from kinebench.errors import KineBenchError
from kinebench.textures.bake import bake
from kinebench.textures.catalogue import catalogue
from kinebench.textures.library import fetched_folder
from kinebench.textures.selection import choices


@pytest.mark.parametrize("name", ["simple_motion", "interactions"])
def test_built_in_recipes_use_every_ground_in_its_own_split(name):
    recipe = recipes.load(name)
    for split in ("train", "test"):
        found = choices(recipe.split(split).textures, split, recipe.source)
        assert set(found) == {entry.id for entry in catalogue() if entry.split == split}


def test_a_single_ground_and_a_family():
    assert list(choices(["wood_planks_02"], "train", "r.toml")) == ["wood_planks_02"]
    assert len(choices(["wood_planks", "grass"], "train", "r.toml")) >= 6


def test_a_ground_of_another_split_is_refused():
    with pytest.raises(KineBenchError, match=r"r.toml: splits.train.textures: marble_01 is a ground of the test split"):
        choices(["marble"], "train", "r.toml")


def test_an_unknown_ground_is_named(tmp_path):
    with pytest.raises(KineBenchError, match=r"'lava' is no ground of the catalogue, no folder beside the recipe"):
        choices(["lava"], "train", str(tmp_path / "r.toml"))


@pytest.mark.parametrize("place", ["recipe", "fetched"])
def test_a_folder_of_maps(tmp_path, monkeypatch, place):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    home = tmp_path if place == "recipe" else fetched_folder()
    folder = bake("concrete_01", home, resolution=64).rename(home / "Mine001")
    (found,) = choices(["Mine001"], "train", str(tmp_path / "r.toml")).values()
    assert found.where == folder and found.phrase and found.tile_m > 0
    with pytest.raises(KineBenchError, match="Mine001 is a ground of the train split"):
        choices(["Mine001"], "test", str(tmp_path / "r.toml"))
