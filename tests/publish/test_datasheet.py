"""The datasheet says of any recipe what is so."""

import pytest

from kinebench import recipe as recipes
from kinebench.publish.datasheet import RANGES, Subject, datasheet, recipe_table
from kinebench.stats.summary import Sampled, summarise


@pytest.fixture(scope="module")
def measured(synthetic):
    samples = (Sampled(synthetic.sample("train", i).record, {}) for i in range(3))
    return {split.name: split for split in summarise("test", "toys", {"train": samples}).splits}


@pytest.mark.parametrize(
    ("name", "words", "never"),
    [
        ("simple_motion", "no two ever touch", "near misses"),
        ("interactions", "In 85% of the clips a driven object strikes one at rest", "groups"),
        ("counterfactual", "groups that share everything but one factor", "of the clips a driven object"),
    ],
)
def test_it_says_what_the_recipe_asks_for(measured, name, words, never):
    motivation = datasheet(Subject({"this": recipes.load(name).record}, measured)).split("### Composition")[0]
    assert words in motivation
    assert never not in motivation


@pytest.mark.parametrize("name", recipes.built_in())
def test_every_value_of_the_recipe_is_listed(name):
    record = recipes.load(name).record
    rows = recipe_table({"this": record}).splitlines()
    for section in RANGES:
        for key in record.get(section, {}):
            assert sum(f"`{section}.{key}`" in row for row in rows) == 1
    assert all(any(split in row for row in rows) for split in record["splits"])
    assert not any("None" in row for row in rows)
