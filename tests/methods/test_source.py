import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kinebench.annotate.caption import C0
from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder, listing
from kinebench.methods.export import export
from kinebench.methods.path import image_path, pole_px
from kinebench.methods.source import open_source, opening
from kinebench.recipe import parse
from kinebench.shards import record as records
from kinebench.shards import video
from kinebench.shards.read import Shards

KEYS = ("toys_test_000000", "toys_test_000001", "toys_test_000002")


@pytest.fixture(scope="module")
def source(packed):
    return open_source(packed, "test", "c_infer")


@pytest.fixture(scope="module")
def exported(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "conditions"
    export(source, out, lambda *_: None)
    return out


def test_keys_are_in_order_and_conditions_are_made_when_asked_for(source):
    assert source.keys == tuple(source) == KEYS and len(source) == 3
    assert source[KEYS[1]].key == KEYS[1]
    with pytest.raises(KeyError):
        source["toys_train_000000"]


def test_a_condition_is_the_first_frame(source):
    example, condition = source.dataset[KEYS[1]], source[KEYS[1]]
    record = example.record
    assert np.array_equal(condition.first_frame, example.lossless[0])
    assert (condition.frames, condition.fps, condition.camera) == (9, 12.0, example.camera)
    (driven,) = condition.driven
    assert driven.id == 1 and np.array_equal(driven.mask, example.segmentation[0] == 1)
    world = np.array(record["objects"][0]["velocities_mps"][0])
    np.testing.assert_allclose(driven.velocity_mps, example.camera.ground_axes @ world, atol=5e-7)
    assert all(round(value, 6) == value for value in driven.velocity_mps)
    path = image_path(example.camera, pole_px(driven.mask), driven.velocity_mps, condition.nominal, 9, 12.0)
    assert np.array_equal(driven.path_px, path)
    assert {each.id for each in condition.others} == set(np.unique(example.segmentation[0])) - {0, 1}
    for other in condition.others:
        assert np.array_equal(other.mask, example.segmentation[0] == other.id)


def test_without_lossless_frames_it_is_of_the_mp4(packed):
    source = open_source(packed, "train", "c0")
    assert source.facts["first_frame"] == "mp4"
    key = source.keys[0]
    assert np.array_equal(source[key].first_frame, source.dataset[key].rgb[0])


def test_prompts(packed, source):
    told = {prompt: open_source(packed, "test", prompt)[KEYS[1]] for prompt in ("c_infer", "c0", "c")}
    captions = source.dataset[KEYS[1]].record["captions"]
    assert (told["c0"].prompt, told["c"].prompt) == (captions["c0"], captions["c"])
    assert "cube" in told["c_infer"].prompt
    assert len({condition.sha256 for condition in told.values()}) == 3


def test_facts_say_what_it_is_made_of(source, synthetic):
    facts = source.facts
    assert facts == json.loads(json.dumps(facts))
    assert (facts["dataset"], facts["version"], facts["split"], facts["seed"]) == ("toys", "1.0.0", "test", 7)
    assert (facts["recipe_sha256"], facts["prompt"], facts["path_version"]) == (synthetic.HASH, "c_infer", 1)


def later(synthetic, sample):
    """The sample with the same first frame, and everything else of it changed."""
    record = json.loads(json.dumps(sample.record))
    for row in record["objects"]:
        for name in ("positions_m", "velocities_mps", "angular_velocities_radps", "quaternions_wxyz"):
            row[name] = row[name][:1] + [[value * 1.7 + 0.3 for value in each] for each in row[name][1:]]
        row["positions_m"][0] = [9.0, 9.0, 9.0]  # where it is stands in the masks
        row |= {"mass_kg": 77.0, "friction": 0.9, "restitution": 0.99, "roughness": 0.01, "size_m": [9.0, 9.0, 9.0]}
    record["ground"] |= {"friction": 0.88, "restitution": 0.77, "texture": "moss_b", "yaw_rad": 3.0}
    record["events"] = [{"time_s": 0.01, "a": 2, "b": 3}]
    record["captions"] = {"c0": "other", "c": "other"}
    record["quality"] = {"moved": [1, 2, 3]}
    record["light"]["sun_strength"] = 0.0
    record["provenance"] |= {"attempt": 99, "seed": 98}
    record["counterfactual"] = {"group": "000003", "factor": "mass", "value": 4.0}
    changed = {}
    for name, decode, encode in (
        ("rgb.mkv", video.decode_rgb, video.encode_lossless_rgb),
        ("segmentation.mkv", video.decode_gray, video.encode_ffv1_gray),
    ):
        frames = decode(sample.members[name])
        frames[1:] = frames[1:][:, ::-1, ::-1]
        changed[name] = encode(frames, synthetic.FPS)
    changed |= {"mp4": b"none", "velocity.mkv": b"none", "txt": b"other", "json": records.dump(record)}
    return changed


@pytest.mark.parametrize("number", [0, 1, 2])
def test_nothing_of_later_is_in_a_condition(synthetic, source, number, monkeypatch):
    """The same scene with another future, other masses and frictions gives the same condition, to the byte."""
    sample = synthetic.sample("test", number, companions=("lossless",))
    before = source[sample.key]
    members = later(synthetic, sample)
    assert all(members[name] != sample.members[name] for name in members)
    monkeypatch.setattr(Shards, "member", lambda self, key, suffix: members[suffix])
    after = source[sample.key]
    assert after.sha256 == before.sha256 and after.prompt == before.prompt


def test_an_opening_has_no_room_for_more(source):
    first = opening(source.dataset[KEYS[0]].record)
    assert set(vars(first)) == {"frames", "fps", "camera", "velocities_mps", "words"}
    assert set(vars(first.words)) == {"ground", "objects"}
    assert set(first.velocities_mps) == {1}, "of the driven objects alone"


def test_an_object_that_does_not_show_is_left_out(synthetic, source, monkeypatch):
    sample = synthetic.sample("test", 0, companions=("lossless",))
    ids = video.decode_gray(sample.members["segmentation.mkv"])
    for hidden in (1, 2):
        frames = np.where(ids == hidden, 0, ids).astype(np.uint8)
        members = sample.members | {"segmentation.mkv": video.encode_ffv1_gray(frames, synthetic.FPS)}
        with monkeypatch.context() as patch:
            patch.setattr(Shards, "member", lambda self, key, suffix, members=members: members[suffix])
            found = source[sample.key]
        assert hidden not in [each.id for each in found.objects]
        assert len(found.driven) == (0 if hidden == 1 else 1)


def test_damage_is_said(packed, tmp_path):
    broken = Path(shutil.copytree(packed, tmp_path / "toys"))
    tar = next(broken.glob("*test-lossless-000000.tar"))
    data = bytearray(tar.read_bytes())
    data[3000] ^= 1
    tar.write_bytes(data)
    with pytest.raises(KineBenchError, match="is damaged; run: kinebench verify"):
        open_source(broken, "test", "c0")[KEYS[0]]


def test_what_is_no_source(packed, tmp_path):
    with pytest.raises(KineBenchError, match="there is no folder"):
        open_source(tmp_path / "nowhere", "test", "c0")
    with pytest.raises(KineBenchError, match="no packed dataset"):
        open_source(tmp_path, "test", "c0")
    with pytest.raises(KineBenchError, match="has no split 'valid'"):
        open_source(packed, "valid", "c0")


def test_a_folder_gives_the_same_conditions(source, exported):
    folder = open_source(exported, "test", "c_infer")
    assert folder.keys == source.keys and folder.facts == source.facts and folder.dataset is None
    for key in source:
        assert folder[key].sha256 == source[key].sha256
    with pytest.raises(KeyError):
        folder["toys_test_000009"]


def test_a_changed_folder_is_refused(exported, tmp_path):
    folder = Path(shutil.copytree(exported, tmp_path / "changed"))
    source = open_source(folder, "test", "c_infer")
    path = folder / KEYS[0] / "condition.json"
    path.write_text(path.read_text().replace('"fps": 12.0', '"fps": 13.0'))
    with pytest.raises(KineBenchError, match=f"{KEYS[0]} was changed after it was exported"):
        source[KEYS[0]]
    (folder / KEYS[1] / "mask_1.png").unlink()
    with pytest.raises(KineBenchError, match=r"there is no mask_1\.png"):
        source[KEYS[1]]
    shutil.rmtree(folder / KEYS[2])
    with pytest.raises(KineBenchError, match=r"there is no condition\.json"):
        source[KEYS[2]]


def test_a_folder_of_another_prompt_or_split_is_refused(exported):
    with pytest.raises(KineBenchError, match=r"of prompt 'c_infer', not 'c0'; give --prompt c_infer"):
        open_source(exported, "test", "c0")
    with pytest.raises(KineBenchError, match="of split 'test', not 'train'"):
        open_source(exported, "train", "c_infer")


LISTINGS = {
    "no json": ("{", "Expecting"),
    "a list": ("[]", "no listing of conditions"),
    "a later version": ('{"format_version": 2, "facts": {}, "conditions": {}}', "format version 2"),
    "a way out": (
        '{"format_version": 1, "facts": {}, "conditions": {"../x": "' + "0" * 64 + '"}}',
        "'../x' is no key of a condition",
    ),
    "no hash": ('{"format_version": 1, "facts": {}, "conditions": {"x": 3}}', "'x' is no key of a condition"),
}


@pytest.mark.parametrize("fault", LISTINGS)
def test_a_damaged_listing_is_refused(tmp_path, fault):
    text, says = LISTINGS[fault]
    (tmp_path / "conditions.json").write_text(text)
    with pytest.raises(KineBenchError, match=says):
        open_source(tmp_path, "test", "c_infer")


def test_a_world_without_metres(exported, tmp_path):
    """A set of real pictures has no camera, constants or velocities: the path is what the folder says."""
    from dataclasses import replace

    from kinebench.methods.listing import Listing, begin, finish

    condition = condition_folder.read(exported / KEYS[0])
    driven = tuple(replace(each, velocity_mps=None) for each in condition.driven)
    plain = replace(condition, key="street-01", driven=driven, camera=None, nominal=None, prompt=C0)
    folder, facts = tmp_path / "real", {"dataset": "real", "split": "test", "prompt": "c0"}
    begin(folder, facts)
    condition_folder.write(folder / "street-01", plain)
    finish(folder, Listing(facts, {"street-01": plain.sha256}))
    found = open_source(folder, "test", "c0")["street-01"]
    assert found.driven[0].velocity_mps is None and found.camera is None and found.nominal is None
    assert np.array_equal(found.driven[0].path_px, plain.driven[0].path_px)
    small, _ = found.fitted((48, 40))
    assert small.camera is None and small.limited(0).driven == ()


def test_a_source_needs_no_engine(packed):
    code = (
        "import sys; from pathlib import Path; from kinebench.methods.source import open_source\n"
        f"source = open_source(Path({str(packed)!r}), 'test', 'c_infer'); source[source.keys[0]]\n"
        "print([n for n in ('torch', 'bpy', 'pybullet', 'cv2', 'scipy') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_constants_are_those_of_the_recipe(source, synthetic):
    from kinebench.methods.path import nominal

    assert source[KEYS[0]].nominal == nominal(parse(synthetic.recipe(), "toys"))


def test_a_listing_that_cannot_be_read(tmp_path):
    (tmp_path / "conditions.json").mkdir()  # as root, nothing else is forbidden
    with pytest.raises(KineBenchError, match=r"conditions\.json: cannot be read: Is a directory"):
        listing.read(tmp_path)
