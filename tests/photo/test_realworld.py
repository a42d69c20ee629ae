import json

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder
from kinebench.methods.source import open_source
from kinebench.photo.realworld import pack


def quiet(stage, done, whole):
    pass


def write(folder, name, plain):
    (folder / name).write_text(plain if isinstance(plain, str) else json.dumps(plain))


def test_a_set_is_what_run_takes(set_of_photos, tmp_path, linen_masks):
    folder, plain = set_of_photos
    write(folder, "linen.json", plain)
    done = pack(folder, tmp_path / "out", quiet)
    assert (done.conditions, done.driven) == (1, 2) and done.overview.is_file()
    source = open_source(tmp_path / "out", "test", "c_infer")
    assert source.keys == ("linen",) and source.dataset is None and source.facts["dataset"] == "real_world"
    made = source["linen"]
    assert np.hypot(*made.driven[1].velocity_mps[:2]) == pytest.approx(0.8, abs=1e-6)
    assert "green can" in made.prompt
    for each in made.objects:
        np.testing.assert_array_equal(each.mask, linen_masks[each.id])


def test_packing_again_changes_only_what_changed(set_of_photos, tmp_path):
    folder, plain = set_of_photos
    write(folder, "linen.json", plain)
    pack(folder, tmp_path / "out", quiet)
    before = (tmp_path / "out" / "linen" / "condition.json").stat().st_mtime_ns
    pack(folder, tmp_path / "out", quiet)
    assert (tmp_path / "out" / "linen" / "condition.json").stat().st_mtime_ns == before
    write(folder, "linen.json", plain | {"prompt": "It slides."})
    pack(folder, tmp_path / "out", quiet)
    assert condition_folder.read(tmp_path / "out" / "linen").prompt == "It slides."


def test_all_problems_at_once(set_of_photos, tmp_path):
    folder, plain = set_of_photos
    first, second = plain["driven"]
    write(folder, "linen.json", plain | {"driven": [first | {"arrow": [1, 2, 3000, 4], "mask": "no.png"}, second]})
    write(folder, "lonely.json", plain)
    write(folder, "torn.json", "{")
    write(folder, "deep.json", "[" * 100_000)
    write(folder, "odd.json", {"driven": [], "speed": 3})
    (folder / "forgotten.jpg").write_bytes(b"x")
    (folder / "broken.jpg").write_bytes(b"x")
    write(folder, "broken.json", plain)
    with pytest.raises(KineBenchError) as caught:
        pack(folder, tmp_path / "out", quiet)
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{len(lines) - 1} things are wrong") and len(lines) == 10
    for start, part in (
        ("linen.json: driven 1: its head 3000,4 is outside", ""),
        ("linen.json: there is no file no.png", ""),
        ("lonely.json: there is no photo beside it", "lonely.jpg"),
        ("torn.json: is no JSON", "docs/animate.md"),
        ("deep.json: is no JSON: nested too deep", ""),
        ("odd.json: driven: [] should be non-empty", ""),
        ("odd.json: Additional properties", "'speed'"),
        ("broken.json: broken.jpg is no picture", "JPEG or PNG"),
        ("forgotten.jpg: no forgotten.json", "take it away"),
    ):
        assert any(line.strip().startswith(start) and part in line for line in lines), (start, lines)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"camera": {"height_m": 1}}, "one of the two"),
        ({"camera": {"height_m": 1, "pitch_deg": -20, "field_of_view_deg": 50}}, "above the ground"),
        ({"camera": None}, "m/s means nothing without a camera"),
        ({"ground": ""}, "ground"),
        ({"prompt": "A box\ud800."}, "is no UTF-8"),
    ],
)
def test_one_problem(change, message, set_of_photos, tmp_path):
    folder, plain = set_of_photos
    write(folder, "linen.json", plain | change)
    with pytest.raises(KineBenchError, match=message):
        pack(folder, tmp_path / "out", quiet)
    assert not (tmp_path / "out").exists()


def test_folders_that_are_none(tmp_path, set_of_photos):
    with pytest.raises(KineBenchError, match="there is no folder"):
        pack(tmp_path / "nowhere", tmp_path / "out", quiet)
    (tmp_path / "empty").mkdir()
    with pytest.raises(KineBenchError, match=r"there is no \.json"):
        pack(tmp_path / "empty", tmp_path / "out", quiet)
    with pytest.raises(KineBenchError, match="holds the photos"):
        pack(set_of_photos[0], set_of_photos[0], quiet)
