import io
import os
import tarfile

import av
import numpy as np
import pytest

from kinebench.errors import KineBenchError
from kinebench.scoring import predictions
from kinebench.scoring.predictions import Unusable, decode, digest, find, look
from kinebench.shards import video

KEYS = ("a_test_000000", "a_test_000001")
SHAPE = (9, 64, 96)


def put(folder, *names, content=b"x"):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content + os.fsencode(name))
    return folder


def pack(path, *names, content=b"x", mode="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name in names:
            data = content + os.fsencode(name.removeprefix("./"))
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def quiet(stage, done, whole):
    pass


def hashes(found):
    return {slot: each.sha256 for slot, each in look(found, quiet).items()}


NAMES = ("a_test_000000.mp4", "seed-1/a_test_000000.mkv", "seed-1/a_test_000001.MOV", "seed-12/a_test_000001.webm")
SLOTS = {("a_test_000000", 0), ("a_test_000000", 1), ("a_test_000001", 1), ("a_test_000001", 12)}


@pytest.mark.parametrize("form", ["folder", "tar", "tars", "mixed"])
def test_videos_are_found_wherever_they_lie(tmp_path, form):
    if form == "folder":
        where = put(tmp_path / "mine", *NAMES)
    elif form == "tar":
        where = pack(tmp_path / "mine.tar", *(f"./{name}" for name in NAMES))
    elif form == "tars":
        for number, name in enumerate(NAMES):
            pack(tmp_path / "mine" / f"{number}.tar", name)
        where = tmp_path / "mine"
    else:
        where = put(tmp_path / "mine", *NAMES[:2])
        pack(where / "rest.tar", *NAMES[2:])
    found = find(where, KEYS)
    assert (found.name, found.seeds, found.unknown) == ("mine", (0, 1, 12), ())
    assert set(found.places) == SLOTS
    names = {"0": NAMES[0], "1": NAMES[1]}
    assert found.places["a_test_000000", 0].read() == b"x" + names["0"].encode()
    assert found.places["a_test_000000", 1].read() == b"x" + names["1"].encode()


def test_a_method_is_known_by_content_not_by_container(tmp_path):
    folder, tar = put(tmp_path / "one", *NAMES), pack(tmp_path / "two.tar", *NAMES)
    one, two = (digest(hashes(find(where, KEYS))) for where in (folder, tar))
    assert one == two
    put(folder, NAMES[3], content=b"y")
    assert digest(hashes(find(folder, KEYS))) != one


def test_what_is_not_known_is_listed_and_what_is_no_video_is_not(tmp_path):
    extra = ("other.mp4", "seed-1/other.mp4", "seeds/a_test_000000.mp4", "a_test_000001.gif", "run.json", ".x.mp4")
    found = find(put(tmp_path, *NAMES, *extra), KEYS)
    assert set(found.places) == SLOTS
    assert found.unknown == ("other.mp4", "seed-1/other.mp4", "seeds/a_test_000000.mp4")
    odd = ("../a_test_000001.mp4", "/a_test_000001.mp4", f"seed-{'9' * 5000}/a_test_000001.mp4")
    assert find(pack(tmp_path / "odd.tar", NAMES[0], *odd), KEYS).unknown == odd


@pytest.mark.parametrize("packed", [True, False])
def test_names_need_not_be_text(tmp_path, packed):
    names = (*NAMES, os.fsdecode(b"\xff.mp4"))
    where = tmp_path / os.fsdecode(b"m\xfe.tar" if packed else b"m\xfe")
    found = find((pack if packed else put)(where, *names), KEYS)
    assert (found.name, found.unknown) == ("m\N{REPLACEMENT CHARACTER}", ("\N{REPLACEMENT CHARACTER}.mp4",))
    assert set(found.places) == SLOTS
    assert "".join(place.name for place in found.places.values()).encode()
    assert len(hashes(found)) == len(SLOTS)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a_test_000000.mp4", "a_test_000000.mkv"), r"a_test_000000\.mkv and .*a_test_000000\.mp4 are both of"),
        (("a_test_000000.mp4", "seed-0/a_test_000000.mp4"), "both of a_test_000000, seed 0; take one away"),
        (("seed-1/a_test_000000.mp4", "seed-01/a_test_000000.mp4"), "both of a_test_000000, seed 1"),
        (("b_000000.mp4", "b_000001.mp4"), r"of 2 videos there, the first is b_000000\.mp4; .*such as a_test_000000"),
        (("notes.txt",), "predicts no clip of the split: there is no video; wanted is <key>"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path, names, words):
    with pytest.raises(KineBenchError, match=words):
        find(put(tmp_path / "mine", *names), KEYS)


def test_a_video_in_a_folder_and_again_in_a_tar(tmp_path):
    pack(put(tmp_path, NAMES[0]) / "more.tar", NAMES[0])
    with pytest.raises(KineBenchError, match=r"more\.tar:a_test_000000\.mp4 are both of"):
        find(tmp_path, KEYS)


def test_tars_that_are_none(tmp_path):
    with pytest.raises(KineBenchError, match="is no folder and no tar"):
        find(tmp_path / "nowhere", KEYS)
    with pytest.raises(KineBenchError, match="is no folder and no tar"):
        find(pack(tmp_path / "mine.tar.gz", *NAMES, mode="w:gz"), KEYS)
    with pytest.raises(KineBenchError, match=r"is no plain tar: .*whole and uncompressed"):
        find(pack(tmp_path / "squeezed.tar", *NAMES, mode="w:gz"), KEYS)
    cut = pack(tmp_path / "cut.tar", *NAMES, content=bytes(2000))
    cut.write_bytes(cut.read_bytes()[:4000])
    with pytest.raises(KineBenchError, match=r"cut\.tar is no plain tar: .*end of data"):
        find(cut, KEYS)


ODD_HEADERS = {
    "no size": {"size": str(1 << 63)},
    "no length": {"GNU.sparse.realsize": "many"},
    "no map": {"GNU.sparse.map": "a,b", "GNU.sparse.size": "9"},
}


@pytest.mark.parametrize("odd", [*ODD_HEADERS, "negative", "a chain"])
def test_tars_that_no_program_writes(tmp_path, odd):
    info = tarfile.TarInfo(NAMES[0])
    info.pax_headers = ODD_HEADERS.get(odd, {"comment": "x"})
    data = info.tobuf(tarfile.PAX_FORMAT)
    if odd == "negative":
        header = bytearray(tarfile.TarInfo(NAMES[0]).tobuf())
        header[124:136], header[148:156] = tarfile.itn(-1024, 12, tarfile.GNU_FORMAT), b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        data = bytes(header)
    elif odd == "a chain":
        data = data[:1024] * 2000 + data
    (tmp_path / "odd.tar").write_bytes(data + bytes(1024))
    with pytest.raises(KineBenchError, match=r"odd\.tar is no plain tar: "):
        look(find(tmp_path / "odd.tar", KEYS), quiet)


def test_a_key_without_a_video_of_each_seed_is_missing(tmp_path):
    found = find(put(tmp_path / "two", *NAMES), KEYS)
    assert predictions.missing(found, ("a_test_000001", 1)) == Unusable("is missing", "add seed-1/a_test_000001.mp4")
    found = find(put(tmp_path / "one", NAMES[0]), KEYS)
    assert predictions.missing(found, ("a_test_000001", 0)) == Unusable("is missing", "add a_test_000001.mp4")


def picture():
    """Saturated colours in blocks that survive halved chroma: where matrices differ most."""
    colours = np.array([[200, 30, 40], [30, 60, 210], [40, 160, 60], [230, 200, 30]], np.uint8)
    return np.broadcast_to(colours.repeat(24, axis=0), (*SHAPE, 3)).copy()


def encode(rgb, container="mp4", codec="libx264", form="yuv420p", tags=None, **colours):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = output.add_stream(codec, rate=12, options={"crf": "4", **({"x264-params": tags} if tags else {})})
        stream.width, stream.height, stream.pix_fmt = rgb.shape[2], rgb.shape[1], form
        for frame in rgb:
            made = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=form, **colours)
            output.mux(stream.encode(made))
        output.mux(stream.encode(None))
    return buffer.getvalue()


