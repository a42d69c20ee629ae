"""Methods in real folders, and conditions for them."""

import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinebench.methods import method as methods
from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.source import Source

TOML = """
[method]
name = "{name}"
title = "A toy"
version = "1.0.0"
description = "For tests."
runs = "{runs}"
"""
GOOD = """
import numpy as np

from kinebench.methods.video import Video


class Toy:
    def generate(self, condition, seed):
        noise = np.random.default_rng(seed).integers(0, 2, condition.first_frame.shape, np.uint8)
        return Video(np.repeat((condition.first_frame // 2 + noise)[None], condition.frames, axis=0))


def load(setup):
    return Toy()
"""
SIZE = (96, 64)


@pytest.fixture
def folder(tmp_path):
    """`folder("toy", adapter, more="[native]...", **{"helper.py": "..."})`: a method's folder, in process."""

    def write(name="toy", adapter=GOOD, more="", runs="in process", **files):
        home = tmp_path / "methods" / name
        home.mkdir(parents=True, exist_ok=True)
        (home / "method.toml").write_text(TOML.format(name=name, runs=runs) + more)
        for file, text in {methods.CODE[runs]: adapter, **files}.items():
            (home / file).write_text(textwrap.dedent(text))
        return home

    return write


@pytest.fixture
def method(folder):
    """The same, read."""
    return lambda *args, **files: methods.read(folder(*args, **files))


def mask(left, top, right, bottom):
    found = np.zeros((SIZE[1], SIZE[0]), bool)
    found[top:bottom, left:right] = True
    return found


def condition(key="toys_test_000000", driven=2, frames=9):
    """Two boxes and a third; so many of them driven, the second over the longest way."""
    rng = np.random.default_rng(sum(key.encode()))
    masks = {1: mask(10, 20, 22, 32), 2: mask(40, 30, 52, 42), 3: mask(70, 10, 80, 20)}
    ends = {1: (30.0, 26.0), 2: (90.0, 36.0), 3: (75.0, 60.0)}
    starts = {1: (16.0, 26.0), 2: (46.0, 36.0), 3: (75.0, 15.0)}
    return Condition(
        key=key,
        first_frame=rng.integers(0, 200, (SIZE[1], SIZE[0], 3), np.uint8),
        prompt="A red box slides to the right.",
        frames=frames,
        fps=12.0,
        driven=tuple(
            DrivenObject(i, masks[i], (0.5, 0.0, 0.0), np.linspace(starts[i], ends[i], frames))
            for i in range(1, driven + 1)
        ),
        others=tuple(OtherObject(i, masks[i]) for i in range(driven + 1, 4)),
        camera=None,
        nominal=None,
    )


@pytest.fixture(scope="session")
def given():
    """`given(key="toys_test_000000", driven=2, frames=9)`: a condition."""
    return condition


@pytest.fixture(scope="session")
def source():
    """`source(3, seed=7)`: conditions of as many clips, whose facts are what is given."""

    def make(clips=3, change=lambda one: one, **facts):
        keys = tuple(f"toys_test_{i:06d}" for i in range(clips))
        facts = {"dataset": "toys", "seed": 7} | facts
        return Source(
            Path(), "test", "c_infer", keys, facts, None, lambda key: replace(change(condition(key)), key=key)
        )

    return make
