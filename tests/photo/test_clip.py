from dataclasses import replace

import pytest
from PIL import Image

from kinebench.errors import KineBenchError
from kinebench.methods.source import open_source
from kinebench.photo.animate import Driven, Wish, condition
from kinebench.photo.arrow import Arrow
from kinebench.photo.camera import default_view
from kinebench.photo.clip import lay, spare


def quiet(stage, done, whole):
    pass


@pytest.fixture
def made(linen, linen_masks):
    driven = Driven("--arrow", linen_masks[1], Arrow((540, 140), (450, 330)))
    return condition(Wish("linen", linen, (driven,), (), default_view()))


def test_photos_share_a_folder(made, tmp_path):
    """Each stays listed beside the next; the source that a method is run on is of one alone."""
    lay(tmp_path, made, quiet)
    laid = lay(tmp_path, replace(made, key="other"), quiet)
    assert laid.source.keys == ("other",) and laid.source["other"].key == "other"
    assert lay(tmp_path, replace(made, prompt="It slides."), quiet).picture == tmp_path / "linen.png"
    there = open_source(laid.conditions, "test", "c_infer")
    assert sorted(there.keys) == ["linen", "other"] and there["linen"].prompt == "It slides."
    assert Image.open(laid.picture).size[0] == 2 * 720 + 4


def test_an_interrupted_export_loses_no_photo(made, tmp_path):
    lay(tmp_path, made, quiet)
    laid = lay(tmp_path, replace(made, key="other"), quiet)
    (laid.conditions / "conditions.json").rename(laid.conditions / ".conditions.json")
    lay(tmp_path, replace(made, key="third"), quiet)
    assert len(open_source(laid.conditions, "test", "c_infer")) == 3


def test_what_the_user_gave_is_spared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spare(tmp_path / "out", "cup", [tmp_path / "cup.png"])
    with pytest.raises(KineBenchError, match="would be overwritten"):
        spare(tmp_path, "cup", [tmp_path / "photo.jpg", (tmp_path / "x" / ".." / "cup.png").relative_to(tmp_path)])
