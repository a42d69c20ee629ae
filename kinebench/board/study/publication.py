"""STUDY/public: films under opaque names, the design as the page reads it, and the page."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.board.film import COLUMNS, SUFFIX, film
from kinebench.board.study.design import QUESTIONS
from kinebench.board.study.key import PUBLIC, Key
from kinebench.methods.condition import Condition
from kinebench.methods.picture import drawing
from kinebench.shards.files import write_atomic

PAGE = Path(__file__).with_name("page")
INDEX, DESIGN, FILMS = "index.html", "design.js", "films"
QUALITY = 88


def place(study: Path, name: str) -> Path:
    """Where a film or a condition's picture is."""
    return study / PUBLIC / FILMS / f"{name}.{SUFFIX}"


def put(study: Path, films: Mapping[str, NDArray[np.uint8]]) -> None:
    """Write films of one clip, frames (F, H, W, 3) by name, all of one size in bytes and in order of their names."""
    coded = {name: film(frames) for name, frames in sorted(films.items())}
    size = max(map(len, coded.values()), default=0)
    for name, data in coded.items():
        write_atomic(place(study, name), padded(data, size + 8))


def padded(webp: bytes, size: int) -> bytes:
    """The same picture with a chunk that no reader knows, so that the file has `size` bytes, at least 8 more."""
    room = size - len(webp) - 8
    data = webp[8:] + b"PADD" + room.to_bytes(4, "little") + bytes(room)
    return b"RIFF" + len(data).to_bytes(4, "little") + data


def put_condition(study: Path, name: str, condition: Condition) -> None:
    """Write the first frame with its arrows."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(drawing(condition)).save(buffer, "WEBP", quality=QUALITY, method=4)
    write_atomic(place(study, name), buffer.getvalue())


def finish(study: Path, key: Key, size: tuple[int, int]) -> Path:
    """Write the page, its address last: a study without it is not finished. `size` is of a film's frame in pixels."""
    public = study / PUBLIC
    write_atomic(public / DESIGN, script(key, size))
    for path in sorted(PAGE.iterdir()):
        if path.name != INDEX:
            write_atomic(public / path.name, path.read_bytes())
    write_atomic(public / INDEX, (PAGE / INDEX).read_bytes())
    return public / INDEX


def script(key: Key, size: tuple[int, int]) -> bytes:
    """What a browser is told of the design: a script, since a page that is opened as a file may read nothing else.

    No method and no clip. Catch trials are not marked; but all groups have the same, which a reader of it can see.
    """
    told = key.design
    plain = {
        "study": told.study,
        "questions": [{"name": name, "text": text} for name, text in QUESTIONS.items()],
        "fps": key.fps,
        "frames": len(key.frames),
        "columns": COLUMNS,
        "size": size,
        "groups": [
            [
                {
                    "name": name,
                    "films": told.trials[name].films,
                    "condition": told.conditions[told.trials[name].clip],
                }
                for name in told.of_group(group)
            ]
            for group in range(told.groups)
        ],
    }
    return f"window.DESIGN = {json.dumps(plain)};\n".encode()
