"""A method over a split: what is written, what is kept, what is refused; with real folders and real methods."""

import errno
import json
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.methods import delivery, runner
from kinebench.methods import method as methods
from kinebench.methods.placement import fitted, to_canvas
from kinebench.methods.runner import Outcome, run
from kinebench.methods.source import open_source
from kinebench.shards import files, video

KEYS = [f"toys_test_{i:06d}" for i in range(3)]
COUNTING = """
from pathlib import Path

import numpy as np

from kinebench.errors import KineBenchError
from kinebench.methods.video import Fps, Span, Video

HERE = Path(__file__).parent


class A:
    def generate(self, condition, seed):
        with (HERE / "diary").open("a") as file:
            file.write(f"{condition.key} {seed}\\n")
        fault, space = HERE / f"{condition.key}-{seed}.fault", {}
        if fault.exists():
            exec(fault.read_text(), globals(), space)
        if "made" in space:
            return space["made"]
        noise = np.random.default_rng(seed).integers(0, 50, (condition.frames, *condition.first_frame.shape), np.uint8)
        return Video(condition.first_frame + noise, facts={"seed": seed})


def load(setup):
    with (HERE / "diary").open("a") as file:
        file.write("load\\n")
    return A()
"""
OPTION = (
    '[options.steps]\nhelp = "steps"\ndefault = 5\n\n[options.clone]\nhelp = "a folder"\ndefault = ""\nplace = true\n'
)


@pytest.fixture
def home(folder):
    return folder("toy", COUNTING, OPTION)


@pytest.fixture
def diary(home):
    """What the method has done since the last call."""

    def lines():
        found = (home / "diary").read_text().splitlines() if (home / "diary").exists() else []
        (home / "diary").unlink(missing_ok=True)
        return found

    return lines


@pytest.fixture
def go(home, source, tmp_path):
    """`go(seeds=(0,), out="pred", source=..., steps=...)`."""

    def run_it(seeds=(0,), out="pred", conditions=None, note=None, device="cpu", **given):
        found = methods.read(home)
        return run(
            found, conditions or source(), seeds, tmp_path / out, given=given, weights={}, device=device, note=note
        )

    return run_it


