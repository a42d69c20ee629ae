import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.errors import KineBenchError
from kinebench.textures import bake as baking
from kinebench.textures import library
from kinebench.textures.bake import draw
from kinebench.textures.catalogue import catalogue, find
from kinebench.textures.library import bake_each, baked_folder, fetched_folder, listing, load, read_folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def small(monkeypatch):
    """Bake at 64 px."""
    monkeypatch.setattr(library, "draw", lambda entry: draw(entry, 64))


def maps_folder(folder, names, text='phrase = "a cork floor"\ntile_m = 1.5\nsplit = "train"\n'):
    folder.mkdir(parents=True)
    for name in names:
        Image.fromarray(np.full((8, 8, 3), 128, np.uint8)).save(folder / name)
    if text:
        (folder / "texture.toml").write_text(text)
    return folder


OWN = ("cork_Color.png", "cork_NormalGL.jpg", "cork_Roughness.jpg")


def test_a_built_in_ground_is_baked_once(small, cache, monkeypatch):
    texture = load("sand_01")
    entry = find("sand_01")
    assert (texture.id, texture.family, texture.split) == ("sand_01", "sand", "train")
    assert (texture.phrase, texture.tile_m) == (entry.phrase, entry.tile_m)
    maps = (texture.colour, texture.normal, texture.roughness, texture.ambient_occlusion)
    assert all(path.is_file() and path.is_relative_to(cache / "textures") for path in maps)
    monkeypatch.setattr(library, "draw", lambda entry: pytest.fail("drawn twice"))
    assert load("sand_01") == texture


def test_another_version_of_the_code_is_another_folder(monkeypatch):
    before = baked_folder(find("sand_01"))
    monkeypatch.setattr(baking, "_code", lambda: "other code")
    assert baked_folder(find("sand_01")) != before
    assert baked_folder(find("sand_01")).name == "sand_01"


def test_a_half_baked_folder_is_never_seen(small, monkeypatch, cache):
    def stops_after_two_maps(picture, *arguments, **options):
        if len(list(cache.rglob("*.jpg"))) == 2:
            raise KeyboardInterrupt
        return save(picture, *arguments, **options)

    save = Image.Image.save
    monkeypatch.setattr(Image.Image, "save", stops_after_two_maps)
    with pytest.raises(KeyboardInterrupt):
        load("sand_01")
    assert not baked_folder(find("sand_01")).exists()
    assert not list(cache.rglob("*.jpg"))
    monkeypatch.setattr(Image.Image, "save", save)
    assert load("sand_01").colour.is_file()


def test_a_process_that_comes_second_keeps_the_first_ones_folder(small, monkeypatch):
    def first_finishes_meanwhile(pictures, entry, folder):
        if not baked_folder(entry).exists():
            write(pictures, entry, folder)
            folder.rename(baked_folder(entry))
            folder.mkdir()
        write(pictures, entry, folder)

    write = library.write
    monkeypatch.setattr(library, "write", first_finishes_meanwhile)
    texture = load("sand_01")
    assert texture.colour.is_file()
    assert len(list(baked_folder(find("sand_01")).parent.iterdir())) == 1


def test_several_processes_at_once(cache):
    script = "from kinebench.textures.library import load; print(load('linen_02').colour.stat().st_size)"
    root = Path(library.__file__).parents[2]
    runs = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root) for _ in range(3)]
    sizes = {run.communicate(timeout=120)[0] for run in runs}
    assert all(run.returncode == 0 for run in runs)
    assert len(sizes) == 1
    folder = baked_folder(find("linen_02"))
    assert [path.name for path in folder.parent.iterdir()] == ["linen_02"]
    assert len(list(folder.iterdir())) == 6


def test_a_folder_of_ones_own(tmp_path):
    folder = maps_folder(tmp_path / "cork", OWN)
    texture = load(folder)
    assert (texture.id, texture.family, texture.split) == ("cork", "cork", "train")
    assert (texture.phrase, texture.tile_m) == ("a cork floor", 1.5)
    assert texture.colour == folder / "cork_Color.png"
    assert texture.ambient_occlusion is None
    assert load(str(folder)) == texture


