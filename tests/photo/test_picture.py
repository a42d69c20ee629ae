import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from kinebench.errors import KineBenchError
from kinebench.photo import picture
from kinebench.photo.picture import CANVAS, open_photo, photo

HALVES = np.zeros((300, 500, 3), np.uint8)
HALVES[:, :250] = (200, 40, 40)
HALVES[:, 250:] = (40, 40, 200)


def test_the_whole_photo_is_on_the_canvas_and_its_edges_are_repeated(encoded):
    found = photo(encoded(HALVES), "halves")
    assert found.frame.shape == (480, 720, 3)
    left, top, right, bottom = found.shown
    assert (left, top, right, bottom) == (0, 24, 720, 456)
    np.testing.assert_array_equal(found.frame[:24], np.repeat(found.frame[24:25], 24, axis=0))
    ends = found.place.inverse.points(np.array([(0.0, 0.0), (500.0, 300.0)]))
    np.testing.assert_allclose(ends, [(0, 24), (720, 456)])


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16"])
def test_every_mode_shows_the_same_picture(mode, encoded):
    grey = Image.fromarray(np.where(np.arange(400) < 200, 30, 220).astype(np.uint8)[None].repeat(300, 0))
    if mode == "I;16":
        image, format = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257), "PNG"
    else:
        image, format = grey.convert("RGB").convert(mode), "TIFF" if mode == "CMYK" else "PNG"
    found = photo(encoded(image, format), mode)
    assert found.size == (400, 300)
    tolerance = 40 if mode == "1" else 2  # dithered
    left, right = found.frame[:, 100:340].mean(), found.frame[:, 380:620].mean()
    assert left == pytest.approx(30, abs=tolerance) and right == pytest.approx(220, abs=tolerance)


def test_what_is_transparent_is_white(encoded):
    pixels = np.dstack([HALVES, np.where(np.arange(500) < 250, 255, 0).astype(np.uint8)[None].repeat(300, 0)])
    frame = photo(encoded(pixels), "alpha").frame
    assert (frame[240, 100] == (200, 40, 40)).all() and (frame[240, 600] == 255).all()


def test_exif_turns_photo_and_size(encoded):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise to be upright
    found = photo(encoded(HALVES, "JPEG", exif=exif, quality=95), "turned")
    assert found.size == (300, 500)
    np.testing.assert_allclose(found.frame[60, 360], (200, 40, 40), atol=8)  # left is now on top
    np.testing.assert_allclose(found.frame[420, 360], (40, 40, 200), atol=8)


def test_a_colour_profile_is_applied(encoded):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    same = photo(encoded(HALVES, icc_profile=profile.tobytes()), "sRGB")
    np.testing.assert_allclose(same.frame.astype(int), photo(encoded(HALVES), "none").frame, atol=2)
    assert photo(encoded(HALVES, icc_profile=b"nonsense"), "damaged").size == (500, 300)


def test_an_enormous_photo_is_reduced_without_a_shift(encoded):
    """An edge at three quarters of the width is there on the canvas, too; a fifth of the canvas's pixels would show."""
    image = np.zeros((4000, 6000, 3), np.uint8)
    image[:, 4500:] = 255
    found = photo(encoded(image, "PNG", compress_level=1), "large")
    assert found.reduced == 4 and found.size == (6000, 4000)
    assert found.frame[200, 539].max() <= 2 and found.frame[200, 541].min() >= 253


@pytest.mark.parametrize(
    ("size", "message"),
    [((20000, 9000), "million pixels"), ((30, 300), "wide and high"), ((8000, 90), "fitted whole")],
)
def test_sizes_that_are_refused_before_anything_is_decoded(size, message, encoded):
    data = encoded(Image.new("1", size))
    with pytest.raises(KineBenchError, match=message):
        photo(data, "odd")


def test_what_is_no_photo(tmp_path, encoded):
    for data, message in ((b"hello", "no picture"), (b"", "no picture"), (encoded(HALVES)[:900], "damaged")):
        path = tmp_path / "file.jpg"
        path.write_bytes(data)
        with pytest.raises(KineBenchError, match=message):
            open_photo(path)
    with pytest.raises(KineBenchError, match="there is no file"):
        open_photo(tmp_path / "none.jpg")
    fractions = io.BytesIO()
    Image.fromarray(np.zeros((100, 100), np.float32)).save(fractions, "TIFF")
    with pytest.raises(KineBenchError, match="fractions"):
        photo(fractions.getvalue(), "f")


def test_masks_have_the_photos_size_or_the_canvas(encoded):
    found = photo(encoded(HALVES), "halves")
    own = np.zeros((300, 500), bool)
    own[100:200, 100:300] = True
    on_canvas = picture.mask(encoded(own), "m", found)
    assert on_canvas.shape == CANVAS[::-1]
    np.testing.assert_array_equal(np.argwhere(on_canvas).min(0), (168, 144))
    np.testing.assert_array_equal(np.argwhere(on_canvas).max(0), (311, 431))
    np.testing.assert_array_equal(picture.mask(encoded(on_canvas), "m", found), on_canvas)
    for wrong, message in (
        (np.ones((50, 60), bool), "60x50"),
        (np.zeros((300, 500), bool), "marks nothing"),
        (np.ones((300, 500), bool), "marks all"),
    ):
        with pytest.raises(KineBenchError, match=message):
            picture.mask(encoded(wrong), "m", found)
