import os
import shutil

import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.metrics.pixel import Pixel
from kinebench.scoring import crew, predictions, reader, truths
from kinebench.scoring.job import work
from kinebench.shards import video

KEYS = [f"toys_test_{i:06d}" for i in range(6)]


def inverted(frames):
    return 255 - frames


def quiet(stage, done, whole):
    pass


def test_everything_is_read_once_in_other_processes(meters, diary, predict, read, tmp_path):
    found = read(predict(tmp_path / "mine"), [meters.Counting(diary.path)], workers=2)
    lines = [line.split() for line in diary()]
    assert sorted((key, what) for key, what, _ in lines) == sorted(
        (key, what) for key in KEYS for what in ("truth", "prediction")
    )
    assert len({pid for *_, pid in lines}) == 2
    assert str(os.getpid()) not in {pid for *_, pid in lines}
    assert list(found.truth["counting"]) == KEYS
    assert set(found.predicted["counting"]) == {(key, 0) for key in KEYS}
    assert (found.unusable, found.unavailable) == ({}, {})


def test_frames_are_decoded_once_for_all_light_meters(meters, diary, predict, read, tmp_path, monkeypatch, clips):
    seen = []
    decoded = video.foreign_frames

    def counted(*given):
        for frame in decoded(*given):
            seen.append(frame.shape)
            yield frame

    def here(desk, jobs, workers, hear):  # in this process, so that what is decoded can be counted
        for job in jobs:
            for message in work(desk, job):
                hear(message)

    monkeypatch.setattr(video, "foreign_frames", counted)
    monkeypatch.setattr(crew, "run", here)
    found = read(predict(tmp_path / "mine"), [meters.Counting(diary.path), Pixel()])
    assert {name: len(readings) for name, readings in found.predicted.items()} == {"counting": 6, "pixel": 6}
    assert len(seen) == sum(len(clip) for clip in clips.values())


def test_a_network_is_read_here(meters, diary, predict, read, tmp_path):
    light = read(predict(tmp_path / "mine"), [meters.Counting(diary.path)])
    shutil.rmtree(tmp_path / "cache")
    diary()
    here = read(tmp_path / "mine", [meters.Counting(diary.path, light=False)])
    assert {line.split()[2] for line in diary()} == {str(os.getpid())}
    assert {slot: one.values for slot, one in here.predicted["counting"].items()} == {
        slot: one.values for slot, one in light.predicted["counting"].items()
    }


def test_a_second_run_reads_nothing(meters, diary, predict, read, tmp_path):
    counting = meters.Counting(diary.path)
    one = read(predict(tmp_path / "mine"), [counting])
    diary()
    two = read(tmp_path / "mine", [counting])
    assert diary() == []
    assert {slot: reading.values for slot, reading in two.predicted["counting"].items()} == {
        slot: reading.values for slot, reading in one.predicted["counting"].items()
    }


def test_a_second_model_does_no_work_on_the_truth(meters, diary, predict, read, tmp_path):
    counting = meters.Counting(diary.path)
    read(predict(tmp_path / "one"), [counting])
    diary()
    read(predict(tmp_path / "two", inverted), [counting])
    assert [line.split()[1] for line in diary()] == ["prediction"] * 6


def test_a_changed_file_is_read_anew_and_no_other(meters, diary, predict, read, tmp_path, clips):
    counting = meters.Counting(diary.path)
    before = read(predict(tmp_path / "mine"), [counting]).predicted["counting"]
    diary()
    (tmp_path / "mine" / f"{KEYS[3]}.mkv").write_bytes(video.encode_lossless_rgb(inverted(clips[KEYS[3]]), 12))
    after = read(tmp_path / "mine", [counting]).predicted["counting"]
    assert [line.split()[:2] for line in diary()] == [[KEYS[3], "prediction"]]
    assert [slot for slot in after if after[slot].values != before[slot].values] == [(KEYS[3], 0)]


