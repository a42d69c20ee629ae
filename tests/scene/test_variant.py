from collections import Counter
from dataclasses import asdict, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.recipe import Counterfactual
from kinebench.scene.sampler import caption_rng, sample_scene
from kinebench.scene.variant import (
    cycle,
    draw,
    draw_base,
    liveliest,
    siblings,
    variant_of,
    vary,
    widened,
    with_struck_last,
)

SPEC = Counterfactual(
    speed_mps=(0.5, 1.0), direction_deg=(0, 90, 180, 270), presence=(0, 1), mass_kg=(1.0, 2.0, 4.0), ground_friction=()
)
steps = st.lists(st.floats(0.1, 9), min_size=2, max_size=6, unique=True).map(sorted).map(tuple) | st.just(())


@pytest.fixture(scope="module")
def bases(counterfactual, grounds):
    """Base scenes of many groups."""
    drawn = (
        draw_base(counterfactual, "train", group, 0, attempt, grounds) for group in range(99) for attempt in range(3)
    )
    found = [base for base in drawn if not isinstance(base, str)]
    assert len(found) >= 12
    return found


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (0, (0, "speed", 0.5)),
        (1, (0, "speed", 1.0)),
        (2, (1, "direction", 0)),
        (5, (1, "direction", 270)),
        (6, (2, "presence", 0)),
        (8, (3, "mass", 1.0)),
        (10, (3, "mass", 4.0)),
        (11, (4, "speed", 0.5)),
        (11_000_002, (4_000_001, "direction", 0)),
    ],
)
def test_group_factor_and_value_follow_from_the_index(index, expected):
    variant = variant_of(SPEC, index)
    assert (variant.group, variant.factor, variant.value) == expected


@given(st.builds(Counterfactual, steps, steps, steps, steps, steps).filter(cycle), st.integers(1, 200))
def test_any_prefix_is_even_and_every_group_whole(spec, count):
    variants = [variant_of(spec, index) for index in range(count)]
    groups = [variants[i] for i in range(count) if i == 0 or variants[i].group != variants[i - 1].group]
    assert [variant.group for variant in groups] == list(range(len(groups)))
    begun = Counter(variant.factor for variant in groups)
    assert max(begun[factor] for factor in cycle(spec)) - min(begun[factor] for factor in cycle(spec)) <= 1
    for one in groups[:-1]:
        assert tuple(v for v in variants if v.group == one.group) == siblings(spec, one)
    whole = sum(map(len, cycle(spec).values()))
    assert {variant_of(spec, whole + i).factor for i in range(whole)} == set(cycle(spec))


def test_liveliest_is_where_most_is_to_be_expected():
    found = {v.factor: liveliest(SPEC, v).value for v in (variant_of(SPEC, index) for index in range(11))}
    assert found == {"speed": 1.0, "direction": 0, "presence": 1, "mass": 1.0}


def test_the_last_object_is_the_first_in_the_driven_ones_way(bases):
    for base in bases:
        (driven,) = (body for body in base.bodies if body.driven)
        way = np.array(driven.velocity_mps[:2]) / np.linalg.norm(driven.velocity_mps)
        ahead = [way @ (np.array(body.position_m) - driven.position_m)[:2] for body in base.bodies]
        aside = [np.cross(way, (np.array(body.position_m) - driven.position_m)[:2]) for body in base.bodies]
        width = driven.size_m[0] / 2
        assert not base.bodies[-1].driven and ahead[-1] > 0 and abs(aside[-1]) < 0.3
        for body, along, off in zip(base.bodies[:-1], ahead[:-1], aside[:-1], strict=True):
            central = abs(off) < (width + body.size_m[0] / 2) / 2  # it would surely be struck
            assert body is driven or along < 0 or along > ahead[-1] or not central


def test_base_has_the_objects_that_were_drawn(counterfactual, grounds):
    for group in range(40):
        scene = sample_scene(counterfactual, "train", group, 0, 0, grounds)
        ordered = scene and with_struck_last(scene)
        if ordered:
            assert sorted(map(repr, ordered.bodies)) == sorted(map(repr, scene.bodies))
            assert replace(ordered, bodies=scene.bodies) == scene


