"""The anchors, run as any method is, and read back as `kinebench score` reads predictions."""

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kinebench import recipe as recipes
from kinebench.acceptance import find as find_scene
from kinebench.bench.render import psnr_db, seam_levels
from kinebench.data import open_dataset
from kinebench.errors import KineBenchError
from kinebench.methods import in_process, remake, runner
from kinebench.methods.adapter import Setup
from kinebench.methods.ground_truth import GroundTruth
from kinebench.methods.method import built_in, find
from kinebench.methods.source import open_source
from kinebench.metrics.pixel import mse_per_frame
from kinebench.physics.bullet import simulate
from kinebench.shards import record as records
from kinebench.shards import video

FREE = ("static", "constant_velocity", "friction_discs")
RENDERED = ("rerender", "resimulate")
MADE_OF_TRUTH = ("oracle", "shuffled", "scrambled", "reversed", "slowed", "codec", "frames16", "small512")
RECIPES = Path(__file__).parents[1] / "recipes"


def made(name, data, out, seeds=(0,), split="test"):
    """Run an anchor on a folder; returns how it went."""
    source = open_source(data, split, "c_infer")
    return runner.run(find(name), source, seeds, out, given={}, weights={}, device="cpu")


def frames(folder, seed=0):
    """The videos of a seed by key."""
    return {path.stem: video.decode_rgb(path.read_bytes()) for path in sorted((folder / f"seed-{seed}").glob("*.mkv"))}


def truth(data, split="test"):
    clips = open_dataset(data, split)
    return GroundTruth(clips, clips.source)


@pytest.fixture(scope="module")
def written(packed, tmp_path_factory):
    """`written(name)`: the videos of an anchor of the packed dataset."""
    out, found = tmp_path_factory.mktemp("anchors"), {}

    def write(name):
        if name not in found:
            assert made(name, packed, out / name, seeds=(0, 1)).failed == ()
            found[name] = frames(out / name)
        return found[name]

    write.folder = out
    return write


@pytest.fixture(scope="module")
def true(packed):
    clips = truth(packed)
    return {key: clips.frames(key) for key in clips.keys}


def test_each_says_what_it_is():
    anchors = {name: find(name) for name, folder in built_in().items() if folder.parent.name == "anchors"}
    assert set(anchors) == {*FREE, *RENDERED, *MADE_OF_TRUTH}
    for name, method in anchors.items():
        assert method.kind == "anchor"
        assert method.privileged == (name not in FREE)
        assert method.runs == "in process"
        assert not method.weights


