import numpy as np
import pytest
from PIL import Image, ImageDraw

from kinebench.errors import KineBenchError
from kinebench.photo import picture
from kinebench.photo.grabcut import object_at, object_in
from kinebench.photo.mask import box_on, boxed, found


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


@pytest.fixture(scope="module")
def drawn():
    """A red mug, and a white plate in front of a grey wall, on grainy wood; with their masks."""
    rng = np.random.default_rng(0)
    wood = np.array([150, 110, 70]) + 14 * np.sin(np.arange(720)[None, :, None] / 9) + rng.normal(0, 5, (480, 720, 3))
    wood[:120] = np.array([150, 155, 165]) + rng.normal(0, 4, (120, 720, 3))
    image, masks = Image.fromarray(wood.clip(0, 255).astype(np.uint8)), []
    for box, colour in (((180, 180, 280, 300), (185, 30, 35)), ((430, 250, 610, 340), (238, 236, 228))):
        mask = Image.new("1", (720, 480))
        for pen, fill in ((ImageDraw.Draw(image), colour), (ImageDraw.Draw(mask), 1)):
            pen.ellipse(box, fill=fill)
        masks.append(np.asarray(mask))
    return np.asarray(image), masks


def test_objects_of_a_drawn_photo(drawn):
    image, masks = drawn
    for mask, points in zip(masks, (((255, 270),), ((460, 300),)), strict=True):
        for point in points:
            assert iou(object_at(image, point), mask) > 0.93


def test_objects_of_a_rendered_photo(linen, linen_masks):
    for number, point in ((1, (545, 150)), (2, (170, 215)), (3, (400, 150))):
        assert iou(found(linen, point, "here"), linen_masks[number]) > 0.85


def box_of(mask, margin=5):
    (y0, x0), (y1, x1) = np.argwhere(mask).min(axis=0) - margin, np.argwhere(mask).max(axis=0) + 1 + margin
    return float(x0), float(y0), float(x1), float(y1)


def test_objects_in_boxes(linen, linen_masks, drawn):
    for mask in linen_masks.values():
        made = boxed(linen, box_of(mask), "here")
        assert iou(made, mask) > 0.9
        x0, y0, x1, y1 = map(int, box_of(mask))
        assert not made[:y0].any() and not made[y1:].any() and not made[:, :x0].any() and not made[:, x1:].any()
        np.testing.assert_array_equal(made, boxed(linen, (x1, y1, x0, y0), "here"))
    assert iou(object_in(drawn[0], box_of(drawn[1][1])), drawn[1][1]) > 0.95


def test_a_box_holds_all_parts_of_an_object(drawn):
    """A ball of two colours, half like the wood: a click finds one of them."""
    image = drawn[0].copy()
    y, x = np.mgrid[:480, :720]
    ball = np.hypot(x - 360, y - 250) < 60
    image[ball] = (30, 60, 160)
    image[ball & (y > 250)] = (235, 200, 40)
    assert iou(object_in(image, box_of(ball)), ball) > 0.95
    assert iou(object_at(image, (360, 220)), ball) < 0.7


def test_objects_of_real_photographs():
    """Those that come with scikit-image: coins on dark cloth by a click each; cup, saucer and spoon in a box."""
    data = pytest.importorskip("skimage.data")
    coins = np.repeat(data.coins()[..., None], 3, axis=2)
    for x, y, radius in ((45, 54, 20), (103, 125, 17), (347, 188, 29)):
        mask = object_at(coins, (x, y))
        rows, columns = np.nonzero(mask)
        assert np.hypot(columns - x, rows - y).max() < 1.5 * radius and mask.sum() > 0.7 * np.pi * radius**2
    coffee, whole = data.coffee(), Image.new("1", (600, 400))
    for box in ((76, 73, 479, 387), (172, 17, 403, 250)):
        ImageDraw.Draw(whole).ellipse(box, fill=1)
    assert iou(object_in(coffee, (70, 10, 486, 392)), np.asarray(whole)) > 0.88


def test_boxes_without_an_object(linen):
    assert box_on((0, 0, 1080, 720), linen, "") == pytest.approx((0, 0, 720, 480))
    with pytest.raises(KineBenchError, match="--box: it is not within"):
        box_on((10, 10, 1081, 50), linen, "--box")
    for box in ((0, 0, 720, 480), (300, 300, 301, 301), (200, 380, 260, 440), (-9000, -9000, -8000, -8000)):
        with pytest.raises(KineBenchError, match="the box: no object was found in this box"):
            boxed(linen, box, "the box")


def test_the_background_is_no_object(linen, drawn, encoded):
    wood = picture.photo(encoded(drawn[0]), "wood")
    for photo, point in ((linen, (300, 400)), (wood, (400, 60))):
        with pytest.raises(KineBenchError, match=r"the click: no object was found here: it looks like the background"):
            found(photo, point, "the click")


def test_a_picture_of_one_colour_has_none():
    assert object_at(np.full((200, 300, 3), 127, np.uint8), (150, 100)) is None


def test_what_is_beside_the_photo_is_no_place(encoded, drawn):
    tall = picture.photo(encoded(np.ascontiguousarray(drawn[0].transpose(1, 0, 2))), "tall")
    with pytest.raises(KineBenchError, match="beside the photo"):
        found(tall, (20, 240), "the click")
    assert not found(tall, (360, 240 * 480 / 720), "")[:, : tall.shown[0]].any()
