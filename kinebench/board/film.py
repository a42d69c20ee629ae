"""A clip as one picture of all its frames, which a page can step through exactly: videos seek to where they like."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.shards.files import write_atomic

COLUMNS = 7
WIDTH_PX = 360
"""Of a frame, at most."""
QUALITY = 82
SUFFIX = "webp"


def film(frames: NDArray[np.uint8]) -> bytes:
    """Frames (F, H, W, 3), RGB, row by row in `COLUMNS` columns, as WebP; the same frames give the same bytes."""
    from PIL import Image

    count, height, width = frames.shape[:3]
    size = shrunk((width, height))
    rows = -(-count // COLUMNS)
    page = Image.new("RGB", (COLUMNS * size[0], rows * size[1]))
    for number, frame in enumerate(frames):
        small = Image.fromarray(frame) if size == (width, height) else Image.fromarray(frame).resize(size)
        page.paste(small, (number % COLUMNS * size[0], number // COLUMNS * size[1]))
    buffer = io.BytesIO()
    page.save(buffer, "WEBP", quality=QUALITY, method=4)
    return buffer.getvalue()


def shrunk(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a frame of a film, of those of the clip."""
    width, height = size
    return (WIDTH_PX, round(WIDTH_PX * height / width)) if width > WIDTH_PX else size


def place(folder: Path, name: str) -> Path:
    """Where a film is: of a prediction by the hash of its video, of a truth by the hash of the truth.

    The condition of a clip, its first frame with arrows, is called after its truth too: `<truth>-condition`.
    """
    return folder / name[:2] / f"{name}.{SUFFIX}"


def put(folder: Path, name: str, frames: NDArray[np.uint8]) -> None:
    """Write a film unless it is there."""
    path = place(folder, name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, film(frames))
