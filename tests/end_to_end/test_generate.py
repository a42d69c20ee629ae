"""The command line, for real: Bullet, Blender, tars, killed processes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from kinebench.data import open_dataset

RECIPES = Path(__file__).parents[1] / "recipes"
TINY = str(RECIPES / "tiny_interactions.toml")
COMPANIONS = "depth,flow,normals,tracks"


def kinebench(*args, check=True, **options):
    command = [sys.executable, "-m", "kinebench.cli.main", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert "Traceback" not in done.stderr, done.stderr
    if check:
        assert done.returncode == 0, done.stderr
    return done


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Four clips, by one worker."""
    folder = tmp_path_factory.mktemp("one") / "data"
    kinebench("generate", TINY, "--out", folder, "--count", 4, "--workers", 1, "--with", COMPANIONS)
    return folder


@pytest.mark.slow
def test_two_workers_give_the_same_bytes(dataset, tmp_path):
    kinebench("generate", TINY, "--out", tmp_path / "two", "--count", 4, "--workers", 2, "--with", COMPANIONS)
    assert contents(tmp_path / "two") == contents(dataset)


@pytest.mark.slow
def test_killed_anywhere_it_ends_the_same(dataset, tmp_path):
    """Kill the whole command twice, then a worker inside the last run."""
    folder = tmp_path / "killed"
    command = [sys.executable, "-m", "kinebench.cli.main", "generate", TINY, "--out", folder, "--count", "4"]
    command += ["--workers", "2", "--with", COMPANIONS]
    for seconds in (2.5, 4.0):
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(seconds)
        run.kill()
        run.wait()
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    victim = None
    while victim is None and run.poll() is None:
        listing = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True).stdout.split()
        victim = int(listing[0]) if listing else None
    if victim is not None:
        time.sleep(1.0)
        os.kill(victim, signal.SIGKILL)
    _, errors = run.communicate(timeout=300)
    assert run.returncode == 0, errors
    assert contents(folder) == contents(dataset)


@pytest.mark.slow
def test_interrupt_says_what_is_safe(tmp_path):
    folder = tmp_path / "stopped"
    command = [sys.executable, "-m", "kinebench.cli.main", "generate", TINY, "--out", folder, "--count", "50"]
    # A shell that starts the tests in the background makes them, and so their children, deaf to Ctrl-C.
    hearing = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **hearing)
    while not list((folder / ".spool").glob("*.tar")) and run.poll() is None:
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    safe = int(re.search(r"interrupted; (\d+) of 50 clips are safe", errors).group(1))
    assert safe == len(list((folder / ".spool").glob("*.tar"))) >= 1
    assert not list(folder.glob("*.tar"))


@pytest.mark.slow
def test_a_larger_count_keeps_what_is_there(dataset, tmp_path):
    folder = tmp_path / "grown"
    shutil.copytree(dataset, folder)
    before = contents(folder)
    kinebench("generate", TINY, "--out", folder, "--count", 5, "--with", COMPANIONS)
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    assert [row["index"] for row in rows] == [0, 1, 2, 3, 4]
    name = "tiny_interactions-train-000000.tar"
    with tarfile.open(dataset / name) as old, tarfile.open(folder / name) as new:
        for member in old:
            assert new.extractfile(member.name).read() == old.extractfile(member).read()
    assert before.keys() == contents(folder).keys()


@pytest.mark.slow
def test_seed_0_is_a_seed_and_1_another(dataset, tmp_path):
    kinebench("generate", TINY, "--out", tmp_path / "a", "--count", 1, "--seed", 1)
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
def test_the_test_split_is_lossless_and_disjoint(dataset, tmp_path):
    folder = tmp_path / "test"
    kinebench("generate", TINY, "--out", folder, "--count", 1, "--split", "test")
    assert (folder / "tiny_interactions-test-lossless-000000.tar").exists()
    (clip,) = list(open_dataset(folder, split="test"))
    train = list(open_dataset(dataset))
    assert not {o["colour"] for o in clip.record["objects"]} & {o["colour"] for c in train for o in c.record["objects"]}
    assert clip.record["ground"]["texture"] not in {c.record["ground"]["texture"] for c in train}
    kinebench("verify", folder)


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
def test_mistakes_end_in_one_message(args, message, tmp_path):
    done = kinebench("generate", *args, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(message, done.stderr, re.S), done.stderr
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_another_recipes_folder_is_left_alone(dataset):
    before = contents(dataset)
    done = kinebench("generate", RECIPES / "tiny_simple.toml", "--out", dataset, check=False)
    assert done.returncode == 1 and "holds samples of another dataset" in done.stderr
    assert contents(dataset) == before


@pytest.mark.slow
def test_flipped_byte_is_named(dataset, tmp_path):
    folder = tmp_path / "flipped"
    shutil.copytree(dataset, folder)
    path = folder / "tiny_interactions-train-000000.tar"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = kinebench("verify", folder, check=False)
    assert done.returncode == 1 and "tiny_interactions_train_00000" in done.stdout


@pytest.mark.slow
def test_impossible_recipe_ends_the_run_with_its_counts(tmp_path):
    recipe = tmp_path / "impossible.toml"
    text = (RECIPES / "tiny_simple.toml").read_text()
    recipe.write_text(re.sub(r"min_path_px = \d+", "min_path_px = 900", text).replace("= 2000", "= 20"))
    done = kinebench("generate", recipe, "--out", tmp_path / "x", "--count", 2, check=False)
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
