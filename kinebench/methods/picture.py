"""A condition for the eye: the first frame with its masks outlined, the paths as arrows, the prompt below."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.methods.condition import Condition, Mask

LEAST_WIDTH_PX = 640
"""Smaller frames are enlarged, so that there is room for words."""
DRIVEN, OTHER, INK = (255, 196, 0), (255, 255, 255), (20, 20, 20)
SHARPNESS = 2  # everything is drawn this many times larger, to have smooth edges
MARGIN_PX, TEXT_PX, LINE_PX = 14, 17, 23
_SHORTEST_PX = 8.0  # a shorter path is a dot


def picture(condition: Condition) -> NDArray[np.uint8]:
    """RGB (h, w, 3): the drawn frame above a field of text."""
    drawn = drawing(condition)
    return np.concatenate([drawn, _text(condition, drawn.shape[1])])


def drawing(condition: Condition) -> NDArray[np.uint8]:
    """RGB (h, w, 3): the frame, enlarged by a whole number where it is small, with outlines, arrows and speeds."""
    from PIL import Image, ImageDraw, ImageFont

    zoom = math.ceil(LEAST_WIDTH_PX / condition.size[0]) * SHARPNESS
    frame = condition.first_frame.repeat(zoom, 0).repeat(zoom, 1)
    for other in condition.others:
        frame = _outlined(frame, other.mask, zoom, OTHER)
    for driven in condition.driven:
        frame = _outlined(frame, driven.mask, zoom, DRIVEN)
    image = Image.fromarray(frame)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(TEXT_PX * SHARPNESS)
    for driven in condition.driven:
        _arrow(pen, driven.path_px * zoom)
    for driven in condition.driven:
        if driven.velocity_mps is not None:
            speed = math.hypot(*driven.velocity_mps[:2])
            _label(pen, font, f"{speed:.2f} m/s", driven.path_px * zoom, image.size)
    return np.asarray(image.resize((image.width // SHARPNESS, image.height // SHARPNESS), Image.Resampling.BOX))


def overview(pictures: list[NDArray[np.uint8]], columns: int = 3, width_px: int = 480) -> NDArray[np.uint8]:
    """Pictures of any sizes on one sheet, in rows."""
    from PIL import Image

    small = []
    for each in pictures:
        height = round(each.shape[0] * width_px / each.shape[1])
        small.append(np.asarray(Image.fromarray(each).resize((width_px, height), Image.Resampling.LANCZOS)))
    rows = [small[i : i + columns] for i in range(0, len(small), columns)]
    gap = MARGIN_PX // 2
    wide = min(columns, len(small)) * (width_px + gap) + gap
    page = np.full((sum(max(map(len, row)) + gap for row in rows) + gap, wide, 3), 225, np.uint8)
    top = gap
    for row in rows:
        for number, each in enumerate(row):
            left = gap + number * (width_px + gap)
            page[top : top + len(each), left : left + width_px] = each
        top += max(map(len, row)) + gap
    return page


def _outlined(frame: NDArray[np.uint8], mask: Mask, zoom: int, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The frame with a line along the inside of a mask, dark beside it."""
    large = np.pad(mask.repeat(zoom, 0).repeat(zoom, 1), 1)
    inner = large
    out = frame.copy()
    for shade, width in ((colour, 2), (INK, 1)):
        before = inner
        for _ in range(width * SHARPNESS):
            inner = _eroded(inner)
        out[(before & ~inner)[1:-1, 1:-1]] = shade
    return out


def _eroded(mask: Mask) -> Mask:
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    return inner


def _arrow(pen: Any, path: NDArray[np.float64]) -> None:
    """The path as a line that ends in a head; a dot if it leads nowhere."""
    moved = np.linalg.norm(np.diff(path, axis=0), axis=1) > 0
    line = np.concatenate([path[:1], path[1:][moved]])
    for colour, extra in ((INK, 2 * SHARPNESS), (DRIVEN, 0)):
        half = 2 * SHARPNESS + extra
        x, y = line[0]
        pen.ellipse((x - 2 * half, y - 2 * half, x + 2 * half, y + 2 * half), fill=colour)
        if np.linalg.norm(line[-1] - line[0]) < _SHORTEST_PX * SHARPNESS:
            continue
        head = 9 * SHARPNESS + extra
        back = np.flatnonzero(np.linalg.norm(line - line[-1], axis=1) >= head)
        along = line[-1] - (line[back[-1]] if len(back) else line[0])
        along = along / np.linalg.norm(along)
        neck = line[-1] - head * along
        aside = np.array([-along[1], along[0]]) * (6 * SHARPNESS + extra)
        body = [*line[: back[-1] + 1 if len(back) else 1], neck]
        pen.line([(float(x), float(y)) for x, y in body], fill=colour, width=2 * half, joint="curve")
        corners = (neck - aside, line[-1] + along * extra, neck + aside)
        pen.polygon([(float(x), float(y)) for x, y in corners], fill=colour)


def _label(pen: Any, font: Any, text: str, path: NDArray[np.float64], size: tuple[int, int]) -> None:
    """Words beside the beginning of a path, away from where it leads, inside the picture."""
    edge, apart = 2 * SHARPNESS, 8 * SHARPNESS
    _, _, right, bottom = pen.textbbox((0, 0), text, font=font, stroke_width=edge)
    (x, y), downwards = path[0], path[-1, 1] > path[0, 1]
    left = min(max(float(x) - right / 2, edge), size[0] - right - edge)
    top = min(max(float(y) - apart - bottom if downwards else float(y) + apart, edge), size[1] - bottom - edge)
    pen.text((left, top), text, font=font, fill=DRIVEN, stroke_width=edge, stroke_fill=INK)


def _text(condition: Condition, width: int) -> NDArray[np.uint8]:
    """The field below, (h, width, 3): what it is, and the prompt."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(TEXT_PX)
    wide, high = condition.size
    title = f"{condition.key}   {condition.frames} frames of {wide}x{high}, {condition.fps:g} a second"
    lines = [title, *wrapped(condition.prompt, font, width - 2 * MARGIN_PX)]
    image = Image.new("RGB", (width, len(lines) * LINE_PX + 2 * MARGIN_PX), (250, 250, 248))
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        place = (MARGIN_PX, MARGIN_PX + number * LINE_PX)
        pen.text(place, line, font=font, fill=INK if number else (120, 120, 120))
    return np.asarray(image)


def wrapped(text: str, font: Any, width: int) -> list[str]:
    """Lines of whole words, no wider than `width` if a word is not."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
