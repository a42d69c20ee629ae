"""KineMask: CogVideoX with a branch from a checkpoint, tiny; nothing but the branch differs."""

from dataclasses import replace

import numpy as np
import pytest

from kinebench.errors import KineBenchError, Unavailable
from kinebench.methods import hub, in_process
from kinebench.methods.adapter import Setup
from kinebench.methods.check import check
from kinebench.methods.condition import DrivenObject
from kinebench.methods.method import find
from kinebench.methods.readiness import missing

pytest.importorskip("diffusers")
GIVEN = {"steps": "2", "dtype": "float32"}


@pytest.fixture(scope="module")
def cogvideox(loaded):
    return loaded("cogvideox", steps=2, dtype="float32")


@pytest.fixture(scope="module")
def moving(condition):
    """A condition whose box moves, so fast."""

    def make(*velocity_mps):
        still = condition((48, 32))
        mask = np.zeros((32, 48), bool)
        mask[10:16, 12:24] = True
        return replace(still, driven=(DrivenObject(1, mask, velocity_mps or None, np.zeros((5, 2))),))

    return make


@pytest.fixture(scope="module")
def trained(cogvideox, tmp_path_factory):
    """`trained(noise)`: a checkpoint whose projections have learnt noise of that size."""
    import torch

    from kinebench.kinemask import checkpoint
    from kinebench.kinemask.branch.cogvideox import CogVideoXControl

    def make(noise, family="cogvideox", **more):
        torch.manual_seed(0)
        branch = CogVideoXControl.on(cogvideox.pipeline.transformer, num_layers=1, mask_width=8, mask_channels=4)
        for parameter in branch.projections.parameters():
            parameter.data = torch.randn(parameter.shape) * noise
        facts = {
            "stage": "stage2",
            "step": 7,
            "backbone": {"family": family},
            "config": {"branch": {"weight": 0.5}},
            "dataset": {"v_max_mps": 2.0},
        } | more
        place = tmp_path_factory.mktemp("run")
        return checkpoint.write(place, facts, "# A card", branch, torch.optim.AdamW(branch.parameters())).folder

    return make


@pytest.fixture(scope="module")
def kinemask(cogvideox, trained, tmp_path_factory):
    """`kinemask(noise)`: loaded from folders of weights, as a user's."""
    model = tmp_path_factory.mktemp("published") / "cogvideox"
    cogvideox.pipeline.save_pretrained(model)

    def load(noise=0.5, **more):
        method = find("kinemask")
        weights = hub.weights(method, {"model": model, "branch": trained(noise, **more)})
        return in_process.load(method, Setup("cpu", False, method.settings(GIVEN), weights))

    return load


def test_a_branch_that_has_learnt_nothing_leaves_cogvideox_as_it_is(cogvideox, kinemask, moving):
    video, plain = kinemask(0.0).generate(moving(1.0, 0.0, 0.0), 3), cogvideox.generate(moving(1.0, 0.0, 0.0), 3)
    assert (video.frames == plain.frames).all()
    said = {"branch_weight": 0.5, "v_max_mps": 2.0, "trained": "stage2, step 7", "averaged": False}
    assert video.facts == {**plain.facts, **said}


def test_one_that_has_answers_to_the_velocity_and_to_nothing_else(cogvideox, kinemask, moving):
    adapter = kinemask()
    right = adapter.generate(moving(1.0, 0.0, 0.0), 3).frames
    assert (adapter.generate(moving(1.0, 0.0, 0.0), 3).frames == right).all()
    assert (adapter.generate(moving(0.0, 1.0, 0.0), 3).frames != right).any()
    plain = cogvideox.generate(moving(1.0, 0.0, 0.0), 3).frames
    assert (plain != right).any()
    assert (cogvideox.generate(moving(0.0, 1.0, 0.0), 3).frames == plain).all()
    again = adapter.backbone.generate(moving(1.0, 0.0, 0.0), 3).frames
    assert (again == plain).all(), "nothing stays attached"


def test_a_speed_beyond_the_training_saturates(kinemask, moving):
    adapter = kinemask()
    fast, faster = (adapter.generate(moving(speed, 0.0, 0.0), 3).frames for speed in (2.0, 9.0))
    assert (fast == faster).all()


def test_what_it_cannot_take(kinemask, moving):
    with pytest.raises(KineBenchError, match="velocity of object 1 is not known in m/s"):
        kinemask().generate(moving(), 0)
    with pytest.raises(KineBenchError, match="is a branch for wan; a branch for cogvideox is wanted"):
        kinemask(family="wan")
    with pytest.raises(KineBenchError, match=r"trainer\.json lacks 'v_max_mps'"):
        kinemask(dataset={})


def test_without_a_branch_it_says_whose_that_is(loaded):
    assert {"weights model", "weights branch"} <= set(missing(find("kinemask")))
    locate = hub.weights(find("kinemask"), {})
    with pytest.raises(Unavailable, match=r"nobody has published the weights branch of kinemask; name your own: --w"):
        locate("branch")


def test_the_check_tries_it():
    findings = list(check("kinemask", {"steps": "2"}))
    assert not [each for each in findings if each.state == "failed"], findings
    assert any(each.name == "runs" and each.state == "passed" for each in findings)
