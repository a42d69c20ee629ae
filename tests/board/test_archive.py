"""Submitted files are data: each of these is built for real, and is one clear fault, without a traceback."""

import bz2
import ctypes
import gzip
import io
import json
import lzma
import os
import re
import resource
import tarfile
import time
import zipfile

import av
import numpy as np
import pytest

from kinebench.board import archive, contents, submission
from kinebench.board.archive import ArchiveError
from kinebench.board.validation import validate
from kinebench.shards import video

NAME = "seed-0/a_test_000000.mkv"
FRAMES = np.random.default_rng(0).integers(0, 255, (9, 64, 96, 3), np.uint8)


def quiet(stage, done, whole):
    pass


def info(name=NAME, size=4, **changes):
    made = tarfile.TarInfo(name)
    made.size = size
    for key, value in changes.items():
        setattr(made, key, value)
    return made


def tar_of(*entries, form=tarfile.USTAR_FORMAT, end=True):
    """The bytes of a tar of headers and contents, in whatever order and of whatever kind."""
    data = b""
    for header, content in entries:
        data += header.tobuf(form) + content + bytes(-len(content) % 512)
    return data + (bytes(1024) if end else b"")


def zipped(prefix=b""):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("setup.py", "import os")
    whole = prefix + buffer.getvalue()
    with zipfile.ZipFile(io.BytesIO(whole)) as found:
        assert found.namelist() == ["setup.py"]  # zip readers do take it
    return whole


def polyglot():
    """A tar whose only file ends with a zip: the padding behind it is the zip's comment."""
    inner = zipped()
    rest = -len(inner) % 512 + 1024
    inner = inner[:-2] + rest.to_bytes(2, "little")
    whole = tar_of((info(size=len(inner)), inner))
    assert zipfile.is_zipfile(io.BytesIO(whole))
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        assert tar.getnames() == [NAME]
    return whole


def pax(**records):
    header = info()
    header.pax_headers = records
    return header.tobuf(tarfile.PAX_FORMAT) + b"data" + bytes(508 + 1024)


