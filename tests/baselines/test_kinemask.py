"""KineMask's methods: a backbone's method with a branch from a checkpoint, tiny; nothing but the branch differs."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from kinebench.errors import KineBenchError, Unavailable
from kinebench.methods import hub, in_process
from kinebench.methods.adapter import Setup
from kinebench.methods.check import check
from kinebench.methods.condition import DrivenObject
from kinebench.methods.delivery import parse
from kinebench.methods.method import find, read
from kinebench.methods.readiness import missing
from kinebench.methods.runner import run
from kinebench.methods.source import Source, open_source
from kinebench.shards import video

pytest.importorskip("diffusers")
FAMILIES = {"kinemask": "cogvideox", "kinemask_wan": "wan", "kinemask_small": "small"}
SIZES = {"kinemask": (48, 32), "kinemask_wan": (64, 32), "kinemask_small": (96, 64)}
FRAMES = {"kinemask": 49, "kinemask_wan": 5, "kinemask_small": 9}
GIVEN = {"steps": "2", "dtype": "float32"}
RIGHT, AWAY = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def backbones(loaded, tmp_path_factory):
    """Folders of weights by method; `other` is a small backbone of the same shape and other weights."""
    import torch

    from kinebench.kinemask.families.small import save, untrained
    from kinebench.kinemask.small.codec import fitted

    place = tmp_path_factory.mktemp("published")
    for name in ("kinemask", "kinemask_wan"):
        loaded(FAMILIES[name]).pipeline.sampler.pipeline.save_pretrained(place / name)
    codec = fitted(np.random.default_rng(0).integers(0, 256, (2, 9, 64, 96, 3), dtype=np.uint8), 8, 8, 1.0, 0.3)
    for seed, name in enumerate(("kinemask_small", "other")):
        torch.manual_seed(seed)
        (place / name).mkdir()
        save(place / name, untrained(codec, 9, 64, 96, layers=1, heads=1), codec, 9, 64, 96)
    return {path.name: path for path in place.iterdir()}


@pytest.fixture(scope="module")
def methods(tmp_path_factory):
    """The folders, given clips at a size that is soon made."""
    found = {}
    for name, (width, height) in SIZES.items():
        folder = shutil.copytree(find(name).folder, tmp_path_factory.mktemp("methods") / name)
        toml = (folder / "method.toml").read_text()
        native = find(name).native
        for edge, now in ((native.width, width), (native.height, height)):
            toml = toml.replace(f" = {edge}\n", f" = {now}\n")
        (folder / "method.toml").write_text(toml)
        found[name] = read(folder)
        assert found[name].native.size == (None if name == "kinemask_small" else (width, height))
    return found


@pytest.fixture(scope="module")
def kinemask(methods, backbones, branched):
    """`kinemask("kinemask_wan", noise=0.0)`: loaded from folders of weights, as a user's."""

    def load(name, **how):
        branch = branched(backbones[name], FAMILIES[name], SIZES[name], FRAMES[name], **how)
        weights = hub.weights(methods[name], {"model": backbones[name], "branch": branch})
        return in_process.load(methods[name], Setup("cpu", False, methods[name].settings(GIVEN), weights))

    return load


