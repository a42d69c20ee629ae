"""TensorBoard's files of events, written without TensorBoard: numbers and pictures by name and step.

A file is a row of records: length, its checksum, the bytes of a protocol buffer `Event`, their checksum. Checksums are
CRC-32C, turned and shifted. https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
"""

import os
import struct
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_POLYNOMIAL = 0x82F63B78
_MASK = 0xA282EAD8
_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
_WALL_TIME, _STEP, _FILE_VERSION, _SUMMARY, _SESSION = 1, 2, 3, 5, 7
_VALUE, _TAG, _SIMPLE_VALUE, _IMAGE, _STATUS, _START = 1, 1, 2, 4, 1, 1
_HEIGHT, _WIDTH, _COLOURS, _ENCODED, _RGB = 1, 2, 3, 4, 3


class Events:
    """A file of its own for each start of a run. What was told of later steps before is taken back."""

    def __init__(self, folder: Path, start: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{os.uname().nodename}.{os.getpid()}"
        self._file = (folder / name).open("ab")
        self._add(0, _field(_FILE_VERSION, _BYTES, b"brain.Event:2"))
        self._add(start, _field(_SESSION, _BYTES, _field(_STATUS, _VARINT, _varint(_START))))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Numbers of one step, by name."""
        rows = [
            _field(_VALUE, _BYTES, _text(_TAG, name) + _field(_SIMPLE_VALUE, _FLOAT, struct.pack("<f", value)))
            for name, value in values.items()
        ]
        self._add(step, _field(_SUMMARY, _BYTES, b"".join(rows)))
        self._file.flush()

    def picture(self, step: int, name: str, png: bytes) -> None:
        """An RGB picture of one step."""
        width, height = struct.unpack_from(">II", png, 16)
        sizes = ((_HEIGHT, height), (_WIDTH, width), (_COLOURS, _RGB))
        image = b"".join(_field(number, _VARINT, _varint(value)) for number, value in sizes)
        value = _text(_TAG, name) + _field(_IMAGE, _BYTES, image + _field(_ENCODED, _BYTES, png))
        self._add(step, _field(_SUMMARY, _BYTES, _field(_VALUE, _BYTES, value)))
        self._file.flush()

    def close(self) -> None:
        """Nothing more is written."""
        self._file.close()

    def _add(self, step: int, what: bytes) -> None:
        head = _field(_WALL_TIME, _DOUBLE, struct.pack("<d", time.time())) + _field(_STEP, _VARINT, _varint(step))
        event = head + what
        length = struct.pack("<Q", len(event))
        self._file.write(length + _checksum(length) + event + _checksum(event))


def _field(number: int, kind: int, data: bytes) -> bytes:
    return _varint(number << 3 | kind) + (_varint(len(data)) if kind == _BYTES else b"") + data


def _text(number: int, text: str) -> bytes:
    return _field(number, _BYTES, text.encode())


def _varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _checksum(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """CRC-32C, Castagnoli."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        return value

    return tuple(entry(byte) for byte in range(256))
