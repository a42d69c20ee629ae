"""Methods whose run.py is one of the fake workers, and conditions of 32 by 24 pixels for them."""

import contextlib
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from kinebench.methods.condition import Condition, DrivenObject
from kinebench.methods.method import Limits, Method, Option
from kinebench.methods.protocol import launch, lock, maker, videos
from kinebench.methods.task import Task

WORKERS = Path(__file__).with_name("workers")
KEYS = ("toys_test_000000", "toys_test_000001", "toys_test_000002", "toys_test_000003")
TASKS = [Task(key, 7) for key in KEYS]


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    """As always, but quicker."""
    monkeypatch.setattr(videos, "POLL_S", 0.02)
    monkeypatch.setattr(launch, "GRACE_S", 0.3)
    monkeypatch.setattr(lock, "WAIT_S", 0.2)


def condition(key):
    mask = np.zeros((24, 32), bool)
    mask[10:14, 4:8] = True
    pixels = np.random.default_rng(KEYS.index(key)).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    path = np.stack([np.linspace(6, 26, 5), np.full(5, 12.5)], axis=1)
    driven = (DrivenObject(1, mask, (0.5, 0.0, 0.0), path),)
    return Condition(key, pixels, f"a box slides in {key}", 5, 8.0, driven, (), None, None)


@dataclass(frozen=True)
class Bench:
    """A method of one worker, and its job folder."""

    method: Method
    settings: dict
    job: Path

    def make(self, tasks=TASKS, conditions=condition):
        return maker(self.method, self.settings, "cpu", True, self.job)(tasks, conditions)

    def results(self, tasks=TASKS, conditions=condition):
        """What becomes of each task, by the last digit of its key."""
        found = {int(each.task.key[-1]): each for each in self.make(tasks, conditions)}
        assert sorted(found) == sorted(int(task.key[-1]) for task in tasks)
        return found

    def limited(self, load_s, video_s):
        return replace(self, method=replace(self.method, limits=Limits(load_s, video_s)))

    @property
    def log(self):
        return (self.job / "log.txt").read_bytes().decode("utf-8", "replace")

    @property
    def launches(self):
        return self.log.count("--- launch ")


@pytest.fixture
def bench(tmp_path):
    def build(worker, **settings):
        folder = tmp_path / "a method"
        folder.mkdir(exist_ok=True)
        shutil.copy(WORKERS / worker, folder / "run.py")
        options = {name: Option(name, default=value) for name, value in settings.items()}
        method = Method(
            folder, "fake", "Fake", "1.0.0", "", "folder", options=options, limits=Limits(load_s=10, video_s=10)
        )
        return Bench(method, settings, tmp_path / "predictions" / ".job-seed-7")

    return build


@pytest.fixture
def naughty(bench, tmp_path):
    def build(deed, at="2"):
        return bench("naughty.py", deed=deed, at=at, place=str(tmp_path / "place"))

    return build


@pytest.fixture
def tasks():
    return TASKS


@pytest.fixture
def conditions():
    return condition


@pytest.fixture
def is_gone():
    def look(process):
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    return look


@pytest.fixture
def wait_for():
    def wait(look, seconds=20.0):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(FileNotFoundError):
                if found := look():
                    return found
            time.sleep(0.02)
        raise AssertionError("it did not come")

    return wait
