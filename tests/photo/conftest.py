"""A frame of a rendered clip as a photo, with its exact masks; and a drawn one with its camera."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.photo import picture

PHOTOS = Path(__file__).with_name("photos")


@pytest.fixture(scope="session")
def linen_file():
    return PHOTOS / "linen.jpg"


@pytest.fixture(scope="session")
def linen(linen_file):
    """1080x720: a pink cube (mask 1), a green cylinder (2) and a turquoise cube (3) on blue cloth."""
    return picture.open_photo(linen_file)


@pytest.fixture(scope="session")
def linen_masks():
    """By id, (480, 720)."""
    ids = np.asarray(Image.open(PHOTOS / "linen_ids.png"))
    return {number: ids == 85 * number for number in (1, 2, 3)}


@pytest.fixture(scope="session")
def encoded():
    """`encoded(array or image, "PNG", ...)`: bytes of a picture file."""

    def encode(image, format="PNG", **options):
        buffer = io.BytesIO()
        (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format, **options)
        return buffer.getvalue()

    return encode


@pytest.fixture
def set_of_photos(tmp_path, linen_file, linen_masks, encoded):
    """A folder as `kinebench realworld pack` reads it, of one good photo; returns the folder and its JSON."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "linen.jpg").write_bytes(linen_file.read_bytes())
    for number, mask in linen_masks.items():
        (folder / f"linen_{number}.png").write_bytes(encoded(mask))
    plain = {
        "driven": [
            {"mask": "linen_1.png", "arrow": [810, 210, 675, 495], "name": "pink box"},
            {"mask": "linen_2.png", "arrow": [255, 320, 525, 360], "name": "green can", "speed_mps": 0.8},
        ],
        "others": [{"mask": "linen_3.png", "name": "turquoise box"}],
        "ground": "blue cloth",
    }
    return folder, plain