MADE = {
    "as most programs write": {},
    "tagged bt709": {"tags": "colormatrix=bt709", "dst_colorspace": "ITU709", "dst_color_range": "MPEG"},
    "tagged bt601": {"tags": "colormatrix=smpte170m", "dst_colorspace": "ITU601", "dst_color_range": "MPEG"},
    "full range": {
        "tags": "colormatrix=bt709:fullrange=on",
        "dst_colorspace": "ITU709",
        "src_color_range": "JPEG",
        "dst_color_range": "JPEG",
    },
    "full chroma": {"form": "yuv444p"},
    "matroska": {"container": "matroska"},
    "quicktime": {"container": "mov"},
    "ten bits": {"form": "yuv420p10le"},
    "avi": {"container": "avi", "codec": "mpeg4"},
}


@pytest.mark.parametrize("made", MADE)
def test_colours_are_what_the_file_says(made):
    rgb = picture()
    found = decode(encode(rgb, **MADE[made]), SHAPE)
    off = np.abs(found.astype(int) - rgb)
    inside = off.reshape(*SHAPE[:2], 4, 24, 3)[..., 4:-4, :]  # without the edges of the blocks
    assert inside.max() <= (12 if made == "avi" else 4)


@pytest.mark.parametrize("encoder", [video.encode_lossless_rgb, video.encode_ffv1_rgb])
def test_lossless_files_are_exact(encoder):
    rgb = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    assert np.array_equal(decode(encoder(rgb, 12), SHAPE), rgb)


