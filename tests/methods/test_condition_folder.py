import json
import os
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder
from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.path import Nominal
from kinebench.scene.camera import look_at

numbers = st.floats(allow_nan=False, allow_infinity=False)
small = st.floats(-1e6, 1e6)
vectors = st.tuples(small, small, small)


@st.composite
def conditions(draw):
    width, height = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    frames = draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ids = draw(st.lists(st.integers(1, 255), max_size=4, unique=True))
    parts = draw(st.integers(0, len(ids)))

    def mask():
        return rng.random((height, width)) < rng.random()

    position = np.array(draw(st.tuples(st.floats(-3, 3), st.floats(-3, -1), st.floats(0.5, 3))))
    camera = look_at(position, np.zeros(3), width_px=width, height_px=height, field_of_view_rad=0.7)
    return Condition(
        key=draw(st.from_regex(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,20}", fullmatch=True)),
        first_frame=rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        prompt=draw(st.text(max_size=60)),
        frames=frames,
        fps=draw(st.floats(0.1, 1e4)),
        driven=tuple(
            DrivenObject(i, mask(), draw(st.none() | vectors), rng.normal(0, 10.0 ** rng.integers(-9, 9), (frames, 2)))
            for i in ids[:parts]
        ),
        others=tuple(OtherObject(i, mask()) for i in ids[parts:]),
        camera=draw(st.none() | st.just(camera)),
        nominal=draw(st.none() | st.builds(Nominal, st.floats(0, 9), st.floats(0, 1), st.floats(0, 9))),
    )


@given(conditions())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path, condition):
    condition_folder.write(tmp_path / "one", condition)
    back = condition_folder.read(tmp_path / "one")
    assert back.sha256 == condition.sha256
    assert os.listdir(tmp_path) == ["one"]  # noqa: PTH208


@pytest.fixture
def condition():
    mask = np.zeros((40, 60), bool)
    mask[10:20, 10:25] = True
    return Condition(
        key="toys_test_000000",
        first_frame=np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8),
        prompt='A "red" cube [ 1, 2 ] moves.\nÄ',
        frames=3,
        fps=24.0,
        driven=(DrivenObject(2, mask, (0.5, -0.25, 0.0), np.array([[17.5, 14.5], [20.125, 14.5], [0.1 + 0.2, 3]])),),
        others=(OtherObject(1, ~mask),),
        camera=look_at(np.array([0, -2.0, 1.5]), np.zeros(3), width_px=60, height_px=40, field_of_view_rad=0.8),
        nominal=Nominal(0.084, 0.09, 0.115),
    )


@pytest.fixture
def folder(tmp_path, condition):
    condition_folder.write(tmp_path / condition.key, condition)
    return tmp_path / condition.key


def test_a_person_can_open_it(folder, condition):
    assert sorted(path.name for path in folder.iterdir()) == [
        "condition.json",
        "first_frame.png",
        "mask_1.png",
        "mask_2.png",
        "path_2.csv",
    ]
    text = (folder / "condition.json").read_text()
    assert '"velocity_mps": [0.5, -0.25, 0.0]' in text and '"width": 60' in text
    assert json.loads(text)["prompt"] == condition.prompt
    assert (folder / "path_2.csv").read_text().splitlines() == [
        "frame,x_px,y_px",
        "0,17.5,14.5",
        "1,20.125,14.5",
        "2,0.30000000000000004,3.0",
    ]
    with Image.open(folder / "mask_2.png") as mask:
        assert mask.mode == "1" and np.array_equal(np.asarray(mask), condition.driven[0].mask)


def test_the_same_condition_is_the_same_bytes(folder, tmp_path, condition):
    condition_folder.write(tmp_path / "again", condition)
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_it_replaces_an_older_one_and_leaves_nothing(folder, condition):
    (folder / "mask_9.png").write_bytes(b"of another day")
    condition_folder.write(folder, replace(condition, prompt="other"), {"note.txt": b"beside"})
    assert condition_folder.read(folder).prompt == "other"
    assert (folder / "note.txt").read_bytes() == b"beside" and not (folder / "mask_9.png").exists()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_half_of_it_is_never_there(tmp_path, condition, monkeypatch):
    written = []

    def full(path, data):
        written.append(path.name)
        if len(written) == 3:
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    monkeypatch.setattr(condition_folder, "write_durable", full)
    with pytest.raises(KineBenchError, match="the disk is full while writing a condition"):
        condition_folder.write(tmp_path / "one", condition)
    assert list(tmp_path.iterdir()) == []


def test_masks_may_be_gray_and_lines_may_end_as_on_windows(folder, condition):
    Image.fromarray(np.where(condition.driven[0].mask, np.uint8(255), np.uint8(0))).save(folder / "mask_2.png")
    rows = (folder / "path_2.csv").read_bytes()
    (folder / "path_2.csv").write_bytes(rows.replace(b"\n", b"\r\n"))
    assert condition_folder.read(folder).sha256 == condition.sha256


def edit(**changes):
    def change(folder):
        path = folder / "condition.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def rewrite(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def replaced(name, old, new):
    return lambda folder: (folder / name).write_text((folder / name).read_text().replace(old, new))


def png(name, image):
    return lambda folder: Image.fromarray(image).save(folder / name)


