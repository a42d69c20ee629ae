"""The log of training: lines that survive a kill, and files that TensorBoard reads."""

import resource
import struct

import pytest

from kinebench.errors import KineBenchError
from kinebench.kinemask.events import crc32c
from kinebench.kinemask.log import BOARD, Log, lines


def test_the_checksum_is_the_standards():
    """https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4"""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes(range(32))) == 0x46DD794E


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """The events of a file, checked."""
    data, place = path.read_bytes(), 0
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        assert struct.unpack_from("<I", data, place + 8) == (masked(data[place : place + 8]),)
        body = data[place + 12 : place + 12 + length]
        assert struct.unpack_from("<I", data, place + 12 + length) == (masked(body),)
        yield body
        place += 16 + length


def fields(data):
    """A protocol buffer's fields: number -> values, as bytes, float or int."""
    found, place = {}, 0

    def varint():
        nonlocal place
        number = shift = 0
        while True:
            byte = data[place]
            place += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while place < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(kind) or varint()
            value = data[place : place + size]
            place += size
            if kind in (1, 5):
                value = struct.unpack("<d" if kind == 1 else "<f", value)[0]
        found.setdefault(key >> 3, []).append(value)
    return found


def test_tensorboard_is_told_the_same_numbers(tmp_path):
    with Log(tmp_path, 0) as log:
        log.write(1, "train", {"loss": 0.5, "grad_norm": 2.0})
        log.write(300, "validation", {"full": 0.25})
    (path,) = (tmp_path / BOARD).iterdir()
    head, start, *events = [fields(record) for record in records(path)]
    assert head[3] == [b"brain.Event:2"] and fields(start[7][0]) == {1: [1]} and start[2] == [1]
    told = [
        (event[2][0], fields(value)[1][0].decode(), fields(value)[2][0])
        for event in events
        for value in fields(event[5][0])[1]
    ]
    assert told == [(1, "train/loss", 0.5), (1, "train/grad_norm", 2.0), (300, "validation/full", 0.25)]


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 300, 7) + bytes(range(256)) * 400


def test_strips_are_files_and_tensorboards_pictures(tmp_path):
    with Log(tmp_path, 0) as log:
        log.strips(250, PNG)
    assert (tmp_path / "strips" / "step-000250.png").read_bytes() == PNG
    (path,) = (tmp_path / BOARD).iterdir()
    *_, event = [fields(record) for record in records(path)]
    (value,) = [fields(each) for each in fields(event[5][0])[1]]
    image = fields(value[4][0])
    assert event[2] == [250] and value[1] == [b"strips"]
    assert image == {1: [7], 2: [300], 3: [3], 4: [PNG]}  # height, width, colours


@pytest.mark.parametrize(("start", "left"), [(0, []), (2, [0, 1, 2]), (9, [0, 1, 2, 3])])
def test_strips_of_steps_that_are_done_again_are_dropped(tmp_path, start, left):
    with Log(tmp_path, 0) as log:
        for step in range(4):
            log.strips(step, PNG)
    other = tmp_path / "strips" / "step-best.png"
    other.write_bytes(b"somebody's own")
    Log(tmp_path, start).__exit__(None, None, None)
    kept = sorted(path.name for path in other.parent.iterdir() if path != other)
    assert kept == [f"step-{step:06d}.png" for step in left] and other.exists()


@pytest.mark.parametrize("limit", [50_000, len(PNG) + 30])
def test_a_full_disk_is_said_and_costs_no_strip(tmp_path, limit):
    """The file of the strip does not fit, or that of the events."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with (
        pytest.raises(KineBenchError, match=r"no larger file fits while writing sample strips in"),
        Log(tmp_path, 0) as log,
    ):
        log.strips(1, PNG[:1000])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            log.strips(2, PNG)
        except KineBenchError:
            assert (tmp_path / "strips" / "step-000002.png").exists() == (limit > len(PNG))
            raise
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "strips").glob(".*")) and (tmp_path / "strips" / "step-000001.png").exists()


def test_what_comes_after_the_checkpoint_is_dropped(tmp_path):
    with Log(tmp_path, 0) as log:
        for step in range(1, 5):
            log.write(step, "train", {"loss": step / 2})
    with (tmp_path / "log.jsonl").open("ab") as file:
        file.write(b'{"step": 5, "kind": "tr')  # killed while it wrote
    assert [row["step"] for row in lines(tmp_path)] == [1, 2, 3, 4]
    with Log(tmp_path, 2) as log:
        log.write(3, "train", {"loss": 9.0})
    assert [(row["step"], row["loss"]) for row in lines(tmp_path)] == [(1, 0.5), (2, 1.0), (3, 9.0)]


def test_there_is_no_log_yet(tmp_path):
    assert lines(tmp_path / "nowhere") == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_told_too(tmp_path, value):
    with Log(tmp_path, 0) as log:
        log.write(1, "train", {"loss": value})
    assert str(lines(tmp_path)[0]["loss"]) == str(value)