def test_our_own_mp4_reads_as_the_dataset_does():
    data = video.encode_mp4(picture(), 12)
    assert np.array_equal(decode(data, SHAPE), video.decode_rgb(data))


def test_nothing_is_cut_stretched_or_repeated():
    rgb = picture()
    whole = video.encode_ffv1_rgb(rgb, 12)
    assert decode(video.encode_ffv1_rgb(rgb[:8], 12), SHAPE).reason == "has 8 frames, not 9"
    assert decode(video.encode_ffv1_rgb(np.concatenate([rgb, rgb]), 12), SHAPE).reason == "has more than 9 frames"
    assert decode(video.encode_ffv1_rgb(rgb[:, :, :80], 12), SHAPE).reason == "is 80x64, not 96x64"
    assert "of the clips" in decode(whole, (9, 64, 98)).remedy
    assert decode(whole[: len(whole) // 2], SHAPE).reason.startswith("has ")


@pytest.mark.parametrize(
    "data",
    [b"", b"junk" * 99, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hosts\n", b"ffconcat version 1.0\nfile 'x.mp4'\n"],
    ids=["empty", "junk", "playlist", "list"],
)
def test_what_is_no_video_says_so(data):
    assert decode(data, SHAPE).reason.startswith("cannot be decoded: ")


def test_damage_is_not_painted_over():
    rng = np.random.default_rng(0)
    data = bytearray(encode(rng.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)))
    data[9000:25000] = rng.bytes(16000)  # more than a frame: where one frame ends and the next begins is lost for sure
    assert isinstance(decode(bytes(data), SHAPE), Unusable)


def test_a_codec_that_nobody_knows_makes_one_video_unusable():
    data = encode(np.zeros((*SHAPE, 3), np.uint8))
    assert data.count(b"avc1") == 2, "a brand of the file, and the codec"
    changed = data[: data.rindex(b"avc1")] + b"xxxx" + data[data.rindex(b"avc1") + 4 :]
    assert decode(changed, SHAPE).reason == "cannot be decoded: it holds no video of a known codec"
