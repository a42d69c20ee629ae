import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinebench.errors import KineBenchError
from kinebench.methods.placement import SAME, Placement, fitted, mask_to_native, to_canvas, to_native

sizes = st.tuples(st.integers(8, 90), st.integers(8, 90))
places = st.builds(Placement, st.floats(0.1, 10), st.floats(-50, 50), st.floats(-50, 50))


def smooth(width, height):
    """A picture without fine detail, (H, W, 3)."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    waves = [np.sin(3 * x + 1) * np.cos(2 * y), x * y, np.cos(2 * x - 3 * y)]
    return (127.5 + 100 * np.stack(waves, axis=-1)).round().astype(np.uint8)


def area_mean(image, size, box):
    """By the overlap of every pixel of one with every pixel of the other."""

    def overlaps(count, low, high, length):
        table = np.zeros((count, length))
        step = (high - low) / count
        for i in range(count):
            for j in range(length):
                table[i, j] = max(0, min(low + step * (i + 1), j + 1) - max(low + step * i, j)) / step
        return table

    rows = overlaps(size[1], box[1], box[3], image.shape[0])
    columns = overlaps(size[0], box[0], box[2], image.shape[1])
    return np.einsum("yr,rcd,xc->yxd", rows, image.astype(float), columns, optimize=True)


def catmull_rom(image, size, box):
    """The bicubic kernel with a = -0.5 at the places of the pixels' centres."""

    def weights(count, low, high, length):
        at = low + (high - low) * (np.arange(count) + 0.5) / count - 0.5
        d = np.abs(at[:, None] - np.arange(length))
        near, far = 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
        kernel = np.where(d < 1, near, np.where(d < 2, far, 0))
        return kernel / kernel.sum(axis=1, keepdims=True)

    rows = weights(size[1], box[1], box[3], image.shape[0])
    columns = weights(size[0], box[0], box[2], image.shape[1])
    return np.einsum("yr,rcd,xc->yxd", rows, image.astype(float), columns, optimize=True).clip(0, 255)


@given(places, places, st.lists(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), min_size=1))
@settings(deadline=None)
def test_points_come_back_and_placements_compose(first, second, points):
    points = np.array(points)
    np.testing.assert_allclose(first.inverse.points(first.points(points)), points, atol=1e-6)
    np.testing.assert_allclose(first.then(second).points(points), second.points(first.points(points)), atol=1e-6)


@given(sizes, sizes)
@settings(deadline=None)
def test_all_of_the_canvas_is_in_the_native_frame_and_it_is_no_smaller_than_need_be(canvas, native):
    place = fitted(canvas, native)
    left, top, right, bottom = place.box(native)
    assert max(left, top) < 1e-9 and right > canvas[0] - 1e-9 and bottom > canvas[1] - 1e-9
    assert min(right - left - canvas[0], bottom - top - canvas[1]) < 1e-9
    assert abs(left + right - canvas[0]) < 1e-9 and abs(top + bottom - canvas[1]) < 1e-9


def test_the_sizes_of_the_baselines():
    assert fitted((720, 480), (1152, 768)) == Placement(0.625, 0, 0), "exactly 1.6, nothing padded"
    assert fitted((720, 480), (512, 320)) == Placement(1.5, -24, 0), "24 px of the canvas padded left and right"
    assert fitted((720, 480), (720, 480)) == SAME


@given(st.integers(0, 2**32 - 1), sizes)
@settings(max_examples=20, deadline=None)
def test_the_same_size_is_the_same_pixels(seed, size):
    image = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    assert np.array_equal(to_native(image, SAME, size), image)
    assert np.array_equal(to_canvas(image, SAME, size), image)
    assert np.array_equal(mask_to_native(image[..., 0] > 99, SAME, size), image[..., 0] > 99)


@pytest.mark.parametrize("native", [(1152, 768), (512, 320), (256, 256), (720, 500), (96, 64)])
def test_a_smooth_picture_comes_back(native):
    image = smooth(180, 120)
    place = fitted((180, 120), native)
    back = to_canvas(to_native(image, place, native), place, (180, 120))
    assert np.abs(back.astype(int) - image)[6:-6, 6:-6].max() <= 3


@pytest.mark.parametrize("native", [(1152, 768), (512, 320), (300, 300)])
def test_what_lies_where(native):
    """A mark's centroid is where the placement says."""
    image = np.zeros((480, 720, 3), np.uint8)
    image[200:240, 100:150] = 255
    place = fitted((720, 480), native)
    there = to_native(image, place, native)[..., 0].astype(float)
    y, x = np.mgrid[: native[1], : native[0]] + 0.5
    found = [(x * there).sum() / there.sum(), (y * there).sum() / there.sum()]
    np.testing.assert_allclose(place.points(np.array(found)), (125, 220), atol=0.2)


