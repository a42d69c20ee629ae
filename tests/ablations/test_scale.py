import copy
import shutil

import pytest
import tomli_w

from kinebench import recipe
from kinebench.ablations import scale
from kinebench.ablations.before import demand_configurations, demand_measurable
from kinebench.ablations.plan import plan
from kinebench.ablations.table import load
from kinebench.errors import KineBenchError


@pytest.fixture
def content():
    """Of the tiny scale, to be changed."""
    return copy.deepcopy(dict(scale.load("tiny").content))


def parse(content):
    return scale.parse(content, "mine", "mine.toml")


def test_a_recipe_is_looked_for_beside_the_file_that_names_it(content, tmp_path, monkeypatch):
    shutil.copy(recipe.built_in()["small_simple_motion"], tmp_path / "own.toml")
    content["data"]["simple_motion"]["recipe"] = "own.toml"
    (tmp_path / "mine.toml").write_text(tomli_w.dumps(content))
    monkeypatch.chdir(tmp_path.parent)
    found = scale.load(str(tmp_path / "mine.toml"))
    assert found.data["simple_motion"].recipe.sha256 == recipe.load("small_simple_motion").sha256
    (tmp_path / "own.toml").rename(tmp_path.parent / "own.toml")
    with pytest.raises(KineBenchError, match=r"mine\.toml: data: no recipe .*own\.toml"):
        scale.load(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("place", "key", "value", "said"),
    [
        (("config", "saving"), "every", 0, r"saving\.every: 0 is less"),
        (("config", "saving"), "every", "often", r"saving\.every: 'often' is not"),
        (("config", "training"), "total_bach", 2, "training: unknown key 'total_bach' .did you mean 'total_batch'"),
        (("config", "training"), "seed", 2, r"config\.training: expected without seed"),
        (("config", "data"), "caption", "c", r"config\.data: expected without .* caption"),
        (("config", "stage2"), "truncation", "full", r"config\.stage2: expected without truncation"),
        (("backbones", "cogvideox", "pretraining"), "steps", "x", r"cogvideox.*pretraining\.steps: 'x' is not"),
        (("backbones", "wan"), "pretraining", None, r"backbones\.wan: nobody has published a small backbone"),
        (("backbones", "wan"), "family", "wan", r"backbones\.wan\.pretraining: wan is published"),
        ((), "metrics", ["mse", "beauty"], "metrics: there is no metric or meter 'beauty'"),
        ((), "seeds", [], r"seeds: \[\] should be non-empty"),
        ((), "seeds", [1, 1], "seeds: .* has one twice"),
    ],
)
def test_what_cannot_work_is_told_with_file_and_key(content, place, key, value, said):
    row = content
    for name in place:
        row = row[name]
    row[key] = value
    if value is None:
        del row[key]
    with pytest.raises(KineBenchError, match=rf"^mine\.toml: {said}|^mine\.toml: .*{said}"):
        parse(content)


def test_clips_that_are_all_held_out_are_told_of_before_anything_runs(content):
    content["config"]["data"]["held_out"] = content["data"]["simple_motion"]["train"] = 50
    with pytest.raises(KineBenchError, match=r"mine\.toml: config\.data\.held_out keeps 50 .* there are 50"):
        demand_configurations(plan([load("table1")], parse(content)))


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("fvmd_lk", "clips of 16 frames are the least, and those of .* have 13; leave it out"),
        ("response_mass", "this is of counterfactual groups"),
    ],
)
def test_a_metric_that_clips_cannot_have_is_told_of_before_anything_runs(content, metric, said):
    demand_measurable(plan([load("table1")], parse(content)))
    with pytest.raises(KineBenchError, match=rf"mine\.toml: metrics: {metric}: {said}"):
        demand_measurable(plan([load("table1")], parse(content | {"metrics": ["mse", metric]})))