def huge_png():
    """A PNG that says it has four thousand million pixels, in a hundred bytes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 65500, 65500, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


CAMERA = {"focal_px": 50, "rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "translation_m": [0, 0, 1]}
HOSTILE = {
    "no json": (lambda f: (f / "condition.json").unlink(), "there is no condition.json"),
    "no frame": (lambda f: (f / "first_frame.png").unlink(), "there is no first_frame.png"),
    "no mask": (lambda f: (f / "mask_1.png").unlink(), "there is no mask_1.png"),
    "no path": (lambda f: (f / "path_2.csv").unlink(), "there is no path_2.csv"),
    "no json inside": (rewrite("condition.json", b"{"), "condition.json: "),
    "a list": (rewrite("condition.json", b"[]"), "is not of type 'object'"),
    "depth": (rewrite("condition.json", b"[" * 100_000), "condition.json: "),
    "other letters": (rewrite("condition.json", b"\xff\xfe\xff"), "condition.json: "),
    "a later version": (edit(format_version=2), "format version 2; this KineBench reads 1"),
    "nan": (edit(fps=float("nan")), "NaN is no JSON number"),
    "infinity": (replaced("condition.json", "24.0", "1e999"), "1e999 is too large"),
    "a huge whole number": (replaced("condition.json", "24.0", "1" + "0" * 400), "too large"),
    "no frames": (edit(frames=0), "frames: 0 is less than the minimum"),
    "a key elsewhere": (edit(key="../../etc"), "key: '../../etc' does not match"),
    "an unknown fact": (edit(mass_kg=3), "'mass_kg' was unexpected"),
    "twice": (edit(others=[{"id": 2}]), "object 2 is there twice"),
    "an object of no mask": (edit(others=[{"id": 1}, {"id": 7}]), "there is no mask_7.png"),
    "a velocity of two": (edit(driven=[{"id": 2, "velocity_mps": [1, 2]}]), "velocity_mps"),
    "more frames": (edit(frames=4), "path_2.csv has 3 rows, not 4"),
    "fewer frames": (edit(frames=2), "path_2.csv has more than 2 rows, not 2"),
    "another size": (edit(width=61), "first_frame.png is 60x40, not 61x40"),
    "no rotation": (edit(camera=CAMERA | {"rotation": [[1, 0, 0], [0, 2, 0], [0, 0, 1]]}), "is no rotation"),
    "a mirror": (edit(camera=CAMERA | {"rotation": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]}), "is no rotation"),
    "a huge picture": (rewrite("first_frame.png", huge_png()), "first_frame.png"),
    "a huge mask": (rewrite("mask_1.png", huge_png()), "mask_1.png"),
    "a small mask": (png("mask_2.png", np.zeros((4, 4), np.uint8)), "mask_2.png is 4x4, not 60x40"),
    "a gray mask": (png("mask_2.png", np.full((40, 60), 128, np.uint8)), "mask_2.png is not black and white alone"),
    "a coloured mask": (png("mask_2.png", np.zeros((40, 60, 3), np.uint8)), "mask_2.png has the pixels RGB"),
    "a gray picture": (png("first_frame.png", np.zeros((40, 60), np.uint8)), "first_frame.png has the pixels L"),
    "a transparent picture": (png("first_frame.png", np.zeros((40, 60, 4), np.uint8)), "has the pixels RGBA"),
    "no picture": (rewrite("first_frame.png", b"GIF89a"), "first_frame.png is no PNG that can be read"),
    "half a picture": (
        lambda f: (f / "first_frame.png").write_bytes((f / "first_frame.png").read_bytes()[:900]),
        "first_frame.png is damaged",
    ),
    "a header of another": (replaced("path_2.csv", "frame,x_px", "frame,u_px"), "path_2.csv begins with 'frame,u_px"),
    "nan in the path": (replaced("path_2.csv", "20.125", "nan"), "path_2.csv: row 1 is '1,nan,14.5'"),
    "infinity in the path": (replaced("path_2.csv", "20.125", "1e999"), "path_2.csv: row 1 is"),
    "a row of another frame": (replaced("path_2.csv", "1,20", "5,20"), "path_2.csv: row 1 is '5,20.125,14.5'"),
    "words in the path": (replaced("path_2.csv", "20.125", "left"), "path_2.csv: row 1 is"),
    "four columns": (replaced("path_2.csv", "20.125", "20.125,1"), "path_2.csv: row 1 is"),
    "an empty path": (rewrite("path_2.csv", b""), "path_2.csv begins with ''"),
    "bytes in the path": (rewrite("path_2.csv", b"\xff\xff"), "can't decode|invalid"),
    "a folder in the way": (
        lambda f: ((f / "mask_1.png").unlink(), (f / "mask_1.png").mkdir()),
        "mask_1.png|directory",
    ),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("fault", HOSTILE)
def test_one_message_for_what_is_wrong(folder, fault):
    change, says = HOSTILE[fault]
    change(folder)
    with pytest.raises(KineBenchError, match=says) as caught:
        condition_folder.read(folder)
    assert str(folder) in str(caught.value) and len(str(caught.value)) < 500


def test_no_folder(tmp_path):
    with pytest.raises(KineBenchError, match=r"there is no condition\.json"):
        condition_folder.read(tmp_path / "nowhere")


def test_a_prompt_that_is_no_text_is_refused(tmp_path, condition):
    with pytest.raises(KineBenchError, match=r"toys_test_000000: the prompt holds 'a \\udcff', which is no UTF-8"):
        condition_folder.write(tmp_path / "one", replace(condition, prompt="a \udcff"))
    assert list(tmp_path.iterdir()) == []
