import re

import pytest

from kinebench.errors import KineBenchError
from kinebench.textures.catalogue import catalogue, find, ids

NATURAL = {"grass", "straw", "gravel", "soil", "sand", "cracked_mud", "pebbles", "fallen_leaves"}

GOOD = """
[wood]
split = "train"
phrase = "a wooden floor"
pattern = "parquet"
tile_m = 1.6
layout = "basket"
repeats = 2
ratio = 4
late = "#302010"
[wood.01]
palette = ["#806040"]
"""


def write(tmp_path, text):
    path = tmp_path / "catalogue.toml"
    path.write_text(text)
    return path


def test_the_built_in_catalogue_is_wide_enough():
    entries = catalogue()
    families = {entry.family for entry in entries}
    assert len(families) >= 14
    assert all(sum(entry.family == family for entry in entries) >= 3 for family in families)
    assert all(1.5 <= entry.tile_m <= 3 for entry in entries)
    assert len(set(ids())) == len(entries)


def test_splits_share_no_family_and_both_have_natural_and_made_grounds():
    train = {entry.family for entry in catalogue() if entry.split == "train"}
    test = {entry.family for entry in catalogue() if entry.split == "test"}
    assert not train & test
    for split in (train, test):
        assert split & NATURAL
        assert split - NATURAL
    assert len(test) >= 4


def test_no_two_grounds_look_alike_by_their_data():
    drawn = [(entry.pattern, entry.parameters, entry.tile_m) for entry in catalogue()]
    assert len(set(drawn)) == len(drawn)


def test_phrases_read_as_people_say_them():
    for entry in catalogue():
        assert re.fullmatch(r"(a|an) [a-z]([a-z ]*[a-z])?", entry.phrase), entry.phrase
        assert entry.phrase.startswith("an ") == (entry.phrase.split()[1][0] in "aeiou"), entry.phrase


def test_ids_by_split():
    assert set(ids("train")) | set(ids("test")) == set(ids())
    assert all(find(name).split == "test" for name in ids("test"))


def test_family_defaults_reach_the_variants(tmp_path):
    (entry,) = catalogue(write(tmp_path, GOOD))
    assert entry.id == "wood_01"
    assert entry.parameters.layout == "basket"
    assert entry.parameters.palette == ((128 / 255, 96 / 255, 64 / 255),)


def test_an_asset_of_ambientcg_keeps_its_id(tmp_path):
    text = '[floors]\nsplit = "test"\nsource = "ambientcg"\nphrase = "a floor"\ntile_m = 2\n[floors.WoodFloor041]'
    (entry,) = catalogue(write(tmp_path, text))
    assert (entry.id, entry.family, entry.split, entry.pattern) == ("WoodFloor041", "floors", "test", None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('split = "train"', 'split = "val"', r"\[wood\]: split must be 'train' or 'test', not 'val'"),
        ('split = "train"', "", r"\[wood\]: split must be 'train' or 'test', not None"),
        ("[wood.01]", "[wood.1]", r"\[wood.1\]: a built-in ground is .* two digits"),
        ("a wooden floor", "wooden floor", r"\[wood.01\]: phrase must be words with an article"),
        ("tile_m = 1.6", "tile_m = 160", r"tile_m must be the tile's edge in metres"),
        ("tile_m = 1.6", "", r"tile_m must be the tile's edge in metres, 0.1 to 20, not None"),
        ('"parquet"', '"parket"', r"pattern must be one of asphalt, .*, not 'parket'"),
        ("ratio = 4", "ration = 4", r"'ration' is no parameter of 'parquet'; there are gap_mm, .* ratio"),
        ("ratio = 4", "", r"the pattern 'parquet' needs 'ratio'"),
        ("ratio = 4", "ratio = 4.5", r"ratio must be a whole number, not 4.5"),
        ("ratio = 4", "ratio = 0", r"ratio must be at least 1"),
        ("ratio = 4", "ratio = 4\ngrain = true", r"grain must be a number, not True"),
        ("ratio = 4", "ratio = 4\ngrain = -1.0", r"grain must not be negative"),
        ("ratio = 4", "ratio = 4\ngrain = inf", r"grain must not be negative or infinite"),
        ('"basket"', '"brick"', r"layout must be one of herringbone, basket, not 'brick'"),
        ('["#806040"]', '["brown"]', r"palette must be a colour such as '#8a5a33', not 'brown'"),
        ('["#806040"]', '"#806040"', r"palette must be a list of colours"),
        ('["#806040"]', "[]", r"palette must be a list of colours"),
        ('[wood.01]\npalette = ["#806040"]', "", r"\[wood\]: has no variants"),
        ("[wood]", "top = 1\n[wood]", r"top must be a table"),
        ("[wood]", "[wood", r"is not valid TOML"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path, old, new, message):
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(KineBenchError, match=message) as caught:
        catalogue(path)
    assert str(path) in str(caught.value)


def test_the_same_id_twice(tmp_path):
    twice = GOOD + GOOD.replace("[wood", "[a.b").replace("a.b]", "floors]").replace("a.b.01", "floors.01")
    again = twice + '[others]\nsplit = "test"\nsource = "ambientcg"\nphrase = "a floor"\ntile_m = 2\n[others.wood_01]\n'
    with pytest.raises(KineBenchError, match="the id wood_01 is given to two grounds"):
        catalogue(write(tmp_path, again))


def test_a_drawn_parameter_of_a_fetched_ground_is_refused(tmp_path):
    text = '[a]\nsplit="test"\nsource="ambientcg"\nphrase="a floor"\ntile_m=2\npattern="sand"\n[a.Sand001]\nwander=1.0'
    with pytest.raises(KineBenchError, match="not drawn, so it cannot have wander, pattern"):
        catalogue(write(tmp_path, text))


def test_no_catalogue(tmp_path):
    with pytest.raises(KineBenchError, match="cannot read the texture catalogue"):
        catalogue(tmp_path / "none.toml")


def test_a_misspelt_id_is_met_with_the_nearest():
    with pytest.raises(KineBenchError, match=r"did you mean .*wood_planks_01"):
        find("wood_plank_01")
    with pytest.raises(KineBenchError, match="kinebench textures list"):
        find("qqqq")
