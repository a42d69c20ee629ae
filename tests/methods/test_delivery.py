"""A method's frames in the clip's time and on its canvas, and the sidecar that says how."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.errors import KineBenchError
from kinebench.methods import delivery
from kinebench.methods.delivery import Clip, Signature, align, deliver
from kinebench.methods.placement import SAME, Placement, fitted, to_canvas, to_native
from kinebench.methods.task import Made, Task
from kinebench.methods.video import Fps, Span, Video

SIGNATURE = Signature("mine", "1.0.0", "a" * 64)
CANVAS = (96, 64)
CLIP = Clip("toys_test_000000", "b" * 64, CANVAS, frames=9, fps=12.0, place=SAME)


def noise(count, size=CANVAS, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size[1], size[0], 3), np.uint8)


def smooth(count, size):
    columns, rows = np.meshgrid(np.linspace(0, 3, size[0]), np.linspace(0, 2, size[1]))
    waves = [
        127 + 100 * np.sin(columns + frame / 5) * np.cos(rows + channel)
        for frame in range(count)
        for channel in range(3)
    ]
    return np.stack(waves).reshape(count, 3, size[1], size[0]).transpose(0, 2, 3, 1).astype(np.uint8)


def test_as_many_frames_as_the_clip_are_taken_one_for_one_whatever_the_rate():
    for timing in (Span(), Fps(12), Fps(24), Fps(1)):
        aligned = align(9, timing, 9, 12.0)
        assert aligned.alignment == "index"
        assert aligned.used == aligned.truth_frames == tuple(range(9))


@pytest.mark.parametrize(
    ("count", "timing", "used", "truth"),
    [
        (5, Span(), range(5), (0, 2, 4, 6, 8)),
        (3, Span(), range(3), (0, 4, 8)),
        (6, Span(), range(6), (0, 2, 3, 5, 6, 8)),  # 1.6, 3.2, 4.8, 6.4
        (17, Span(), range(0, 17, 2), range(9)),  # two for one: the ones at the clip's own times
        (5, Fps(6), range(5), (0, 2, 4, 6, 8)),
        (17, Fps(24), range(0, 17, 2), range(9)),
        (30, Fps(24), range(0, 17, 2), range(9)),  # goes on after the clip's end
        (16, Fps(24), (*range(0, 16, 2), 15), range(9)),  # its last is half a frame early, and is rounded up
        (13, Fps(12), range(9), range(9)),
        (7, Fps(8), range(6), (0, 2, 3, 5, 6, 8)),  # 1.5 and 4.5 are rounded up; 9 is beyond
        (4, Fps(5), range(4), (0, 2, 5, 7)),  # 7.2; the next would be at 9.6, after the end
    ],
)
def test_frames_by_hand(count, timing, used, truth):
    aligned = align(count, timing, 9, 12.0)
    assert aligned.used == tuple(used)
    assert aligned.truth_frames == tuple(truth)


@pytest.mark.parametrize(("count", "timing"), [(8, Fps(12)), (1, Fps(12)), (1, Span()), (14, Fps(24)), (3, Fps(5))])
def test_a_video_that_ends_before_the_clip_is_refused(count, timing):
    with pytest.raises(KineBenchError, match="a video of"):
        align(count, timing, 9, 12.0)


@given(
    st.integers(2, 120),
    st.integers(2, 60),
    st.one_of(st.none(), st.floats(1, 60)),
    st.sampled_from([8.0, 12.0, 23.976]),
)
def test_every_frame_shows_the_nearest_and_none_is_shown_twice(count, frames, rate, fps):
    try:
        aligned = align(count, Fps(rate) if rate else Span(), frames, fps)
    except KineBenchError:
        assert rate is not None
        assert round(count * fps / rate) <= frames
        return
    truth = np.array(aligned.truth_frames)
    assert (np.diff(truth) > 0).all()
    assert truth[0] == 0
    assert truth[-1] < frames
    assert (np.diff(aligned.used) > 0).all()
    if aligned.alignment != "index":
        step = (frames - 1) / (count - 1) if rate is None else fps / rate
        off = np.abs(np.array(aligned.used) * step - truth)
        assert off.max() <= 0.5 + 1e-9
        every = np.abs(np.arange(count)[:, None] * step - truth).min(axis=0)
        assert off == pytest.approx(every, abs=1e-9), "of several the nearest"
    if rate is None:
        assert truth[-1] == frames - 1


def made(video, seconds=1.23456):
    return Made(Task(CLIP.key, 3), video, seconds)


def test_frames_of_the_canvas_are_delivered_as_they_are():
    frames = noise(9)
    got, said = deliver(made(Video(frames, facts={"steps": 50})), CLIP, SIGNATURE)
    assert (got == frames).all()
    assert said.resized is None
    assert said.unused_frames == 0
    assert (said.key, said.seed, said.seconds, said.facts) == (CLIP.key, 3, 1.235, {"steps": 50})
    assert (said.native.width, said.native.height, said.native.frames) == (96, 64, 9)


def test_what_was_padded_for_the_method_is_taken_off_again():
    """A method with another shape that returns what it is given: the clip comes back, whatever it answers with."""
    native = (64, 40)  # 96x64 is narrower: padded at the sides
    place = fitted(CANVAS, native)
    clip = replace(CLIP, place=place)
    truth = smooth(9, CANVAS)
    seen = np.stack([to_native(frame, place, native) for frame in truth])
    got, said = deliver(made(Video(seen)), clip, SIGNATURE)
    assert got.shape == truth.shape
    assert np.abs(got.astype(int) - truth).mean() < 2
    assert said.placement == place
    assert said.resized == "bicubic"
    assert (got[4] == to_canvas(seen[4], place, CANVAS)).all()


def test_the_placement_of_a_method_and_that_of_its_condition_are_one_after_the_other():
    """The method doubles what it is given and adds a border of 10 pixels at the left and 6 at the top."""
    native = (48, 32)
    clip = replace(CLIP, place=fitted(CANVAS, native))
    own = np.zeros((9, 64 + 6, 96 + 10, 3), np.uint8)
    own[:, 6:, 10:] = frames = noise(9)
    got, said = deliver(made(Video(own, placement=Placement(0.5, -5, -3))), clip, SIGNATURE)
    assert said.placement == Placement(1.0, -10.0, -6.0)
    assert (got == frames).all()
    assert said.resized is None


def test_shrinking_is_by_area():
    frames = noise(9, (192, 128))
    got, said = deliver(made(Video(frames, placement=Placement(0.5))), CLIP, SIGNATURE)
    assert said.resized == "box"
    means = frames.reshape(9, 64, 2, 96, 2, 3).mean(axis=(2, 4))
    assert np.abs(got - means).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("frames", "placement"),
    [
        (noise(9, (90, 64)), SAME),  # cropped
        (noise(9), Placement(1.0, 1.0, 0.0)),  # moved: a gap at the left, though the size is right
        (noise(9, (48, 32)), SAME),  # smaller, and does not say so
        (noise(9), Placement(0.9)),
    ],
)
def test_a_video_that_leaves_a_part_of_the_canvas_out_is_refused(frames, placement):
    with pytest.raises(KineBenchError, match="does not cover the 96x64 canvas"):
        deliver(made(Video(frames, placement=placement)), CLIP, SIGNATURE)


def test_only_frames_that_show_one_of_the_clip_are_delivered():
    frames = noise(30)
    got, said = deliver(made(Video(frames, Fps(24))), CLIP, SIGNATURE)
    assert (got == frames[:17:2]).all()
    assert said.unused_frames == 21
    assert said.alignment == "fps"


def sidecar(**changes):
    _, said = deliver(made(Video(noise(5), Span(), facts={"force": 0.5, "words": ["a"]})), CLIP, SIGNATURE)
    return replace(said, driven_ignored=(2, 3), **changes)


def test_a_sidecar_comes_back_as_it_was():
    said = sidecar()
    assert delivery.parse(delivery.dump(said)) == said
    plain = json.loads(delivery.dump(said))
    assert plain["method"] == {"name": "mine", "version": "1.0.0", "identity": "a" * 64}
    assert plain["truth_frames"] == [0, 2, 4, 6, 8]
    assert plain["placement"] == {"scale": 1.0, "x_px": 0.0, "y_px": 0.0}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda plain: plain.update(truth_frames=[0, 2, 2]), "they do not ascend"),
        (lambda plain: plain.update(truth_frames=[]), "truth_frames: "),
        (lambda plain: plain.update(alignment="guess"), "alignment: 'guess'"),
        (lambda plain: plain.update(format_version=2), "format_version: 1 was expected"),
        (lambda plain: plain.pop("seed"), "'seed' is a required property"),
        (lambda plain: plain.update(seed=True), "seed: "),
        (lambda plain: plain["placement"].update(scale=0), "placement.scale"),
        (lambda plain: plain["method"].update(identity="x"), "method.identity"),
        (lambda plain: plain.update(more=1), "Additional properties"),
    ],
)
def test_a_sidecar_that_cannot_be_is_refused_with_the_place(change, words):
    plain = json.loads(delivery.dump(sidecar()))
    change(plain)
    with pytest.raises(KineBenchError, match=words):
        delivery.parse(json.dumps(plain).encode())


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[1]", b"{", b'{"placement": {"scale": 1e999}}'])
def test_what_is_no_sidecar_is_refused(data):
    with pytest.raises(KineBenchError):
        delivery.parse(data)


def test_an_infinite_placement_is_refused():
    text = delivery.dump(sidecar()).decode().replace('"x_px": 0.0', '"x_px": 1e999')
    with pytest.raises(KineBenchError, match="1e999 is too large"):
        delivery.parse(text.encode())