@pytest.mark.parametrize("size", [(32, 20), (45, 30), (30, 48), (71, 47)])
def test_smaller_is_the_mean_of_the_area(size):
    image = np.random.default_rng(1).integers(0, 256, (48, 72, 3), dtype=np.uint8)
    place = fitted((72, 48), size)
    padded = np.pad(image, ((60, 60), (60, 60), (0, 0)), mode="edge")
    wanted = area_mean(padded, size, tuple(edge + 60 for edge in place.box(size)))
    assert np.abs(to_native(image, place, size) - wanted).max() < 0.51


def test_the_mean_is_exact_where_a_pixel_covers_one_and_a_half():
    row = np.array([0, 60, 120, 180, 240, 30], np.uint8)
    image = np.repeat(np.repeat(row[None, :, None], 3, axis=0), 3, axis=2)
    assert to_canvas(image, Placement(1 / 1.5), (4, 2))[0, :, 0].tolist() == [20, 100, 200, 100]


@pytest.mark.parametrize("native", [(115, 77), (144, 96), (100, 96)])
def test_larger_is_bicubic(native):
    image = np.random.default_rng(2).integers(64, 192, (48, 72, 3), dtype=np.uint8)  # nothing overshoots
    place = fitted((72, 48), native)
    left, top, right, bottom = place.box(native)
    margin = int(np.ceil(max(0, -left, -top)))
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    wanted = catmull_rom(padded, native, tuple(edge + margin for edge in (left, top, right, bottom)))
    assert np.abs(to_native(image, place, native) - wanted).max() <= 1.5


def test_the_resize_is_pinned():
    image = np.random.default_rng(3).integers(0, 256, (48, 72, 3), dtype=np.uint8)
    made = [to_native(image, fitted((72, 48), size), size) for size in ((115, 77), (51, 32), (40, 40))]
    made.append(to_canvas(image, fitted((60, 40), (72, 48)), (60, 40)))
    digest = hashlib.sha256(b"".join(each.tobytes() for each in made)).hexdigest()
    assert digest == "f5dead8fe09e16a87d86febc49f687a718d1d2ed3748aed831b6f5f8fd9194c9", (
        "videos made before are no longer comparable: raise the harness's version"
    )


def test_beyond_the_edges_pictures_repeat_and_masks_are_empty():
    image, mask = np.full((48, 72, 3), 77, np.uint8), np.ones((48, 72), bool)
    place = fitted((72, 48), (60, 60))
    assert (to_native(image, place, (60, 60)) == 77).all()
    native = mask_to_native(mask, place, (60, 60))
    assert native[10:50].all() and not native[:10].any() and not native[50:].any()


@given(st.integers(0, 2**32 - 1), sizes)
@settings(max_examples=40, deadline=None)
def test_no_mask_vanishes(seed, native):
    rng = np.random.default_rng(seed)
    mask = np.zeros((60, 60), bool)
    mask[rng.integers(60), rng.integers(60)] = True
    assert mask_to_native(mask, fitted((60, 60), native), native).any()


@pytest.mark.parametrize("native", [(8, 8), (16, 16), (9, 30)])
def test_a_pixel_of_a_large_canvas_stays_where_it_is(native):
    mask = np.zeros((480, 720), bool)
    mask[310, 100] = True
    place = fitted((720, 480), native)
    rows, columns = np.nonzero(mask_to_native(mask, place, native))
    left, top, right, bottom = Placement(place.scale, *place.points(np.array([columns[0], rows[0]]))).box((1, 1))
    assert len(rows) == 1 and left <= 100.5 < right and top <= 310.5 < bottom
    assert not mask_to_native(np.zeros_like(mask), place, native).any()


def test_what_does_not_cover_the_canvas_is_refused():
    frame = np.zeros((320, 512, 3), np.uint8)
    with pytest.raises(KineBenchError, match=r"512x320 that lies at 0,0 to 768,480 .* canvas; pad"):
        to_canvas(frame, Placement(1.5), (800, 480))
    with pytest.raises(KineBenchError, match="does not cover"):
        to_canvas(frame, Placement(1.5, 10, 0), (720, 480))
    assert to_canvas(frame, Placement(1.5, 0.5, 0), (720, 480)).shape == (480, 720, 3), "a rounding is none"


@pytest.mark.parametrize("wrong", [(0, 0, 0), (-1, 0, 0), (np.nan, 0, 0), (1, np.inf, 0)])
def test_a_placement_is_finite(wrong):
    with pytest.raises(ValueError, match="places nothing"):
        Placement(*wrong)
