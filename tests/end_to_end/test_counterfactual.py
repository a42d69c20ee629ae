"""A whole cycle of groups, generated for real: what the factor does not touch is the same to the last bit."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from kinebench.data import open_dataset
from kinebench.render.film import TILE_PX
from kinebench.render.reach import reach_tiles
from kinebench.shards import record as records

TINY = str(Path(__file__).parents[1] / "recipes" / "tiny_counterfactual.toml")
CYCLE = {"speed": 5, "direction": 8, "presence": 2, "mass": 4, "friction": 4}
NOISE = 4.0
"""Mean difference, of 255, of two pictures at two samples a pixel, where nothing differs between them."""


def kinebench(*args):
    return subprocess.run(
        [sys.executable, "-m", "kinebench.cli.main", *map(str, args)], check=True, capture_output=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cycle") / "data"
    kinebench("generate", TINY, "--out", folder, "--count", sum(CYCLE.values()), "--workers", 2, "--with", "lossless")
    return folder


@pytest.fixture(scope="module")
def groups(folder):
    found = defaultdict(list)
    for clip in open_dataset(folder, split="train"):
        found[clip.record["counterfactual"]["factor"]].append(clip)
    return found


@pytest.mark.slow
def test_one_cycle_holds_each_factor_once(groups):
    assert {factor: len(clips) for factor, clips in groups.items()} == CYCLE
    for factor, clips in groups.items():
        (group,) = {clip.record["counterfactual"]["group"] for clip in clips}
        assert group == f"{list(CYCLE).index(factor):06d}"


@pytest.mark.slow
def test_a_group_starts_with_one_frame(groups):
    for factor, clips in groups.items():
        if factor != "presence":
            assert len({clip.lossless[0].tobytes() for clip in clips}) == 1, factor
            assert len({clip.segmentation[0].tobytes() for clip in clips}) == 1
    assert any(len({clip.lossless[-1].tobytes() for clip in clips}) > 1 for clips in groups.values())


@pytest.mark.slow
def test_the_struck_object_leaves_the_rest_alone(groups):
    without, present = groups["presence"]
    struck, scene = len(present.record["objects"]), records.scene(present.record)
    assert struck == len(without.record["objects"]) + 1
    there = present.segmentation[0]
    assert np.array_equal(np.where(there == struck, 0, there) != 0, (without.segmentation[0] != 0) & (there != struck))
    rollout = present.rollout
    reached = reach_tiles(scene, struck, rollout.positions_m[0], rollout.quaternions_wxyz[0], TILE_PX)
    reached = np.kron(reached, np.ones((TILE_PX, TILE_PX), dtype=bool))[: there.shape[0], : there.shape[1]]
    off = np.abs(present.lossless[0].astype(int) - without.lossless[0]).mean(axis=-1)
    assert off[~reached].mean() < NOISE < off[there == struck].mean()


@pytest.mark.slow
def test_a_clip_alone_is_the_clip_of_its_group(folder, tmp_path):
    """Two workers that split the clips between them, as machines do, make the same tars."""
    other = tmp_path / "other"
    for worker in (1, 0):
        plain = ["generate", TINY, "--out", other, "--count", 7, "--with", "lossless"]
        kinebench(*plain, "--worker", worker, "--of", 2)
    kinebench("generate", TINY, "--out", other, "--count", 7, "--with", "lossless")
    mine, theirs = open_dataset(other, split="train"), open_dataset(folder, split="train")
    assert [mine[i].record for i in range(7)] == [theirs[i].record for i in range(7)]
