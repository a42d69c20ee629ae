"""A contact sheet of a dataset: a row a clip, its first frame with the velocity mask, then frames to its end."""

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kinebench.preview.overlay import overlay
from kinebench.shards import record as records
from kinebench.shards import video
from kinebench.shards.read import Shards

FRAMES = 4
WIDTH_PX = 240
GAP_PX = 4
QUALITY = 85


def chosen(shards: Shards, limit: int) -> list[str]:
    """Keys of up to `limit` samples, evenly spaced over the dataset."""
    keys = shards.keys()
    return [keys[i] for i in np.unique(np.linspace(0, len(keys) - 1, min(limit, len(keys))).round().astype(int))]


def sheet(shards: Shards, keys: Sequence[str]) -> bytes:
    """The picture as a JPEG; the same samples give the same bytes."""
    from PIL import Image

    rows = [_row(shards, key) for key in keys]
    height, width = rows[0].shape[:2]
    page = np.full(((height + GAP_PX) * len(rows) - GAP_PX, width, 3), 255, np.uint8)
    for number, row in enumerate(rows):
        page[number * (height + GAP_PX) :][:height] = row
    buffer = io.BytesIO()
    Image.fromarray(page).save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()


def _row(shards: Shards, key: str) -> NDArray[np.uint8]:
    record, rgb = shards.record(key), video.decode_rgb(shards.member(key, "mp4"))
    ids = video.decode_gray(shards.member(key, "segmentation.mkv"))
    driven, v_max = tuple(record["driven"]), record["velocity"]["v_max_mps"]
    rollout = records.rollout(record)
    first = replace(rollout, positions_m=rollout.positions_m[:1], velocities_mps=rollout.velocities_mps[:1])
    masked = overlay(rgb[:1], ids[:1], first, driven, records.camera(record), v_max)
    numbers = np.linspace(0, len(rgb) - 1, FRAMES).round().astype(int)[1:]
    pictures = [_small(picture) for picture in (masked[0], *rgb[numbers])]
    gap = np.full((len(pictures[0]), GAP_PX, 3), 255, np.uint8)
    return np.concatenate([part for picture in pictures for part in (gap, picture)][1:], axis=1)


def _small(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    height = round(WIDTH_PX * picture.shape[0] / picture.shape[1])
    return np.asarray(Image.fromarray(picture).resize((WIDTH_PX, height), Image.Resampling.LANCZOS))