def contents(folder):
    """Every file below, by name; but what says how long something took, and what is hidden."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            data = path.read_bytes()
            found[str(name)] = {**json.loads(data), "seconds": 0} if path.suffix == ".json" else data
    return found


def test_what_is_written(go, diary, given, tmp_path):
    notes = []
    assert go((0, 3), note=lambda *each: notes.append(each)) == Outcome(6, 0, ())
    assert diary() == ["load", *(f"{key} {seed}" for seed in (0, 3) for key in KEYS)], "one model for all seeds"
    assert notes == [("videos", i, 6) for i in range(4)] + [("videos", i, 6) for i in range(3, 7)]
    names = {f"seed-{seed}/{key}.{suffix}" for seed in (0, 3) for key in KEYS for suffix in ("mkv", "json")}
    assert contents(tmp_path / "pred").keys() == {"run.json", *names}
    frames = video.decode_rgb((tmp_path / "pred" / "seed-3" / f"{KEYS[1]}.mkv").read_bytes())
    noise = np.random.default_rng(3).integers(0, 50, frames.shape, np.uint8)
    assert (frames == given(KEYS[1]).first_frame + noise).all()
    said = delivery.parse((tmp_path / "pred" / "seed-3" / f"{KEYS[1]}.json").read_bytes())
    assert (said.key, said.seed, said.facts) == (KEYS[1], 3, {"seed": 3})
    assert said.condition_sha256 == given(KEYS[1]).sha256
    whole = json.loads((tmp_path / "pred" / "run.json").read_bytes())
    assert whole["method"] | {"identity": ""} == {
        "name": "toy",
        "version": "1.0.0",
        "identity": "",
        "kind": "baseline",
        "privileged": False,
    }
    assert whole["method"]["identity"] == said.method.identity
    assert whole["options"] == {"steps": 5}, "where things lie is nobody's business"
    assert whole["source"] == {"dataset": "toys", "seed": 7}
    assert whole["device"] == "cpu"


def test_a_second_run_keeps_everything_and_loads_nothing(go, diary, tmp_path):
    go((0, 1))
    diary()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "pred").rglob("[!.]*") if path.is_file()}
    assert go((0, 1), clone="/elsewhere") == Outcome(0, 6, ())
    assert diary() == []
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert go((1, 2, 2)) == Outcome(3, 3, ())
    assert diary() == ["load", *(f"{key} 2" for key in KEYS)]


def test_what_is_missing_or_damaged_is_made_again_and_is_the_same(go, diary, tmp_path):
    go()
    whole, place = contents(tmp_path / "pred"), tmp_path / "pred" / "seed-0"
    diary()
    (place / f"{KEYS[0]}.mkv").unlink()
    (place / f"{KEYS[1]}.json").unlink()
    (place / f"{KEYS[2]}.json").write_text("{")
    assert go() == Outcome(3, 0, ())
    assert contents(tmp_path / "pred") == whole
    (place / f"{KEYS[2]}.json").write_bytes((place / f"{KEYS[1]}.json").read_bytes())
    assert go() == Outcome(1, 2, ()), "a sidecar of another clip"
    assert contents(tmp_path / "pred") == whole


def test_failures_are_written_counted_and_tried_again(go, home, tmp_path):
    faults = ("raise KineBenchError('it moves one object')", "raise MemoryError", "made = Video(np.zeros(3))")
    for key, fault in zip(KEYS, faults, strict=True):
        (home / f"{key}-0.fault").write_text(fault)
    outcome = go((0, 1))
    assert (outcome.made, outcome.kept) == (3, 0)
    assert [(each.task.key, each.task.seed, each.kind) for each in outcome.failed] == [
        (KEYS[0], 0, "invalid"),
        (KEYS[1], 0, "oom"),
        (KEYS[2], 0, "model"),
    ]
    place = tmp_path / "pred" / "seed-0"
    assert json.loads((place / f"{KEYS[0]}.error.json").read_text()) == {
        "key": KEYS[0],
        "seed": 0,
        "kind": "invalid",
        "message": "it moves one object",
    }
    assert sorted(path.name for path in place.iterdir() if path.name[0] != ".") == [f"{key}.error.json" for key in KEYS]
    for path in home.glob("*.fault"):
        path.unlink()
    assert go((0, 1)) == Outcome(3, 3, ())
    assert sorted(path.name for path in place.glob("*.json")) == [f"{key}.json" for key in KEYS]


UNDELIVERABLE = {
    "too short": ("np.zeros((8, 64, 96, 3), np.uint8), Fps(12)", r"a video of 8 frames at 12 fps ends at 0.58 s"),
    "cropped": ("np.zeros((9, 64, 90, 3), np.uint8)", r"a video of 90x64 .* does not cover the 96x64 canvas"),
}


@pytest.mark.parametrize("fault", UNDELIVERABLE)
def test_what_cannot_be_delivered_is_a_failure_of_that_clip(go, home, tmp_path, fault):
    (home / f"{KEYS[1]}-0.fault").write_text(f"made = Video({UNDELIVERABLE[fault][0]})")
    outcome = go()
    assert (outcome.made, [each.kind for each in outcome.failed]) == (2, ["invalid"])
    assert re.search(UNDELIVERABLE[fault][1], outcome.failed[0].message)
    assert (tmp_path / "pred" / "seed-0" / f"{KEYS[1]}.error.json").exists()


def test_nothing_but_failures_end_the_run_early(go, home, source, diary):
    for number in range(5):
        (home / f"toys_test_{number:06d}-0.fault").write_text("made = {}['force']")
    with pytest.raises(KineBenchError, match=r"toy made none of 3 videos; of toys_test_000002, seed 0, .*KeyError: 'f"):
        go(conditions=source(8))
    assert len(diary()) == 1 + 3
    (home / "toys_test_000000-0.fault").unlink()
    outcome = go(conditions=source(8))
    assert (outcome.made, len(outcome.failed)) == (4, 4), "where some videos come, the rest is tried"


def test_refusals_say_nothing_of_the_method_and_end_no_run(go, home, source):
    for number in range(4):
        (home / f"toys_test_{number:06d}-0.fault").write_text("raise KineBenchError('it moves one object')")
    outcome = go(conditions=source(5))
    assert (outcome.made, len(outcome.failed)) == (1, 4)


def test_a_changed_condition_is_made_again_and_the_old_video_goes_first(go, diary, home, source, tmp_path):
    go()
    diary()
    other = source(3, lambda one: replace(one, prompt="Another.") if one.key == KEYS[1] else one)
    changed = KEYS[1:2]
    for key in changed:
        (home / f"{key}-0.fault").write_text("raise KineBenchError('no')")
    outcome = go(conditions=other)
    assert (outcome.made, outcome.kept, len(outcome.failed)) == (0, 3 - len(changed), len(changed))
    place = tmp_path / "pred" / "seed-0"
    assert not any((place / f"{key}.{suffix}").exists() for key in changed for suffix in ("mkv", "json"))
    for path in home.glob("*.fault"):
        path.unlink()
    assert go(conditions=other).made == len(changed)


REFUSED = {
    "an option": ({"steps": "6"}, {}, r"options.steps was 5, now it is 6; name another --out$"),
    "a device": ({"device": "cuda"}, {}, r'device was "cpu", now it is "cuda"'),
    "a dataset": ({}, {"dataset": "others"}, r'source.dataset was "toys", now it is "others"; name another --out$'),
    "a prompt": ({}, {"prompt": "c"}, r'source.prompt was null, now it is "c"'),
}


@pytest.mark.parametrize("what", REFUSED)
def test_predictions_are_of_one_method_and_one_source(go, source, tmp_path, monkeypatch, what):
    changes, facts, words = REFUSED[what]
    monkeypatch.setattr(runner, "resolve", lambda asked: asked)
    go()
    before = contents(tmp_path / "pred")
    with pytest.raises(KineBenchError, match=words):
        go(conditions=source(3, **facts), **changes)
    assert contents(tmp_path / "pred") == before


def test_changed_code_is_another_method(go, home, tmp_path):
    go()
    (home / "adapter.py").write_text(COUNTING + "# changed\n")
    with pytest.raises(
        KineBenchError, match=r"begun otherwise: the method's code or method.toml has changed; name ano"
    ):
        go()
    assert go(out="other").made == 3
    (tmp_path / "pred" / "run.json").write_text("[")
    with pytest.raises(KineBenchError, match=r"run.json is damaged"):
        go()


def test_a_folder_of_something_else_is_left_alone(go, diary, tmp_path):
    (tmp_path / "pred").mkdir()
    (tmp_path / "pred" / "thesis.txt").write_text("mine")
    with pytest.raises(KineBenchError, match=r"pred holds thesis.txt, but no run.json: it is of something else"):
        go()
    assert sorted(path.name for path in (tmp_path / "pred").iterdir() if path.name[0] != ".") == ["thesis.txt"]
    with pytest.raises(KineBenchError, match=r"cannot write in .*thesis.txt/deeper: Not a directory"):
        go(out="pred/thesis.txt/deeper")
    assert diary() == []


def test_keys_that_name_no_file_are_refused(go, source):
    hostile = replace(source(), keys=("../outside",))
    with pytest.raises(KineBenchError, match=r"'../outside' is no key that can name a file"):
        go(conditions=hostile)


def test_two_of_one_seed_cannot_run_at_once_and_two_of_two_can(go, home, tmp_path):
    """The first run stands still in its second video until the others have come and gone."""
    flag = tmp_path / "flag"
    (home / f"{KEYS[1]}-0.fault").write_text(
        f"import time\nfor _ in range(2000):\n    if Path({str(flag)!r}).exists(): break\n    time.sleep(0.01)"
    )
    outcomes = []
    first = threading.Thread(target=lambda: outcomes.append(go()))
    first.start()
    try:
        while not (home / "diary").exists() or KEYS[1] not in (home / "diary").read_text():
            time.sleep(0.01)
        with pytest.raises(KineBenchError, match=r"another process is making .*seed-0; wait for it, or make another"):
            go()
        with pytest.raises(KineBenchError, match=r"another process is making .*seed-0"):
            go((2, 0))
        assert go((1,)) == Outcome(3, 0, ())
    finally:
        flag.touch()
        first.join()
    assert outcomes == [Outcome(3, 0, ())]
    assert go((0, 1, 2)) == Outcome(3, 6, ()), "the lock of a run that failed to begin is free"


def test_a_full_disk_is_one_message_and_no_half_video(go, tmp_path, monkeypatch):
    whole = files.write_durable

    def full(path, data):
        if KEYS[1] in path.name and b"matroska" in data:
            path.write_bytes(data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        whole(path, data)

    monkeypatch.setattr(files, "write_durable", full)
    with pytest.raises(
        KineBenchError, match=r"the disk is full while writing videos in .*seed-0: it needs 0.\d MB, .* MB"
    ):
        go()
    place = tmp_path / "pred" / "seed-0"
    assert sorted(path.name for path in place.iterdir()) == [
        ".lock",
        f"{KEYS[0]}.json",
        f"{KEYS[0]}.mkv",
        f"{KEYS[1]}.json",
    ]
    monkeypatch.undo()
    assert go() == Outcome(2, 1, ())


def test_a_method_is_given_its_own_size_and_no_more_than_it_can_steer(folder, source, given, tmp_path):
    text = COUNTING.replace(
        "return Video(condition.first_frame + noise, facts={'seed': seed})".replace("'", '"'),
        "ids = [each.id for each in condition.driven]\n"
        "        return Video(np.repeat(condition.first_frame[None], 9, axis=0), facts={'told': ids})",
    )
    found = methods.read(folder("toy", text, "[control]\nmax_driven = 1\n\n[native]\nwidth = 128\nheight = 80\n"))
    assert run(found, source(1), [0], tmp_path / "pred", given={}, weights={}, device="cpu").made == 1
    said = delivery.parse((tmp_path / "pred" / "seed-0" / f"{KEYS[0]}.json").read_bytes())
    assert said.facts == {"told": [2]}, "the one of the longest path"
    assert said.driven_ignored == (1,)
    assert (said.native.width, said.native.height) == (128, 80)
    assert said.placement == fitted((96, 64), (128, 80))
    whole = given(KEYS[0])
    assert said.condition_sha256 == whole.sha256 != whole.limited(1).sha256
    frames = video.decode_rgb((tmp_path / "pred" / "seed-0" / f"{KEYS[0]}.mkv").read_bytes())
    native, place = whole.fitted((128, 80))
    assert (frames[8] == to_canvas(native.first_frame, place, (96, 64))).all()


SPY = """
from kinebench.methods.video import Video


