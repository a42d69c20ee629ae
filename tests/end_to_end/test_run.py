"""A method of one's own as a user runs it: real processes, killed, interrupted and continued; then its score."""

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from kinebench.scoring import scorecard

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"
CLIPS = 5
KEYS = [f"toys_test_{i:06d}" for i in range(CLIPS)]


@pytest.fixture(scope="module")
def data(tmp_path_factory, synthetic, make):
    folder = tmp_path_factory.mktemp("run") / "toys"
    make(folder, [synthetic.sample("test", i, companions=("lossless",)) for i in range(CLIPS)])
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def slide(place):
    """The method of docs/methods.md; `slide("time.sleep(1)")` puts a line before each video, `runs=` its run.py."""

    def write(line="pass", runs="in process"):
        (toml,), (adapter, worker) = (
            re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL) for language in ("toml", "python")
        )
        home = place / "slide"
        home.mkdir()
        (home / "method.toml").write_text(toml.replace('"in process"', f'"{runs}"'))
        name, code, before = {
            "in process": ("adapter.py", adapter, "        if not condition.driven:"),
            "folder": ("run.py", worker, "        if not task.driven:"),
        }[runs]
        (home / name).write_text("import time\n" + code.replace(before, f"        {line}\n{before}"))
        return "./slide"

    return write


def videos(folder, seed=0):
    return {path.name: path.read_bytes() for path in (folder / f"seed-{seed}").glob("*.mkv")}


def sidecars(folder, seed=0):
    found = {path.stem: json.loads(path.read_bytes()) for path in (folder / f"seed-{seed}").glob("*.json")}
    return {key: {**said, "seconds": 0} for key, said in found.items()}


def test_a_method_is_run_and_scored(processes, data, place, slide):
    method = slide()
    done = processes.kinebench("run", method, "--data", data, "--out", "pred", "--seed", 0, "--seed", 2)
    assert done.stdout.splitlines() == [
        "Sliding copies: videos in pred: 10 made",
        f"score them with: kinebench score pred --data {data}",
    ]
    assert json.loads(Path("pred/run.json").read_bytes())["source"]["dataset"] == "toys"
    again = processes.kinebench("run", method, "--data", data, "--out", "pred", "--seed", 2)
    assert again.stdout.splitlines()[0] == "Sliding copies: videos in pred: 0 made, 5 there before"
    processes.kinebench("score", "pred", "--data", data, "--metrics", "pixel")
    card = scorecard.load(place / "scores-pred.json")
    assert card["unusable"] == []
    assert card["summaries"]["mse"]["value"] > 0
    wrong = processes.kinebench("run", method, "--data", data, "--out", "pred", "--prompt", "c", code=1)
    assert wrong.stderr.strip().endswith('source.prompt was "c_infer", now it is "c"; name another --out')


@pytest.mark.slow
def test_killed_and_interrupted_it_ends_in_the_same_bytes(processes, data, place, slide):
    method = slide("time.sleep(0.3)")
    order = ("run", method, "--data", data, "--out")
    processes.kinebench(*order, "whole")
    run = processes.start(*order, "pred")
    processes.wait_until(lambda: len(list(place.glob("pred/seed-0/*.mkv"))) >= 1)
    assert processes.kill(run.pid)
    run.wait()
    assert 1 <= len(videos(place / "pred")) < CLIPS
    assert videos(place / "pred").items() <= videos(place / "whole").items(), "what is there is whole"
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        before = len(videos(place / "pred"))
        run = processes.start(*order, "pred", errors=subprocess.PIPE)
        processes.wait_until(lambda before=before: len(list(place.glob("pred/seed-0/*.mkv"))) > before)
        run.send_signal(number)
        _, errors = run.communicate(timeout=60)
        assert run.returncode == code, errors
        assert "Traceback" not in errors
        assert errors.strip().endswith("interrupted; the videos in pred are whole, run the same command again to go on")
    done = processes.kinebench(*order, "pred")
    assert re.search(r"pred: \d made, \d there before", done.stdout)
    assert videos(place / "pred") == videos(place / "whole")
    assert sidecars(place / "pred") == sidecars(place / "whole")
    left = {path.name for path in (place / "pred" / "seed-0").iterdir()}
    assert left == {".lock", *(f"{key}.{suffix}" for key in KEYS for suffix in ("mkv", "json"))}


