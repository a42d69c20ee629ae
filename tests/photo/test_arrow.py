import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.errors import KineBenchError
from kinebench.methods.path import Nominal, image_path
from kinebench.photo.arrow import Arrow, first_speed_mps, motion, parse, straight
from kinebench.photo.camera import View, constants, default_view, read_view, timing, view

FLAT = View(field_of_view_deg=60.0, height_m=1.2, pitch_deg=12.0)


@given(st.floats(0.01, 20), st.floats(0, 0.5), st.floats(0.2, 10))
def test_the_speed_brings_it_there(length, friction, seconds):
    """Integrated step by step, something that sets off so fast stops at the length, or is there at the end."""
    place, speed, step = 0.0, first_speed_mps(length, friction, seconds), seconds / 4000
    for _ in range(4000):
        slower = max(speed - friction * 9.81 * step, 0.0)
        place, speed = place + (speed + slower) / 2 * step, slower
    assert place == pytest.approx(length, rel=2e-3)


@given(st.floats(60, 660), st.floats(150, 470), st.floats(60, 660), st.floats(150, 470))
def test_a_path_from_the_tail_ends_at_the_head(x0, y0, x1, y1):
    arrow = Arrow((x0, y0), (x1, y1))
    if arrow.length_px < 5:
        return
    (frames, fps), nominal = timing(), constants()
    try:
        found = motion(arrow, FLAT, nominal, (frames - 1) / fps, None, "arrow")
    except KineBenchError as error:
        assert "no speed for an object" in str(error)
        return
    path = image_path(FLAT.camera, np.array(arrow.tail_px), found.velocity_mps, nominal, frames, fps)
    np.testing.assert_allclose(path[-1], arrow.head_px, atol=0.6)


def test_directions_are_those_of_the_ground():
    for head, sign in (((460, 300), (1, 0)), ((260, 300), (-1, 0)), ((360, 250), (0, 1)), ((360, 400), (0, -1))):
        x, y, z = motion(Arrow((360, 300), head), default_view(), constants(), 2.0, 1.0, "").velocity_mps
        np.testing.assert_allclose((x, y, z), (*sign, 0), atol=1e-9)


def test_a_speed_that_is_given_is_taken():
    found = motion(Arrow((360, 300), (500, 380)), default_view(), constants(), 2.0, 0.37, "")
    assert np.hypot(*found.velocity_mps[:2]) == pytest.approx(0.37, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3", "write x0,y0,x1,y1"),
        ("a,b,c,d", "write x0,y0,x1,y1"),
        ("nan,1,2,3", "outside"),
        ("10,10,10,10", "has no length"),
        ("10,10,10.4,10", "pixels long"),
        ("-4,10,50,60", "its tail -4,10 is outside"),
        ("40,10,1081,60", "its head 1081,60 is outside"),
    ],
)
def test_arrows_that_are_none(text, message, linen):
    with pytest.raises(KineBenchError, match=message):
        parse(text, linen)


def test_pixels_are_the_photos(linen):
    arrow = parse("0,0,1080,720", linen)
    np.testing.assert_allclose((arrow.tail_px, arrow.head_px), ((0, 0), (720, 480)))


def test_above_the_horizon_there_is_no_ground():
    assert FLAT.horizon_px == pytest.approx(240 - 360 / np.tan(np.radians(30)) * np.tan(np.radians(12)))
    for arrow in (Arrow((100, 80), (100, 300)), Arrow((100, 300), (100, 80))):
        with pytest.raises(ValueError, match=r"its (tail|head)"):
            motion(arrow, FLAT, constants(), 2.0, None, "--arrow")
    with pytest.raises(KineBenchError, match="no speed for an object"):
        motion(Arrow((100, 300), (100, 120)), FLAT, Nominal(0.08, 0.1, 0.0), 2.0, None, "--arrow")


def test_without_a_camera_the_path_is_the_arrow():
    path = straight(Arrow((10, 20), (100, 80)), 49)
    np.testing.assert_allclose(path[[0, 24, 48]], [(10, 20), (55, 50), (100, 80)])


def test_field_of_view_and_focal_length_say_the_same(linen, tmp_path):
    path = tmp_path / "camera.json"
    focal = 1080 / 2 / np.tan(np.radians(30))
    seen = []
    for how in ({"field_of_view_deg": 60}, {"focal_px": focal}):
        path.write_text(json.dumps(how | {"height_m": 1, "pitch_deg": 20}))
        seen.append(read_view(path, linen).camera.focal_px)
    assert seen[0] == pytest.approx(seen[1]) == pytest.approx(focal * 720 / 1080)


def test_a_tall_photo_keeps_its_focal_length():
    """Its own view is across the photo, not across the canvas, where edges are repeated beside it."""
    tall = view({"focal_px": 1000, "height_m": 1, "pitch_deg": 20}, (600, 960), "camera")
    assert tall.camera.focal_px == pytest.approx(500)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "nested too deep"),
        ('{"height_m": NaN, "pitch_deg": 2, "focal_px": 5}', "NaN is no JSON number"),
        ('{"height_m": 1' + "0" * 5000 + ', "pitch_deg": 2, "focal_px": 5}', "too large"),
    ],
)
def test_files_that_are_no_camera(text, message, linen, tmp_path):
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(KineBenchError, match=message):
        read_view(path, linen)


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ([], "it is no table"),
        ({"height_m": 1, "pitch_deg": 2}, "one of the two"),
        ({"height_m": 1, "pitch_deg": 2, "focal_px": 500, "field_of_view_deg": 40}, "one of the two"),
        ({"height_m": 1, "field_of_view_deg": 40}, "pitch_deg is missing"),
        ({"height_m": 0, "pitch_deg": 2, "field_of_view_deg": 40}, "height_m is 0;"),
        ({"height_m": True, "pitch_deg": 2, "field_of_view_deg": 40}, "height_m is True"),
        ({"height_m": 1, "pitch_deg": 90, "field_of_view_deg": 40}, "pitch_deg is 90;"),
        ({"height_m": 1, "pitch_deg": 2, "field_of_view_deg": float("nan")}, "field_of_view_deg is nan"),
        ({"height_m": 1, "pitch_deg": 2, "fov": 40}, "it has 'fov'"),
    ],
)
def test_cameras_that_are_none(plain, message):
    with pytest.raises(KineBenchError, match=message):
        view(plain, (720, 480), "camera")
