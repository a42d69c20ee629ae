"""The velocity mask laid over its clip, for people."""

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.velocity import covered, velocity_pictures
from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array

AHEAD_S = 0.35
"""An arrow ends where its object would be after this time."""
_SMALLEST_PX = 6.0  # a shorter arrow is not drawn
_BRIGHTER = np.sqrt(255.0 * np.arange(256)).astype(np.uint16)
"""The mask's colours for a small dark picture: slow objects still show their hue."""
_SHARPNESS = 2  # arrows are drawn this many times larger, to have smooth edges


def overlay(
    rgb: NDArray[np.uint8],
    segmentation: NDArray[np.uint8],
    rollout: Rollout,
    driven: tuple[int, ...],
    camera: Camera,
    v_max_mps: float,
) -> NDArray[np.uint8]:
    """RGB frames (F, H, W, 3): the clip `rgb` dimmed, driven objects in the mask's colours, an arrow on each."""
    pictures = velocity_pictures(segmentation, rollout.velocities_mps, driven, camera, v_max_mps)
    where = covered(segmentation, driven)
    out = np.empty_like(rgb)
    for frame, picture in enumerate(pictures):
        clip = rgb[frame].astype(np.uint16)
        out[frame] = np.where(where[frame][..., None], (_BRIGHTER[picture] * 6 + clip * 2) // 8, clip * 9 // 20)
        for number in driven:
            start, end = _arrow(rollout, camera, frame, number)
            if np.linalg.norm(end - start) >= _SMALLEST_PX:
                out[frame] = _drawn(out[frame], start, end)
    return out


def _arrow(rollout: Rollout, camera: Camera, frame: int, number: int) -> tuple[Array, Array]:
    """Two image points (2,), equal where the arrow would lie behind the camera."""
    centre, velocity = rollout.positions_m[frame, number - 1], rollout.velocities_mps[frame, number - 1]
    pixels, _ = camera.project(np.stack([centre, centre + AHEAD_S * velocity]))
    return (pixels[0], pixels[1]) if np.isfinite(pixels).all() else (np.zeros(2), np.zeros(2))


def _drawn(rgb: NDArray[np.uint8], start: Array, end: Array) -> NDArray[np.uint8]:
    """The picture with a white arrow, edged in black, from `start` to `end` in pixels."""
    from PIL import Image, ImageDraw

    height, width = rgb.shape[:2]
    scale = height / 480 * _SHARPNESS
    image = Image.new("LA", (width * _SHARPNESS, height * _SHARPNESS), (0, 0))
    draw = ImageDraw.Draw(image)
    along = (end - start) / np.linalg.norm(end - start)
    aside = np.array([-along[1], along[0]])
    for extra, value in ((2.0 * scale, 0), (0.0, 255)):
        a, b = start * _SHARPNESS - along * extra, end * _SHARPNESS + along * extra * 2
        head, half = min(16 * scale, float(np.linalg.norm(b - a)) * 0.6) + extra, 2.2 * scale + extra
        neck, wing = b - along * head, 7 * scale + 1.6 * extra
        corners = [a - half * aside, neck - half * aside, neck - wing * aside, b]
        corners += [neck + wing * aside, neck + half * aside, a + half * aside]
        draw.polygon([(float(x), float(y)) for x, y in corners], fill=(value, 255))
    arrow = np.asarray(image.resize((width, height), Image.Resampling.BOX), dtype=np.uint16)
    opaque = arrow[..., 1:]
    return ((rgb.astype(np.uint16) * (255 - opaque) + arrow[..., :1] * opaque) // 255).astype(np.uint8)
