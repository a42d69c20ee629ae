"""Clips simulated without rendering them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kinebench.errors import KineBenchError
from kinebench.recipe import load
from kinebench.shards.read import Shards
from kinebench.stats.rehearsal import rehearse


def kinebench(*arguments):
    command = [sys.executable, "-m", "kinebench.cli.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_they_are_the_clips_that_generate_makes(tiny_interactions, tmp_path):
    """Records, and so statistics, of a recipe are those of the rendered dataset."""
    recipe, folder = tiny_interactions.source, tmp_path / "data"
    made = kinebench("generate", recipe, "--out", folder, "--count", 3, "--seed", 5, "--split", "test")
    assert made.returncode == 0, made.stderr
    shards, told = Shards(folder), []
    simulated = list(rehearse(tiny_interactions, "test", 3, 5, lambda *step: told.append(step)))
    rendered = [shards.record(key) for key in shards.keys("test")]
    for record in rendered:
        names = ("recipe_sha256", "seed", "attempt")
        record["provenance"] = {name: record["provenance"][name] for name in names}
    assert simulated == rendered
    assert told == [("clips", done, 3) for done in (1, 2, 3)]
    for where, options in ((folder, ()), (recipe, ("--split", "test", "--count", 3, "--seed", 5))):
        done = kinebench("stats", where, *options, "--json", tmp_path / f"{len(options)}.json")
        assert done.returncode == 0, done.stderr
    packed, alone = (json.loads((tmp_path / f"{n}.json").read_text()) for n in (0, 6))
    del packed["splits"][0]["member_bytes"], alone["splits"][0]["member_bytes"], packed["source"], alone["source"]
    assert packed == alone


@pytest.mark.parametrize(("count", "seed"), [(0, 0), (1, -1)])
def test_counts_and_seeds_that_mean_nothing_are_told(tiny_simple, count, seed):
    with pytest.raises(KineBenchError, match="expected at least 1 clip and a seed of 0 or more"):
        next(rehearse(tiny_simple, "train", count, seed, lambda *step: None))


def test_a_recipe_that_cannot_be_met_says_why(tmp_path):
    text, recipe = Path(load("simple_motion").source).read_text(), tmp_path / "hard.toml"
    recipe.write_text(text.replace("min_path_px = 40", "min_path_px = 9000").replace("2000", "3"))
    with pytest.raises(KineBenchError, match="no candidate for train clip 0 passed in 3 attempts"):
        next(rehearse(load(str(recipe)), "train", 1, 0, lambda *step: None))
