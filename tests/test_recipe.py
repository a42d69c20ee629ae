import copy
import tomllib
from dataclasses import asdict

import pytest

from kinebench import recipe as recipes
from kinebench.acceptance import find
from kinebench.content import content
from kinebench.errors import KineBenchError


@pytest.fixture
def table():
    return tomllib.loads((content("generators") / "interactions.toml").read_text())


def test_built_in_recipes_are_the_papers_clip():
    for name in ("simple_motion", "interactions"):
        recipe = recipes.load(name)
        assert (recipe.video.frames, recipe.video.width, recipe.video.height, recipe.video.fps) == (49, 720, 480, 24)
        assert recipe.motion.speed_mps == (0.5, 1.5)
        assert recipe.objects.driven == (1, 2)


@pytest.mark.parametrize("name", ["simple_motion", "interactions", "counterfactual"])
def test_splits_share_no_colour_and_no_ground(name):
    recipe = recipes.load(name)
    train, test = recipe.split("train"), recipe.split("test")
    assert not set(train.colours) & set(test.colours)
    assert not set(train.colours.values()) & set(test.colours.values())
    assert not set(train.textures) & set(test.textures)


def test_record_reads_back_as_the_same_recipe(interactions, simple_motion, counterfactual):
    for recipe in (interactions, simple_motion, counterfactual):
        assert recipes.parse(recipe.record, recipe.source) == recipe


def test_other_render_settings_are_another_recipe_and_leave_this_one_alone(interactions):
    before, record = interactions.sha256, repr(interactions.record)
    changed = interactions.with_render(samples=3, denoiser="none", full_frames=True)
    assert (changed.render.samples, changed.render.denoiser, changed.render.full_frames) == (3, "none", True)
    assert changed.sha256 != before
    assert repr(interactions.record) == record
    assert interactions.with_render(samples=None, denoiser=None, full_frames=False) == interactions


def test_hash_changes_with_every_value(table):
    before = recipes.parse(table, "a.toml").sha256
    table["motion"]["v_max_mps"] = 2.5
    assert recipes.parse(table, "a.toml").sha256 != before
    table["motion"]["v_max_mps"] = 2.0
    assert recipes.parse(table, "another/place.toml").sha256 == before


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("objects", "colour", 1), r"objects: unknown key 'colour'"),
        (("objects", "frction", [0, 1]), r"did you mean 'friction'"),
        (("objects", "count", [5, 2]), r"objects.count: \[5, 2\] is empty"),
        (("motion", "speed_mps", ["fast", 2]), r"motion.speed_mps.0: 'fast' is not of type 'number'"),
        (("motion", "v_max_mps", 1.0), r"motion.v_max_mps: 1.0 is below the highest speed 1.5"),
        (("acceptance", "contact", "maybe"), r"acceptance.contact: 'maybe' is not one of"),
        (("acceptance", "contact", "forbidden"), r"go with contact = \"required\" only"),
        (("objects", "driven", [1, 9]), r"objects.driven: up to 9"),
        (("video", "width", 721), r"video.width: 721 is not a multiple of 2"),
    ],
)
def test_errors_name_file_key_and_expectation(table, change, expected):
    section, key, value = change
    table[section][key] = value
    with pytest.raises(KineBenchError, match=expected) as caught:
        recipes.parse(table, "mine.toml")
    assert str(caught.value).startswith("mine.toml: ")


