"""What is left when the harness ends, is ended or is killed; and that two do not meet."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.methods.protocol import lock
from kinebench.methods.task import Made

HARNESS = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("fakes", sys.argv[1])
fakes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fakes)
from kinebench.interrupt import stoppable
from kinebench.methods.method import Limits, Method
method = Method(Path(sys.argv[2]), "fake", "Fake", "1.0.0", "", "folder")
with stoppable(lambda: "stopped"):
    for each in fakes.Bench(method, {}, Path(sys.argv[3])).make():
        print(each.task.key, flush=True)
"""
SLEEPER = """
import subprocess, sys, time
from pathlib import Path
import kinebench_worker
job = kinebench_worker.open_job()
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL)
for task in job.tasks():
    with job.attempt(task):
        (task.out / "00000.png").write_bytes(task.first_frame.read_bytes())
        task.finish(frames=[task.frame(0)])
    (job.folder / "children").write_text("%d" % child.pid)
    time.sleep(60)
"""
STUBBORN = """
import json, os, signal, sys, time
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
open(sys.argv[2] + "/children", "w").write(str(os.getpid()))
time.sleep(60)
"""


@pytest.fixture
def harness(bench, wait_for):
    started = []

    def start(code):
        worker = bench("good.py")
        (worker.method.folder / "run.py").write_text(code)
        fakes = str(Path(__file__).with_name("conftest.py"))
        command = [sys.executable, "-c", HARNESS, fakes, str(worker.method.folder), str(worker.job)]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return worker, started[-1], int(wait_for(lambda: (worker.job / "children").read_text()))

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number, message", [(signal.SIGINT, "Interrupted"), (signal.SIGTERM, "Terminated")])
def test_what_stops_the_harness_stops_the_worker(harness, wait_for, is_gone, number, message):
    worker, process, child = harness(SLEEPER)
    process.send_signal(number)
    assert message in process.communicate(timeout=20)[1]
    wait_for(lambda: is_gone(child))
    assert worker.job.exists()


def test_a_worker_ends_with_a_killed_harness_and_the_next_one_takes_what_is_there(harness, bench, wait_for, is_gone):
    worker, process, child = harness(SLEEPER)
    process.kill()
    wait_for(lambda: is_gone(child))
    (worker.method.folder / "run.py").write_text((Path(__file__).parent / "workers" / "good.py").read_text())
    results = bench("good.py").results()
    assert all(isinstance(each, Made) for each in results.values())


def test_a_worker_that_outlives_its_harness_keeps_others_out(harness, bench):
    worker, process, survivor = harness(STUBBORN)
    process.kill()
    process.wait()
    with pytest.raises(KineBenchError, match=rf"outlived its kinebench, process {survivor}; .* kill -- -{survivor}$"):
        worker.results()
    os.killpg(survivor, signal.SIGKILL)
    assert len(bench("good.py").results()) == 4


def test_two_harnesses_do_not_meet(bench):
    good = bench("good.py")
    first = good.make()
    next(first)
    with pytest.raises(KineBenchError, match=f"is in use by kinebench, process {os.getpid()} on "):
        next(good.make())
    assert len(list(first)) == 3
    with lock.locked(good.job):
        pass


def test_a_lock_that_says_nothing(tmp_path):
    with lock.locked(tmp_path):
        (tmp_path / "lock").write_text("nonsense")
        with pytest.raises(KineBenchError, match="in use by another process"), lock.locked(tmp_path):
            pass


def test_a_lock_that_cannot_be_written_holds_all_the_same(tmp_path):
    with lock.locked(tmp_path) as held:
        descriptor = os.open(tmp_path / "lock", os.O_RDONLY)  # a write to it fails, as on a full disk
        replace(held, descriptor=descriptor).name_worker(3)
        os.close(descriptor)
        with pytest.raises(KineBenchError, match="in use by kinebench"), lock.locked(tmp_path):
            pass


@pytest.fixture
def killed_half_way(wait_for):
    """Four answers are there, and none has been taken."""

    def make(good):
        first = good.make()
        next(first)
        wait_for(lambda: len(list(good.job.glob("out/seed-7/*/video.json"))) == 4)
        first.close()
        assert len(list(good.job.glob("out/seed-7/*/video.json"))) == 4
        return good

    return make


def test_answers_that_are_there_are_taken_without_a_launch(bench, killed_half_way):
    good = killed_half_way(bench("good.py"))
    (good.job / "out" / "seed-7" / "somebody").mkdir()
    results = good.results()
    assert all(isinstance(each, Made) and each.seconds > 0 for each in results.values())
    assert not good.job.exists()


def test_answers_to_another_condition_or_of_another_method_are_made_again(bench, killed_half_way, conditions, tasks):
    good = killed_half_way(bench("good.py"))

    def changed(key):
        given = conditions(key)
        return replace(given, prompt="another") if key == tasks[1].key else given

    results = good.make(tasks, changed)
    order = [next(results).task.key[-1] for _ in range(3)]
    assert order == ["0", "2", "3"] and good.launches == 1
    last = next(results)
    assert last.video.facts["prompt"] == "another" and good.launches == 2
    results.close()

    killed_half_way(good)
    other = replace(good, method=replace(good.method, version="1.0.1"))
    results = other.make()
    next(results)
    assert other.launches == good.launches and other.log.count("4 tasks") == 3
    results.close()


def test_a_damaged_answer_is_made_again(bench, killed_half_way, tasks):
    good = killed_half_way(bench("good.py"))
    (good.job / "out" / "seed-7" / tasks[0].key / "00001.png").write_bytes(b"")
    (good.job / "out" / "seed-7" / tasks[1].key / "video.json").unlink()
    keys = [each.task.key[-1] for each in good.make()]
    assert keys == ["2", "3", "0", "1"]


def test_the_condition_arrives_as_it_is(bench, conditions, tasks):
    from kinebench.methods import condition_folder

    good = bench("good.py")
    results = good.make()
    next(results)
    for task in tasks:
        there = condition_folder.read(good.job / "in" / task.key)
        assert there.sha256 == conditions(task.key).sha256
        assert np.array_equal(there.first_frame, conditions(task.key).first_frame)
    rows = json.loads((good.job / "job.json").read_text())["tasks"]
    assert [row["condition_sha256"] for row in rows] == [conditions(task.key).sha256 for task in tasks]
    results.close()
