"""CPU time of our metrics against the public implementations, on the same inputs in one run, and how far they agree.

The public ones are no dependency: where one is missing, its row says how to install it. Each comparison runs in a
process of its own with one thread, and every repeat takes both in turn.
"""

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from kinebench.bench.spent import Spent, spent

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
EPS = 1e-5  # of released FVMD
WINDOWS = 34  # of 16 frames in a clip of 49
SSIM_FRAMES = 4

FVMD = "pip install loguru prettytable && pip install --no-deps fvmd==1.0.0"


@dataclass(frozen=True)
class Pair:
    """The same work done by us and by them; both return what they found."""

    ours: Callable[[], Any]
    theirs: Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One comparison."""

    name: str
    peer: str
    modules: tuple[str, ...]  # that the peer needs
    install: str
    prepare: Callable[[], Pair]
    long: bool = False  # measured once


@dataclass(frozen=True)
class Comparison:
    """What both took, one entry a repeat; none if the peer is missing."""

    name: str
    peer: str
    ours: tuple[Spent, ...] = ()
    theirs: tuple[Spent, ...] = ()
    difference: float | None = None  # largest between the results, relative to the largest of theirs
    missing: str | None = None  # how to install the peer

    @property
    def speed_up(self) -> float | None:
        """CPU time, theirs over ours: median of the repeats' ratios."""
        ratios = [b.cpu_s / a.cpu_s for a, b in zip(self.ours, self.theirs, strict=True)]
        return median(ratios) if ratios else None


def measure(cases: "tuple[Case, ...]", repeats: int) -> Iterator[Comparison]:
    """Each comparison; `repeats` times those that do not take minutes."""
    with patch.dict(os.environ, dict.fromkeys(THREADS, "1")):
        for case in cases:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                yield process.submit(_compare, case, repeats).result()


def _compare(case: Case, repeats: int) -> Comparison:
    if any(importlib.util.find_spec(module) is None for module in case.modules):
        return Comparison(case.name, case.peer, missing=case.install)
    ours, theirs, difference = [], [], 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pair = case.prepare()
        for turn in range(1 if case.long else repeats + 1):
            mine, cost = spent(pair.ours)
            other, their_cost = spent(pair.theirs)
            if turn or case.long:  # the first is for caches
                ours.append(cost)
                theirs.append(their_cost)
            scale = np.abs(other).max()
            difference = max(difference, float(np.abs(np.asarray(mine) - np.asarray(other)).max() / scale))
    return Comparison(case.name, case.peer, tuple(ours), tuple(theirs), difference)


def _fvmd(name: str) -> Any:
    """A module of the package fvmd, without its __init__, which loads torchvision."""
    if "fvmd" not in sys.modules:
        spec = importlib.util.find_spec("fvmd")
        assert spec is not None
        package = ModuleType("fvmd")
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["fvmd"] = package
    return importlib.import_module(f"fvmd.{name}")


def _histograms() -> Pair:
    from kinebench.metrics.fvmd import motion_features

    theirs = _fvmd("extract_motion_features").calc_hist
    steps = np.random.default_rng(0).normal(0, 2, (WINDOWS, 16, 400, 2))
    tracks = (100 + steps.cumsum(axis=1)).astype(np.float32)
    velocity = np.diff(tracks, axis=1, prepend=tracks[:, :1])
    released = velocity.copy()  # the public code's acceleration: velocity again, without the first step
    released[:, 1] = 0

    def both() -> NDArray[Any]:
        return np.concatenate([theirs(field).reshape(WINDOWS, -1) for field in (velocity, released)], axis=1)

    return Pair(lambda: motion_features(tracks), both)


