"""The golden vectors (recipes of inputs, and what the public implementations print for them), and a flat world."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from kinebench.metrics.truth import Truth
from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def recipes():
    spec = importlib.util.spec_from_file_location("golden_recipes", GOLDEN / "recipes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden():
    """`golden(name)`: the json, and the arrays beside it or None."""

    def load(name):
        arrays = GOLDEN / f"{name}.npz"
        return json.loads((GOLDEN / f"{name}.json").read_text()), np.load(arrays) if arrays.exists() else None

    return load


@pytest.fixture(scope="session")
def flat():
    """`flat(frames, *paths)`: the truth of squares of 8x8 pixels in a picture of 40x64.

    Each path is (F, 2): x and y of a square's top-left pixel. Later squares hide earlier ones; driven are those that
    move between the first two frames. The camera looks straight at the plane that they move in.
    """

    def truth(frames, *paths):
        count, height, width, edge = len(frames), *frames.shape[1:3], 8
        corners = np.array(paths, dtype=int).reshape(len(paths), count, 2)
        instances = np.zeros((count, height, width), np.uint8)
        for id, path in enumerate(corners, 1):
            for frame, (x, y) in enumerate(path):
                instances[frame, max(y, 0) : max(y + edge, 0), max(x, 0) : max(x + edge, 0)] = id
        centres = np.moveaxis(corners + edge / 2 - (width / 2, height / 2), 0, 1)  # (F, N, 2)
        positions = np.concatenate([centres, np.zeros((*centres.shape[:2], 1))], axis=2)
        still = np.zeros_like(positions)
        rollout = Rollout(positions, np.zeros((count, len(paths), 4)), still, still, (), 0.0)
        camera = Camera(width, height, 1.0, ((1, 0, 0), (0, 1, 0), (0, 0, 1)), (0, 0, 1))
        driven = tuple(id for id, path in enumerate(corners, 1) if (path[0] != path[1]).any())
        return Truth("flat", frames, instances, 12.0, camera, rollout, driven)

    return truth