@pytest.fixture(scope="module")
def moving(condition):
    """A condition whose box moves, so fast."""

    def make(size, *velocities_mps):
        width, height = size
        mask = np.zeros((height, width), bool)
        mask[height // 3 : height // 2, width // 4 : width // 2] = True
        still = condition(size)
        driven = (DrivenObject(number, mask, each, np.zeros((5, 2))) for number, each in enumerate(velocities_mps, 1))
        return replace(still, driven=tuple(driven))

    return make


@pytest.mark.parametrize("name", FAMILIES)
def test_a_branch_that_has_learnt_nothing_leaves_the_backbone_as_it_is(name, kinemask, loaded, backbones, moving):
    given = moving(SIZES[name], RIGHT)
    plain = loaded(FAMILIES[name], folder=backbones[name], steps=2, dtype="float32").generate(given, 3)
    made = kinemask(name, noise=0.0).generate(given, 3)
    assert made.frames.shape == (5, *given.first_frame.shape)
    assert (made.frames == plain.frames).all()
    said = {"branch_weight": 0.5, "v_max_mps": 2.0, "trained": "stage2, step 7", "averaged": False}
    assert made.facts == {**plain.facts, **said, "frames_made": FRAMES[name]}


def test_one_that_has_answers_to_the_velocity(kinemask, moving):
    adapter = kinemask("kinemask_small")
    right, away, still, none = (
        adapter.generate(moving((96, 64), *told), 3).frames for told in ([RIGHT], [AWAY], [(0.0, 0.0, 0.0)], [])
    )
    assert (adapter.generate(moving((96, 64), RIGHT), 3).frames == right).all()
    assert (right != away).any() and (right != none).any()
    assert (still == none).all()
    assert (right[0] == moving((96, 64)).first_frame).all()


def test_a_speed_beyond_the_training_saturates_and_is_said(kinemask, moving):
    adapter = kinemask("kinemask_small")
    fast, faster = (adapter.generate(moving((96, 64), (speed, 0.0, 0.0)), 3) for speed in (2.0, 9.0))
    assert (fast.frames == faster.frames).all()
    assert "saturated" not in fast.facts and faster.facts["saturated"] == [1]


def test_what_it_cannot_take(kinemask, moving, backbones, branched):
    with pytest.raises(KineBenchError, match="velocity of object 1 is not known in m/s; give the picture a camera"):
        kinemask("kinemask_small").generate(moving((96, 64), None), 0)
    with pytest.raises(KineBenchError, match=r"trained on clips of 96x64 \(data.size\), and the picture is 48x32"):
        kinemask("kinemask_small").generate(moving((48, 32), RIGHT), 0)
    long = replace(moving((96, 64), RIGHT), frames=10)
    with pytest.raises(KineBenchError, match="trained on clips of 9 frames, and 10 are wanted"):
        kinemask("kinemask_small").generate(long, 0)
    with pytest.raises(KineBenchError, match="is a branch for wan; a branch for small is wanted"):
        kinemask("kinemask_small", backbone={"family": "wan", "sha256": ""})


def test_a_checkpoint_of_another_size_is_refused_before_anything_is_loaded(backbones, branched):
    method = find("kinemask_wan")
    branch = branched(backbones["kinemask_wan"], "wan", (704, 480), 49)
    weights = hub.weights(method, {"model": backbones["kinemask_wan"], "branch": branch})
    said = (
        r"at data.size = \[704, 480\], and kinemask_wan is given clips at 1152x768; train .* data.size = \[1152, 768\]"
    )
    with pytest.raises(KineBenchError, match=said):
        in_process.load(method, Setup("cpu", False, method.settings(GIVEN), weights))


@pytest.mark.parametrize("name", FAMILIES)
def test_it_is_given_clips_as_its_backbone_is(name):
    method, backbone = find(name), find(FAMILIES[name])
    assert method.native == backbone.native
    assert method.weights["model"] == backbone.weights["model"]
    assert method.options == backbone.options or name == "kinemask"
    assert method.prompt_tokens == backbone.prompt_tokens
    assert set(method.uses) == {*backbone.uses, "velocity", "masks"}


def test_without_a_branch_it_says_whose_that_is():
    for name in (*FAMILIES, "kinemask_full"):
        assert {"weights model", "weights branch"} <= set(missing(find(name)))
        with pytest.raises(Unavailable, match=f"nobody has published the weights branch of {name}; name your own: --w"):
            hub.weights(find(name), {})("branch")


@pytest.fixture
def ran(tmp_path, packed):
    """`ran("small", model=folder)`: a run over the test split into one and the same folder."""

    def go(name, **weights):
        source = open_source(packed, "test", "c_infer")
        source = replace(source, keys=source.keys[:1])
        return run(find(name), source, [0], tmp_path / name, given={}, weights=weights, device="cpu")

    return go


def frames_of(tmp_path, name):
    (path,) = (tmp_path / name / "seed-0").glob("*.mkv")
    return video.decode_rgb(path.read_bytes()), parse(path.with_suffix(".json").read_bytes())


def test_other_weights_are_another_method(ran, backbones, branched):
    """Also if they are as large, of the same configuration, and from the same step."""
    assert ran("small", model=backbones["kinemask_small"]).made == 1
    assert ran("small", model=backbones["kinemask_small"]).kept == 1
    with pytest.raises(KineBenchError, match=r"weights.*--out"):
        ran("small", model=backbones["other"])
    one, two = (branched(backbones["kinemask_small"], "small", (96, 64), 9, noise=noise) for noise in (0.5, 0.4))
    assert (one / "trainer.json").read_bytes() == (two / "trainer.json").read_bytes()
    assert ran("kinemask_small", model=backbones["kinemask_small"], branch=one).made == 1
    with pytest.raises(KineBenchError, match=r"weights.*--out"):
        ran("kinemask_small", model=backbones["kinemask_small"], branch=two)


def test_told_all_frames(ran, backbones, branched, packed, tmp_path):
    """The upper bound: the same call of the pipeline with the clip's own velocity masks."""
    from kinebench.data import open_dataset
    from kinebench.kinemask.pipeline import KineMaskPipeline

    model, branch = backbones["kinemask_small"], branched(backbones["kinemask_small"], "small", (96, 64), 9)
    for name in ("kinemask_full", "kinemask_small"):
        assert ran(name, model=model, branch=branch).made == 1
    (told, sidecar), (first, _) = (frames_of(tmp_path, name) for name in ("kinemask_full", "kinemask_small"))
    assert sidecar.facts["trained"] == "stage2, step 7" and sidecar.facts["steps"] == 4
    assert (told != first).any()
    clip = open_dataset(packed, split="test")[0]
    pipeline = KineMaskPipeline.from_pretrained(branch, backbone=model, device="cpu")
    prompt = open_source(packed, "test", "c_infer")[clip.key].prompt
    assert (pipeline(clip.lossless[0], prompt, velocity_masks=clip.velocity)[0] == told).all()
    assert json.loads((tmp_path / "kinemask_full" / "run.json").read_bytes())["method"]["privileged"]


def test_told_all_frames_at_the_size_it_was_trained_at(backbones, branched, packed, tmp_path):
    """The clips of 96x64 are fitted into 64x32, with edges beside them, and the video is brought back."""
    branch = branched(backbones["kinemask_wan"], "wan", (64, 32), 9)
    source = open_source(packed, "test", "c_infer")
    source = replace(source, keys=source.keys[:1])
    weights = {"model": backbones["kinemask_wan"], "branch": branch}
    given = {"steps": "1", "dtype": "float32"}
    done = run(find("kinemask_full"), source, [0], tmp_path / "wan", given=given, weights=weights, device="cpu")
    assert (done.made, done.failed) == (1, ())
    frames, sidecar = frames_of(tmp_path, "wan")
    assert frames.shape == (9, 64, 96, 3)
    assert (sidecar.native.width, sidecar.native.height, sidecar.placement.scale) == (64, 32, 2.0)
    assert sidecar.facts["negative_prompt"] == "the authors'"
    long = replace(source, make=lambda key: replace(source[key], frames=11))
    assert isinstance(long, Source)
    failed = run(find("kinemask_full"), long, [0], tmp_path / "long", given=given, weights=weights, device="cpu").failed
    assert "trained on clips of 9 frames, and the clip has 11" in failed[0].message


@pytest.mark.parametrize("name", ["kinemask", "kinemask_wan"])
def test_tiny_it_makes_a_video(name, loaded, moving):
    given = moving(find(name).native.tiny, RIGHT)
    made = loaded(name, steps=1, dtype="float32").generate(given, 0)
    assert made.frames.shape == (5, *given.first_frame.shape)
    assert made.facts["trained"] == "not at all"
    assert made.facts["frames_made"] == 49


@pytest.mark.parametrize("name", ["small", "kinemask_small", "kinemask_full"])
def test_the_check_tries_it(name):
    findings = list(check(name, {"steps": "1"}))
    assert not [each for each in findings if each.state in ("failed", "warning")], findings
    tried = {"code"} if name == "kinemask_full" else {"runs", "same seed", "resume", "size", "canvas"}
    assert tried <= {each.name for each in findings if each.state == "passed"}
