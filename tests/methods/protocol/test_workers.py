"""Real workers in real processes: good ones, and all that others do."""

import json
import sys
import time
from dataclasses import replace
from importlib import resources

import jsonschema
import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.methods.condition import Condition
from kinebench.methods.protocol import videos
from kinebench.methods.task import Failed, Made, Task
from kinebench.methods.video import Fps, Span
from kinebench.shards.video import encode_lossless_rgb


def whole(results, but=()):
    assert all(isinstance(result, Made) for number, result in results.items() if number not in but)
    return [results[number] for number in but]


def test_good(bench, conditions):
    good = bench("good.py", strength=0.5)
    results = good.results()
    whole(results)
    for number, result in results.items():
        given = conditions(f"toys_test_00000{number}")
        assert isinstance(given, Condition)
        frames = np.stack([given.first_frame] * 5)
        for frame, (x, y) in enumerate(given.driven[0].path_px.astype(int)):
            frames[frame, y, x] = (7, 0, 0)
        assert np.array_equal(result.video.frames, frames)
        assert result.video.timing == Fps(8.0)
        assert 0 < result.seconds < 10
        assert result.video.facts == {
            "prompt": given.prompt,
            "options": {"strength": 0.5},
            "device": "cpu",
            "tiny": True,
        }
    assert not good.job.exists()


def test_several_seeds_at_once(bench):
    good = bench("good.py")
    results = list(good.make([Task("toys_test_000001", seed) for seed in (3, 0)]))
    assert [(each.task.seed, each.video.frames[0, 12, 6, 0]) for each in results] == [(3, 3), (0, 0)]


def test_job_json_is_as_its_schema_says(bench):
    good = bench("good.py", strength=0.5, name="x", many=True)
    with_results = good.make()
    next(with_results)
    schema = json.loads(resources.files("kinebench.methods.protocol").joinpath("job.schema.json").read_text())
    job = json.loads((good.job / "job.json").read_text())
    jsonschema.validate(job, schema)
    assert job["tasks"][0]["out"] == "out/seed-7/toys_test_000000"
    with_results.close()


@pytest.mark.parametrize("worker, python", [("plain.py", ""), ("shell.sh", "/bin/sh")])
def test_without_the_helper(bench, conditions, worker, python):
    strange = bench(worker, python=python) if python else bench(worker)
    results = strange.results()
    whole(results)
    if python:
        assert results[3].video.timing == Fps(4)
        assert results[3].video.facts == {"shell": True}
        assert np.array_equal(results[3].video.frames, np.stack([conditions("toys_test_000003").first_frame] * 3))
    else:
        assert results[3].video.timing == Span()
        assert results[3].video.frames.shape == (5, 24, 32, 3)
        assert (results[3].video.frames[4] == 4).all()


def test_a_worker_that_has_answered_but_does_not_leave_is_ended(bench, monkeypatch):
    monkeypatch.setattr(videos, "LEAVING_S", 0.1)
    worker = bench("plain.py")
    code = (worker.method.folder / "run.py").read_text()
    (worker.method.folder / "run.py").write_text(f"{code}\nimport time\ntime.sleep(60)\n")
    began = time.monotonic()
    whole(worker.results())
    assert time.monotonic() - began < 50


def test_no_task_starts_nothing(bench):
    good = bench("good.py")
    assert list(good.make([])) == []
    assert not good.job.exists()


@pytest.mark.parametrize("deed, how", [("exit", "exit code 3"), ("kill", "SIGKILL")])
def test_a_crash_costs_its_task_alone(naughty, deed, how):
    worker = naughty(deed)
    (lost,) = whole(worker.results(), but=[2])
    assert isinstance(lost, Failed) and lost.kind == "model"
    assert how in lost.message and "2 times" in lost.message
    assert worker.launches == 2
    assert [path.name for path in worker.job.iterdir()] == ["log.txt"]


def test_a_crash_that_does_not_come_again(naughty):
    whole(naughty("die once").results())


def test_a_crash_without_marks_is_blamed_on_the_first_that_has_no_answer(bench):
    (lost,) = whole(bench("plain.py", dies_at="0").results(), but=[0])
    assert "exit code 1" in lost.message and "it dies" in lost.message