def test_what_each_is(written, true):
    for key, clip in true.items():
        count = len(clip)
        np.testing.assert_array_equal(written("oracle")[key], clip)
        assert all((frame == clip[0]).all() for frame in written("static")[key])
        np.testing.assert_array_equal(written("reversed")[key], clip[::-1])
        np.testing.assert_array_equal(written("slowed")[key][::2], clip[: (count + 1) // 2])
        np.testing.assert_array_equal(written("slowed")[key][1::2], clip[: count // 2])
        scrambled = written("scrambled")[key]
        np.testing.assert_array_equal(scrambled[0], clip[0])
        assert not np.array_equal(scrambled, clip)
        assert sorted(frame.tobytes() for frame in scrambled) == sorted(frame.tobytes() for frame in clip)


def test_codec_loses_a_little(written, true):
    """Far less than a motion does; more than the crf of the dataset's own mp4 would."""
    for key, clip in true.items():
        lost = mse_per_frame(written("codec")[key], clip).mean()
        assert 0 < lost < mse_per_frame(written("static")[key], clip).mean()
        finer = video.decode_rgb(video.encode_mp4(clip, 12))
        assert lost > mse_per_frame(finer, clip).mean()


def test_another_seed_is_another_order_and_nothing_else(written):
    for name in MADE_OF_TRUTH:
        first, second = written(name), frames(written.folder / name, seed=1)
        for key in first:
            assert np.array_equal(first[key], second[key]) == (name not in ("scrambled", "shuffled"))


def test_the_same_seed_is_the_same_bytes(written, packed, tmp_path):
    for name in ("scrambled", "codec", "friction_discs", "small512"):
        written(name)
        made(name, packed, tmp_path / name)
        paths = sorted((tmp_path / name / "seed-0").glob("*.mkv"))
        assert len(paths) == 3
        for path in paths:
            assert path.read_bytes() == (written.folder / name / "seed-0" / path.name).read_bytes()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_shuffled_is_a_derangement(count, synthetic, make, tmp_path):
    """Of every seed: each clip once, and none in its own place."""
    make(tmp_path / "toys", [synthetic.sample("test", i, companions=("lossless",)) for i in range(count)])
    clips = truth(tmp_path / "toys")
    names = {clips.frames(key).tobytes(): key for key in clips.keys}
    assert made("shuffled", tmp_path / "toys", tmp_path / "out", seeds=range(count)).failed == ()
    for seed in range(count):
        shown = {key: names[found.tobytes()] for key, found in frames(tmp_path / "out", seed).items()}
        assert sorted(shown.values()) == sorted(clips.keys)
        assert all(key != other for key, other in shown.items())


def test_one_clip_cannot_be_shuffled(synthetic, make, tmp_path):
    make(tmp_path / "toys", [synthetic.sample("test", 0, companions=("lossless",))])
    (failed,) = made("shuffled", tmp_path / "toys", tmp_path / "out").failed
    assert failed.kind == "invalid"
    assert "a split of one clip cannot be shuffled" in failed.message


def test_a_split_without_lossless_frames_shows_its_mp4(packed, tmp_path):
    assert made("oracle", packed, tmp_path, split="train").failed == ()
    clips = open_dataset(packed, "train")
    for key, found in frames(tmp_path).items():
        np.testing.assert_array_equal(found, clips[key].rgb)


def test_fewer_frames_are_the_truths_nearest(packed, tmp_path):
    """Four of nine, at 0, 2.67, 5.33 and 8; delivered as these."""
    clips, source = truth(packed), open_source(packed, "test", "c_infer")
    adapter = in_process.load(find("frames16"), Setup("cpu", False, {}, None, clips.dataset))
    key = clips.keys[0]
    np.testing.assert_array_equal(adapter.generate(source[key], 0).frames, clips.frames(key))  # it has but nine
    sys.modules[type(adapter).__module__].FRAMES = 4
    np.testing.assert_array_equal(adapter.generate(source[key], 0).frames, clips.frames(key)[[0, 3, 5, 8]])


def test_small_is_delivered_whole_and_a_little_blurred(written, true):
    for key, clip in true.items():
        found = written("small512")[key]
        sidecar = json.loads((written.folder / "small512" / "seed-0" / f"{key}.json").read_text())
        assert (sidecar["native"]["width"], sidecar["native"]["height"]) == (512, 320)
        assert found.shape == clip.shape
        assert 25 < psnr_db(found, clip) < 60


def test_constant_velocity_keeps_the_true_velocity(packed):
    clips, source = truth(packed), open_source(packed, "test", "c_infer")
    module = in_process.imported(find("constant_velocity"))
    for key in clips.keys:
        rollout, places = clips[key].rollout, module.places_m(source[key])
        assert list(places) == list(clips[key].driven)
        for id, found in places.items():
            steps = np.diff(found, axis=0) * clips[key].fps
            np.testing.assert_allclose(
                steps, np.tile(rollout.velocities_mps[0, id - 1, :2], (len(steps), 1)), atol=1e-5
            )
            assert np.linalg.norm(found[0] - rollout.positions_m[0, id - 1, :2]) < 0.15  # half an edge


def test_discs_strike_what_is_struck(written, packed):
    """The first clip is a near miss, in the others the driven box strikes the second; constant velocity never does."""
    clips = truth(packed)
    strikes = [bool(clips[key].rollout.events) for key in clips.keys]
    assert strikes == [False, True, True]
    written("friction_discs")
    for key, strike in zip(clips.keys, strikes, strict=True):
        said = json.loads((written.folder / "friction_discs" / "seed-0" / f"{key}.json").read_text())
        assert bool(said["facts"]["hits"]) == strike


def test_what_nothing_moves_stays_to_the_bit(written, packed, true):
    """The first frame; and of the next, a box that nothing has reached yet."""
    for name in ("constant_velocity", "friction_discs"):
        for key, found in written(name).items():
            np.testing.assert_array_equal(found[0], true[key][0])
            far = truth(packed)[key].segmentation[0] == 3
            np.testing.assert_array_equal(found[1][far], true[key][0][far])


def test_an_unprivileged_anchor_sees_no_truth(packed):
    """It runs without a dataset, and without camera and constants too."""
    source = open_source(packed, "test", "c_infer")
    condition = source[source.keys[1]]
    blind = replace(condition, camera=None, nominal=None)
    for name in FREE:
        adapter = in_process.load(find(name), Setup("cpu", False, {}, None))
        for given in (condition, blind):
            assert adapter.generate(given, 0).frames.shape == (given.frames, *given.first_frame.shape)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """A real clip with a strike, of a recipe that leaves nothing hidden."""
    place = tmp_path_factory.mktemp("rendered")
    recipe = (RECIPES / "tiny_interactions.toml").read_text()
    for key, value in FIXED.items():
        recipe, count = re.subn(rf"^{re.escape(key)}.*$", value, recipe, count=1, flags=re.MULTILINE)
        assert count == 1
    (place / "fixed.toml").write_text(recipe)
    command = ["generate", str(place / "fixed.toml"), "--split", "test", "--count", "1", "--out", str(place / "data")]
    subprocess.run([sys.executable, "-m", "kinebench.cli.main", *command], check=True, capture_output=True)
    return place / "data"


FIXED = {
    "mass_kg = ": "mass_kg = [1.0, 1.0]",
    "friction = [0.25": "friction = [0.35, 0.35]",
    "restitution = [0.1": "restitution = [0.3, 0.3]",
    "friction = [0.18": "friction = [0.24, 0.24]",
    "restitution = [0.0": "restitution = [0.05, 0.05]",
    "interaction_share = ": "interaction_share = 1.0",
    "samples = ": "samples = 8",
}


@pytest.mark.slow
def test_real_blender_and_bullet(rendered, tmp_path):
    """Other noise on the same motion; and the same motion if the nominal constants are the true ones."""
    clips = truth(rendered)
    (key,) = clips.keys
    clip = clips.frames(key)
    found = {}
    for name in RENDERED:
        assert made(name, rendered, tmp_path / name).failed == ()
        (found[name],) = frames(tmp_path / name).values()
    assert not np.array_equal(found["rerender"], clip)
    assert seam_levels(clip[1:], clip[:-1]) > 50, "things move"
    for name in RENDERED:
        assert psnr_db(found[name], clip) > 36
        assert seam_levels(found[name], clip) < 8, "what is left is noise"
    scene, recipe = records.scene(clips[key].record), recipes.parse(clips.shards.manifest.recipe, "fixed")
    assert remake.nominal_scene(scene, recipe) == scene
    simulated = simulate(remake.nominal_scene(scene, recipe))
    assert len(simulated.events) == len(clips[key].rollout.events) > 0
    np.testing.assert_allclose(simulated.positions_m, clips[key].rollout.positions_m, atol=0.005)


def test_nominal_is_the_middle_of_the_recipe(interactions, grounds):
    scene = find_scene(interactions, "train", 0, 0, grounds).scene
    same = remake.nominal_scene(scene, interactions)
    assert {(body.mass_kg, body.friction, body.restitution) for body in same.bodies} == {(1.25, 0.35, 0.3)}
    assert (same.ground.friction, same.ground.restitution) == (0.24, 0.05)
    for before, after in zip(scene.bodies, same.bodies, strict=True):
        kept = replace(after, mass_kg=before.mass_kg, friction=before.friction, restitution=before.restitution)
        assert kept == before
    assert (same.camera, same.light, same.ground.texture) == (scene.camera, scene.light, scene.ground.texture)


def test_a_ground_that_is_not_here_is_said(packed, tmp_path):
    """By the process that renders, for each clip."""
    source = open_source(packed, "test", "c_infer")
    adapter = in_process.load(find("rerender"), Setup("cpu", False, {}, None, source.dataset))
    with pytest.raises(KineBenchError, match=r"'moss_a' is no ground of the catalogue"):
        adapter.generate(source[source.keys[0]], 0)


def test_without_an_engine_the_extra_is_named(packed, monkeypatch):
    clips = open_dataset(packed, "test")
    for engine in ("bpy", "pybullet"):
        with monkeypatch.context() as patch:
            patch.setattr(importlib.util, "find_spec", partial(found_unless, engine, importlib.util.find_spec))
            for name in RENDERED:
                with pytest.raises(KineBenchError, match=rf"needs '{engine}'.*kinebench\[render\]"):
                    in_process.load(find(name), Setup("cpu", False, {}, None, clips))


def found_unless(absent, find_spec, name, *rest):
    return None if name == absent else find_spec(name, *rest)
