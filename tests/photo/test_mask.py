import numpy as np
import pytest
from PIL import Image, ImageDraw

from kinebench.errors import KineBenchError
from kinebench.photo import picture
from kinebench.photo.grabcut import object_at
from kinebench.photo.mask import found


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


def test_the_background_is_no_object(linen, drawn, encoded):
    wood = picture.photo(encoded(drawn[0]), "wood")
    for photo, point in ((linen, (300, 400)), (wood, (400, 60))):
        with pytest.raises(KineBenchError, match=r"the click: no object was found at .* looks like the background"):
            found(photo, point, "the click")


def test_a_picture_of_one_colour_has_none():
    assert object_at(np.full((200, 300, 3), 127, np.uint8), (150, 100)) is None


def test_what_is_beside_the_photo_is_no_place(encoded, drawn):
    tall = picture.photo(encoded(np.ascontiguousarray(drawn[0].transpose(1, 0, 2))), "tall")
    with pytest.raises(KineBenchError, match="beside the photo"):
        found(tall, (20, 240), "the click")
    assert not found(tall, (360, 240 * 480 / 720), "")[:, : tall.shown[0]].any()
