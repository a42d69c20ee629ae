"""Each picture is broken in exactly one way; the fact that is named must be that one."""

import numpy as np
import pytest

from kinebench.shards import tracks, video
from kinebench.verify import pictures
from kinebench.verify.pictures import picture_faults

COMPANIONS = ("lossless", "depth", "flow", "normals", "tracks")


@pytest.fixture(scope="module")
def sample(synthetic):
    return synthetic.sample("train", 1, companions=COMPANIONS)


@pytest.fixture(scope="module")
def others(synthetic):
    return [synthetic.sample("train", index) for index in range(4)]


def faults(sample, **members):
    """What is wrong with a sample when members are replaced; `rgb_mkv=` stands for "rgb.mkv"."""
    names = {name.replace("_mkv", ".mkv").replace("_json", ".json"): data for name, data in members.items()}
    return list(picture_faults(sample.record, sample.members | names))


def test_sound_pictures_have_no_fault(sample):
    assert faults(sample) == []


@pytest.mark.parametrize(
    ("suffix", "decode", "encode", "step"),
    [
        ("segmentation.mkv", video.decode_gray, video.encode_ffv1_gray, 1),
        ("depth.mkv", video.decode_gray16, video.encode_ffv1_gray16, 3),
        ("forward_flow.mkv", video.decode_rgb48, video.encode_ffv1_rgb48, 3),
        ("backward_flow.mkv", video.decode_rgb48, video.encode_ffv1_rgb48, 3),
        ("normals.mkv", video.decode_rgb48, video.encode_ffv1_rgb48, 3),
    ],
)
def test_codes_other_than_the_derived_ones_are_named(sample, synthetic, suffix, decode, encode, step):
    """A handful of pixels at edges may differ, a corner of a frame may not; a half-step may differ everywhere."""
    codes = decode(sample.members[suffix])

    def with_corner(rows, by):
        changed = codes.copy()
        changed[4, :rows, :4].reshape(rows, 4, -1)[..., 0] += np.array(by, codes.dtype)
        found = faults(sample, **{suffix.replace(".mkv", "_mkv"): encode(changed, synthetic.FPS)})
        return [fact for fact in found if fact.startswith(suffix)]

    assert with_corner(2, step) == []
    [fact] = with_corner(3, step)
    assert fact.startswith(f"{suffix} differs from what poses and camera give on 12 pixels of frame 4: at x 0, y 0, ")
    assert suffix == "segmentation.mkv" or with_corner(3, 1) == []


def test_pictures_of_another_sample_are_named(sample, synthetic):
    other = synthetic.sample("train", 2, companions=COMPANIONS)
    for suffix in ("segmentation.mkv", "depth.mkv", "forward_flow.mkv", "backward_flow.mkv", "normals.mkv"):
        [fact, *_] = faults(sample, **{suffix.replace(".", "_"): other.members[suffix]})
        assert fact.startswith(f"{suffix} differs from what poses and camera give")
    assert any(fact.startswith("tracks.json") for fact in faults(sample, tracks_json=other.members["tracks.json"]))


def test_a_companion_in_another_coding_is_named(sample):
    assert any("gray, not ffv1 gray16le" in f for f in faults(sample, depth_mkv=sample.members["segmentation.mkv"]))
    assert any("h264 gbrp, not ffv1 gbrp16le" in fact for fact in faults(sample, normals_mkv=sample.members["rgb.mkv"]))


def test_wrong_tracks_are_named(sample):
    def changed(change):
        found = tracks.parse(sample.members["tracks.json"])
        change(found)
        return faults(sample, tracks_json=tracks.dump(found))

    def move(found):
        found.xy_px[3, 5, 0] += 0.01

    def carve(found):
        found.points_m[2, 1] += 1e-4

    def hide(found):
        found.visible[6, :20] ^= True

    assert changed(lambda found: None) == []
    assert "tracks.json has point 5 of object 1 at" in changed(move)[0]
    assert changed(carve) == ["tracks.json has other surface points than the objects' sizes give"]
    assert "whether 20 points show in frame 6" in changed(hide)[0]
    assert "tracks.json cannot be read" in faults(sample, tracks_json=b"{}")[0]


def test_the_clip_of_another_motion_is_named(others):
    """Its ground moves where by the poses nothing does, or its objects have other colours there.

    In toy pictures two clips may happen to look alike; for real ones see `tests/end_to_end/test_verify.py`.
    """
    found = [faults(one, mp4=other.members["mp4"]) for one in others for other in others if one is not other]
    assert sum(map(bool, found)) >= len(found) - 1
    moved = ["where nothing moves by the poses: it shows another motion" in " ".join(facts) for facts in found]
    assert any(moved)


def test_a_clip_that_stands_still_is_named(others, synthetic):
    for one in others:
        rgb = video.decode_rgb(one.members["mp4"])
        frozen = video.encode_mp4(np.repeat(rgb[:1], len(rgb), axis=0), synthetic.FPS)
        [fact] = faults(one, mp4=frozen)
        assert fact.endswith("on average where the poses move objects: it shows no such motion")


def test_an_object_of_another_colour_is_named(others, synthetic):
    for one in others:
        swapped = video.encode_mp4(video.decode_rgb(one.members["mp4"])[..., [1, 2, 0]], synthetic.FPS)
        found = faults(one, mp4=swapped)
        names = [body["colour"] for body in one.record["objects"]]
        assert [fact.partition(", which is ")[2].split(",")[0] for fact in found] == names


def test_what_shows_at_an_edge_is_not_the_colour_of_an_object(others, synthetic):
    one = others[0]
    rgb, ids = video.decode_rgb(one.members["mp4"]), video.decode_gray(one.members["segmentation.mkv"])
    for number in range(1, len(one.record["objects"]) + 1):
        mask = ids[0] == number
        edge = mask & ~pictures._inner(mask)
        assert 0 < edge.sum() < mask.sum()
        rgb[0][edge] = 255 - rgb[0][mask].mean(axis=0).astype(np.uint8)
    assert not [fact for fact in faults(one, mp4=video.encode_ffv1_rgb(rgb, synthetic.FPS)) if "which is" in fact]


def test_small_and_grey_objects_are_not_judged_by_colour(others, monkeypatch):
    rgb = video.decode_rgb(others[0].members["mp4"])[..., [1, 2, 0]]
    members = {"mp4": video.encode_mp4(rgb, 12)}
    monkeypatch.setattr(pictures, "PATCH_PX", 10_000)
    assert faults(others[0], **members) == []
    monkeypatch.setattr(pictures, "PATCH_PX", 1)
    monkeypatch.setattr(pictures, "COLOURFUL", 400.0)
    assert faults(others[0], **members) == []
