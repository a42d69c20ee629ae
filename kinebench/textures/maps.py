"""Surface -> the maps that renderers read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.textures.canvas import Image, Surface
from kinebench.textures.noise import blur

ROUGHNESS_MIN = 0.46  # after 8-bit coding and JPEG the map stays above 0.45, which the renderer counts on


@dataclass(frozen=True)
class Maps:
    """8-bit pictures, (H, W, 3) or (H, W), row 0 at the top."""

    colour: NDArray[np.uint8]  # sRGB
    normal: NDArray[np.uint8]  # OpenGL: +X right, +Y up, +Z out of the surface
    roughness: NDArray[np.uint8]
    displacement: NDArray[np.uint8]  # the whole range of heights over 0..255
    ambient_occlusion: NDArray[np.uint8]


def maps(surface: Surface, tile_m: float) -> Maps:
    """Code a surface that covers a square of `tile_m`."""
    height = surface.height_m.astype(np.float32)
    span = float(np.ptp(height)) or 1.0
    return Maps(
        colour=_bytes(surface.colour),
        normal=_bytes(normals(height, tile_m / height.shape[0]) * 0.5 + 0.5),
        roughness=_bytes(np.clip(surface.roughness, ROUGHNESS_MIN, 0.98)),
        displacement=_bytes((height - height.min()) / span),
        ambient_occlusion=_bytes(occlusion(height, tile_m / height.shape[0])),
    )


def normals(height_m: Image, texel_m: float) -> Image:
    """Unit normals (H, W, 3) of a periodic height field, +Y towards row 0."""
    right = (np.roll(height_m, -1, axis=1) - np.roll(height_m, 1, axis=1)) / (2.0 * texel_m)
    down = (np.roll(height_m, -1, axis=0) - np.roll(height_m, 1, axis=0)) / (2.0 * texel_m)
    normal = np.stack([-right, down, np.ones_like(right)], axis=-1)
    return np.asarray(normal / np.linalg.norm(normal, axis=-1, keepdims=True), np.float32)


def occlusion(height_m: Image, texel_m: float) -> Image:
    """How open each point is to the sky, 0..1: how far it lies below its surroundings at three scales, (H, W)."""
    hidden = np.zeros_like(height_m)
    for radius_m in (0.004, 0.012, 0.04):
        depth = blur(height_m, max(radius_m / texel_m, 0.7)) - height_m
        hidden += 0.5 * np.maximum(depth, 0.0) / radius_m
    return np.asarray(1.0 / (1.0 + hidden), np.float32)


def _bytes(image: Image) -> NDArray[np.uint8]:
    return np.asarray(np.rint(np.clip(image, 0.0, 1.0) * 255.0), np.uint8)
