from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from kinebench.physics import bullet
from kinebench.physics.approach import near_pairs
from kinebench.physics.bullet import simulate, simulate_unless
from kinebench.physics.rollout import Moment, start
from kinebench.scene.sampler import sample_scene


@pytest.fixture(scope="module")
def scenes(interactions, grounds):
    drawn = (sample_scene(interactions, "train", index, 0, 0, grounds) for index in range(12))
    return [scene for scene in drawn if scene]


def test_looking_at_near_pairs_only_changes_nothing(scenes, monkeypatch):
    """Against a simulation that looks at every pair in every step."""
    found = [simulate(scene) for scene in scenes]
    looked = []

    def everything(bodies, *_, seconds):
        looked.append(len(bodies))
        return tuple(combinations(range(len(bodies)), 2))

    monkeypatch.setattr(bullet, "near_pairs", everything)
    for scene, rollout in zip(scenes, found, strict=True):
        whole = simulate(scene)
        assert repr(whole.events) == repr(rollout.events) and whole.penetration_m == rollout.penetration_m
        assert whole.positions_m.tobytes() == rollout.positions_m.tobytes()
        assert whole.velocities_mps.tobytes() == rollout.velocities_mps.tobytes()
    assert looked and sum(len(rollout.events) for rollout in found) >= 5


def pairs(scene, positions, speeds=None, seconds=1 / 24):
    """Near pairs of upright cubes of 0.2 m."""
    count = len(positions)
    cube = replace(scene.bodies[0], shape="cube", size_m=(0.2, 0.2, 0.2))
    still, upright = np.zeros((count, 3)), np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))
    velocities = still if speeds is None else np.array(speeds)
    return near_pairs((cube,) * count, np.array(positions), upright, velocities, still, seconds=seconds)


def test_far_and_still_needs_no_look(scenes):
    assert pairs(scenes[0], [(0.0, 0, 0.1), (1, 0, 0.1), (0, 1, 0.1)]) == ()


def test_the_side_by_side_are_looked_at(scenes):
    assert pairs(scenes[0], [(0.0, 0, 0.1), (0.29, 0, 0.1), (3, 1, 0.1)]) == ((0, 1),)


def test_the_fast_are_looked_at_from_afar(scenes):
    places, fast = [(0.0, 0, 0.1), (0.6, 0, 0.1)], [(9.0, 0, 0), (0, 0, 0)]
    assert pairs(scenes[0], places) == ()
    assert pairs(scenes[0], places, fast) == ((0, 1),)
    assert pairs(scenes[0], places, fast, seconds=1 / 960) == ()


def test_what_may_be_struck_may_strike(scenes):
    """1 is near 0; were it struck, it could reach 2; and 3 is out of reach of all."""
    places, fast = [(0.0, 0, 0.1), (0.36, 0, 0.1), (0.85, 0, 0.1), (9, 0, 0.1)], [(2.0, 0, 0), *[(0, 0, 0)] * 3]
    assert pairs(scenes[0], places) == pairs(scenes[0], places[1:]) == pairs(scenes[0], places[::2], fast[::2]) == ()
    assert pairs(scenes[0], places, fast) == ((0, 1), (1, 2))


def test_a_doomed_simulation_ends_at_once(scenes):
    moments: list[Moment] = []

    def doomed(moment):
        moments.append(moment)
        return "late" if moment.frame >= 9 else None

    scene = next(scene for scene in scenes if len(scene.driven) == 2)
    assert simulate_unless(scene, doomed) == "late"
    assert [moment.frame for moment in moments] == [3, 6, 9]
    rollout = simulate(scene)
    for moment in moments:
        assert moment.positions_m == pytest.approx(rollout.positions_m[moment.frame], abs=3e-4)
        assert moment.velocities_mps == pytest.approx(rollout.velocities_mps[moment.frame], abs=5e-3)
        assert moment.touched == any(event.time_s <= moment.frame / scene.fps for event in rollout.events)


def test_start_is_the_scene(scenes):
    first = start(scenes[0])
    assert (first.frame, first.touched) == (0, False)
    assert first.positions_m.tolist() == [list(body.position_m) for body in scenes[0].bodies]
    assert np.flatnonzero(first.velocities_mps.any(axis=1)).tolist() == [i - 1 for i in scenes[0].driven]
    moved = replace(scenes[0], bodies=scenes[0].bodies[:1])
    assert start(moved).positions_m.shape == (1, 3)
