"""A method's folder as the harness loads or starts it, tiny or with weights that lie where a test says."""

import importlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from kinebench.methods import hub, in_process
from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.method import find
from kinebench.methods.protocol import kinebench_worker, maker
from kinebench.methods.task import Task


@pytest.fixture(scope="session")
def loaded():
    """`loaded("wan", steps=2)`: its adapter, tiny; with `folder=...` the real loading of what lies there."""

    def load(name, folder=None, device="cpu", **given):
        method = find(name)
        settings = method.settings({option: str(value) for option, value in given.items()})
        weights = hub.weights(method, {} if folder is None else {"model": folder})
        return in_process.load(method, Setup(device, folder is None, settings, weights))

    return load


@pytest.fixture(scope="session")
def condition():
    """`condition((width, height), frames=5, prompt="...", shade=0)`: two boxes on a floor, without anything driven."""

    def make(size, *, frames=5, prompt="A red box slides to the left.", shade=0):
        width, height = size
        picture = np.full((height, width, 3), 90 + shade, np.uint8)
        picture[height // 2 :] = 150
        picture[height // 3 : height // 2, width // 4 : width // 2] = (200, 40, 30)
        return Condition("toys_test_000000", picture, prompt, frames, 8.0, (), (), None, None)

    return make


@pytest.fixture(scope="session")
def driver():
    """`driver("tora").control`: a module of a method that has a run.py, as that imports it."""
    names = ("clone", "inside", "control", "launch", "run")

    def load(method):
        sys.path.insert(0, str(find(method).folder))
        sys.modules["kinebench_worker"] = kinebench_worker
        try:
            return SimpleNamespace(**{name: importlib.import_module(name) for name in names})
        finally:
            del sys.path[0], sys.modules["kinebench_worker"]
            for name in names:
                sys.modules.pop(name, None)

    return load


@pytest.fixture(scope="session")
def played(tmp_path_factory):
    """`played("tora", {"key": [(start, end)]}, mode="flow")["key"]`: what run.py makes of straight paths, in tiny mode.

    Every condition also has an object that stands still; the seed is 2.
    """

    def driven(number, start, end, size):
        rows, columns = np.mgrid[: size[1], : size[0]]
        mask = (abs(columns - start[0]) < 20) & (abs(rows - start[1]) < 15)
        return DrivenObject(number, mask, (0.6, 0.0, 0.8), np.linspace(start, end, 49))

    def make(name, paths, **given):
        method = find(name)
        size = method.native.size
        grey = np.full((size[1], size[0], 3), 90, np.uint8)
        other = np.zeros(grey.shape[:2], bool)
        other[-30:-10, -30:-10] = True

        def conditions(key):
            moving = tuple(driven(number, *ends, size) for number, ends in enumerate(paths[key], start=1))
            return Condition(key, grey, "A red cube slides.", 49, 8.0, moving, (OtherObject(9, other),), None, None)

        making = maker(method, method.settings(given), "cpu", True, tmp_path_factory.mktemp(name) / "job")
        return {each.task.key: each for each in making([Task(key, 2) for key in paths], conditions)}

    return make


@pytest.fixture(scope="session")
def square():
    """Where the middle of a stand-in's square is on a frame: x and y in pixels."""

    def find_square(frame):
        rows, columns = np.nonzero((frame[..., 0] > 250) & (frame[..., 2] < 5))
        return columns.mean() + 0.5, rows.mean() + 0.5

    return find_square
