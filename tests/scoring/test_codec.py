"""How videos are coded, read from files that PyAV makes of a picture, and what that costs."""

import io
from dataclasses import dataclass

import av
import numpy as np
import pytest

from kinebench.metrics.pixel import mse_per_frame
from kinebench.scoring import codec
from kinebench.scoring.codec import Coded
from kinebench.scoring.predictions import Look, decode
from kinebench.scoring.scorer import score
from kinebench.shards import video
from kinebench.shards.video import Rate

F, H, W = 5, 64, 96


@dataclass(frozen=True)
class Frames:
    """As much of a truth as a codec sees."""

    frames: np.ndarray
    fps: float = 12.0


@pytest.fixture(scope="module")
def rgb():
    """Coloured tiles that shift a little, and noise."""
    rng = np.random.default_rng(0)
    still = rng.integers(0, 256, (H // 8, W // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    noise = rng.integers(-3, 4, (F, H, W, 3))
    moved = np.stack([np.roll(still, 2 * frame, axis=1) for frame in range(F)])
    return np.clip(moved + noise, 0, 255).astype(np.uint8)


def encode(rgb, encoder, form, container="matroska", **options):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        said = {name.replace("_", "-"): str(value) for name, value in options.items()}
        stream = output.add_stream(encoder, rate=12, options=said)
        stream.width, stream.height, stream.pix_fmt = W, H, form
        for frame in rgb:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=form)))
        output.mux(stream.encode(None))
    return buffer.getvalue()


QUIET = {"x265_params": "log-level=none"}
# how it is made: name, all colours, lossless, rate, fine
MADE = {
    "ours, lossless": (("libx264rgb", "rgb24"), {"qp": 0}, "h264", True, True, None, True),
    "x264, crf": (("libx264", "yuv420p", "mp4"), {"crf": 23}, "h264", False, False, Rate("crf", 23.0), False),
    "x264 in avi": (("libx264", "yuv420p", "avi"), {"crf": 17.5}, "h264", False, False, Rate("crf", 17.5), False),
    "x264, by default": (("libx264", "yuv420p", "mp4"), {}, "h264", False, False, Rate("crf", 23.0), False),
    "x264, qp": (("libx264", "yuv420p", "mp4"), {"qp": 30}, "h264", False, False, Rate("qp", 30.0), False),
    "x264, a bit rate": (("libx264", "yuv420p", "mp4"), {"b": 100_000}, "h264", False, False, None, False),
    "x264, good enough": (("libx264", "yuv444p", "mp4"), {"crf": 10}, "h264", True, False, Rate("crf", 10.0), True),
    "x264, too hard": (("libx264", "yuv444p", "mp4"), {"crf": 11}, "h264", True, False, Rate("crf", 11.0), False),
    "x264, lossless but for rounding": (("libx264", "yuv444p"), {"qp": 0}, "h264", True, True, None, True),
    "x264, lossless in few colours": (("libx264", "yuv420p"), {"qp": 0}, "h264", False, True, None, False),
    "x264 in colours, hard": (("libx264rgb", "rgb24"), {"crf": 28}, "h264", True, False, Rate("crf", 28.0), False),
    "x264, ten bits": (("libx264", "yuv444p10le"), {"crf": 8}, "h264", True, False, Rate("crf", 8.0), True),
    "x265": (("libx265", "yuv420p", "mp4"), {"crf": 28, **QUIET}, "hevc", False, False, Rate("crf", 28.0), False),
    "x265, lossless": (
        ("libx265", "gbrp"),
        {"x265_params": "lossless=1:log-level=none"},
        *("hevc", True, True, None, True),
    ),
    "ffv1": (("ffv1", "bgr0"), {}, "ffv1", True, True, None, True),
    "ffv1 in few colours": (("ffv1", "yuv420p"), {}, "ffv1", False, True, None, False),
    "ffv1 in gray": (("ffv1", "gray"), {}, "ffv1", False, True, None, False),
    "png": (("png", "rgb24", "mov"), {}, "png", True, True, None, True),
    "huffyuv": (("huffyuv", "rgb24", "avi"), {}, "huffyuv", True, True, None, True),
    "utvideo": (("utvideo", "gbrp", "avi"), {}, "utvideo", True, True, None, True),
    "mpeg4": (("mpeg4", "yuv420p", "avi"), {}, "mpeg4", False, False, None, False),
    "jpeg in all colours": (("mjpeg", "yuvj444p", "avi"), {}, "mjpeg", True, False, None, False),
    "vp9": (("libvpx-vp9", "yuv420p", "webm"), {"crf": 30}, "vp9", False, False, None, False),
}