def _features(rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two sets (rows, 1024) like motion histograms: counts of eighths, few large and many small."""
    rng = np.random.default_rng(rows)
    scale = 100 / (1 + np.arange(1024) / 8)
    a, b = (np.ceil(8 * rng.random((rows, 1024)) * scale * factor) / 8 for factor in (1.0, 1.1))
    return a, b


def _frechet() -> Pair:
    from scipy import linalg

    from kinebench.metrics.frechet import frechet_distance

    a, b = _features(200)

    def theirs() -> float:
        s1, s2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
        root = linalg.sqrtm(s1 @ s2)
        return float(np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(s1) + np.trace(s2) - 2 * np.trace(root).real)

    return Pair(lambda: frechet_distance(a, b), theirs)


def _released_frechet(rows: int) -> Pair:
    from kinebench.metrics.frechet import frechet_distance

    theirs = _fvmd("frechet_distance").calculate_fd_given_vectors
    a, b = _features(rows)
    return Pair(lambda: frechet_distance(a, b, eps=EPS), lambda: float(theirs(a, b)))


def _released_frechet_of_100_clips() -> Pair:
    return _released_frechet(100 * WINDOWS)


def _released_frechet_of_200_rows() -> Pair:
    return _released_frechet(200)


def _ssim() -> Pair:
    from kinebench.metrics.pixel import ssim_per_frame

    theirs = importlib.import_module("skimage.metrics").structural_similarity
    rng = np.random.default_rng(0)
    a = rng.integers(0, 256, (SSIM_FRAMES, 480, 720, 3), dtype=np.uint8)
    b = np.clip(a.astype(np.int16) + rng.integers(-12, 13, a.shape), 0, 255).astype(np.uint8)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}

    def each() -> NDArray[Any]:
        return np.array([theirs(x, y, data_range=255, **options) for x, y in zip(a, b, strict=True)])

    return Pair(lambda: ssim_per_frame(a, b), each)


def _window() -> Pair:
    """One window of 16 frames, tracked by both networks with the same random weights."""
    from kinebench.metrics.histogram import grid
    from kinebench.metrics.pips.network import PipsPlusPlus, torch

    rng = np.random.default_rng(0)
    original, ours = _fvmd("nets.pips2").Pips(stride=8).eval(), PipsPlusPlus().eval()
    state = {}
    for key, value in sorted(original.state_dict().items()):
        spread = np.sqrt(2 / np.prod(value.shape[1:])) if value.ndim > 1 else 0.05
        mean = 1.0 if value.ndim == 1 and key.endswith("weight") else 0.0
        reach = 0.02 if key == "delta_block.dense.weight" else 1.0  # tracks must not leave the picture
        state[key] = torch.from_numpy((mean + reach * spread * rng.normal(size=value.shape)).astype(np.float32))
    original.load_state_dict(state)
    ours.load_state_dict(state)
    frames = rng.integers(0, 256, (16, 32, 32, 3), dtype=np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    points = grid(256, 256)

    def theirs() -> NDArray[Any]:
        rgb = torch.from_numpy(frames).permute(0, 3, 1, 2)[None].float()
        start = torch.from_numpy(points)[None, None].repeat(1, 16, 1, 1)
        with torch.no_grad(), patch.object(torch.Tensor, "cuda", lambda tensor: tensor):  # theirs asks for CUDA
            return original(start, rgb, iters=16, beautify=True)[0][-1][0].numpy()

    return Pair(lambda: ours.follow(ours.encode(frames)[None], points)[0].numpy(), theirs)


CASES = (
    Case("motion histograms of a clip", "fvmd 1.0.0", ("fvmd", "loguru"), FVMD, _histograms),
    Case("Fréchet distance, N = 200, d = 1024", "scipy sqrtm", ("scipy",), "pip install scipy", _frechet),
    Case("the same as released FVMD", "fvmd 1.0.0", ("fvmd", "loguru"), FVMD, _released_frechet_of_200_rows),
    Case("the same, N = 3400", "fvmd 1.0.0", ("fvmd", "loguru"), FVMD, _released_frechet_of_100_clips),
    Case(f"SSIM of {SSIM_FRAMES} frames", "scikit-image", ("skimage",), "pip install scikit-image", _ssim),
    Case("PIPs++ window", "fvmd 1.0.0", ("fvmd", "prettytable", "torch"), FVMD, _window, long=True),
)