GOOD = tar_of((info(), b"data"))
ATTACKS = {
    "a link": (tar_of((info(size=0, type=tarfile.SYMTYPE, linkname="/etc/passwd"), b"")), "holds a link"),
    "a hard link": (tar_of((info(size=0, type=tarfile.LNKTYPE, linkname="/etc/passwd"), b"")), "holds a link"),
    "a device": (tar_of((info(size=0, type=tarfile.CHRTYPE), b"")), "holds a device"),
    "a pipe": (tar_of((info(size=0, type=tarfile.FIFOTYPE), b"")), "holds a pipe"),
    "a folder": (tar_of((info("seed-0/", size=0, type=tarfile.DIRTYPE), b"")), "holds a folder"),
    "an old folder": (tar_of((info("seed-0/", size=0, type=tarfile.AREGTYPE), b"")), "holds a folder"),
    "sparse": (tar_of((info(size=0, type=tarfile.GNUTYPE_SPARSE), b"")), "holds a sparse file"),
    "a kind that nobody knows": (tar_of((info(size=0, type=b"Z"), b"")), "holds an entry of type b'Z'"),
    "upwards": (tar_of((info("seed-0/../../evil.mkv"), b"data")), "which is not called seed-<n>"),
    "absolute": (tar_of((info("/etc/cron.d/evil.mkv"), b"data")), "which is not called seed-<n>"),
    "another name": (tar_of((info("seed-0/evil.py"), b"data")), r"'seed-0/evil\.py', which is not called"),
    "a line end": (tar_of((info("seed-0/a\n.mkv"), b"data")), r"'seed-0/a\\n\.mkv', which is not called"),
    "twice": (tar_of((info(), b"data"), (info(), b"evil")), f"holds {NAME} twice"),
    "a long name": (tar_of((info("seed-0/" + "a" * 300 + ".mkv"), b"data"), form=tarfile.GNU_FORMAT), "type b'L'"),
    "another name in pax": (pax(path="/etc/passwd"), "an extended header that sets 'path'"),
    "another size in pax": (pax(size="1000"), "an extended header that sets 'size'"),
    "sparse in pax": (pax(**{"GNU.sparse.map": "0,1"}), r"an extended header that sets 'GNU\.sparse\.map'"),
    "a huge pax header": (pax(comment="x" * 100_000), "an extended header of more than 8192 bytes"),
    "a damaged pax header": (
        tar_of((info("x", 512, type=tarfile.XHDTYPE), b"99 mtime=1\n" + bytes(501)), (info(), b"data")),
        "a damaged extended header",
    ),
    "a global header": (
        tar_of((info("x", 12, type=tarfile.XGLTYPE), b"12 mtime=1\n\n"), (info(), b"data")),
        "type b'g'",
    ),
    "a header of nothing": (tar_of((info("x", 11, type=tarfile.XHDTYPE), b"11 mtime=1\n")), "a header of nothing"),
    "a size without end": (tar_of((info(size=1 << 60), b""), form=tarfile.GNU_FORMAT), "is cut short"),
    "a negative size": (tar_of((info(size=-512), b""), form=tarfile.GNU_FORMAT), "-512 bytes|no header"),
    "a large sidecar": (
        tar_of((info("seed-0/a.json", 1 << 20), bytes(1 << 20))),
        r"seed-0/a\.json of 1,048,576 bytes; the most is 262,144",
    ),
    "cut short": (GOOD[:700], "is cut short"),
    "no end": (tar_of((info(), b"data"), end=False), "no header at byte 1024|end is missing"),
    "half an end": (tar_of((info(), b"data"), end=False) + bytes(512), "its end is missing"),
    "something behind": (GOOD + bytes(512) + b"evil", "something behind its end"),
    "much behind": (GOOD + bytes(4 << 20), r"4,195,\d+ bytes behind its end"),
    "a tar behind": (GOOD + GOOD, "something behind its end"),
    "a zip behind": (zipped(GOOD), "something behind its end"),
    "a zip within": (polyglot(), "is a zip at the same time"),
    "gzip": (gzip.compress(GOOD), "is packed with gzip"),
    "bzip2": (bz2.compress(GOOD), "is packed with bzip2"),
    "xz": (lzma.compress(GOOD), "is packed with xz"),
    "a zip": (zipped(), "is packed with zip"),
    "a script": (b"#!/bin/sh\nrm -rf /\n" + bytes(1024), "is no plain tar"),
    "nothing": (b"", "is no plain tar"),
    "a broken checksum": (b"b" + GOOD[1:], "is no plain tar"),
    "no text": (tar_of((info(os.fsdecode(b"seed-0/\xff.mkv")), b"data")), "no header at byte 0|is not called"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_tars_that_are_not_read(tmp_path, attack):
    data, words = ATTACKS[attack]
    (tmp_path / "seed-0-000000.tar").write_bytes(data)
    with pytest.raises(ArchiveError, match=words):
        archive.members(tmp_path / "seed-0-000000.tar")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_other_programs_are_read_as_tarfile_reads_them(tmp_path, form):
    path = tmp_path / "seed-0-000000.tar"
    with tarfile.open(path, "w", format=form) as tar:
        for number, size in enumerate((0, 1, 512, 5000)):
            tar.addfile(info(f"seed-7/a_{number}.mkv", size, mtime=12.5, uid=1000, uname="me"), io.BytesIO(b"x" * size))
    found = archive.members(path)
    with tarfile.open(path) as tar:
        assert [(each.name, each.offset_data, each.size) for each in tar] == [
            (each.name, each.offset, each.size) for each in found
        ]
    assert [(each.seed, each.key, each.suffix) for each in found[:2]] == [(7, "a_0", "mkv"), (7, "a_1", "mkv")]
    assert archive.read_member(path, found[3]) == b"x" * 5000


def test_many_members_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    path = tmp_path / "seed-0-000000.tar"
    path.write_bytes(tar_of(*((info(f"seed-0/a{number}.mkv"), b"data") for number in range(4))))
    with pytest.raises(ArchiveError, match="more than 3 files"):
        archive.members(path)


def test_folders_with_links_devices_and_odd_names(tmp_path):
    (tmp_path / "videos" / "deeper").mkdir(parents=True)
    (tmp_path / "videos" / "seed-0-000000.tar").write_bytes(GOOD)
    (tmp_path / "submission.json").symlink_to("/etc/passwd")
    (tmp_path / "there").symlink_to(tmp_path / "videos")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "na me\x1b[31m").write_bytes(b"")
    found = archive.inventory(tmp_path)
    assert dict(found.files) == {"videos/seed-0-000000.tar": len(GOOD)}
    assert found.refused["submission.json"] == "is a link"
    assert found.refused["there"] == "is a link"
    assert found.refused["pipe"] == "is no plain file"
    assert found.refused["videos/deeper"] == "is a folder where none belongs"
    for name in ("submission.json", "pipe", "videos"):  # a pipe nobody writes to would keep it waiting for ever
        with pytest.raises(ArchiveError):
            archive.read_plain(tmp_path / name, 100)
    with pytest.raises(ArchiveError, match="more than 100 bytes"):
        archive.read_plain(tmp_path / "videos" / "seed-0-000000.tar", 100)
    with pytest.raises(ArchiveError, match="is no folder"):
        archive.inventory(tmp_path / "there")


def test_a_submission_of_links_is_refused_as_a_whole(tmp_path, submitted, packed):
    (submitted / "submission.json").rename(tmp_path / "elsewhere.json")
    (submitted / "submission.json").symlink_to(tmp_path / "elsewhere.json")
    (submitted / "videos" / "seed-3-000000.tar").unlink()
    (submitted / "videos" / "seed-3-000000.tar").symlink_to("/dev/zero")
    found = {(fault.file, fault.what) for fault in validate(submitted, packed, quiet).errors}
    assert ("submission.json", "is a link") in found
    assert ("videos/seed-3-000000.tar", "is a link") in found


STATEMENTS = {
    "no JSON": (b"import os", "is no JSON"),
    "no text": (b"\xff\xfe\x00", "is no JSON"),
    "no object": (b"[1, 2]", "is no JSON object"),
    "not a number": (b'{"kind": NaN}', "NaN is no JSON number"),
    "a number without end": (b'{"kind": ' + b"9" * 100_000 + b"}", "is too large"),
    "an exponent": (b'{"kind": 1e999999999}', "is too large"),
    "deep": (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
    "rather deep": (b'{"kind": ' + b"[" * 500 + b"]" * 500 + b"}", "nested too deep"),
    "long": (b'{"kind": "' + b"x" * (2 << 20) + b'"}', "has more than 1,048,576 bytes"),
    "half a character": (b'{"kind": "\\ud800"}', "is not one line of text"),
    "many faults": (json.dumps({f"key{number}" * 5: [[]] for number in range(20_000)}).encode(), "unknown key"),
}


@pytest.mark.parametrize("attack", STATEMENTS)
def test_statements_that_are_none(submitted, attack):
    data, words = STATEMENTS[attack]
    (submitted / "submission.json").write_bytes(data)
    begin = time.process_time()
    faults = contents.read(submitted, quiet).faults
    assert any(fault.file == "submission.json" and words in fault.what for fault in faults)
    assert all(len(fault.what) < 500 and fault.what.isprintable() for fault in faults)
    assert time.process_time() - begin < 5
    with pytest.raises(submission.KineBenchError):
        submission.read(submitted)


def test_sums_that_are_none(submitted):
    good = (submitted / "SHA256SUMS").read_text()
    for data, words in {
        good + "0" * 64 + "  ../../etc/passwd\n": "is in SHA256SUMS, and is not there",
        good + good: "is there twice",
        "rm -rf /\n": "line 1 is not a hash, two spaces and a name",
    }.items():
        (submitted / "SHA256SUMS").write_text(data)
        assert any(words in fault.what for fault in contents.read(submitted, quiet).faults)


def mp4():
    return video.encode_mp4(FRAMES, 12)


def external():
    """A movie whose samples are in another file, named in its data reference."""
    data, box = mp4(), b"alis"
    place = data.index(b"url ", data.index(b"dref"))
    return data[:place] + box + bytes(4) + data[place + 8 :]


def coded(codec, pixel_format, frames, container="matroska", streams=1):
    """Frames (F, H, W, 3) in any codec, in one stream or the same in several."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        made = [output.add_stream(codec, rate=12) for _ in range(streams)]
        for stream in made:
            stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pixel_format
        shown = [av.VideoFrame.from_ndarray(each, format="rgb24").reformat(format=pixel_format) for each in frames]
        for stream in made:
            for frame in [*shown, None]:
                for packet in stream.encode(frame):
                    output.mux(packet)
    return buffer.getvalue()


def bomb():
    """A few kilobytes that are 300 times as many."""
    return coded("libx264rgb", "rgb24", np.zeros((2, 1024, 1024, 3), np.uint8))


def lying():
    """The same, whose container says that its frames are as small as they should be."""
    data = bomb()
    lied = data.replace(b"\xb0\x82\x04\x00", b"\xb0\x82\x00\x60").replace(b"\xba\x82\x04\x00", b"\xba\x82\x00\x40")
    assert lied != data
    return lied


def picture():
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(FRAMES[0]).save(buffer, "PNG")
    return buffer.getvalue()


PICKLE = b"\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93."
VIDEOS = {
    "a playlist": (lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "is no video"),
    "a list of files": (lambda: b"ffconcat version 1.0\nfile '/etc/passwd'\n", "is no video"),
    "a picture": (picture, "is no video"),
    "subtitles": (lambda: b"1\n00:00:00,000 --> 00:00:01,000\n<b>evil</b>\n", "is no video"),
    "a page": (lambda: b"<html><script>alert(1)</script></html>", "is no video"),
    "a pickle": (lambda: PICKLE, "is no video"),
    "nothing": (lambda: b"", "is no video"),
    "half of one": (lambda: mp4()[: len(mp4()) // 2], "cannot be decoded|has . frames|is no video"),
    "a movie of elsewhere": (
        external,
        "begins unlike",
    ),  # the reference is not followed, so that it shows what it holds
    "huge frames": (bomb, "is 1024x1024, not 96x64"),
    "huge frames that are said to be small": (lying, "is 1024x1024, not 96x64"),
    "frames without end": (
        lambda: video.encode_lossless_rgb(np.zeros((400, 64, 96, 3), np.uint8), 12),
        "has more than 9",
    ),
    "two videos": (lambda: coded("ffv1", "bgr0", FRAMES, streams=2), "holds more than a video: video"),
    "an old codec": (lambda: coded("cinepak", "rgb24", FRAMES, "avi"), "is coded as cinepak, which is not decoded"),
    "zeros": (lambda: bytes(3_000_000), "more than twice those of its frames"),
}


def test_videos_that_are_none(submitted, packed, rewrite):
    """Six at a time stand in the place of good ones; each is a fault of its own, the others are still looked at."""
    places = [(seed, f"toys_test_00000{number}") for seed in (0, 3) for number in range(3)]
    for start in range(0, len(VIDEOS), len(places)):
        chosen = dict(zip(list(VIDEOS)[start : start + len(places)], places, strict=False))
        rewrite(submitted, {f"seed-{seed}/{key}.mkv": VIDEOS[name][0]() for name, (seed, key) in chosen.items()})
        memory, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        report = validate(submitted, packed, quiet)
        assert time.process_time() - begin < 5
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 100_000  # kilobytes
        for name, (seed, key) in chosen.items():
            found = " ".join(fault.what for fault in report.faults if (fault.sample, fault.seed) == (key, seed))
            assert re.search(VIDEOS[name][1], found), (name, found)


@pytest.fixture
def watched(tmp_path):
    """A file, and whether anybody opened it, as the kernel says."""
    path = tmp_path / "secret.mp4"
    path.write_bytes(mp4())
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(descriptor, os.fsencode(path), 0x20) > 0

    def opened():
        try:
            return bool(os.read(descriptor, 4096))
        except BlockingIOError:
            return False

    yield path, opened
    os.close(descriptor)


def test_nothing_that_a_video_names_is_opened(submitted, packed, rewrite, watched):
    path, opened = watched
    path.read_bytes()
    assert opened()
    name = os.fsencode(path)
    lists = (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:" + name,
        b"ffconcat version 1.0\nfile '" + name + b"'\n",
    )
    rewrite(submitted, {f"seed-0/toys_test_00000{number}.mkv": data for number, data in enumerate(lists)})
    assert len([fault for fault in validate(submitted, packed, quiet).errors if "is no video" in fault.what]) == 2
    assert not opened()