def test_a_worker_that_does_not_load_ends_the_run_at_its_second_launch(naughty):
    worker = naughty("no import")
    with pytest.raises(KineBenchError, match=r"(?s)did not begin with anything.*No module named 'surely_not_inst"):
        worker.results()
    assert worker.launches == 2


def test_a_worker_that_dies_at_every_task_ends_the_run_at_its_third_launch(naughty):
    worker = naughty("exit", at="")
    with pytest.raises(KineBenchError, match="3 times in a row it did not finish anything; the last time it ended"):
        worker.results()
    assert worker.launches == 3


def test_a_single_task_at_which_it_dies_has_failed(naughty, tasks):
    result = naughty("exit").results([tasks[2]])[2]
    assert isinstance(result, Failed)


@pytest.mark.parametrize("deed", ["skip", "leave"])
def test_what_a_worker_leaves_out_has_failed_after_a_second_launch(naughty, deed):
    worker = naughty(deed)
    (lost,) = whole(worker.results(), but=[2])
    assert lost.kind == "model" and "ended without an answer" in lost.message
    assert worker.launches == 2


@pytest.mark.parametrize("deed", ["sleep", "deafen", "child"])
def test_a_worker_that_hangs_is_ended_with_all_that_it_started(naughty, is_gone, wait_for, tmp_path, deed):
    worker = naughty(deed).limited(load_s=10, video_s=0.5)
    (lost,) = whole(worker.results(), but=[2])
    assert "nothing came from it in 0.5 s (limits.video_s in method.toml)" in lost.message
    if deed == "child":
        child = int((tmp_path / "place").read_text())
        wait_for(lambda: is_gone(child))


def test_a_worker_that_hangs_while_it_loads(bench, tmp_path):
    (tmp_path / "a method").mkdir()
    worker = bench("good.py").limited(load_s=0.3, video_s=0.1)
    (worker.method.folder / "run.py").write_text("import time\ntime.sleep(60)\n")
    with pytest.raises(KineBenchError, match=r"(?s)nothing came from it in 0.4 s \(limits.load_s and.*nothing$"):
        worker.results()


@pytest.mark.parametrize(
    "deed, kind, message",
    [
        ("oom", "oom", "RuntimeError: CUDA out of memory. Tried to allocate 20 GiB (naughty.py:"),
        ("memory", "oom", "MemoryError"),
        ("invalid", "invalid", "two objects are too many"),
        ("bug", "model", "KeyError: 'weights' ("),
        ("disk", "infra", "No space left on device"),
        ("forget", "model", "called neither"),
    ],
)
def test_what_the_helper_makes_of_exceptions(naughty, deed, kind, message):
    worker = naughty(deed)
    (lost,) = whole(worker.results(), but=[2])
    assert lost.kind == kind
    assert message.replace("naughty.py", "run.py") in lost.message
    assert worker.launches == 1


@pytest.mark.parametrize(
    "deed, message",
    [
        ("fewer", "says 4 frames, but 00003.png is missing"),
        ("more", "says 2 frames, but 00002.png is there too"),
        ("none", "there is neither"),
        ("uncounted", "does not say how many"),
        ("half picture", "00001.png is no whole PNG"),
        ("another size", "frame 2 is 8x8, but frame 0 is 32x24"),
        ("half answer", "video.json is no JSON"),
        ("link", "00001.png is a link"),
        ("folder elsewhere", "its folder is a link"),
        ("pipe", "00001.png is no plain file"),
        ("another condition", "condition_sha256 is '0000"),
        ("another method", "identity is '0000"),
        ("placement", "placement.scale"),
        ("huge placement", "placement"),
        ("timing", "timing"),
        ("typing error", "'fact' was unexpected"),
        ("no video", "error.json: 'kind' is a required property"),
    ],
)
def test_an_answer_that_is_none(naughty, tmp_path, deed, message):
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "mine").touch()
    worker = naughty(deed)
    (lost,) = whole(worker.results(), but=[2])
    assert lost.kind == "model" and message in lost.message
    assert worker.launches == 1
    assert (tmp_path / "place" / "mine").exists()


def test_an_answer_that_comes_in_two_halves(naughty):
    whole(naughty("two halves").results())


def test_noise(naughty):
    worker = naughty("noise")
    with_results = worker.make()
    next(with_results)
    assert "red" in worker.log and len(worker.log) > 100_000
    assert len(list(with_results)) == 3


