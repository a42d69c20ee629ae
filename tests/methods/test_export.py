import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder, export
from kinebench.methods.picture import DRIVEN, LEAST_WIDTH_PX, OTHER, overview, picture
from kinebench.methods.source import open_source

KEYS = ("toys_test_000000", "toys_test_000001", "toys_test_000002")


@pytest.fixture(scope="module")
def source(packed):
    return open_source(packed, "test", "c_infer")


def silent(*_):
    pass


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def whole(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "conditions"
    export.export(source, out, silent)
    return out


@pytest.fixture
def exported(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "conditions"))


def test_a_folder_for_each_key_a_listing_and_an_overview(exported, source):
    assert sorted(path.name for path in exported.iterdir()) == ["conditions.json", "overview.png", *KEYS]
    plain = json.loads((exported / "conditions.json").read_text())
    assert plain["conditions"] == {key: source[key].sha256 for key in KEYS} and plain["facts"] == source.facts
    assert {"condition.png", "condition.json", "first_frame.png", "mask_1.png", "path_1.csv"} <= {
        path.name for path in (exported / KEYS[0]).iterdir()
    }


def test_the_same_dataset_gives_the_same_bytes(exported, source, tmp_path):
    export.export(source, tmp_path / "again", silent)
    assert contents(tmp_path / "again") == contents(exported)


def test_what_is_there_stays_and_what_was_changed_is_made_again(exported, source, whole):
    before = (exported / KEYS[0] / "first_frame.png").stat().st_mtime_ns
    (exported / KEYS[1] / "mask_1.png").write_bytes(b"damage")
    shutil.rmtree(exported / KEYS[2])
    killed = f"{os.uname().nodename}.4194304.tmp"  # more than any process is called
    (exported / f".{KEYS[2]}.{killed}").mkdir()
    (exported / f".overview.png.{killed}").write_bytes(b"half")
    done = export.export(source, exported, silent)
    assert (done.written, done.kept) == (2, 1)
    assert (exported / KEYS[0] / "first_frame.png").stat().st_mtime_ns == before
    assert contents(exported) == contents(whole)


def test_interrupted_it_is_no_source_and_goes_on(source, tmp_path, whole):
    out = tmp_path / "part"

    def stop(stage, done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export.export(source, out, stop)
    with pytest.raises(KineBenchError, match="the export was interrupted; run the same command again"):
        open_source(out, "test", "c_infer")
    told = []
    done = export.export(source, out, lambda *note: told.append(note))
    assert (done.written, done.kept) == (1, 2) and told[-1] == ("conditions", 3, 3)
    assert contents(out) == contents(whole)


def test_a_folder_of_something_else_is_left_alone(source, exported, packed, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mum.txt").write_text("dear")
    with pytest.raises(KineBenchError, match="holds something else than conditions; name another folder"):
        export.export(source, tmp_path / "letters", silent)
    with pytest.raises(KineBenchError, match="is a file; name a folder"):
        export.export(source, tmp_path / "letters" / "mum.txt", silent)
    with pytest.raises(KineBenchError, match="holds something else"):
        export.export(source, packed, silent)
    with pytest.raises(KineBenchError, match=r"holds other conditions \(other: prompt\)"):
        export.export(open_source(packed, "test", "c0"), exported, silent)
    with pytest.raises(KineBenchError, match="holds exported conditions already"):
        export.export(open_source(exported, "test", "c_infer"), tmp_path / "copy", silent)
    assert (tmp_path / "letters" / "mum.txt").read_text() == "dear" and not (tmp_path / "copy").exists()
    assert open_source(exported, "test", "c_infer")[KEYS[0]].key == KEYS[0]


def test_a_picture_shows_frame_masks_paths_and_words(source):
    condition = source[KEYS[1]]
    shown = picture(condition)
    zoom = -(-LEAST_WIDTH_PX // 96)
    assert shown.dtype == np.uint8 and shown.shape[1] == 96 * zoom and shown.shape[0] > 64 * zoom + 60
    frame, field = shown[: 64 * zoom], shown[64 * zoom :]
    changed = (frame != condition.first_frame.repeat(zoom, 0).repeat(zoom, 1)).any(axis=-1)
    masks = np.any([each.mask for each in condition.objects], axis=0).repeat(zoom, 0).repeat(zoom, 1)
    assert (changed & masks).any() and 0 < changed.mean() < 0.3
    assert (frame == DRIVEN).all(axis=-1).sum() > 500 and (frame == OTHER).all(axis=-1).sum() > 100
    assert (field < 100).all(axis=-1).sum() > 500, "words"
    at = np.floor(condition.driven[0].path_px[0] * zoom).astype(int)
    assert (frame[at[1], at[0]] == DRIVEN).all(), "the path begins with a dot"


def test_a_picture_without_metres_or_motion(source):
    from dataclasses import replace

    condition = source[KEYS[0]]
    (driven,) = condition.driven
    still = replace(driven, velocity_mps=None, path_px=np.repeat(driven.path_px[:1], 9, axis=0))
    assert picture(replace(condition, driven=(still,), camera=None, prompt="")).shape[1] == 672
    assert picture(replace(condition, driven=(), prompt="x" * 400)).shape[1] == 672


@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_overview_holds_every_picture(count):
    pictures = [np.full((300 + 40 * i, 640, 3), 10 + i, np.uint8) for i in range(count)]
    page = overview(pictures)
    for i in range(count):
        assert (page == 10 + i).all(axis=-1).sum() == 480 * round((300 + 40 * i) * 480 / 640)


def test_pictures_are_in_the_folders(exported):
    with Image.open(exported / KEYS[0] / "condition.png") as image:
        assert image.width == 672
    with Image.open(exported / "overview.png") as image:
        assert image.width > 1400
    assert condition_folder.read(exported / KEYS[0]).key == KEYS[0]


def test_what_another_export_is_writing_is_left_to_it(exported, source):
    theirs = exported / f".{KEYS[2]}.{os.uname().nodename}.1.tmp"  # of a process that runs
    theirs.mkdir()
    export.export(source, exported, silent)
    assert theirs.is_dir()