def test_a_baked_folder_is_a_folder_of_ones_own(tmp_path):
    texture = load(baking.bake("sand_01", tmp_path, 32))
    assert (texture.id, texture.family, texture.split) == ("sand_01", "sand", "train")
    assert texture.ambient_occlusion is not None


@pytest.mark.parametrize("stem", ["WoodFloor041_1K-JPG", "WoodFloor041_1K", "WoodFloor041_2K-JPG"])
def test_ambientcgs_names_new_and_old(tmp_path, stem):
    names = [f"{stem}_{name}.jpg" for name in ("Color", "NormalGL", "NormalDX", "Roughness", "Displacement")]
    texture = read_folder(maps_folder(tmp_path / "WoodFloor041", names))
    assert texture.normal.name == f"{stem}_NormalGL.jpg"
    assert texture.ambient_occlusion is None


@pytest.mark.parametrize(
    ("names", "text", "message"),
    [
        (OWN, "", r"texture.toml is missing; write it with the lines: phrase = "),
        (OWN, "phrase = 'a floor'\ntile_m = 1\n", r"texture.toml: split must be 'train' or 'test', not None"),
        (OWN, "phrase = 'a floor'\nsplit = 'test'\n", r"texture.toml: tile_m must be .* in metres, not None"),
        (OWN, "tile_m = 1\nsplit = 'test'\n", r"texture.toml: phrase must say"),
        (OWN, "tile_m = 0\nphrase = 'a floor'\nsplit = 'test'\n", r"tile_m must be"),
        (OWN, "family = ''\ntile_m = 1\nphrase = 'a floor'\nsplit = 'test'\n", r"family must be a name"),
        (OWN, "tile_m =", r"cannot read .*texture.toml"),
        (OWN[:2], None, r"cork lacks \*_Roughness.jpg; textures/README.md"),
        ((*OWN, "other_Color.jpg"), None, r"more than one Color map: cork_Color.png, other_Color.jpg"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(tmp_path, names, text, message):
    folder = maps_folder(tmp_path / "cork", names, *([] if text is None else [text]))
    with pytest.raises(KineBenchError, match=message):
        load(folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sand_1", r"no ground is called 'sand_1' .* did you mean sand_01"),
        ("WoodFloor041", "run: kinebench textures fetch WoodFloor041"),
        ("./nowhere/cork", "there is no texture folder ./nowhere/cork"),
    ],
)
def test_what_is_not_there_is_said(name, message):
    with pytest.raises(KineBenchError, match=message):
        load(name)


def test_fetched_assets_load_and_are_listed():
    names = [f"Ground037_1K-JPG_{name}.jpg" for name in ("Color", "NormalGL", "Roughness")]
    maps_folder(fetched_folder() / "Ground037", names)
    assert load("Ground037").phrase == "a cork floor"
    assert listing()[-1].id == "Ground037"
    assert listing()[-1].ready
    assert len(listing()) == len(catalogue()) + 1


def test_listing_by_split_says_what_is_baked(small):
    assert not any(row.ready for row in listing())
    load("marble_01")
    assert [row.id for row in listing("test") if row.ready] == ["marble_01"]
    assert not any(row.ready for row in listing("train"))
    with pytest.raises(KineBenchError, match="train or test, not 'val'"):
        listing("val")


def test_bake_each_checks_before_it_draws(small, tmp_path):
    with pytest.raises(KineBenchError, match="no ground is called"):
        bake_each(["sand_01", "sand_99"])
    with pytest.raises(KineBenchError, match="none of the grounds sand_01 is in the test split"):
        bake_each(["sand_01"], "test")
    total, textures = bake_each(["sand_01", "marble_01"], "test")
    assert total == 1
    assert [texture.id for texture in textures] == ["marble_01"]
    assert bake_each(split="train")[0] + bake_each(split="test")[0] == len(catalogue())