class Spy:
    def __init__(self, dataset):
        self.dataset = dataset

    def generate(self, condition, seed):
        return Video(self.dataset[condition.key].lossless)


def load(setup):
    return Spy(setup.dataset)
"""


def test_only_what_is_privileged_sees_the_truth(folder, packed, source, tmp_path):
    home = folder("spy", SPY)
    truth = open_source(packed, "test", "c_infer")
    with pytest.raises(KineBenchError, match=r"spy made none of 3 videos; .*TypeError: 'NoneType' .*\(adapter.py:10\)"):
        run(methods.read(home), truth, [0], tmp_path / "a", given={}, weights={}, device="cpu")
    text = (home / "method.toml").read_text()
    (home / "method.toml").write_text(text.replace("runs =", "privileged = true\nruns ="))
    found = methods.read(home)
    assert run(found, truth, [0], tmp_path / "b", given={}, weights={}, device="cpu").made == 3
    for key in truth.keys:
        frames = video.decode_rgb((tmp_path / "b" / "seed-0" / f"{key}.mkv").read_bytes())
        assert (frames == truth.dataset[key].lossless).all()
    with pytest.raises(KineBenchError, match=r"spy looks at the ground truth: give --data the dataset, not its condit"):
        run(found, source(), [0], tmp_path / "c", given={}, weights={}, device="cpu")
    assert not (tmp_path / "c").exists()


WORKER = """
import shutil

