"""A condition of a photo as a picture: masks and arrows on the left, the velocity mask on the right."""

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate import velocity
from kinebench.methods.condition import Condition
from kinebench.methods.picture import picture

PAPER, INK = (250, 250, 248), (20, 20, 20)
GAP_PX, MARGIN_PX, TEXT_PX, LINE_PX = 4, 14, 15, 21
KEY_PX = 64
_BRIGHTER = np.sqrt(255.0 * np.arange(256)).astype(np.uint16)
"""As in `preview/overlay.py`: slow objects still show their hue."""


def velocity_mask(condition: Condition) -> NDArray[np.float32]:
    """The mask of the first frame, (H, W, 3) in m/s, ground frame; zero where nothing is known in metres."""
    width, height = condition.size
    mask = np.zeros((height, width, 3), np.float32)
    for each in condition.driven:
        mask[each.mask] = each.velocity_mps or (0.0, 0.0, 0.0)
    return mask


def shown(condition: Condition, v_max_mps: float) -> NDArray[np.uint8]:
    """The velocity mask laid over the dimmed photo, (H, W, 3), in the colours of previews."""
    where = np.logical_or.reduce([np.zeros(condition.size[::-1], bool), *(each.mask for each in condition.driven)])
    colours = _BRIGHTER[velocity.picture(velocity_mask(condition), v_max_mps)]
    photo = condition.first_frame.astype(np.uint16)
    return np.where(where[..., None], (colours * 6 + photo * 2) // 8, photo * 9 // 20).astype(np.uint8)


def sheet(condition: Condition, v_max_mps: float) -> NDArray[np.uint8]:
    """RGB (h, w, 3): both beside each other, with the prompt, and the key to the colours."""
    left, right = picture(condition), shown(condition, v_max_mps)
    height = max(len(left), len(right) + KEY_PX + 2 * MARGIN_PX)
    page = np.full((height, left.shape[1] + GAP_PX + right.shape[1], 3), PAPER, np.uint8)
    page[: len(left), : left.shape[1]] = left
    page[: len(right), left.shape[1] + GAP_PX :] = right
    return _with_key(page, (left.shape[1] + GAP_PX + MARGIN_PX, len(right) + MARGIN_PX), v_max_mps)


def _with_key(page: NDArray[np.uint8], corner: tuple[int, int], v_max_mps: float) -> NDArray[np.uint8]:
    from PIL import Image, ImageDraw, ImageFont

    x, y = corner
    y_mps, x_mps = np.mgrid[1 : -1 : KEY_PX * 1j, -1 : 1 : KEY_PX * 1j] * v_max_mps
    colours = _BRIGHTER[velocity.picture(np.stack([x_mps, y_mps, 0 * x_mps], axis=-1), v_max_mps)]
    disc = np.hypot(x_mps, y_mps) <= v_max_mps
    page[y : y + KEY_PX, x : x + KEY_PX][disc] = colours[disc]
    image = Image.fromarray(page)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(TEXT_PX)
    lines = (
        "velocity mask of the first frame",
        "hue: direction on the ground, away from the camera is up",
        f"brightness: speed, full at {v_max_mps:g} m/s",
    )
    for number, line in enumerate(lines):
        pen.text((x + KEY_PX + MARGIN_PX, y + number * LINE_PX), line, font=font, fill=INK)
    return np.asarray(image)