def flat(scene):
    """Nested content as flat names and values, without what names the clip."""

    def parts(name, value):
        if isinstance(value, dict | list | tuple):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            return {key: leaf for k, v in items for key, leaf in parts(f"{name}.{k}", v).items()}
        return {name: value}

    return parts("", {key: value for key, value in asdict(scene).items() if key not in ("index", "variant")})


def test_variants_differ_in_their_factor_and_nothing_else(counterfactual, bases):
    for base in bases[:12]:
        struck, driven = len(base.bodies) - 1, base.driven[0] - 1
        may_differ = {
            "speed": {f".bodies.{driven}.velocity_mps.{axis}" for axis in (0, 1)},
            "direction": {f".bodies.{driven}.velocity_mps.{axis}" for axis in (0, 1)},
            "mass": {f".bodies.{struck}.mass_kg"},
            "friction": {".ground.friction"},
        }
        for factor, values in cycle(counterfactual.counterfactual).items():
            first = next(v for i in range(23) if (v := variant_of(counterfactual.counterfactual, i)).factor == factor)
            scenes = [vary(base, one, 0) for one in siblings(counterfactual.counterfactual, first)]
            assert [scene.variant.value for scene in scenes] == list(values)
            for a, b in combinations(map(flat, scenes), 2):
                if factor == "presence":
                    assert b.items() > a.items()
                    assert {name.split(".")[2] for name in b.keys() - a.keys()} == {str(struck)}
                else:
                    assert {name for name in a if a[name] != b[name]} <= may_differ[factor]
                    assert a.keys() == b.keys() and a != b


def test_variants_have_their_values(counterfactual, bases):
    base = bases[0]
    number = base.driven[0] - 1
    before = np.array(base.bodies[number].velocity_mps)
    for index in range(23):
        variant = variant_of(counterfactual.counterfactual, index)
        scene = vary(base, variant, index)
        after = np.array(scene.bodies[number].velocity_mps)
        if variant.factor == "speed":
            assert np.linalg.norm(after) == pytest.approx(variant.value, abs=1e-8)
            assert after @ before == pytest.approx(np.linalg.norm(after) * np.linalg.norm(before))
        elif variant.factor == "direction":
            turn = np.arctan2(np.cross(before[:2], after[:2]), before[:2] @ after[:2])
            assert np.degrees(turn) % 360 == pytest.approx(variant.value, abs=1e-4)
            assert np.linalg.norm(after) == pytest.approx(np.linalg.norm(before), abs=1e-8)
        else:
            told = {"mass": scene.bodies[-1].mass_kg, "friction": scene.ground.friction}
            told["presence"] = len(scene.bodies) - len(base.bodies) + 1
            assert told[variant.factor] == variant.value


def test_clips_of_a_group_share_camera_and_words(counterfactual, grounds):
    variants = [variant_of(counterfactual.counterfactual, index) for index in range(23)]

    def attempt(group):
        drawn = (draw_base(counterfactual, "train", group, 3, number, grounds) for number in range(99))
        return next(number for number, base in enumerate(drawn) if not isinstance(base, str))

    attempts = {group: attempt(group) for group in range(5)}
    scenes = [draw(counterfactual, "train", i, 3, attempts[v.group], grounds) for i, v in enumerate(variants)]
    words = [caption_rng(scene).integers(2**60) for scene in scenes]
    assert [(scene.index, scene.variant) for scene in scenes] == list(enumerate(variants))
    for a, b in combinations(range(23), 2):
        same = variants[a].group == variants[b].group
        assert (scenes[a].camera == scenes[b].camera) == (words[a] == words[b]) == same


def test_widened_recipe_holds_every_variant(counterfactual, interactions, bases):
    assert widened(interactions) is interactions
    wide = widened(counterfactual)
    for base, index in zip(bases, range(23), strict=False):
        scene = vary(base, variant_of(counterfactual.counterfactual, index), index)
        assert wide.objects.count[0] <= len(scene.bodies) <= wide.objects.count[1]
        assert wide.ground.friction[0] <= scene.ground.friction <= wide.ground.friction[1]
        for body in scene.bodies:
            assert wide.objects.mass_kg[0] <= body.mass_kg <= wide.objects.mass_kg[1]
            speed = np.linalg.norm(body.velocity_mps)
            assert not body.driven or wide.motion.speed_mps[0] - 1e-8 <= speed <= wide.motion.speed_mps[1] + 1e-8