def test_other_options_read_anew(meters, diary, predict, read, tmp_path):
    read(predict(tmp_path / "mine"), [meters.Counting(diary.path)])
    diary()
    read(tmp_path / "mine", [meters.Counting(diary.path, option=1)])
    assert len(diary()) == 12


def test_a_damaged_reading_is_made_again(meters, diary, predict, read, tmp_path, cache):
    counting = meters.Counting(diary.path)
    read(predict(tmp_path / "mine"), [counting])
    diary()
    harmed = sorted(cache.rglob("*.npz"))[0]
    harmed.write_bytes(harmed.read_bytes()[:100])
    read(tmp_path / "mine", [counting])
    assert len(diary()) == 1


def broken(folder, clips):
    """One prediction of each kind of fault; returns what is said of each."""
    frames = clips[KEYS[0]]
    paths = [folder / f"{key}.mkv" for key in KEYS]
    paths[0].unlink()
    paths[1].write_bytes(b"junk")
    paths[2].write_bytes(video.encode_ffv1_rgb(frames[:-1], 12))
    paths[3].write_bytes(video.encode_ffv1_rgb(frames[:, :, :-2], 12))
    paths[4].write_bytes(b"")
    return ("is missing", "cannot be decoded", "has 8 frames, not 9", "is 94x64, not 96x64", "cannot be decoded")


@pytest.mark.parametrize("light", [True, False])
def test_what_is_unusable_is_scored_worst_case(meters, diary, predict, read, tmp_path, clips, light):
    said = broken(predict(tmp_path / "mine"), clips)
    counting = meters.Counting(diary.path, light=light)
    for run in range(2):
        found = read(tmp_path / "mine", [Pixel(), counting])
        assert sorted(found.unusable) == [(key, 0) for key in KEYS[:5]]
        for (_, why), words in zip(sorted(found.unusable.items()), said, strict=True):
            assert why.reason.startswith(words)
            assert why.remedy
        for number, key in enumerate(KEYS):
            values = found.predicted["counting"][key, 0].values
            if number < 5:
                assert values == {"darkness": 255.0, "moving": None if number == 1 else 0.0}
                assert found.predicted["pixel"][key, 0].values["mse"] == 255**2
            else:
                assert values["darkness"] < 255
        assert len(diary()) == (0 if run else 7)


def test_what_is_not_usable_is_noticed_though_no_meter_can_run(meters, diary, predict, read, tmp_path, clips):
    broken(predict(tmp_path / "mine"), clips)
    found = read(tmp_path / "mine", [meters.Absent(diary.path)])
    assert len(found.unusable) == 5
    assert found.unavailable == {"absent": "the weights are not here; run: kinebench weights fetch them"}
    assert found.predicted == {}


@pytest.mark.parametrize("light", [True, False])
def test_a_meter_that_refuses_does_not_keep_others_from_reading(meters, diary, predict, read, tmp_path, light):
    found = read(predict(tmp_path / "mine"), [meters.Refusing(diary.path, light=light), Pixel()])
    assert found.unavailable == {"refusing": "it needs 99 frames"}
    assert list(found.predicted) == ["pixel"]
    assert len(found.predicted["pixel"]) == 6


def test_a_worker_that_dies_names_its_clip(meters, diary, predict, read, tmp_path):
    with pytest.raises(KineBenchError, match=r"\(exit 9\) while it read toys_test_000002, .*fewer --workers"):
        read(predict(tmp_path / "mine"), [meters.Crashing(diary.path)], workers=2)
    read(tmp_path / "mine", [meters.Counting(diary.path)])
    assert len(diary()) in (12, 13), "what was read before is kept; at most what the other had in work is read again"


@pytest.mark.parametrize("light", [True, False])
def test_a_meter_that_fails_names_the_clip(meters, diary, predict, read, tmp_path, light):
    words = r"counting failed on the ground truth of toys_test_000001: IndexError: .* \(counting_meters\.py:\d+\)"
    with pytest.raises(KineBenchError, match=words):
        read(predict(tmp_path / "mine"), [meters.Failing(diary.path, light=light)])


