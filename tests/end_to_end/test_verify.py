"""What is really rendered is sound, and a real clip of another sample is noticed."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from kinebench.shards import manifest
from kinebench.shards.pack import pack
from kinebench.shards.read import Shards
from kinebench.shards.spool import Spool
from kinebench.shards.stock import Stock
from kinebench.verify.folder import verify
from kinebench.verify.pictures import picture_faults

pytestmark = pytest.mark.slow
RECIPES = Path(__file__).parents[1] / "recipes"


@pytest.fixture(scope="module", params=["tiny_interactions", "tiny_simple"])
def dataset(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("verify") / request.param
    for split, count in (("train", 4), ("test", 2)):
        command = [sys.executable, "-m", "kinebench.cli.main", "generate", str(RECIPES / f"{request.param}.toml")]
        command += ["--out", str(folder), "--split", split, "--count", str(count), "--with"]
        subprocess.run([*command, "lossless,depth,flow,normals,tracks"], check=True, capture_output=True)
    return folder


def test_what_is_rendered_is_sound(dataset):
    report = verify(dataset)
    assert report.faults == ()
    assert (report.samples, report.decoded) == (6, 6)
    said = {statement.name: statement.measured for statement in report.plausibility.statements}
    assert said["scenes drawn again from seed"] == "6 of 6 (100.0%)"


def test_a_clip_of_another_sample_is_named(dataset, tmp_path, synthetic):
    """Every pair is noticed by its pictures; one is packed, with right hashes."""
    shards = Shards(dataset)
    for split in shards.splits:
        for one, other in itertools.permutations(shards.keys(split), 2):
            assert list(picture_faults(shards.record(one), members(shards, one) | members(shards, other, "mp4")))
    held = manifest.read(dataset)
    stock, keys = Stock(dataset, held.recipe_sha256), shards.keys("train")
    swapped = synthetic.change(stock.load(keys[1]), mp4=shards.member(keys[2], "mp4"))
    for sample in (stock.load(keys[0]), swapped):
        Spool(tmp_path).put(sample)
    made = {"dataset": held.dataset, "recipe": held.recipe, "recipe_sha256": held.recipe_sha256, "seed": held.seed}
    pack(tmp_path, keys[:2], **made)
    assert {fault.subject for fault in verify(tmp_path).faults} == {keys[1]}


def members(shards, key, *only):
    return {suffix: shards.member(key, suffix) for suffix in only or shards.rows[key].members}


def test_the_command_prints_the_report_and_writes_it(dataset, tmp_path):
    command = [sys.executable, "-m", "kinebench.cli.main", "verify", str(dataset), "--json", str(tmp_path / "r.json")]
    done = subprocess.run([*command, "--sample", "2"], capture_output=True, text=True, env={"COLUMNS": "100"})
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"{dataset}: 6 samples in {len(hashed(dataset))} files are sound, 2 decoded"
    assert max(map(len, done.stdout.splitlines()[:-1])) <= 100
    found = json.loads((tmp_path / "r.json").read_text())
    assert (found["sound"], found["samples"], found["decoded"], found["faults"]) == (True, 6, 2, [])
    names = {quantity["name"]: quantity for quantity in found["plausibility"]["quantities"]}
    assert names["mass, kg"]["wanted"] == [0.5, 2.0]
    assert 0.5 <= names["mass, kg"]["low"] <= names["mass, kg"]["high"] <= 2.0


def hashed(folder):
    return [path for path in folder.iterdir() if path.suffix in (".tar", ".jsonl", ".json")]
