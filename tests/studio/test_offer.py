"""Methods of one's own, and what is said of them, as `kinebench studio` offers and runs them."""

import pytest

from kinebench.cli import studio as command
from kinebench.errors import KineBenchError
from kinebench.studio.offer import offers

TOML = """
[method]
name = "mine"
title = "Mine"
version = "1.0.0"
description = "What I made."
runs = "in process"
[weights.branch]
licence = "mine"
[options.steps]
help = "denoising steps"
default = 5
[options.place]
help = "where it is"
place = true
"""


@pytest.fixture
def mine(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "method.toml").write_text(TOML)
    (folder / "adapter.py").write_text("def load(setup): ...")
    return folder


@pytest.fixture
def branch(tmp_path):
    """A folder of weights."""
    from safetensors.numpy import save_file

    folder = tmp_path / "step-1"
    folder.mkdir()
    save_file({}, folder / "model.safetensors")
    return folder


def test_only_methods_that_need_no_truth_are_offered():
    offered = offers([], {}, {})
    assert "constant_velocity" in offered and "oracle" not in offered
    told = offered["kinemask"].told()
    assert "weights branch" in told["missing"] and not offered["static"].told()["missing"]
    assert any("--weights kinemask.branch=FOLDER" in each for each in told["remedies"])
    with pytest.raises(KineBenchError, match="oracle looks at the ground truth"):
        offers(["oracle"], {}, {})


def test_ones_own_comes_first_with_its_options_and_weights(mine, branch):
    bare = offers([str(mine)], {}, {})["mine"].told()
    assert bare["missing"] == ["--set place", "weights branch"]
    assert "--set mine.place=... (where it is)" in bare["remedies"][0]
    made = offers([str(mine)], {"mine.place": "/x", "mine.steps": "2"}, {"mine.branch": branch})
    assert next(iter(made)) == "mine" and not made["mine"].told()["missing"]
    expected = ["--set", "place=/x", "--set", "steps=2", "--weights", f"branch={branch}"]
    assert made["mine"].arguments == [str(mine), *expected]
    assert made["static"].arguments[1:] == []


@pytest.mark.parametrize(
    ("settings", "weights", "message"),
    [
        ({"steps": "2"}, {}, "write --set METHOD.NAME=VALUE, for one of: mine, "),
        ({"nobody.steps": "2"}, {}, "there is no method nobody"),
        ({"mine.stops": "2", "mine.place": "x"}, {}, "--set mine.stops: mine has the options steps, place"),
        ({"mine.steps": "few", "mine.place": "x"}, {}, "whole number"),
        ({"mine.steps": "2"}, {}, "mine wants to know: --set mine.place"),
        ({"mine.place": "x"}, {"mine.brunch": "."}, "--weights mine.brunch: mine has the weights branch"),
        ({"mine.place": "x"}, {"mine.branch": "nowhere"}, "there is nothing"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_served(settings, weights, message, mine, tmp_path):
    with pytest.raises(KineBenchError, match=message):
        offers([str(mine)], settings, {name: tmp_path / place for name, place in weights.items()})


def test_two_of_one_name(mine):
    with pytest.raises(KineBenchError, match="two methods mine"):
        offers([str(mine), str(mine)], {}, {})


def test_the_command_reads_them_as_run_does(mine, monkeypatch):
    served = []
    from kinebench.studio import server

    monkeypatch.setattr(server, "serve", lambda port, offers, say: served.append((port, offers)))
    command.studio(0, [str(mine)], ["mine.place=/x"], None)
    ((port, found),) = served
    assert port == 0 and found["mine"].given == {"place": "/x"}
    with pytest.raises(KineBenchError, match=r"--set mine.place: it is given twice"):
        command.studio(0, [str(mine)], ["mine.place=/x", "mine.place=/y"], None)
