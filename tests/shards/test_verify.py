import copy
import json
import re

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.shards import index, manifest, soundness, staging, video
from kinebench.shards.read import Shards
from kinebench.shards.stock import Stock
from kinebench.shards.verify import Report, verify


def facts(report, subject):
    return [fault.fact for fault in report.faults if fault.subject == subject]


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(data)


def test_a_sound_folder(dataset):
    seen = []
    report = verify(dataset, progress=lambda stage, done, whole: seen.append((stage, done, whole)))
    assert report == Report(folder=dataset, files=10, samples=8, decoded=8, faults=())
    assert report.sound
    assert {stage for stage, _, _ in seen} == {"files", "samples"}
    assert all(done <= whole for _, done, whole in seen)


def test_a_sample_decodes_some_but_hashes_all(dataset):
    place = Shards(dataset).rows["toys_train_000001"].members["mp4"]
    flip(dataset / place.shard, place.offset + 50)
    report = verify(dataset, sample=2)
    assert (report.samples, report.decoded) == (8, 2)
    assert facts(report, "toys_train_000001") == [
        "mp4 is damaged: its bytes in toys-train-000000.tar have another sha256"
    ]


@pytest.mark.parametrize("suffix", ["mp4", "velocity.mkv", "segmentation.mkv", "txt", "json", "rgb.mkv"])
def test_a_flipped_byte_names_file_sample_and_member(dataset, suffix):
    place = Shards(dataset).rows["toys_test_000001"].members[suffix]
    flip(dataset / place.shard, place.offset + place.size // 2)
    report = verify(dataset)
    assert any("sha256" in fact for fact in facts(report, place.shard))
    assert facts(report, "toys_test_000001") == [f"{suffix} is damaged: its bytes in {place.shard} have another sha256"]
    assert {fault.subject for fault in report.faults} == {place.shard, "toys_test_000001"}


def test_a_flipped_header_names_the_place(dataset):
    place = Shards(dataset).rows["toys_train_000001"].members["txt"]
    flip(dataset / place.shard, place.offset - 512 + 130)
    report = verify(dataset)
    assert any(f"bad header at byte {place.offset - 512}" in fact for fact in facts(report, place.shard))


def test_a_flipped_padding_byte_is_seen(dataset):
    place = Shards(dataset).rows["toys_train_000001"].members["txt"]
    flip(dataset / place.shard, place.offset + 500)
    assert {fault.subject for fault in verify(dataset).faults} == {"toys-train-000000.tar"}


def test_a_truncated_tar_names_file_and_samples(dataset):
    place = Shards(dataset).rows["toys_train_000003"].members["mp4"]
    path = dataset / "toys-train-000001.tar"
    path.write_bytes(path.read_bytes()[: place.offset + 10])
    report = verify(dataset)
    assert any(fact.startswith("cut short") for fact in facts(report, path.name))
    [fact] = facts(report, "toys_train_000003")
    assert fact.startswith(f"is cut short in {path.name}: mp4 at 10 of {place.size} bytes, velocity.mkv at 0 of")
    assert facts(report, "toys_train_000002") == []


@pytest.mark.parametrize("name", ["toys-train-000001.tar", "toys-test-lossless-000000.tar", "croissant.json"])
def test_a_missing_file_is_named_once(dataset, name):
    (dataset / name).unlink()
    report = verify(dataset)
    assert facts(report, name)[0] == "is missing"
    assert facts(report, name).count("is missing") == 1


def test_a_stray_tar_is_named(dataset):
    (dataset / "toys-train-000009.tar").write_bytes((dataset / "toys-train-000000.tar").read_bytes())
    assert facts(verify(dataset), "toys-train-000009.tar") == ["is no shard of this dataset"]


@pytest.mark.parametrize("name", ["manifest.json", "index.jsonl"])
def test_a_damaged_description_is_named(dataset, name):
    (dataset / name).write_bytes((dataset / name).read_bytes()[:-200])
    report = verify(dataset)
    assert not report.sound
    assert {fault.subject for fault in report.faults} == {name}


def test_an_index_that_leads_outside_is_refused(dataset):
    line = json.loads((dataset / index.NAME).read_text().splitlines()[0])
    line["shard"] = "../secret.tar"
    (dataset / index.NAME).write_text(json.dumps(line))
    assert any("no place in a tar beside the index" in fault.fact for fault in verify(dataset).faults)


def test_an_index_of_other_places_or_counts_is_named(dataset):
    lines = (dataset / index.NAME).read_text().splitlines()
    first = json.loads(lines[0])
    first["members"]["txt"]["offset"] += 512
    lines[0] = json.dumps(first)
    (dataset / index.NAME).write_text("\n".join([*lines[:-1], lines[1]]))
    report = verify(dataset)
    assert "has 4 samples of split train, the manifest 5" in facts(report, index.NAME)
    assert "is in the index twice" in facts(report, "toys_test_000001")
    assert any("toys_test_000000.txt at byte" in fact for fact in facts(report, "toys-test-000000.tar"))
    assert any("holds toys_train_000004.mp4" in fact for fact in facts(report, "toys-train-000002.tar"))


def test_wrong_sums_are_named(dataset):
    path = dataset / manifest.SUMS
    path.write_text(path.read_text().replace("toys-test-000000.tar", "toys-test-000009.tar"))
    report = verify(dataset)
    assert "does not list toys-test-000000.tar" in facts(report, manifest.SUMS)
    assert "is missing" in facts(report, "toys-test-000009.tar")


def test_an_interrupted_pack_is_named(dataset):
    (dataset / staging.FOLDER).mkdir()
    (dataset / staging.FOLDER / "commit.json").write_text('{"replace": [], "remove": []}')
    assert "interrupted" in verify(dataset).faults[0].fact


def test_no_dataset_at_all(tmp_path):
    with pytest.raises(KineBenchError, match="no packed dataset"):
        verify(tmp_path / "nowhere")


def wrong_records():
    """Name -> (change of a record, words of the fault it must give)."""

    def at(*path):
        def change(value):
            def apply(record):
                for part in path[:-1]:
                    record = record[part]
                record[path[-1]] = value(record[path[-1]]) if callable(value) else value

            return apply

        return change

    return {
        "schema": (at("objects", 0, "shape")("ball"), r"json: objects.0.shape: 'ball'"),
        "extra key": (at("colour")("red"), r"json: record: Additional properties"),
        "seed": (at("provenance", "seed")(8), r"seed 8, manifest and index say 7"),
        "caption": (at("captions", "c")("Nothing moves."), r"txt is not caption c"),
        "frames": (at("objects", 1, "positions_m")(lambda p: p[:-1]), r"object 2 has 8 positions_m, .* 9 frames"),
        "video": (at("video", "fps")(13), r"video is .*'fps': 13"),
        "ids": (at("objects", 2, "id")(7), r"object ids are \[1, 2, 7\]"),
        "driven flag": (at("objects", 1, "driven")(True), r"driven is \[1\], but the objects that say"),
        "moved": (at("quality", "moved")([1, 9]), r"quality.moved \[1, 9\] names an object"),
        "path_px": (at("quality", "path_px")([]), r"quality.path_px has 0 values, not 1"),
        "visible_px": (at("quality", "visible_px")([1, 1, 1]), r"quality.visible_px says otherwise"),
        "colour": (at("objects", 0, "colour")("yellow"), r"object 1 is yellow, which is no colour of split train"),
        "quaternion": (
            at("objects", 0, "quaternions_wxyz", 3)([1.0, 0.1, 0.0, 0.0]),
            r"object 1 at frame 3 is not of unit",
        ),
        "rotation": (at("camera", "rotation", 0, 0)(lambda x: x + 0.01), r"camera.rotation is no rotation"),
        "sun": (at("light", "sun_direction")([0.0, 1.0, 1.0]), r"sun_direction is not of unit"),
        "standing": (at("objects", 2, "velocities_mps", 0)([0.0, 0.1, 0.0]), r"driven is \[1\], but \[1, 3\] move"),
        "position": (at("objects", 2, "positions_m", 4, 0)(lambda x: x + 0.01), r"object 3 moves 0.120 m/s from frame"),
        "speed": (
            at("objects", 0, "velocities_mps")(lambda v: (2 * np.array(v)).tolist()),
            r"object 1 moves .* by its positions, .* by its velocity",
        ),
        "event ids": (at("events", 0, "b")(9), r"events.0 is between 1 and 9"),
        "event time": (at("events", 0, "end_s")(5.0), r"events.0 lasts from .* to 5.0 s"),
        "event frame": (at("events", 0, "frame")(lambda f: f + 1), r"events.0.frame is 3, the first at or after"),
        "event normal": (at("events", 0, "normal")([1.0, 1.0, 0.0]), r"events.0.normal is not of unit"),
    }


@pytest.mark.parametrize("name", wrong_records())
def test_a_wrong_record_names_sample_and_fact(tmp_path, samples, synthetic, make, name):
    change, words = wrong_records()[name]
    record = copy.deepcopy(samples[0].record)
    change(record)
    make(tmp_path, [synthetic.change(samples[0], json=record), samples[2]])
    report = verify(tmp_path)
    assert {fault.subject for fault in report.faults} == {samples[0].key}
    assert any(re.search(words, fault.fact) for fault in report.faults), report.faults


def test_samples_of_another_recipe_are_a_fault(dataset, synthetic):
    path = dataset / manifest.NAME
    path.write_text(path.read_text().replace(synthetic.HASH, "b" * 64))
    report = verify(dataset)
    assert all(len(facts(report, key)) == 1 for key in Shards(dataset).rows)
    assert "recipe_sha256 aaa" in facts(report, "toys_train_000000")[0]


def wrong_pictures(sample):
    """Name -> (members to replace, words of the fault they must give)."""
    codes, ids = video.decode_rgb(sample.members["velocity.mkv"]), video.decode_gray(sample.members["segmentation.mkv"])
    rgb = video.decode_rgb(sample.members["mp4"])
    off_by_one, shifted = codes.copy(), np.roll(ids, 20, axis=2)
    frame, y, x = np.argwhere(codes.any(axis=-1))[0]
    off_by_one[frame, y, x, 1] += 1
    crowded = ids.copy()
    crowded[0, 0, 0] = 4
    fps = sample.record["video"]["fps"]
    return {
        "mask": (
            {"velocity_mkv": video.encode_ffv1_rgb(off_by_one, fps)},
            "velocity.mkv is wrong on 1 pixels: at frame 0",
        ),
        "blank mask": ({"velocity_mkv": video.encode_ffv1_rgb(codes * 0, fps)}, "velocity.mkv is wrong on"),
        "lossy mask": ({"velocity_mkv": video.encode_mp4(codes, fps)}, "velocity.mkv is h264 yuv420p, not ffv1 bgr0"),
        "shifted": ({"segmentation_mkv": video.encode_ffv1_gray(shifted, fps)}, "outside its outline"),
        "unknown id": ({"segmentation_mkv": video.encode_ffv1_gray(crowded, fps)}, "shows object 4, and there are 3"),
        "short": ({"mp4": video.encode_mp4(rgb[:-1], fps)}, "mp4 is (8, 64, 96), not (9, 64, 96)"),
        "small": ({"mp4": video.encode_mp4(rgb[:, :-2], fps)}, "mp4 is (9, 62, 96)"),
        "slow": ({"mp4": video.encode_mp4(rgb, fps + 1)}, "mp4 plays at 13.00"),
        "no video": ({"mp4": b"not a video"}, "mp4 not a video"),
        "other clip": ({"rgb_mkv": video.encode_lossless_rgb(255 - rgb, fps)}, "mp4 and rgb.mkv show different clips"),
        "text": ({"txt": b"Something else."}, "txt is not caption c"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "mask",
        "blank mask",
        "lossy mask",
        "shifted",
        "unknown id",
        "short",
        "small",
        "slow",
        "no video",
        "other clip",
        "text",
    ],
)
def test_wrong_pictures_name_sample_and_fact(tmp_path, samples, synthetic, make, name):
    sample = samples[-1]
    members, words = wrong_pictures(sample)[name]
    make(tmp_path, [synthetic.change(sample, **members), samples[-2]])
    report = verify(tmp_path)
    assert {fault.subject for fault in report.faults} == {sample.key}
    assert any(words in fault.fact for fault in report.faults), report.faults


def test_contact_in_simple_motion_is_a_fault(tmp_path, samples, make):
    make(tmp_path, samples[:2], contact="forbidden")
    report = verify(tmp_path)
    assert [fault.subject for fault in report.faults] == [samples[0].key]
    assert "touch at" in report.faults[0].fact
    assert "forbids contact" in report.faults[0].fact


def test_the_same_clip_twice_is_a_fault(tmp_path, samples, synthetic, make):
    make(tmp_path, [samples[0], synthetic.change(samples[2], mp4=samples[0].members["mp4"])])
    assert facts(verify(tmp_path), samples[2].key) == [f"its clip is the same as that of {samples[0].key}"]


def test_a_ground_in_two_splits_is_a_fault(tmp_path, samples, synthetic, make):
    record = copy.deepcopy(samples[-1].record)
    record["ground"]["texture"] = samples[0].record["ground"]["texture"]
    make(tmp_path, [samples[0], synthetic.change(samples[-1], json=record)])
    assert facts(verify(tmp_path), samples[0].key) == ["its ground planks_a also lies under split test"]


def test_physics_of_a_stop_and_a_touch_is_accepted(synthetic):
    """A box that stops between two frames, and one struck between two frames, are no faults."""
    record = copy.deepcopy(synthetic.sample("train", 0, contact=False).record)
    fps, deceleration, speed = record["video"]["fps"], 3.0, 1.0
    times = np.arange(record["video"]["frames"]) / fps
    moving = np.minimum(times, speed / deceleration)
    body = record["objects"][0]
    body["positions_m"] = np.stack(
        [speed * moving - deceleration * moving**2 / 2, 0 * times, 0.15 + 0 * times], 1
    ).tolist()
    body["velocities_mps"] = np.stack([np.maximum(speed - deceleration * times, 0), 0 * times, 0 * times], 1).tolist()
    assert list(soundness.motion_faults(record)) == []
    assert list(soundness.motion_faults(synthetic.sample("train", 0).record)) == []


def test_stock_and_verify_agree_on_what_is_damaged(dataset, synthetic):
    place = Shards(dataset).rows["toys_train_000001"].members["segmentation.mkv"]
    flip(dataset / place.shard, place.offset + 9)
    stock = Stock(dataset, synthetic.HASH)
    with pytest.warns(UserWarning, match="segmentation.mkv of toys_train_000001"):
        damaged = {key for key in stock.rows if not stock.has(key, ["mp4"])}
    assert damaged == {fault.subject for fault in verify(dataset).faults} - {place.shard}
