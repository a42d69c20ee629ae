"""What every row made of the same few test clips: strips of frames, beside the truth and what was asked."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.ablations.plan import Cell, Plan
from kinebench.ablations.table import Table
from kinebench.methods.picture import drawing
from kinebench.methods.source import Source, open_source
from kinebench.scoring import predictions, scorecard, sidecar
from kinebench.scoring.predictions import Predictions, Unusable
from kinebench.scoring.sidecar import Told

SAMPLES, FRAMES = 5, 7
"""Evenly spread over the test clips, and over the frames of a clip; the first and the last among them."""
FRAME_PX, GAP_PX, GAP = 192, 4, (24, 24, 24)
"""About so wide is a frame of a strip, and what is between two."""
QUALITY = 82

Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A JPEG."""

    data: bytes
    width_px: int
    height_px: int


@dataclass(frozen=True)
class Strip:
    """What a row made of a clip, with its first seed."""

    row: str
    picture: Picture | None  # None: it made none
    fault: str | None  # why
    values: Mapping[str, float | None]  # of this clip, by metric


@dataclass(frozen=True)
class Sample:
    """One test clip."""

    number: int  # from 1, in the order of keys
    key: str
    caption: str  # what happens
    asked: Picture  # the first frame with driven objects outlined, and arrows
    times_s: tuple[float, ...]  # of the frames in strips
    truth: Picture
    strips: tuple[Strip, ...]  # one for each row, in order


def samples(plan: Plan, table: Table, out: Path) -> tuple[Sample, ...]:
    """The same clips for every row, whatever came out. Raises KineBenchError if data, videos or scores are damaged."""
    first = plan.scale.seeds[0]
    cells = [cell for cell in plan.cells if (cell.table, cell.seed) == (table.name, first)]
    source = open_source(out / _data(plan, table, cells[0]), "test", "c0")
    makers = [_maker(plan, cell, out, source) for cell in cells]
    return tuple(_sample(source, number, makers) for number in spread(len(source), SAMPLES))


def spread(length: int, count: int) -> list[int]:
    """Up to `count` numbers from 0 to `length` - 1, evenly."""
    return np.unique(np.linspace(0, length - 1, count).round().astype(int)).tolist()


@dataclass(frozen=True)
class _Maker:
    """A row with its first seed."""

    row: str
    seed: int
    found: Predictions
    told: Told
    card: scorecard.Card


def _data(plan: Plan, table: Table, cell: Cell) -> str:
    """The folder of the test clips."""
    needs = (plan.task(name) for name in plan.task(cell.scores).needs)
    return next(task.made for task in needs if task.kind == "data")


def _maker(plan: Plan, cell: Cell, out: Path, source: Source) -> _Maker:
    found = predictions.find(out / plan.task(cell.videos).made, source.keys)
    card = scorecard.load(out / plan.task(cell.scores).made)
    return _Maker(cell.row, cell.seed, found, sidecar.read(found, int(card["sampling"]["clip_frames"])), card)


def _sample(source: Source, number: int, makers: Sequence[_Maker]) -> Sample:
    key = source.keys[number]
    condition = source[key]
    assert source.dataset is not None  # a folder of clips, not of conditions
    example = source.dataset[key]
    truth = example.lossless if source.facts["first_frame"] == "lossless" else example.rgb
    shown = spread(len(truth), FRAMES)
    return Sample(
        number=number + 1,
        key=key,
        caption=example.record["captions"]["c"],
        asked=_jpeg(drawing(condition)),
        times_s=tuple(frame / condition.fps for frame in shown),
        truth=_jpeg(strip(truth[shown])),
        strips=tuple(_strip(maker, key, truth.shape[:3], shown) for maker in makers),
    )


def _strip(maker: _Maker, key: str, shape: tuple[int, ...], shown: Sequence[int]) -> Strip:
    values = maker.card["clips"][key]["predictions"][str(maker.seed)]["values"]
    video = _video(maker, key, shape)
    if isinstance(video, Unusable):
        return Strip(maker.row, None, f"the video {video.reason}", values)
    there = np.array(maker.told.frames or range(shape[0]))
    nearest = [int(np.abs(there - frame).argmin()) for frame in shown]
    return Strip(maker.row, _jpeg(strip(video[nearest])), None, values)


def _video(maker: _Maker, key: str, shape: tuple[int, ...]) -> Frames | Unusable:
    """What scoring sees: the frames, or why they were scored worst case."""
    slot = key, maker.seed
    if slot in maker.told.unusable:
        return maker.told.unusable[slot]
    if slot not in maker.found.places:
        return predictions.missing(maker.found, slot)
    frames = len(maker.told.frames) if maker.told.frames else shape[0]
    return predictions.decode(maker.found.places[slot].read(), (frames, shape[1], shape[2]))


def strip(frames: Frames) -> Frames:
    """Frames (n, H, W, 3) beside one another, (h, w, 3): enlarged by a whole number, or shrunk."""
    cells = [np.asarray(_sized(frame)) for frame in frames]
    gap = np.full((len(cells[0]), GAP_PX, 3), GAP, np.uint8)
    return np.concatenate([part for cell in cells for part in (gap, cell)][1:], axis=1)


def _sized(frame: Frames) -> Any:
    from PIL import Image

    height, width = frame.shape[:2]
    if width <= FRAME_PX:
        zoom = FRAME_PX // width
        return Image.fromarray(frame).resize((width * zoom, height * zoom), Image.Resampling.NEAREST)
    return Image.fromarray(frame).resize((FRAME_PX, round(height * FRAME_PX / width)), Image.Resampling.LANCZOS)


def _jpeg(pixels: Frames) -> Picture:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return Picture(buffer.getvalue(), pixels.shape[1], pixels.shape[0])