@pytest.mark.parametrize("said", ["", ", count=3"])
def test_a_video_file(bench, tmp_path, said):
    frames = np.random.default_rng(1).integers(0, 256, (3, 24, 32, 3), dtype=np.uint8)
    (tmp_path / "made.mkv").write_bytes(encode_lossless_rgb(frames, 8))
    worker = bench("good.py", file=str(tmp_path / "made.mkv"))
    (worker.method.folder / "run.py").write_text(
        "import kinebench_worker\n"
        "job = kinebench_worker.open_job()\n"
        "for task in job.tasks():\n"
        "    with job.attempt(task):\n"
        "        place = {'scale': 2, 'x_px': 1, 'y_px': 0}\n"
        f"        task.finish(video=job.options['file'], placement=place, seconds=5{said})\n"
    )
    result = worker.results()[0]
    assert np.array_equal(result.video.frames, frames)
    assert (result.video.placement.scale, result.video.placement.x_px, result.seconds) == (2.0, 1.0, 5.0)
    assert result.video.facts["delivered_as"] == {"codec": "h264", "pixel_format": "gbrp", "exact": True}


def test_what_a_worker_finds_around_it(bench, monkeypatch, tmp_path):
    for name in ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"):
        monkeypatch.setenv(name, sys.prefix)
    monkeypatch.setenv("PATH", f"{sys.prefix}/bin:/usr/bin:/bin")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    monkeypatch.chdir(tmp_path)
    interpreter = tmp_path / "an interpreter"
    interpreter.write_text('#!/bin/sh\nenv > "$3/environment"\npwd > "$3/place"\n')
    interpreter.chmod(0o755)
    worker = bench("good.py", python="./an interpreter")
    with pytest.raises(KineBenchError, match="did not begin with anything"):
        worker.results()
    lines = (worker.job / "environment").read_text().splitlines()
    ours = {f"PYTHONPATH={worker.job}", "PYTHONUNBUFFERED=1", "PATH=/usr/bin:/bin"}
    assert ours | {"CUDA_VISIBLE_DEVICES=3"} <= set(lines)
    assert not [line for line in lines if line.startswith(("VIRTUAL_ENV=", "PYTHONHOME="))]
    assert (worker.job / "place").read_text().strip() == str(worker.method.folder)


def test_an_interpreter_that_is_not_there(bench):
    with pytest.raises(KineBenchError, match="there is no program /nowhere/python; set --set python=PATH"):
        bench("good.py", python="/nowhere/python").results()


def test_a_key_that_leads_elsewhere(bench):
    with pytest.raises(KineBenchError, match="can be no name of a folder"):
        list(bench("good.py").make([Task("../../x", 0)]))


def test_a_link_in_place_of_the_folder_of_answers(bench, tmp_path):
    (tmp_path / "place" / "toys_test_000000").mkdir(parents=True)
    worker = bench("good.py")
    (worker.job / "out").mkdir(parents=True)
    (worker.job / "out" / "seed-7").symlink_to(tmp_path / "place")
    with pytest.raises(KineBenchError, match="is a link, which no worker should make"):
        worker.results()
    assert (tmp_path / "place" / "toys_test_000000").exists()


def test_a_job_folder_that_no_python_path_can_name(bench, tmp_path):
    with pytest.raises(KineBenchError, match="cannot import from a folder with ':' in its name"):
        replace(bench("good.py"), job=tmp_path / "at 12:30").results()
    assert not (tmp_path / "at 12:30").exists()


def test_a_worker_that_writes_on_after_its_answer(bench):
    worker = bench("good.py")
    (worker.method.folder / "run.py").write_text(
        "import threading, time, kinebench_worker\n"
        "def scribble(folder):\n"
        "    until = time.monotonic() + 1\n"
        "    while time.monotonic() < until:\n"
        "        folder.mkdir(parents=True, exist_ok=True)\n"
        "        (folder / str(time.monotonic_ns())).touch()\n"
        "job = kinebench_worker.open_job()\n"
        "for task in job.tasks():\n"
        "    with job.attempt(task):\n"
        "        task.frame(0).write_bytes(task.first_frame.read_bytes())\n"
        "        threading.Thread(target=scribble, args=[task.out]).start()\n"
        "        task.finish(frames=[task.frame(0)])\n"
    )
    whole(worker.results())
    assert not worker.job.exists()
