"""Pages about the datasets say what recipes and measurements say."""

from pathlib import Path

import numpy as np
import pytest

from kinebench import recipe as recipes
from kinebench.publish.overview import DATASETS, MEASURED, NAME, overview, within
from kinebench.stats.summary import SECTORS, load

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def measured():
    return {name: load(ROOT / MEASURED / f"{name}.json").splits[0] for name in DATASETS}


def test_the_dataset_card_is_what_the_command_writes():
    """If not: `python -m kinebench.publish.overview`."""
    assert (ROOT / NAME).read_text() == overview(ROOT)


@pytest.mark.parametrize("name", DATASETS)
def test_measurements_are_of_the_present_recipes(measured, name):
    """If not, measure again: the head of kinebench/publish/overview.py says how."""
    assert within(recipes.load(name), measured[name])


def test_a_changed_recipe_would_be_noticed(measured):
    other = recipes.load("simple_motion")
    assert not within(other, measured["interactions"])
    faster = recipes.parse({**other.record, "motion": {"speed_mps": [0.8, 1.5], "v_max_mps": 2.0}}, "test")
    assert not within(faster, measured["simple_motion"])


def test_the_numbers_on_the_page_on_simulation_are_measured(measured):
    text = " ".join((ROOT / "docs" / "physics.md").read_text().split())
    for words in physics_facts(measured):
        assert words in text, words


def physics_facts(measured):
    """Every measured number of the page's calibration, with words beside it."""
    alone, both = measured["simple_motion"], measured["interactions"]
    contact, driven, struck = both.first_contact_s, both.driven_path_m.spread, both.struck_path_m.spread
    edges = contact.start + contact.width * np.arange(1, len(contact.counts) + 1)
    early = np.array(contact.counts)[edges <= both.clip_s / 4 + 1e-9].sum() / contact.spread.count
    yield f"The plots are of {both.samples} clips of each recipe"
    yield f"stand still after {_rest_s(alone.driven_speed_mps.median):.1f} s"
    yield f"and 90 % after {_rest_s(alone.driven_speed_mps.ninetieth):.1f} s"
    yield f"a path of {alone.path_px.median:.0f} pixels in the median"
    yield f"start faster ({both.speed_mps.median:.2f} m/s in the median)"
    yield f"than those of Simple Motion ({alone.speed_mps.median:.2f})"
    yield f"Driven objects travel {driven.median:.2f} m in the median, struck ones {struck.median:.2f} m"
    yield f"contact comes after {contact.spread.median:.2f} s in the median"
    yield f"which is frame {int(np.ceil(contact.spread.median * 24))} of 49"
    yield f"{early:.0%} of the clips with contact"
    yield f"the last first contact is at {contact.spread.high:.2f} s"
    yield f"{both.braking.median:.2f} of mu g in the median, from {both.braking.low:.2f} to {both.braking.high:.2f}"
    yield f"{_nearer(both.directions):.0%} of Interactions and {_nearer(alone.directions):.0%} of Simple Motion"


def _rest_s(curve):
    return next(frame for frame, speed in enumerate(curve) if speed < 0.01) / 24


def _nearer(directions):
    """The share of the quarter about "towards the camera": sectors at its two edges count by half."""
    middle = SECTORS * 3 // 4
    weights = {middle + step: 0.5 if abs(step) == 2 else 1.0 for step in range(-2, 3)}
    return sum(directions[sector] * weight for sector, weight in weights.items()) / sum(directions)
