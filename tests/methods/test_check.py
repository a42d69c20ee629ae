"""`kinebench methods check` on methods that keep the contract, and on those that break it in one way each."""

import os
from pathlib import Path

import numpy as np
import pytest

from kinebench.methods import rehearsal
from kinebench.methods.check import check

ADAPTER = """
from pathlib import Path

import numpy as np

from kinebench.errors import KineBenchError
from kinebench.methods.placement import Placement
from kinebench.methods.video import Fps, Span, Video

drawn = np.random.default_rng(0)


class A:
    def generate(self, condition, seed):
        LINES
        return Video(np.repeat(condition.first_frame[None], 5, axis=0))


def load(setup):
    assert setup.tiny and setup.device == "cpu"
    return A()
"""
SMALL = "[native]\nwidth = 720\nheight = 480\ntiny = [48, 32]\n"
RUN = """
import shutil

import kinebench_worker

job = kinebench_worker.open_job()
assert job.tiny
for task in job.tasks():
    with job.attempt(task):
        LINES
        names = [task.frame(number) for number in range(3)]
        for name in names:
            shutil.copy(task.first_frame, name)
        task.finish(frames=names, facts={"seed": task.seed})
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    yield tmp_path
    assert list((tmp_path / "tmp").iterdir()) == [], "nothing is left"
    assert Path.cwd() == tmp_path


@pytest.fixture
def tried(folder):
    """`tried(lines, more="", **files)`: the findings by name; those of several videos together."""

    def run(lines="pass", more=SMALL, adapter=ADAPTER, given=None, name="toy", **options):
        home = folder(name, adapter.replace("LINES", lines), more, **options)
        found = {}
        for each in check(str(home), given or {}):
            found.setdefault(each.name, []).append((each.state, each.said))
        assert all("\n" not in said for rows in found.values() for _, said in rows)
        return {name: rows[0] if len(rows) == 1 else ("several", rows) for name, rows in found.items()}

    return run


def states(found):
    return {name: state for name, (state, _) in found.items()}


def test_a_good_method(tried):
    found = tried(**{"README.md": "How to."})
    assert set(states(found).values()) == {"passed"}
    assert list(found) == [
        "method.toml",
        "README",
        "runs",
        "size",
        "canvas",
        "first frame",
        "facts",
        "resume",
        "same seed",
        "nothing driven",
        "nothing there",
        "time",
    ]
    assert found["size"][1] == "48x32, 5 frames, uint8"
    assert found["canvas"][1] == "covers 180x120, enlarged, bicubic; 5 frames are compared, spread over the clip"
    assert found["same seed"][1].endswith("seed 1 gives the same")


def test_a_good_run_py(tried):
    found = tried(adapter=RUN, runs="folder", more=SMALL + "[control]\nmax_driven = 1\n")
    assert {name for name, state in states(found).items() if state != "passed"} == {"README", "model"}
    assert found["model"][0] == "not checked"
    assert found["facts"][1] == "seed; of two driven objects it is told of 1"


@pytest.mark.parametrize("text", ["[method", '[method]\nname = "toy"\n'])
def test_a_method_toml_that_is_none_ends_the_check(folder, text):
    home = folder()
    (home / "method.toml").write_text(text)
    (only,) = check(str(home), {})
    assert (only.name, only.state) == ("method.toml", "failed")
    (only,) = check("nonesuch", {})
    assert "there is no method nonesuch" in only.said


ENDS = {
    "does not load": ("pass\n  pass", "toy does not load: IndentationError"),
    "always fails": ("return {}['force']", "toy made none of 3 videos; .* it says: KeyError: 'force' (adapter.py:15)"),
    "reads where it stands": (
        "np.load('table.npy')",
        "No such file or directory: 'table.npy' (adapter.py:15); this runs in another folder: name files by Path",
    ),
    "cropped": ("return Video(np.zeros((5, 32, 40, 3), np.uint8))", "does not cover the 180x120 canvas"),
    "too short": ("return Video(np.zeros((5, 32, 48, 3), np.uint8), Fps(8))", "a video of 5 frames at 8 fps ends at"),
    "floats": ("return Video(np.zeros((5, 32, 48, 3)))", "generate gave frames of float64"),
}


@pytest.mark.parametrize("fault", ENDS)
def test_what_makes_no_videos_fails_with_the_reason(tried, place, fault):
    lines, words = ENDS[fault]
    np.save(place / "table.npy", np.zeros(3))
    found = tried(lines)
    assert states(found) == {"method.toml": "passed", "README": "warning", "runs": "failed"}
    for part in words.split(".*"):
        assert part in found["runs"][1], found["runs"][1]


def test_a_method_that_takes_one_object_is_told_how_to_say_so(tried):
    refusal = "if len(condition.driven) > 1: raise KineBenchError('it moves one')"
    state, rows = tried(refusal)["video"]
    assert state == "several"
    assert [row[0] for row in rows] == ["failed"] * 2
    assert all(
        said.endswith("; if it cannot take two driven objects, say so: max_driven in [control]") for _, said in rows
    )
    found = tried(refusal, more=SMALL + "[control]\nmax_driven = 1\n", name="other")
    assert "failed" not in states(found).values()


FLAWS = {
    "another video each time": (
        "return Video(drawn.integers(0, 9, (5, 32, 48, 3)).astype(np.uint8))",
        ("same seed", "failed", "another video when loaded again"),
    ),
    "another size": (
        "return Video(condition.first_frame[None].repeat(5, 0).repeat(2, 1).repeat(2, 2), placement=Placement(0.5))",
        ("size", "warning", "96x64 instead of 48x32, as [native] says"),
    ),
    "mirrored": (
        "return Video(np.repeat(255 - condition.first_frame[None], 5, axis=0))",
        ("first frame", "warning", "which frame 0 should be; is it BGR, mirrored or moved?"),
    ),
    "trips over nothing": (
        "np.stack([each.path_px for each in condition.driven])",
        ("nothing driven", "failed", "need at least one array to stack (adapter.py:15); refuse it by KineBenchError"),
    ),
    "refuses nothing": (
        "if not condition.driven: raise KineBenchError('nothing moves')",
        ("nothing there", "passed", "refused: nothing moves"),
    ),
    "writes into its own folder": (
        "(Path(__file__).parent / 'state.json').write_text(str(seed))",
        ("resume", "failed", "the method's code or method.toml has changed"),
    ),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_is_found_and_what_to_do_is_said(tried, flaw):
    lines, (name, state, words) = FLAWS[flaw]
    found = tried(lines)
    assert (found[name][0], words in found[name][1]) == (state, True), found[name]
    others = {key: each for key, each in states(found).items() if key not in (name, "README")}
    if state != "failed":
        assert set(others.values()) == {"passed"}


def test_options_are_those_of_where_the_user_is(tried, place):
    (place / "mine").mkdir()
    (place / "mine" / "table.txt").write_text("x")
    text = ADAPTER.replace(
        "assert setup.tiny", "assert (Path(setup.options['table']) / 'table.txt').exists() and setup.tiny"
    )
    more = SMALL + '[options.table]\nhelp = "a folder"\nplace = true\n'
    found = tried(adapter=text, more=more, given={"table": "mine"})
    assert "failed" not in states(found).values()
    (only,) = [rows for name, rows in tried(adapter=text, more=more, name="other").items() if name == "options"]
    assert only == ("failed", "other wants to know: --set table=... (a folder)")


def test_what_needs_the_truth_is_read_and_no_more(folder):
    home = folder("spy", ADAPTER.replace("LINES", "pass"))
    toml = home / "method.toml"
    toml.write_text(toml.read_text().replace("runs =", "privileged = true\nruns ="))
    found = {each.name: each.state for each in check(str(home), {})}
    assert found == {"method.toml": "passed", "README": "warning", "code": "passed", "videos": "not checked"}
    (home / "adapter.py").write_text("import")
    assert [each.state for each in check(str(home), {})] == ["passed", "warning", "failed"]


@pytest.mark.parametrize("size", [rehearsal.CANVAS, rehearsal.SMALL])
def test_the_rehearsal_is_a_scene_that_adds_up(size):
    found = rehearsal.conditions(size)
    assert {each.size for each in found.values()} == {size}
    one, two = found["one_driven"], found["two_driven"]
    assert [each.id for each in two.driven] == [1, 2]
    assert (one.first_frame == two.first_frame).all()
    for driven in two.driven:
        x, y = driven.path_px[0]
        assert driven.mask[int(y), int(x)]
        colour = two.first_frame[driven.mask].mean(axis=0)
        assert colour.argmax() == {1: 0, 2: 2}[driven.id], "the red box, the blue box"
        toward = driven.path_px[-1] - driven.path_px[0]
        assert np.sign(toward[0]) == np.sign(driven.velocity_mps[0])
        assert np.sign(-toward[1]) == np.sign(driven.velocity_mps[1]), "away is up"
    assert not (found["nothing_there"].driven or found["nothing_there"].others)
    assert (found["nothing_there"].first_frame != one.first_frame).any()
    assert found["one_driven"].sha256 == rehearsal.rehearsal(("one_driven",), size)["one_driven"].sha256
    assert os.environ["TMPDIR"]
