"""The command line, for real: Bullet, Blender, tars, killed processes."""

import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from kinebench.data import open_dataset

RECIPES = Path(__file__).parents[1] / "recipes"
TINY = str(RECIPES / "tiny_interactions.toml")
COMPANIONS = "depth,flow,normals,tracks"


@pytest.fixture(scope="module")
def dataset(processes, tmp_path_factory):
    """Four clips, by one worker."""
    folder = tmp_path_factory.mktemp("one") / "data"
    processes.kinebench("generate", TINY, "--out", folder, "--count", 4, "--workers", 1, "--with", COMPANIONS)
    return folder


@pytest.mark.slow
def test_two_workers_give_the_same_bytes(processes, dataset, tmp_path):
    processes.kinebench("generate", TINY, "--out", tmp_path / "two", "--count", 4, "--workers", 2, "--with", COMPANIONS)
    assert processes.contents(tmp_path / "two") == processes.contents(dataset)


@pytest.mark.slow
def test_a_larger_count_keeps_what_is_there(processes, dataset, tmp_path):
    folder = tmp_path / "grown"
    shutil.copytree(dataset, folder)
    before = processes.contents(folder)
    processes.kinebench("generate", TINY, "--out", folder, "--count", 5, "--with", COMPANIONS)
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    assert [row["index"] for row in rows] == [0, 1, 2, 3, 4]
    name = "tiny_interactions-train-000000.tar"
    with tarfile.open(dataset / name) as old, tarfile.open(folder / name) as new:
        for member in old:
            assert new.extractfile(member.name).read() == old.extractfile(member).read()
    assert before.keys() == processes.contents(folder).keys()


@pytest.mark.slow
def test_seed_0_is_a_seed_and_1_another(processes, dataset, tmp_path):
    processes.kinebench("generate", TINY, "--out", tmp_path / "a", "--count", 1, "--seed", 1)
    (other,) = list(open_dataset(tmp_path / "a"))
    first = next(iter(open_dataset(dataset)))
    assert other.record["camera"] != first.record["camera"]
    assert first.record["provenance"]["seed"] == 0


@pytest.mark.slow
def test_clips_are_what_the_recipe_asks(dataset, tiny_interactions):
    wanted = [False, True, True, True]  # an interaction_share of 0.75
    clips = list(open_dataset(dataset))
    assert [clip.record["quality"]["interaction"] for clip in clips] == wanted
    assert len({clip.record["camera"]["focal_px"] for clip in clips}) == 4
    for clip in clips:
        record, ids = clip.record, clip.segmentation
        assert clip.rgb.shape == (13, 112, 160, 3)
        assert min(record["quality"]["path_px"]) >= tiny_interactions.acceptance.min_path_px
        painted = np.any(clip.velocity != 0, axis=-1)
        assert set(np.unique(ids[painted])) <= set(record["driven"]), "the mask is on driven objects only"
        assert painted[0].any()
        if record["events"]:
            assert record["captions"]["c"].count(".") >= 2


@pytest.mark.slow
def test_companions_are_the_geometry_of_the_record(dataset):
    """All of them, made again from the json alone."""
    from kinebench.annotate import flow, normals
    from kinebench.annotate.raster import rasterise
    from kinebench.annotate.tracks import track
    from kinebench.shards import record as records

    clip = open_dataset(dataset)[1]
    scene, rollout = records.scene(clip.record), clip.rollout
    geometry = rasterise(scene, rollout)
    assert np.array_equal(geometry.segmentation, clip.segmentation)
    near = np.isfinite(clip.depth_m)
    assert np.abs(geometry.depth_m - clip.depth_m)[near].max() < 1.1e-4
    for codes, stored in (
        (flow.forward_codes(scene, rollout, geometry), clip.forward_flow),
        (flow.backward_codes(scene, rollout, geometry), clip.backward_flow),
    ):
        assert np.array_equal(flow.decode(codes).px, stored.px) and np.array_equal(flow.decode(codes).seen, stored.seen)
    assert np.array_equal(normals.decode(normals.normal_codes(scene, rollout, geometry)), clip.normals)
    tracks = track(scene, rollout)
    assert np.array_equal(tracks.xy_px, clip.tracks.xy_px) and np.array_equal(tracks.visible, clip.tracks.visible)


@pytest.mark.slow
def test_the_test_split_is_lossless_and_disjoint(processes, dataset, tmp_path):
    folder = tmp_path / "test"
    processes.kinebench("generate", TINY, "--out", folder, "--count", 1, "--split", "test")
    assert (folder / "tiny_interactions-test-lossless-000000.tar").exists()
    (clip,) = list(open_dataset(folder, split="test"))
    train = list(open_dataset(dataset))
    assert not {o["colour"] for o in clip.record["objects"]} & {o["colour"] for c in train for o in c.record["objects"]}
    assert clip.record["ground"]["texture"] not in {c.record["ground"]["texture"] for c in train}
    processes.kinebench("verify", folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("interaction", "--out", "x"), "no recipe 'interaction'.*did you mean 'interactions'"),
        ((TINY, "--out", "x", "--split", "valid"), "there is no split 'valid'; this recipe has train, test"),
        ((TINY, "--out", "x", "--count", "0"), "--count is 0; expected at least 1"),
        ((TINY, "--out", "x", "--seed", "-1"), "--seed is -1"),
        ((TINY, "--out", "x", "--with", "dept"), "unknown companion dept; there are lossless, depth, flow"),
        ((TINY, "--out", "x", "--denoiser", "magic"), "render.denoiser: 'magic' is not one of"),
    ],
)
def test_mistakes_end_in_one_message(processes, args, message, tmp_path):
    done = processes.kinebench("generate", *args, code=1, cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(message, done.stderr, re.S), done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_another_recipes_folder_is_left_alone(processes, dataset):
    before = processes.contents(dataset)
    done = processes.kinebench("generate", RECIPES / "tiny_simple.toml", "--out", dataset, code=1)
    assert done.returncode == 1 and "holds samples of another dataset" in done.stderr
    assert processes.contents(dataset) == before


@pytest.mark.slow
def test_flipped_byte_is_named(processes, dataset, tmp_path):
    folder = tmp_path / "flipped"
    shutil.copytree(dataset, folder)
    path = folder / "tiny_interactions-train-000000.tar"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = processes.kinebench("verify", folder, code=1)
    assert done.returncode == 1 and "tiny_interactions_train_00000" in done.stdout


@pytest.mark.slow
def test_impossible_recipe_ends_the_run_with_its_counts(processes, tmp_path):
    recipe = tmp_path / "impossible.toml"
    text = (RECIPES / "tiny_simple.toml").read_text()
    recipe.write_text(re.sub(r"min_path_px = \d+", "min_path_px = 900", text).replace("= 2000", "= 20"))
    done = processes.kinebench("generate", recipe, "--out", tmp_path / "x", "--count", 2, code=1)
    assert done.returncode == 1
    assert re.search(r"impossible.toml: no candidate .* in 20 attempts", done.stderr), done.stderr
    assert "min_path_px = 900" in done.stderr


@pytest.mark.slow
def test_missing_engine_names_the_extra(tmp_path):
    """A copy of the package sees no bpy: one line, no worker started."""
    code = (
        "import importlib.util, sys\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'bpy' else real(name, *a)\n"
        "sys.modules['bpy'] = None\n"
        f"sys.argv = ['kinebench', 'generate', {TINY!r}, '--out', 'x']\n"
        "from kinebench.cli.main import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1 and "pip install 'kinebench[render]'" in done.stderr, done.stderr
    assert not (tmp_path / "x").exists()