@pytest.mark.slow
def test_an_interrupted_run_py_is_gone_and_its_work_is_not(processes, data, place, slide):
    method = slide("time.sleep(0.3)", runs="folder")
    order = ("run", method, "--data", data, "--out", "pred")
    run = processes.start(*order, errors=subprocess.PIPE)
    processes.wait_until(lambda: len(list(place.glob("pred/seed-0/*.mkv"))) >= 1)
    family = processes.descendants(run.pid)
    assert any("run.py" in processes.title(pid) for pid in family)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130, errors
    processes.wait_until(lambda: not any(map(processes.alive, family)), 20)
    before = {path: path.stat().st_mtime_ns for path in place.glob("pred/seed-0/*.mkv")}
    assert 1 <= len(before) < CLIPS
    done = processes.kinebench(*order)
    assert f"{CLIPS - len(before)} made, {len(before)} there before" in done.stdout
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    assert not [path for path in place.glob("pred/.job-seed-0/*") if path.name != "log.txt" and path.name[0] != "."]


def test_what_fails_is_said_and_the_rest_is_made(processes, data, place, slide):
    flag = place / "flag"
    flag.touch()
    fault = f"if condition.key == {KEYS[1]!r} and __import__('os').path.exists({str(flag)!r}): condition.sound"
    order = ("run", slide(fault), "--data", data, "--out", "pred")
    done = processes.kinebench(*order, code=3)
    assert done.stdout.splitlines()[:2] == [
        f"{KEYS[1]}, seed 0: model: AttributeError: 'Condition' object has no attribute 'sound' (adapter.py:10)",
        "Sliding copies: videos in pred: 4 made, 1 failed, tried again by the next run",
    ]
    processes.kinebench("score", "pred", "--data", data, "--metrics", "pixel")
    card = scorecard.load(place / "scores-pred.json")
    assert [each["key"] for each in card["unusable"]] == [KEYS[1]]
    flag.unlink()
    done = processes.kinebench(*order)
    assert done.stdout.splitlines()[0] == "Sliding copies: videos in pred: 1 made, 4 there before"
    assert not list(place.glob("pred/seed-0/*.error.json"))


def test_exported_conditions_do_as_well_as_the_dataset(processes, data, place, slide):
    method = slide()
    processes.kinebench("conditions", data, "--out", "told")
    done = processes.kinebench("run", method, "--data", "told", "--out", "from-told")
    assert done.stdout.splitlines()[1] == "score them with: kinebench score from-told --data DATASET"
    processes.kinebench("run", method, "--data", data, "--out", "from-data")
    assert videos(place / "from-told") == videos(place / "from-data")
    assert sidecars(place / "from-told") == sidecars(place / "from-data")
    refused = processes.kinebench("run", "oracle", "--data", "told", "--out", "no", code=1)
    assert "oracle looks at the ground truth: give --data the dataset, not its conditions" in refused.stderr


MISTAKES = {
    "no such method": (("slyde",), "there is no method slyde, built in or in a folder; see: kinebench methods list"),
    "no such data": (("static", "--data", "nowhere"), "nowhere"),
    "no such split": (("static", "--split", "moon"), "has no split 'moon'"),
    "half a setting": (("static", "--set", "steps"), "--set steps: write --set NAME=VALUE"),
    "a setting twice": (("static", "--set", "a=1", "--set", "a=2"), "--set a: it is given twice"),
    "no such setting": (("static", "--set", "a=1"), "--set a: static has no options"),
    "no such weights": (("static", "--weights", "a=b"), "--weights a: static has no weights"),
    "a folder of something else": (("static", "--out", "full"), "full holds note.txt, but no run.json"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_message(processes, data, place, mistake):
    arguments, words = MISTAKES[mistake]
    (place / "full").mkdir()
    (place / "full" / "note.txt").write_text("mine")
    rest = [] if "--data" in arguments else ["--data", data]
    out = [] if "--out" in arguments else ["--out", "pred"]
    done = processes.kinebench("run", *arguments, *rest, *out, code=1)
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert sorted(path.name for path in place.iterdir()) == ["full"]


def test_methods_are_listed_and_checked(processes, place, slide):
    listed = processes.kinebench("methods", "list").stdout
    assert max(map(len, listed.splitlines())) <= 100
    for name in ("cogvideox", "wan", "tora", "force_prompting", "motion_i2v", "kinemask", "static", "oracle"):
        assert re.search(rf"^│ {name} ", listed, re.MULTILINE), name
    done = processes.kinebench("methods", "check", slide())
    assert re.search(r"^ +passed  same seed: ", done.stdout, re.MULTILINE)
    (place / "slide" / "adapter.py").write_text("def load(setup):\n    print('hello')\n")
    done = processes.kinebench("methods", "check", "slide", code=1)
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[-1] == "failed  runs: slide: load gave nothing; it must return what has generate(condition, seed)"
    assert "hello" not in done.stdout
