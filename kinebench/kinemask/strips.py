"""Sample strips: what the model in training makes of a few held-out clips, beside the truth and what it was asked.

The clips, the noise and the steps are the same each time, so that strips compare. At frame 0 velocities are told, after
it nothing, as at inference; there is no guidance.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.data.example import Example
from kinebench.kinemask.batches import Clips, Course, collated
from kinebench.kinemask.draw import SHOWN, Draw, rng
from kinebench.methods.picture import wrapped
from kinebench.methods.placement import Size, fitted, to_native
from kinebench.preview.overlay import overlay

STEPS = 20
SMALL_STEPS = 4
"""The small backbone's error is no smaller with more."""
FRAMES = 6
CELL_PX = 192
"""About so wide is a frame; what was asked is twice as large."""
GAP_PX, MARGIN_PX, LABEL_PX, TEXT_PX, LINE_PX = 4, 12, 52, 15, 20
PAPER, INK, FAINT = (250, 250, 248), (20, 20, 20), (120, 120, 120)

Frames = NDArray[np.uint8]
Shown = Callable[[dict[str, Any], Frames, int, Draw], Frames]
"""`Family.shown`, of a batch that may hold masks."""


@dataclass(frozen=True, eq=False)
class Strip:
    """One clip, F frames of H by W pixels."""

    prompt: str
    fps: int
    truth: Frames  # (F, H, W, 3)
    made: Frames  # (F, H, W, 3)
    asked: Frames | None  # frame 0 with velocities, (h, w, 3); None if none were told


def strips(clips: Clips, shown: Shown, name: str, steered: bool, count: int, seed: int) -> list[Strip]:
    """Up to `count` clips, evenly spread; `name` is the family's. `steered`: velocities at frame 0 are told."""
    numbers = np.unique(np.linspace(0, len(clips.keys) - 1, min(count, len(clips.keys))).round().astype(int))
    return [_strip(clips, number, shown, name, steered, seed) for number in numbers.tolist()]


def _strip(clips: Clips, number: int, shown: Shown, name: str, steered: bool, seed: int) -> Strip:
    key, course = clips.keys[number], Course("first" if steered else None)
    example, size = clips[key], clips.cache.size
    truth = np.stack([_sized(frame, size) for frame in example.rgb])
    batch = collated([clips.item(key, course, rng(seed, SHOWN, number))])
    steps = SMALL_STEPS if name == "small" else STEPS
    made = shown(batch, truth[:1], steps, Draw([rng(seed, SHOWN, number)]))[0]
    asked = _asked(example, size) if steered else None
    return Strip(next(clips.prompts(key, course)), example.fps, truth, made, asked)


def _sized(frame: Frames, size: Size) -> Frames:
    """A frame as the model sees it."""
    own = (frame.shape[1], frame.shape[0])
    return frame if own == size else to_native(frame, fitted(own, size), size)


def _asked(example: Example, size: Size) -> Frames:
    """Frame 0 with the velocities of driven objects as colours and arrows; enlarged if it is small, so that they show.

    Of a clip that is fitted into another `size`, as the model sees it.
    """
    zoom = math.ceil(2 * CELL_PX / size[0])
    rollout, camera = example.rollout, example.camera
    first = replace(rollout, positions_m=rollout.positions_m[:1], velocities_mps=rollout.velocities_mps[:1])
    large = replace(
        camera,
        width_px=camera.width_px * zoom,
        height_px=camera.height_px * zoom,
        focal_px=camera.focal_px * zoom,
    )
    rgb, ids = (np.repeat(np.repeat(each[:1], zoom, 1), zoom, 2) for each in (example.rgb, example.segmentation))
    drawn = overlay(rgb, ids, first, example.driven, large, example.v_max_mps)[0]
    return _sized(drawn, (size[0] * zoom, size[1] * zoom))


def picture(found: Sequence[Strip], title: str) -> bytes:
    """All strips below one another, as a PNG; the same strips give the same bytes."""
    from PIL import Image

    told = "frame 0 and the prompt"
    if found[0].asked is not None:
        told = "frame 0, the prompt and the velocities on frame 0; arrows and colours show what is asked"
    blocks = [_block(strip) for strip in found]
    head = _field([(title, INK), (f"made from {told}", FAINT)], max(block.width for block in blocks))
    page = Image.new("RGB", (head.width, head.height + sum(block.height for block in blocks)), PAPER)
    top = 0
    for part in (head, *blocks):
        page.paste(part, (0, top))
        top += part.height
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def _block(strip: Strip) -> Any:
    """One strip as an image: the prompt, then frame 0 with what is asked, and two rows of frames with their times."""
    from PIL import Image, ImageDraw

    numbers = np.unique(np.linspace(0, len(strip.truth) - 1, FRAMES).round().astype(int)).tolist()
    rows = {name: [_cell(row[n]) for n in numbers] for name, row in (("truth", strip.truth), ("made", strip.made))}
    wide, high = rows["truth"][0].size
    asked = None if strip.asked is None else Image.fromarray(strip.asked).resize((2 * wide + GAP_PX, 2 * high + GAP_PX))
    left = MARGIN_PX + (0 if asked is None else asked.width + MARGIN_PX) + LABEL_PX
    prompt = _field([(strip.prompt, INK)], left + len(numbers) * (wide + GAP_PX) - GAP_PX + MARGIN_PX)
    page = Image.new("RGB", (prompt.width, prompt.height + LINE_PX + 2 * high + GAP_PX + MARGIN_PX), PAPER)
    page.paste(prompt)
    pen, font, top = ImageDraw.Draw(page), _font(), prompt.height + LINE_PX
    if asked is not None:
        page.paste(asked, (MARGIN_PX, top))
        pen.text((MARGIN_PX, prompt.height), "asked", font=font, fill=FAINT)
    for row, (name, cells) in enumerate(rows.items()):
        y = top + row * (high + GAP_PX)
        pen.text((left - LABEL_PX, y + high // 2), name, font=font, fill=FAINT, anchor="lm")
        for column, (number, cell) in enumerate(zip(numbers, cells, strict=True)):
            x = left + column * (wide + GAP_PX)
            page.paste(cell, (x, y))
            if row == 0:
                pen.text((x, prompt.height), f"{number / strip.fps:.2f} s", font=font, fill=FAINT)
    return page


def _cell(frame: Frames) -> Any:
    """A frame as an image about `CELL_PX` wide: enlarged by a whole number, or shrunk."""
    from PIL import Image

    height, width = frame.shape[:2]
    if width <= CELL_PX:
        zoom = CELL_PX // width
        return Image.fromarray(frame).resize((width * zoom, height * zoom), Image.Resampling.NEAREST)
    return Image.fromarray(frame).resize((CELL_PX, round(height * CELL_PX / width)), Image.Resampling.LANCZOS)


def _field(lines: Sequence[tuple[str, tuple[int, int, int]]], width: int) -> Any:
    """Words in their colours, wrapped, as an image so wide."""
    from PIL import Image, ImageDraw

    font = _font()
    wrapped_lines = [(part, ink) for line, ink in lines for part in wrapped(line, font, width - 2 * MARGIN_PX)]
    image = Image.new("RGB", (width, MARGIN_PX + len(wrapped_lines) * LINE_PX), PAPER)
    pen = ImageDraw.Draw(image)
    for number, (line, ink) in enumerate(wrapped_lines):
        pen.text((MARGIN_PX, MARGIN_PX // 2 + number * LINE_PX), line, font=font, fill=ink)
    return image


def _font() -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(TEXT_PX)