import kinebench_worker

job = kinebench_worker.open_job()
for task in job.tasks():
    with job.attempt(task):
        if task.seed == 1 and task.key.endswith("1"):
            raise kinebench_worker.Invalid("not that one")
        names = [task.frame(number) for number in range(3)]
        for name in names:
            shutil.copy(task.first_frame, name)
        task.finish(frames=names, timing="span", facts={"driven": task.driven})
"""


def test_a_run_py_is_run_for_each_seed(folder, source, given, tmp_path, monkeypatch):
    found = methods.read(folder("toy", WORKER, "[control]\nmax_driven = 1\n", runs="folder"))
    monkeypatch.chdir(tmp_path)
    again = lambda: run(found, source(), [0, 1], Path("pred"), given={}, weights={}, device="auto")  # noqa: E731
    outcome = again()
    assert (outcome.made, outcome.kept) == (5, 0)
    assert [(each.task.key, each.task.seed, each.kind, each.message) for each in outcome.failed] == [
        (KEYS[1], 1, "invalid", "not that one")
    ]
    said = delivery.parse((tmp_path / "pred" / "seed-1" / f"{KEYS[0]}.json").read_bytes())
    assert (said.truth_frames, said.alignment, said.facts) == ((0, 4, 8), "span", {"driven": [2]})
    frames = video.decode_rgb((tmp_path / "pred" / "seed-1" / f"{KEYS[0]}.mkv").read_bytes())
    assert frames.shape[0] == 3
    assert video.inspect((tmp_path / "pred" / "seed-1" / f"{KEYS[0]}.mkv").read_bytes()).fps == 3, "of 8 / 12 s"
    assert (frames == given(KEYS[0]).first_frame).all()
    assert not (tmp_path / "pred" / ".job-seed-0").exists() or not any((tmp_path / "pred" / ".job-seed-0").glob("*"))
    outcome = again()
    assert (outcome.made, outcome.kept, len(outcome.failed)) == (0, 5, 1)
    with pytest.raises(KineBenchError, match=r"--weights model: toy is told where its weights are by --set"):
        run(found, source(), [0], Path("pred"), given={}, weights={"model": Path("x")}, device="auto")


def test_unknown_weights_and_options_are_refused_before_anything_is_written(go, home, source, tmp_path):
    with pytest.raises(KineBenchError, match=r"--set step: toy has the options steps, clone; did you mean steps"):
        go(step="3")
    with pytest.raises(KineBenchError, match=r"--weights model: toy has no weights"):
        run(methods.read(home), source(), [0], tmp_path / "pred", given={}, weights={"model": Path("x")}, device="cpu")
    assert not (tmp_path / "pred").exists()


@pytest.mark.parametrize(
    ("more", "runs", "asked", "found"),
    [
        ("", "in process", "auto", "cpu"),
        ("[needs]\ngpu_gb = 8\n", "folder", "auto", "cuda"),
        ("[needs]\ngpu_gb = 8\n", "folder", "cpu", "cpu"),
        ("", "folder", "auto", "cpu"),
        ("", "folder", "cuda", "cuda"),
        ("[needs]\ngpu_gb = 8\n", "in process", "auto", "asked torch for auto"),
        ("", "in process", "cuda", "asked torch for cuda"),
        ("[needs]\ngpu_gb = 8\n", "in process", "cpu", "cpu"),
    ],
)
def test_where_a_method_runs(method, monkeypatch, more, runs, asked, found):
    monkeypatch.setattr(runner, "resolve", lambda device: f"asked torch for {device}")
    assert runner._device(method("toy", more=more, runs=runs), asked) == found


def test_a_run_that_never_began_decides_nothing(go, home, tmp_path):
    (home / "adapter.py").write_text("def load(setup):\n    raise ValueError('steps are too few')\n")
    with pytest.raises(KineBenchError, match="steps are too few"):
        go(steps="0")
    assert not (tmp_path / "pred" / "run.json").exists()
    (home / "adapter.py").write_text(COUNTING)
    assert go(steps="7").made == 3


def test_weights_of_ones_own_are_told_apart(home, source, tmp_path):
    with (home / "method.toml").open("a") as file:
        file.write('\n[weights.model]\nhub = "a/b"\nrevision = "main"\nlicence = "none"\n')
    found = methods.read(home)
    for name, size in (("one", 3), ("moved", 3), ("other", 4)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.pt").write_bytes(b"x" * size)

    def go(name):
        weights = {"model": tmp_path / name}
        return run(found, source(), (0,), tmp_path / "pred", given={}, weights=weights, device="cpu")

    assert go("one").made == 3
    assert go("moved").kept == 3
    with pytest.raises(KineBenchError, match=r"weights.model was .*name another --out"):
        go("other")