def test_what_is_no_number_never_becomes_a_score(meters, diary, predict, read, tmp_path):
    found = read(predict(tmp_path / "mine"), [meters.NotANumber(diary.path)])
    assert found.unavailable == {"counting": "counting gives nan for darkness, which is no score"}


@pytest.mark.parametrize("light", [True, False])
def test_an_interrupted_run_goes_on_where_it_was(meters, diary, predict, read, tmp_path, light):
    counting = meters.Counting(diary.path, light=light)

    def stop(stage, done, whole):
        if stage == "counting" and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(predict(tmp_path / "mine"), [counting], workers=2, note=stop)
    first = {tuple(line.split()[:2]) for line in diary()}
    found = read(tmp_path / "mine", [counting], workers=2)
    second = {tuple(line.split()[:2]) for line in diary()}
    assert len(first) >= 5
    assert len(first | second) == 12
    assert len(first & second) <= 2, "at most what was in work is read again"
    assert len(found.predicted["counting"]) == 6


def test_seeds_that_lack_a_clip(meters, diary, predict, read, tmp_path):
    folder = predict(predict(tmp_path / "mine", seed=0), inverted, seed=3)
    (folder / "seed-3" / f"{KEYS[2]}.mkv").unlink()
    found = read(folder, [meters.Counting(diary.path)])
    assert len(found.predicted["counting"]) == 12
    assert {slot: (why.reason, why.remedy) for slot, why in found.unusable.items()} == {
        (KEYS[2], 3): ("is missing", f"add seed-3/{KEYS[2]}.mp4")
    }


def test_pixels_of_the_harness_are_those_of_the_metric(predict, read, tmp_path, clips):
    from kinebench.metrics.pixel import mse

    found = read(predict(tmp_path / "mine", inverted), [Pixel()])
    for key, frames in clips.items():
        assert found.predicted["pixel"][key, 0].values["mse"] == mse(frames[None], inverted(frames)[None])
        assert found.truth["pixel"][key].values["mse"] == 0
    assert np.isfinite([one.values["mse"] for one in found.predicted["pixel"].values()]).all()


def test_workers_have_one_thread_a_library(meters, diary, predict, read, tmp_path):
    from kinebench.scoring.crew import _one_thread

    before = dict(os.environ)
    with _one_thread():
        assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENCV_FOR_THREADS_NUM"] == "1"
    assert dict(os.environ) == before


@pytest.mark.parametrize("light", [True, False])
def test_readings_that_cannot_be_kept_end_the_run_at_the_first(meters, diary, predict, read, tmp_path, cache, light):
    cache.write_text("in the way")
    with pytest.raises(KineBenchError, match="cannot keep readings in"):
        read(predict(tmp_path / "mine"), [meters.Counting(diary.path, light=light)])
    assert len(diary()) == 1


@pytest.mark.parametrize("light", [True, False])
def test_a_damaged_truth_is_no_fault_of_a_meter(meters, diary, predict, data, tmp_path, light):
    """Also if the truth's own reading is there already, so that only a prediction asks for its frames."""
    copy = shutil.copytree(data, tmp_path / "data")
    counting = meters.Counting(diary.path, light=light)

    def run(folder):
        shards = truths.open_truths(copy, "test")
        found = predictions.find(folder, shards.keys("test"))
        hashes = {slot: each.sha256 for slot, each in predictions.look(found, quiet).items()}
        return reader.read(reader.subject(shards, "test", found, hashes), [counting], 1, quiet)

    run(predict(tmp_path / "one"))
    member = truths.open_truths(copy, "test").rows[KEYS[0]].members["rgb.mkv"]
    with (copy / member.shard).open("r+b") as tar:
        tar.seek(member.offset + member.size // 2)
        tar.write(b"?" * 8)
    with pytest.raises(KineBenchError, match=f"{KEYS[0]} is damaged; run: kinebench verify"):
        run(predict(tmp_path / "two", inverted))
