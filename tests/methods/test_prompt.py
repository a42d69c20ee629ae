import re
from dataclasses import replace

import numpy as np
import pytest

from kinebench.annotate import wording
from kinebench.errors import KineBenchError
from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.path import Nominal, image_path, pole_px
from kinebench.methods.prompt import EARLY_WORDS, LONGEST_CHARACTERS, Words, c_infer
from kinebench.scene.camera import look_at

CAMERA = look_at(np.array([0, -3.0, 1.8]), np.zeros(3), width_px=240, height_px=160, field_of_view_rad=0.8)
NOMINAL = Nominal(0.084, 0.09, 0.1)
COLLIDING = r"collid|bump|hit|runs? into|strik|crash|slam|brush|graz|clips"


def standing(x, y, half=0.1):
    """The mask of a box that faces the camera."""
    corners = np.array([[x - half, y, 0.0], [x + half, y, 0.2]])
    (left, bottom), (right, top) = CAMERA.project(corners)[0]
    mask = np.zeros((160, 240), bool)
    mask[round(top) : round(bottom), round(left) : round(right)] = True
    return mask


def scene(objects, frames=49):
    """`objects` are id -> (x, y, velocity or None); the condition, all cubes of the colours of `words`."""
    driven, others = [], []
    for identity, (x, y, velocity) in objects.items():
        mask = standing(x, y)
        if velocity is None:
            others.append(OtherObject(identity, mask))
        else:
            path = image_path(CAMERA, pole_px(mask), velocity, NOMINAL, frames, 24.0)
            driven.append(DrivenObject(identity, mask, velocity, path))
    first = np.zeros((160, 240, 3), np.uint8)
    return Condition("k", first, "", frames, 24.0, tuple(driven), tuple(others), CAMERA, NOMINAL)


COLOURS = ("red", "blue", "green", "white", "black", "pink", "purple", "yellow", "lime", "navy", "beige", "orange")


def words(count, ground="a wooden floor", shape="cube"):
    return Words(ground, {i + 1: (COLOURS[i], shape) for i in range(count)})


STRIKE = {1: (-0.5, 0.0, (1.2, 0.0, 0.0)), 2: (0.2, 0.0, None), 3: (0.0, 0.9, None)}
DIRECTIONS = {
    "to the right": (0.8, 0.0, 0.0),
    "to the left": (-0.8, 0.0, 0.0),
    "background|top of the frame|away from the viewer": (0.0, 0.8, 0.0),
    "foreground|bottom of the frame|towards the viewer": (0.0, -0.8, 0.0),
}


def test_it_names_what_is_struck_and_who_stays():
    text = c_infer(scene(STRIKE), words(3))
    assert "a wooden floor" in text and re.search(COLLIDING, text)
    assert re.search(r"red cube .*(blue cube|it)", text)
    assert re.search(r"green cube (remains|stays)", text) or "other" in text
    assert re.search(r"(push|mov|knock|send|sent)\w*", text)


def test_a_slower_one_strikes_nothing():
    slow = STRIKE | {1: (-0.5, 0.0, (0.55, 0.0, 0.0))}
    text = c_infer(scene(slow), words(3))
    assert not re.search(COLLIDING, text) and "red cube" in text


@pytest.mark.parametrize("says", DIRECTIONS)
def test_directions_are_those_of_the_image(says):
    text = c_infer(scene({1: (0.0, 0.0, DIRECTIONS[says]), 2: (-0.9, 0.9, None)}), words(2))
    assert re.search(says, text), text


def test_an_object_that_strikes_at_once_is_still_said_to_move():
    near = {1: (-0.2, 0.0, (1.0, 0.0, 0.0)), 2: (0.03, 0.0, None), 3: (0.6, 0.9, None)}
    text = c_infer(scene(near), words(3))
    assert re.search(r"red cube (starts .*)?moves|moves to", text), text
    assert re.search(COLLIDING, text)


def test_a_driven_object_is_never_said_to_stand_still():
    text = c_infer(scene({1: (0.0, 0.0, (0.1, 0.0, 0.0)), 2: (0.6, 0.9, None)}), words(2))
    assert re.search(r"red cube moves (slightly|a short distance) to the right", text), text
    assert re.search(r"blue cube (remains|stays)|other", text)


def test_two_driven_objects_and_two_of_a_name():
    both = {1: (-0.6, 0.0, (1.2, 0.0, 0.0)), 2: (0.2, 0.0, None), 3: (0.3, 0.9, (-0.6, 0.0, 0.0))}
    named = Words("a wooden floor", {1: ("red", "cube"), 2: ("red", "cube"), 3: ("blue", "cylinder")})
    text = c_infer(scene(both), named)
    assert "blue cylinder" in text and ("red cube on the" in text or "er red cube" in text)


def test_it_depends_on_what_is_seen_and_on_nothing_else():
    condition = scene(STRIKE)
    text = c_infer(condition, words(3))
    assert c_infer(replace(condition, key="other", prompt="anything"), words(3)) == text
    assert c_infer(condition, words(3, "a pebble ground")) != text


def test_objects_that_do_not_show_are_not_spoken_of():
    text = c_infer(scene(STRIKE), words(5))
    assert "black" not in text and "five" not in text


@pytest.mark.parametrize("seed", range(12))
def test_it_is_short_and_tells_the_strike_early(seed):
    """Below 226 tokens of T5, and what moves and strikes within the first words, where CLIP still reads."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 8))
    objects = {}
    for identity in range(1, count + 1):
        x, y = -0.9 + 0.36 * (identity - 1), float(rng.uniform(-0.1, 0.1))
        objects[identity] = (x, y, (float(rng.uniform(0.8, 1.5)), 0.0, 0.0) if identity in (1, 4) else None)
    text = c_infer(scene(objects), words(count, "a ground covered with yellow autumn leaves"))
    early = " ".join(text.split()[:EARLY_WORDS])
    story = early.partition(". ")[2].lower()
    assert "red cube" in story and re.search(COLLIDING, story), text
    assert len(text) <= LONGEST_CHARACTERS
    assert text[0].isupper() and text.endswith(".") and ".." not in text and "  " not in text
    assert not re.search(r"\d", text.replace("3D", "")), "no speeds"


def test_many_objects_of_long_names_are_counted_instead_of_listed():
    objects = {i: (-1.0 + 0.17 * i, 0.05 * (i % 3), (1.4, 0.0, 0.0) if i == 1 else None) for i in range(1, 13)}
    names = {i: (f"extraordinarily dark {COLOURS[i - 1]}ish", "cylinder") for i in objects}
    text = c_infer(scene(objects), Words("a ground covered with the yellow leaves of late autumn", names))
    assert len(text) <= LONGEST_CHARACTERS and "extraordinarily dark redish cylinder" in text
    assert text.endswith(".") and not text.endswith("..")


def test_every_word_for_a_collision_is_known():
    from kinebench.methods.prompt import _COLLIDING

    tables = (wording._COLLISIONS, wording._GLANCES, wording._MUTUAL)
    phrases = [phrase for table in tables for options in table.values() for phrase in options]
    assert len(phrases) > 20 and all(_COLLIDING.search(phrase) for phrase in phrases)


def test_without_metres_nothing_can_be_told():
    with pytest.raises(KineBenchError, match="nothing is known in metres"):
        c_infer(replace(scene(STRIKE), camera=None), words(3))