@pytest.mark.parametrize("made", MADE)
def test_a_file_says_how_it_is_coded(rgb, made):
    how, options, name, full_colour, lossless, rate, fine = MADE[made]
    coding = video.coding(encode(rgb, *how, **options))
    assert (coding.codec, coding.full_colour, coding.lossless, coding.rate) == (name, full_colour, lossless, rate)
    assert codec.fine(coding) == fine


@pytest.mark.parametrize("made", MADE)
def test_the_cost_is_that_of_the_same_coding(rgb, made):
    """Measured without the file: by the rate it names, or by its pixel format alone, which is at most the cost."""
    how, options, _, _, lossless, rate, fine = MADE[made]
    same = {"mbtree": 0} if how[0].startswith("libx264") else {}  # x264's other options are not looked at
    data = encode(rgb, *how, **options, **same)
    real = float(mse_per_frame(decode(data, (F, H, W)), rgb).mean())
    said = codec.cost(video.coding(data), Frames(rgb))
    if lossless or rate:
        assert said.mse == pytest.approx(real, rel=0.1, abs=0.05)
    else:
        assert said.mse < 1.05 * real
    if lossless and fine:
        assert said.mse < 0.6, "rounding of yuv at most"
    if not fine:
        assert said.mse > 0.5 and 10 < said.psnr < 55


def test_what_cannot_be_made_here_has_no_cost(rgb):
    coding = video.coding(encode(rgb, "mpeg4", "yuv420p", "avi"))
    strange = video.Coding("h264", "yuv420p16le", False, False, Rate("crf", 20.0))
    assert codec.cost(strange, Frames(rgb)) is None
    assert codec.check([(coding, 2), (strange, 1)], Frames(rgb))[1] == Coded(strange, 1, fine=False)


@pytest.mark.parametrize("data", [b"", b"junk" * 99, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hosts\n"])
def test_what_is_no_video_has_no_coding(data):
    with pytest.raises(video.DecodeError, match="not a video"):
        video.coding(data)


def test_the_most_frequent_coding_comes_first(rgb):
    one, two = (video.coding(encode(rgb, *how)) for how in (("ffv1", "bgr0"), ("png", "rgb24", "mov")))
    looks = [one, two, None, two]
    found = codec.kinds({(f"k{i}", 0): Look("", coding) for i, coding in enumerate(looks)})
    assert found == [(two, 2), (one, 1)]


def test_a_scorecard_says_it(predict, data, tmp_path, clips):
    folder = predict(tmp_path / "mine", lambda frames: frames)
    (fine,) = score(folder, data, names=("mse",))["codecs"]
    assert fine == {
        "codec": "h264",
        "pixel_format": "gbrp",
        "rate": None,
        "lossless": True,
        "videos": 6,
        "fine": True,
        "cost": None,
    }
    first = next(iter(clips))
    (folder / f"{first}.mkv").unlink()
    (folder / f"{first}.mp4").write_bytes(video.encode_mp4(clips[first], 12, crf=20))
    card = score(folder, data, names=("mse",))
    assert [one["videos"] for one in card["codecs"]] == [5, 1]
    said = card["codecs"][1]
    assert (said["rate"], said["fine"]) == ({"by": "crf", "value": 20.0}, False)
    measured = card["clips"][first]["predictions"]["0"]["values"]["mse"]
    assert said["cost"]["mse"] == pytest.approx(measured, rel=0.3), "by other colours and another preset"
    assert score(folder, data, names=("mse",)) == card
