"""Meters for tests: small, and what they read is written down in a file, whatever process reads it."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from kinebench.errors import KineBenchError, Unavailable
from kinebench.metrics.metric import Metric, Reading


@dataclass(frozen=True)
class Counting:
    """How bright a clip is; `diary` gets a line for each reading."""

    diary: Path = field(default_factory=lambda: Path(os.environ["DIARY"]))
    light: bool = True
    option: int = 0

    name: ClassVar[str] = "counting"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("darkness", 1, "of the prediction", "", "lower", 0, headline=True),
        Metric("moving", 1, "only where something moves", "", "higher", 1),
        Metric("spread", 1, "of all clips", "", "lower", 0, "set", True),
        Metric("answer", 1, "of a group", "", "higher", 1, "group", True),
    )

    @property
    def configuration(self):
        return {"option": self.option}

    def read(self, truth, frames):
        same = np.array_equal(frames, truth.frames)
        with self.diary.open("a") as file:
            file.write(f"{truth.key} {'truth' if same else 'prediction'} {os.getpid()}\n")
        light = float(frames.mean())
        features = frames.mean(axis=(1, 2), dtype=np.float64)[:3].reshape(1, -1)
        # A clip that moves nothing has nothing to measure here.
        moving = None if truth.key.endswith("000001") else light / 255
        return Reading({"darkness": 255 - light, "moving": moving}, {"features": features, "light": np.array([light])})

    def worst(self, truth):
        return {"darkness": 255.0, "moving": None if truth.key.endswith("000001") else 0.0}

    @property
    def distances(self):
        return {"spread": distance}

    def respond(self, group):
        if not all(reply.predicted.arrays for reply in group):
            return {"answer": 0.0}
        off = [abs(reply.predicted.arrays["light"] - reply.truth.arrays["light"])[0] for reply in group]
        return {"answer": float(1 / (1 + np.mean(off)))}


def distance(a, b):
    if min(len(a), len(b)) < 2:
        raise KineBenchError("a distance needs two clips")
    return float(np.square(a.mean(axis=0) - b.mean(axis=0)).sum() + abs(a.std() - b.std()))


class Crashing(Counting):
    """Takes its process with it at one clip."""

    def read(self, truth, frames):
        if truth.key.endswith("000002"):
            os._exit(9)
        return super().read(truth, frames)


class Failing(Counting):
    """Has a fault that shows at one clip."""

    def read(self, truth, frames):
        if truth.key.endswith("000001"):
            return frames[99]
        return super().read(truth, frames)


class Refusing(Counting):
    """Cannot read what it is given, and says why."""

    name = "refusing"

    def read(self, truth, frames):
        raise KineBenchError("it needs 99 frames")


class Absent(Counting):
    """Lacks its weights."""

    name = "absent"

    @property
    def configuration(self):
        raise Unavailable("the weights are not here; run: kinebench weights fetch them")


class NotANumber(Counting):
    """Divides by zero."""

    def read(self, truth, frames):
        return Reading({"darkness": float("nan"), "moving": None})
