"""Frames in files that somebody else wrote."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kinebench.methods.protocol import frames
from kinebench.methods.protocol.frames import Wrong
from kinebench.shards.video import encode_lossless_rgb, encode_mp4

COLOURS = np.random.default_rng(0).integers(0, 256, (4, 16, 24, 3), dtype=np.uint8)


def stored(folder, pictures):
    for number, picture in enumerate(pictures):
        picture.save(folder / f"{number:05d}.png")
    return {path.name for path in folder.iterdir()}


def test_pictures_are_exact(tmp_path):
    names = stored(tmp_path, map(Image.fromarray, COLOURS))
    pixels, told = frames.read(tmp_path, names | {"video.json", "started", "00004.png.tmp"}, 4)
    assert np.array_equal(pixels, COLOURS) and told == {}


@pytest.mark.parametrize("mode", ["L", "P", "RGBA"])
def test_pictures_that_are_rgb_in_other_clothes(tmp_path, mode):
    pictures = [Image.fromarray(each).convert(mode) for each in COLOURS]
    pixels, _ = frames.read(tmp_path, stored(tmp_path, pictures), 4)
    assert np.array_equal(pixels, [np.asarray(picture.convert("RGB")) for picture in pictures])


@pytest.mark.parametrize(
    "picture",
    [
        Image.fromarray(COLOURS[0, :, :, 0].astype(np.uint16) * 257),
        Image.fromarray(np.dstack([COLOURS[0], np.full((16, 24), 254, np.uint8)])),
        Image.new("LA", (24, 16)),
    ],
)
def test_pictures_that_would_lose_something(tmp_path, picture):
    with pytest.raises(Wrong, match=r"00000.png has the pixels .* save it as 8-bit RGB"):
        frames.read(tmp_path, stored(tmp_path, [picture]), 1)


def png(width, height, body):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "no whole PNG"),
        (b"GIF89a" + b"\0" * 100, "no whole PNG"),
        (png(24, 16, b"\0" * 100), "no whole PNG"),
        (png(30000, 30000, b"\0" * 100), "30000x30000: too large|no whole PNG"),
        (png(9000, 8, b"\0" * (27001 * 8)), "9000x8: too large"),
    ],
)
def test_pictures_that_are_none(tmp_path, data, message):
    (tmp_path / "00000.png").write_bytes(data)
    with pytest.raises(Wrong, match=message):
        frames.read(tmp_path, {"00000.png"}, 1)


def test_every_cut_of_a_picture_is_told_or_whole(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(COLOURS[0]).save(buffer, "PNG")
    data = buffer.getvalue()
    for length in range(0, len(data), 7):
        (tmp_path / "00000.png").write_bytes(data[:length])
        try:
            pixels, _ = frames.read(tmp_path, {"00000.png"}, 1)
        except Wrong:
            continue
        assert np.array_equal(pixels, COLOURS[:1])


def test_more_than_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(frames, "LARGEST_VIDEO_BYTES", 3 * 24 * 16 * 3)
    names = stored(tmp_path, map(Image.fromarray, COLOURS))
    with pytest.raises(Wrong, match=r"4 frames of 24x16 are more than is read"):
        frames.read(tmp_path, names, 4)
    (tmp_path / "00000.png").write_bytes(b"\0" * 4000)
    with pytest.raises(Wrong, match=r"00000.png has 4000 bytes"):
        frames.read(tmp_path, names, 4)


@pytest.mark.parametrize(
    "data, exact", [(encode_lossless_rgb(COLOURS, 8), True), (encode_mp4(COLOURS, 8), False)], ids=["exact", "lossy"]
)
def test_a_file_says_how_it_was_coded(tmp_path, data, exact):
    (tmp_path / "video.mkv").write_bytes(data)
    for count in (None, 4):
        pixels, told = frames.read(tmp_path, {"video.mkv", "video.json"}, count)
        assert np.array_equal(pixels, COLOURS) == exact
        assert told["delivered_as"]["exact"] == exact
    for count, message in ((3, "says 3 frames, but there are more"), (5, "says 5 frames, but there are 4")):
        with pytest.raises(Wrong, match=message):
            frames.read(tmp_path, {"video.mkv"}, count)


@pytest.mark.parametrize("data", [b"", b"nothing of a video", encode_lossless_rgb(COLOURS, 8)[:-900]])
def test_a_file_that_is_no_video(tmp_path, data):
    (tmp_path / "video.mp4").write_bytes(data)
    with pytest.raises(Wrong, match=r"video.mp4 cannot be decoded|there are [0-3]$"):
        frames.read(tmp_path, {"video.mp4"}, 4)


@pytest.mark.parametrize("names", [{"00000.png", "video.mkv"}, {"video.mkv", "video.mp4"}, {"0.png", "clip.mp4"}])
def test_one_kind_of_answer(tmp_path, names):
    with pytest.raises(Wrong, match=r"PNG frames from 00000.png on, or one video file"):
        frames.read(tmp_path, names, 1)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(Wrong, match=r"00000.png cannot be read: No such file"):
        frames.read(tmp_path, {"00000.png"}, 1)
