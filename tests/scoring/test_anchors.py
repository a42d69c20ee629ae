"""Anchors written from a packed dataset, read back as `kinebench score` reads predictions."""

import numpy as np
import pytest

from kinebench.data import open_dataset
from kinebench.errors import KineBenchError
from kinebench.metrics.pixel import mse_per_frame
from kinebench.scoring import anchors, predictions
from kinebench.scoring.truths import truths
from kinebench.shards import video


@pytest.fixture(scope="module")
def references(packed):
    return {truth.key: truth for truth in truths(open_dataset(packed, "test"))}


@pytest.fixture(scope="module")
def written(packed, tmp_path_factory):
    out = tmp_path_factory.mktemp("anchors")
    anchors.write(packed, "test", tuple(anchors.ANCHORS), out)
    return out


def read(folder, references):
    """The frames of each prediction in a folder."""
    found = predictions.find(folder, references.keys())
    assert found.seeds == (0,)
    assert not found.unknown
    assert found.places.keys() == {(key, 0) for key in references}
    shapes = {key: truth.instances.shape for key, truth in references.items()}
    return {key: predictions.decode(place.read(), shapes[key]) for (key, _), place in found.places.items()}


@pytest.mark.parametrize("name", anchors.ANCHORS)
def test_what_is_written_is_what_the_function_says(written, references, name):
    for key, frames in read(written / name, references).items():
        np.testing.assert_array_equal(frames, anchors.ANCHORS[name](references[key]))


def test_what_each_anchor_is(written, references):
    videos = {name: read(written / name, references) for name in anchors.ANCHORS}
    for key, truth in references.items():
        count = len(truth.frames)
        np.testing.assert_array_equal(videos["oracle"][key], truth.frames)
        assert all((frame == truth.frames[0]).all() for frame in videos["static"][key])
        np.testing.assert_array_equal(videos["reversed"][key][0], truth.frames[-1])
        np.testing.assert_array_equal(videos["reversed"][key][-1], truth.frames[0])
        np.testing.assert_array_equal(videos["slowed"][key][2:count:2], truth.frames[1 : (count + 1) // 2])
        np.testing.assert_array_equal(videos["slowed"][key][1], truth.frames[0])
        shuffled = videos["shuffled"][key]
        np.testing.assert_array_equal(shuffled[0], truth.frames[0])
        assert not np.array_equal(shuffled, truth.frames)
        assert sorted(frame.tobytes() for frame in shuffled) == sorted(frame.tobytes() for frame in truth.frames)


def test_codec_loses_a_little(written, references):
    """Far less than a motion does; more than the crf of the dataset's own mp4 would."""
    for key, frames in read(written / "codec", references).items():
        truth = references[key]
        lost = mse_per_frame(frames, truth.frames).mean()
        assert 0 < lost < mse_per_frame(anchors.static(truth), truth.frames).mean()
        finer = video.decode_rgb(video.encode_mp4(truth.frames, round(truth.fps)))
        assert lost > mse_per_frame(finer, truth.frames).mean()


def test_the_same_bytes_again(written, packed, tmp_path):
    notes = []
    folders = anchors.write(packed, "test", ("shuffled", "codec"), tmp_path, lambda *note: notes.append(note))
    assert folders == [tmp_path / "shuffled", tmp_path / "codec"]
    assert notes == [("anchors", number, 3) for number in (1, 2, 3)]
    for folder in folders:
        for path in folder.iterdir():
            assert path.read_bytes() == (written / folder.name / path.name).read_bytes()


def test_a_split_without_lossless_frames_takes_its_mp4(packed, tmp_path):
    (folder,) = anchors.write(packed, "train", ["oracle"], tmp_path)
    clips = open_dataset(packed, "train")
    for key in clips.keys:
        np.testing.assert_array_equal(video.decode_rgb((folder / f"{key}.mkv").read_bytes()), clips[key].rgb)


def test_mistakes_are_told(packed, tmp_path):
    with pytest.raises(KineBenchError, match="no anchor statik; there are oracle, codec"):
        anchors.write(packed, "test", ["oracle", "statik"], tmp_path / "out")
    with pytest.raises(KineBenchError, match="no split 'validation'"):
        anchors.write(packed, "validation", ["oracle"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(KineBenchError, match=r"cannot write .*out/oracle/.*: Not a directory; name another folder"):
        anchors.write(packed, "test", ["oracle"], tmp_path / "out")


def rendered_again(synthetic, original, **changes):
    """The same sample with other noise, and what else is changed in its record."""
    rgb = video.decode_rgb(original.members["rgb.mkv"])
    noise = np.random.default_rng(1).integers(-2, 3, rgb.shape)
    noisy = np.clip(rgb.astype(int) + noise, 0, 255).astype(np.uint8)
    provenance = {**original.record["provenance"], "render_samples": 2}
    record = {**original.record, "provenance": provenance, **changes}
    other = synthetic.change(original, json=record, mp4=video.encode_mp4(noisy, synthetic.FPS))
    other.members["rgb.mkv"] = video.encode_lossless_rgb(noisy, synthetic.FPS)
    return other, noisy


def test_rerender_is_the_other_folder_as_it_is(packed, samples, synthetic, make, references, tmp_path):
    pairs = [rendered_again(synthetic, sample) for sample in samples if "_test_" in sample.key]
    make(tmp_path / "again", [sample for sample, _ in pairs])
    folder = anchors.rerender(packed, tmp_path / "again", "test", tmp_path / "out")
    assert folder == tmp_path / "out" / "rerender"
    frames = read(folder, references)
    for sample, noisy in pairs:
        np.testing.assert_array_equal(frames[sample.key], noisy)
        assert (folder / f"{sample.key}.mkv").read_bytes() == sample.members["rgb.mkv"]


def test_rerender_refuses_another_scene(packed, samples, synthetic, make, tmp_path):
    tests = [sample for sample in samples if "_test_" in sample.key]
    *others, last = (rendered_again(synthetic, sample)[0] for sample in tests)
    camera = {**last.record["camera"], "focal_px": last.record["camera"]["focal_px"] + 1}
    moved, _ = rendered_again(synthetic, tests[-1], camera=camera)
    make(tmp_path / "moved", [*others, moved])
    make(tmp_path / "fewer", others)
    for again in ("moved", "fewer"):
        with pytest.raises(KineBenchError, match=f"{moved.key} is not the same scene"):
            anchors.rerender(packed, tmp_path / again, "test", tmp_path / "out")
    assert not (tmp_path / "out").exists()
