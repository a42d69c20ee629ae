"""The checks of a record against Bullet: what is simulated passes, and whatever number is changed does not."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinebench import recipe as recipes
from kinebench.acceptance import find
from kinebench.annotate.caption import captions
from kinebench.physics.bullet import simulate
from kinebench.record import describe
from kinebench.scene.pose import rotation_matrix
from kinebench.scene.scene import Body
from kinebench.shards import record as records
from kinebench.shards.manifest import Manifest
from kinebench.verify import laws, soundness
from kinebench.verify.inspection import Claims, grounds_of, record_facts

VERSIONS = dict.fromkeys(("kinebench", "python", "numpy", "pybullet", "bpy"), "0")
UNCHECKED = {*VERSIONS, "device"}  # of provenance: nothing in a sample says whether they are right
ROUGH = {
    "velocities_mps",
    "angular_velocities_radps",
    "visible_px",
    "end_s",
    "impulse_ns",
    "closing_speed_mps",
    "point_m",
}
"""Checked only within a wide tolerance, velocities while something touches."""


def claims(recipe):
    manifest = Manifest("0", recipe.dataset.name, recipe.record, recipe.sha256, 0, 1, {})
    return Claims(Path(), manifest, recipe, {name: grounds_of(recipe, name) for name in recipe.splits})


def simulated(recipe, index):
    """The record of a clip, without its pictures."""
    accepted = find(recipe, "train", index, 0, grounds_of(recipe, "train"))
    render = {"render_samples": recipe.render.samples, "denoiser": recipe.render.denoiser}
    words = captions(accepted.scene, accepted.rollout)
    return describe(recipe, accepted, words, {**VERSIONS, **render, "device": "CPU", "full_frames": False})


@pytest.fixture(scope="module")
def struck(tiny_interactions):
    return simulated(tiny_interactions, 1)


def facts(recipe, record):
    broken = records.schema_faults(record) or list(soundness.structure_faults(record, recipe.record))
    return broken or record_facts(claims(recipe), record)


@pytest.mark.parametrize("name", ["tiny_interactions", "tiny_simple"])
def test_what_is_simulated_has_no_fault(request, name):
    recipe = request.getfixturevalue(name)
    for index in range(4):
        assert facts(recipe, simulated(recipe, index)) == []


@pytest.mark.parametrize("index", [17, 45, 1129])
def test_few_frames_a_second_hide_much(index):
    """At 6 frames a second an object is pushed twice between two frames, or slows down by centimetres."""
    recipe = recipes.load("small_interactions")
    assert facts(recipe, simulated(recipe, index)) == []


def head_on(struck, shape, speed_mps, gap_m, fps=24):
    """Two equal bodies, both driven, 6 or 24 frames a second, and how they move."""
    kind = {"shape": shape, "size_m": (0.2, 0.2, 0.2), "colour": "red", "rgb": (1.0, 0.0, 0.0), "roughness": 0.5}
    stuff = {"mass_kg": 1.0, "friction": 0.3, "restitution": 0.4, "yaw_rad": 0.0}
    places = [((side * (0.1 + gap_m / 2), 0.0, 0.1), (-side * speed_mps / 2, 0.0, 0.0)) for side in (-1, 1)]
    bodies = tuple(Body(**kind, **stuff, position_m=place, velocity_mps=speed) for place, speed in places)
    scene = replace(records.scene(struck), bodies=bodies, frames=1 + fps // 3, fps=fps)
    return scene, simulate(scene)


@pytest.mark.parametrize("fps", [6, 24])
def test_an_event_has_also_the_push_from_afar(struck, fps):
    """At 1.5 m/s a cylinder is pushed from up to 1.8 mm; what its speed gains, and loses first, is in the event."""
    for gap_m in np.linspace(0.1, 0.104, 12):
        scene, rollout = head_on(struck, "cylinder", 1.5, gap_m, fps)
        (event,) = rollout.events
        first = int((event.time_s - laws.STEP_S) * fps)
        gained = rollout.velocities_mps[first + 1, 1, 0] - rollout.velocities_mps[first, 1, 0]  # 1 kg
        braked = 0.3 * scene.ground.friction * 9.81 / fps
        assert event.impulse_ns == pytest.approx(gained, abs=braked + 0.01)
        assert event.closing_speed_mps == pytest.approx(1.5, abs=0.2)
        assert list(laws.law_faults(scene, rollout, 2.0)) == []


@pytest.mark.parametrize(("shape", "speed_mps"), [("cube", 1.5), ("cube", 3.0), ("cylinder", 1.0), ("cylinder", 3.0)])
@pytest.mark.parametrize("share", [0.0, 0.5, 2.0])
def test_an_impulse_that_is_not_what_the_speeds_say_is_found(struck, shape, speed_mps, share):
    scene, rollout = head_on(struck, shape, speed_mps, 0.1)
    assert list(laws.law_faults(scene, rollout, 2.0)) == []
    (event,) = rollout.events
    altered = replace(rollout, events=(replace(event, impulse_ns=share * event.impulse_ns),))
    assert any("impulse_ns" in fact for fact in laws.law_faults(scene, altered, 2.0))


def leaves(value, path=()):
    """Every number, string and flag of a record, of long lists the middle entry only."""
    if isinstance(value, dict | list):
        items = list(value.items() if isinstance(value, dict) else enumerate(value))
        for key, part in items if len(items) <= 16 or isinstance(value, dict) else [items[len(items) // 2]]:
            yield from leaves(part, (*path, key))
    else:
        yield path, value


def others(path, value):
    """Values that are wrong by a little and by a lot."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, str):
        return ["zz"]
    if isinstance(value, int):
        return [value + 1, value - 1, value + 1000]
    if "angular_velocities_radps" in path:
        return [value + 30, value - 30, 1e9]
    return [value + 2, value - 2, 1e9] if ROUGH & set(path) else [value + 0.25, value - 0.25, value * 2 + 1, 1e9]


@pytest.mark.slow
def test_every_value_of_a_record_is_checked(struck, tiny_interactions):
    for path, value in leaves(struck):
        if UNCHECKED & set(path):
            continue
        for other in others(path, value):
            record = copy.deepcopy(struck)
            part = record
            for key in path[:-1]:
                part = part[key]
            part[path[-1]] = other
            slight = ROUGH & set(path) and other in (value + 1, value - 1)
            assert slight or facts(tiny_interactions, record), (path, value, other)


def test_lowest_point_and_inertia_are_those_of_many_points(struck):
    """Against points spread through each body, at a tilted pose."""
    scene, rollout = records.scene(struck), records.rollout(struck)
    rng = np.random.default_rng(0)
    tilt = rng.normal(size=4)
    tilt /= np.linalg.norm(tilt)
    rollout.quaternions_wxyz[:] = tilt
    for number, body in enumerate(scene.bodies, 1):
        points = rng.uniform(-0.5, 0.5, (400_000, 3))
        if body.shape == "cylinder":
            points = points[np.hypot(points[:, 0], points[:, 1]) < 0.5]
        points *= body.size_m
        square = np.square(points).mean(axis=0) * body.mass_kg
        assert laws.inertia_kgm2(body) == pytest.approx(
            [square[[1, 2]].sum(), square[[0, 2]].sum(), square[:2].sum()], 0.01
        )
        low = (points @ rotation_matrix(tilt).T)[:, 2].min() + rollout.positions_m[0, number - 1, 2]
        assert laws.lowest_m(body, rollout, number)[0] == pytest.approx(low, abs=0.01)
        assert laws.lowest_m(body, rollout, number)[0] <= low