def test_recipes_without_groups_say_nothing_of_them(interactions, counterfactual):
    assert "counterfactual" not in interactions.record
    assert list(counterfactual.record["counterfactual"]) == list(asdict(counterfactual.counterfactual))
    assert "near_miss_m" not in counterfactual.record["acceptance"]


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("counterfactual", "speed_mps", [1.0, 0.5], r"counterfactual.speed_mps: \[1.0, 0.5\] is not in order"),
        ("counterfactual", "mass_kg", [1.0, 1.0, 2.0], r"counterfactual.mass_kg: .* ascending, each value once"),
        ("counterfactual", "mass_kg", [0, 1], r"counterfactual.mass_kg.0: 0 is less than or equal to the minimum"),
        ("counterfactual", "speed_mps", [1.0, 2.5], r"counterfactual.speed_mps: 2.5 is above motion.v_max_mps = 2.0"),
        ("counterfactual", "direction_deg", [45, 90], r"counterfactual.direction_deg: starts at 45; expected 0"),
        ("counterfactual", "direction_deg", [0, 360], r"counterfactual.direction_deg.1: 360 is greater than or equal"),
        ("counterfactual", "presence", [1, 0], r"counterfactual.presence: .*expected: \[0, 1\]"),
        ("counterfactual", "ground_friction", [0.2], r"counterfactual.ground_friction: .*expected: two or more"),
        ("counterfactual", "colour", [1, 2], r"counterfactual: unknown key 'colour'"),
        ("objects", "driven", [1, 2], r"objects.driven: expected \[1, 1\] with \[counterfactual\]"),
        ("objects", "count", [1, 2], r"objects.count: expected at least 2 with \[counterfactual\]"),
        ("acceptance", "contact", "forbidden", r"struck_path_px does not go with contact = \"forbidden\""),
        ("acceptance", "near_miss_m", 0.1, r"near_miss_m go with contact = \"required\" only"),
    ],
)
def test_faults_of_groups_are_named(section, key, value, expected):
    table = tomllib.loads((content("generators") / "counterfactual.toml").read_text())
    table[section][key] = value
    with pytest.raises(KineBenchError, match=expected):
        recipes.parse(table, "mine.toml")


def test_groups_need_free_contact(table):
    table["objects"] |= {"driven": [1, 1]}
    table["counterfactual"] = {"mass_kg": [1, 2]}
    with pytest.raises(KineBenchError, match=r'acceptance.contact: expected "free" with \[counterfactual\]'):
        recipes.parse(table, "mine.toml")
    table["acceptance"] = {
        k: v for k, v in table["acceptance"].items() if k not in ("interaction_share", "near_miss_m")
    }
    table["acceptance"]["contact"] = "free"
    only = recipes.parse(table, "mine.toml")
    assert only.record["counterfactual"] == {"mass_kg": [1, 2]}
    del table["counterfactual"]
    assert recipes.parse(table, "mine.toml").counterfactual is None  # contact may be free without groups
    table["counterfactual"] = {}
    with pytest.raises(KineBenchError, match=r"counterfactual: .* (non-empty|enough properties)"):
        recipes.parse(table, "mine.toml")


def test_missing_key_is_named(table):
    del table["camera"]["distance_m"]
    with pytest.raises(KineBenchError, match=r"mine.toml: camera: missing 'distance_m'"):
        recipes.parse(table, "mine.toml")


def test_shared_colour_is_refused(table):
    table["splits"]["test"]["colours"]["red"] = "#ff0000"
    with pytest.raises(KineBenchError, match=r"splits.test.colours: red also in train"):
        recipes.parse(table, "mine.toml")


def test_unknown_recipe_and_broken_file(tmp_path):
    with pytest.raises(KineBenchError, match="did you mean 'interactions'"):
        recipes.load("interaction")
    broken = tmp_path / "broken.toml"
    broken.write_text("[dataset\n")
    with pytest.raises(KineBenchError, match=r"broken.toml: not valid TOML"):
        recipes.load(str(broken))


def test_impossible_recipe_says_which_rule_rejects(table, grounds):
    impossible = copy.deepcopy(table)
    impossible["acceptance"] |= {"min_path_px": 5000, "max_attempts": 15}
    recipe = recipes.parse(impossible, "mine.toml")
    with pytest.raises(KineBenchError, match=r"(?s)mine.toml: no candidate .* in 15 attempts.*rejected by\n") as caught:
        find(recipe, "train", 0, 0, grounds)
    counts = [int(line.split()[0]) for line in str(caught.value).splitlines() if line.startswith("  ")]
    assert sum(counts) == 15
