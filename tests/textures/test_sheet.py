import numpy as np
import pytest
from PIL import Image

from kinebench.errors import KineBenchError
from kinebench.textures.bake import bake
from kinebench.textures.library import read_folder
from kinebench.textures.sheet import contact_sheet, lit


@pytest.fixture
def textures(tmp_path):
    return [read_folder(bake(name, tmp_path, 64)) for name in ("sand_01", "grass_01", "marble_02")]


def test_a_sheet_shows_every_ground(textures, tmp_path):
    path = tmp_path / "out" / "sheet.png"
    contact_sheet(textures, path, swatch_px=64, columns=2)
    with Image.open(path) as sheet:
        picture = np.asarray(sheet.convert("RGB")).astype(int)
    assert picture.shape == (6 + 2 * 92, 6 + 2 * 70, 3)
    swatches = [picture[6 + r * 92 : 70 + r * 92, 6 + c * 70 : 70 + c * 70] for r, c in ((0, 0), (0, 1), (1, 0))]
    sand, grass, marble = (swatch.reshape(-1, 3).mean(axis=0) for swatch in swatches)
    assert sand[0] > sand[1] > sand[2]
    assert grass[1] > grass[0] > grass[2]
    assert marble[1] == marble.max()
    assert [file.name for file in path.parent.iterdir()] == ["sheet.png"]


def test_light_comes_from_the_upper_left(tmp_path, textures):
    texture = textures[0]
    for slope, brighter in (((96, 160, 220), True), ((160, 96, 220), False)):
        Image.fromarray(np.full((64, 64, 3), slope, np.uint8)).save(texture.normal, quality=100)
        level = lit(texture).mean()
        Image.fromarray(np.full((64, 64, 3), (128, 128, 255), np.uint8)).save(texture.normal, quality=100)
        assert (level > lit(texture).mean()) == brighter


def test_wrong_sheets_are_refused(textures, tmp_path):
    with pytest.raises(KineBenchError, match=r"must end in .png or .jpg"):
        contact_sheet(textures, tmp_path / "sheet.gif")
    with pytest.raises(KineBenchError, match="no ground to show"):
        contact_sheet([], tmp_path / "sheet.png")
