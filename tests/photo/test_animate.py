from dataclasses import replace

import numpy as np
import pytest

from kinebench.annotate import velocity
from kinebench.annotate.caption import C0
from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder
from kinebench.photo.animate import Driven, Standing, Wish, condition, key_of
from kinebench.photo.arrow import Arrow
from kinebench.photo.camera import View, constants, default_view, v_max_mps
from kinebench.photo.sheet import sheet, shown, velocity_mask


@pytest.fixture
def wish(linen, linen_masks):
    pink = Driven("--arrow 1", linen_masks[1], Arrow((540, 140), (450, 330)), name="pink box")
    green = Driven("--arrow 2", linen_masks[2], Arrow((170, 215), (350, 240)), 0.8, "steel cylinder")
    return Wish("linen", linen, (pink, green), (Standing("other", linen_masks[3], "cup"),), default_view())


def test_a_condition_is_whole_and_can_be_read_again(wish, tmp_path, linen_masks):
    made = condition(wish)
    assert [each.id for each in made.driven] == [1, 2] and [each.id for each in made.others] == [3]
    assert (made.frames, made.fps, made.size) == (49, 24.0, (720, 480))
    for each in made.objects:
        np.testing.assert_array_equal(each.mask, linen_masks[each.id])
    for each in made.driven:
        assert each.mask[tuple(each.path_px[0, ::-1].astype(int))]
    assert made.driven[0].velocity_mps[1] < 0 < made.driven[1].velocity_mps[0]
    condition_folder.write(tmp_path / "linen", made)
    assert condition_folder.read(tmp_path / "linen").sha256 == made.sha256 == condition(wish).sha256


def test_the_velocity_mask_is_the_encoders(wish):
    """Painted by `annotate.velocity` from an instance map and world velocities, it is the same."""
    made = condition(wish)
    ids = sum(each.id * each.mask.astype(np.uint8) for each in made.objects)
    world = np.zeros((1, 3, 3))
    for each in made.driven:
        world[0, each.id - 1] = np.array(each.velocity_mps) @ made.camera.ground_axes
    expected = velocity.velocity_mask(ids[None], world, (1, 2), made.camera)[0]
    np.testing.assert_allclose(velocity_mask(made), expected, atol=1e-6)


def test_the_picture_shows_both(wish):
    made = condition(wish)
    page = sheet(made, v_max_mps())
    np.testing.assert_array_equal(page[:480, 724:], shown(made, v_max_mps()))
    assert page.shape[1] == 2 * 720 + 4


def test_names_write_the_prompt(wish):
    made = condition(replace(wish, ground="blue cloth"))
    for word in ("pink box", "steel cylinder", "cup", "blue cloth"):
        assert word in made.prompt.lower() or word in made.prompt
    assert "box cylinder" not in made.prompt and "colo" not in made.prompt and "\0" not in made.prompt
    assert condition(replace(wish, prompt="  A box\n slides. ")).prompt == "A box slides."
    nameless = replace(wish, others=(Standing("other", wish.others[0].mask),))
    assert condition(nameless).prompt == C0


@pytest.mark.parametrize("names", [("cup", "cup", "cup"), ("egg", "tea light", "tea light"), ("a", "b", "cherry")])
def test_no_cylinder_is_left_in_a_prompt(wish, names):
    driven = tuple(replace(each, name=name) for each, name in zip(wish.driven, names, strict=False))
    for turn in range(8):
        other = Standing("", wish.others[0].mask, names[2])
        made = condition(replace(wish, driven=driven, others=(other,), ground=f"table {turn}"))
        assert "cylinder" not in made.prompt and names[0] in made.prompt


def test_without_a_camera_nothing_is_in_metres(wish):
    arrows = tuple(replace(each, speed_mps=None, name="") for each in wish.driven)
    made = condition(replace(wish, view=None, driven=arrows))
    assert made.camera is None and made.nominal is None
    for each, arrow in zip(made.driven, arrows, strict=True):
        assert each.velocity_mps is None
        np.testing.assert_allclose(each.path_px[[0, -1]], [arrow.arrow.tail_px, arrow.arrow.head_px])
    with pytest.raises(KineBenchError, match="no prompt can be written from names"):
        named = (replace(arrows[0], name="box"),)
        condition(replace(wish, view=None, driven=named))
    with pytest.raises(KineBenchError, match="m/s means nothing without a camera"):
        condition(replace(wish, view=None))


def test_a_pixel_belongs_to_the_first_that_claims_it(wish, linen_masks):
    both = linen_masks[1] | linen_masks[3]
    greedy = replace(wish, driven=(replace(wish.driven[0], mask=both),), others=wish.others)
    with pytest.raises(KineBenchError, match="other: its object is that of --arrow 1"):
        condition(greedy)
    fine = condition(replace(greedy, others=(Standing("other", linen_masks[3] | linen_masks[2]),)))
    np.testing.assert_array_equal(fine.others[0].mask, linen_masks[2])


def test_bad_wishes(wish, linen_masks):
    first = wish.driven[0]
    speck = np.zeros_like(first.mask)
    speck[138:142, 538:542] = True
    for change, message in (
        ({"driven": ()}, "nothing is driven"),
        ({"driven": (replace(first, arrow=Arrow((300, 400), (400, 400))),)}, "tail is on the background"),
        ({"driven": (replace(first, mask=speck),)}, "its mask has 16 pixels"),
        ({"driven": wish.driven[::-1], "others": wish.others * 11}, "13 objects"),
        ({"view": View(60, 1.0, -5.0)}, "--arrow 1: its tail is above the ground: .* row 442 of the photo"),
        ({"view": View(60, 1.0, 5.0), "driven": (replace(first, arrow=Arrow((540, 240), (540, 400))),)}, "background"),
        ({"driven": (replace(first, speed_mps=0.001),)}, "0.01 to 20 m/s"),
        ({"driven": (replace(first, speed_mps=float("nan")),)}, "0.01 to 20 m/s"),
        ({"prompt": "x" * 2001}, "2001 letters"),
        ({"ground": "y" * 41}, "no short name"),
    ):
        with pytest.raises(KineBenchError, match=message):
            condition(replace(wish, **change))


def test_words_are_one_line_without_control_characters(wish):
    assert condition(replace(wish, prompt="a \x1b[31mred\x07\tcup\n")).prompt == "a [31mred cup"
    first = replace(wish.driven[0], name="pink\0box\x1b")
    assert "pink box" in condition(replace(wish, driven=(first, wish.driven[1]))).prompt.lower()


def test_keys_can_name_files():
    assert key_of("My photo (1)") == "My_photo_1"
    assert key_of("___") == key_of("写真") == "photo"
    assert constants().height_m > 0
