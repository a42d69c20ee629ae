from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image

from kinebench.errors import KineBenchError
from kinebench.textures import bake as baking
from kinebench.textures.bake import bake, draw, version
from kinebench.textures.catalogue import catalogue, find, ids

SMALL_PX = 128
LAYOUT = {"Color", "NormalGL", "Roughness", "Displacement", "AmbientOcclusion"}


@cache
def drawn(texture_id):
    return draw(find(texture_id), SMALL_PX)


def seam(picture, axis):
    """Mean step across the wrap edge, by the largest mean step between neighbouring lines inside."""
    values = np.moveaxis(picture.astype(float), axis, 0)
    steps = np.abs(np.diff(values, axis=0)).reshape(len(values) - 1, -1).mean(axis=1)
    return np.abs(values[0] - values[-1]).mean() / max(steps.max(), 1e-9)


@pytest.mark.parametrize("texture_id", ids())
def test_every_ground_tiles_without_a_seam(texture_id):
    pictures = drawn(texture_id)
    for name in ("colour", "normal", "roughness", "displacement", "ambient_occlusion"):
        picture = getattr(pictures, name)
        assert picture.dtype == np.uint8
        assert picture.shape[:2] == (SMALL_PX, SMALL_PX)
        for axis in (0, 1):
            assert seam(picture, axis) < 1.4, (name, axis)


@pytest.mark.slow
def test_seams_would_be_seen_but_are_not():
    """At 512 px neighbouring lines are alike, so that a picture cut short, which no longer repeats, stands out."""
    firsts = {entry.family: entry.id for entry in reversed(catalogue())}
    seen = 0
    for texture_id in firsts.values():
        pictures = draw(find(texture_id), 512)
        cut = pictures.colour[:475, :475]
        assert max(seam(pictures.colour, 1), seam(pictures.colour, 0)) < 1.1, texture_id
        assert max(seam(pictures.displacement, 1), seam(pictures.displacement, 0)) < 1.1, texture_id
        seen += max(seam(cut, 1), seam(cut, 0)) > 1.15
    assert seen > 0.6 * len(firsts)


@pytest.mark.parametrize("texture_id", ids())
def test_every_ground_has_natural_brightness_and_weak_reflections(texture_id):
    pictures = drawn(texture_id)
    assert 0.15 <= pictures.colour.mean() / 255 <= 0.7
    assert pictures.colour.std() > 2
    assert pictures.roughness.min() / 255 >= 0.45
    assert (pictures.normal[..., 2] > 128).all()


def test_all_families_differ_in_colour_or_texture():
    looks = np.array([np.asarray(Image.fromarray(drawn(name).colour).resize((16, 16))) for name in ids()], float)
    flat = looks.reshape(len(looks), -1)
    distance = np.abs(flat[:, None] - flat[None]).mean(axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > 3


def test_the_layout_is_ambientcgs(tmp_path):
    folder = bake("sand_01", tmp_path, 64)
    assert folder == tmp_path / "sand_01"
    assert {file.name for file in folder.iterdir()} == {f"sand_01_64PX-JPG_{name}.jpg" for name in LAYOUT} | {
        "texture.toml"
    }
    for file in folder.glob("*.jpg"):
        with Image.open(file) as picture:
            assert picture.size == (64, 64)
            assert picture.mode == ("RGB" if file.stem.endswith(("Color", "NormalGL")) else "L")
    assert list(tmp_path.iterdir()) == [folder]


def test_full_size_names_the_resolution_and_keeps_the_roughness_through_jpeg(tmp_path):
    folder = bake("marble_01", tmp_path)
    with Image.open(folder / "marble_01_1K-JPG_Roughness.jpg") as picture:
        assert picture.size == (1024, 1024)
        assert np.asarray(picture).min() / 255 >= 0.45


@pytest.mark.parametrize("texture_id", ["grass_03", "red_brick_01", "linen_03"])
def test_the_same_bytes_again(tmp_path, texture_id):
    first, second = bake(texture_id, tmp_path / "a", 96), bake(texture_id, tmp_path / "b", 96)
    for file in sorted(first.iterdir()):
        assert file.read_bytes() == (second / file.name).read_bytes()


def test_baking_again_replaces_the_folder(tmp_path):
    folder = bake("sand_02", tmp_path, 32)
    (folder / "old").touch()
    bake("sand_02", tmp_path, 64)
    assert not (folder / "old").exists()
    assert len(list(folder.glob("*_Color.jpg"))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["sand_02"]


def test_a_bake_that_fails_leaves_nothing(tmp_path, monkeypatch):
    whole = bake("sand_02", tmp_path, 32)
    before = {file.name: file.read_bytes() for file in whole.iterdir()}

    def fails(*arguments):
        raise RuntimeError("disk full")

    monkeypatch.setattr(baking, "describe", fails)
    for name in ("sand_02", "sand_01"):
        with pytest.raises(RuntimeError, match="disk full"):
            bake(name, tmp_path, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["sand_02"]
    assert before == {file.name: file.read_bytes() for file in whole.iterdir()}


def test_the_version_follows_the_entry():
    versions = {version(entry) for entry in catalogue()}
    assert len(versions) == len(catalogue())
    entry = find("sand_01")
    assert version(entry) == version(replace(entry))
    assert version(entry) != version(replace(entry, parameters=replace(entry.parameters, wander=0.9)))


def test_what_cannot_be_drawn_is_an_error():
    entry = find("gravel_01")
    with pytest.raises(KineBenchError, match="gravel_01 cannot be drawn with its parameters"):
        draw(replace(entry, parameters=replace(entry.parameters, stone_mm=0.0)), 32)
    with pytest.raises(KineBenchError, match="at least 16 pixels"):
        draw(entry, 8)
    with pytest.raises(KineBenchError, match="kinebench textures fetch"):
        draw(replace(entry, source="ambientcg", pattern=None, parameters=None), 32)
