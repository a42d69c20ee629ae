"""A picture of many grounds, each lit and with its name, for people."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.textures.library import Texture

_SUN = np.asarray([-0.5, 0.5, 0.85], np.float32)  # from the upper left, +Y up as in the normal maps
_LABEL_PX = 22


def contact_sheet(textures: Sequence[Texture], path: Path, swatch_px: int = 256, columns: int = 5) -> None:
    """Write a sheet of swatches, each a whole tile in slanting sunlight, as .png or .jpg."""
    from PIL import Image, ImageDraw, ImageFont

    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise KineBenchError(f"the sheet {path} must end in .png or .jpg")
    if not textures:
        raise KineBenchError("there is no ground to show on a sheet")
    rows = -(-len(textures) // columns)
    cell = swatch_px + 6, swatch_px + _LABEL_PX + 6
    sheet = Image.new("RGB", (columns * cell[0] + 6, rows * cell[1] + 6), (245, 245, 245))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for index, texture in enumerate(textures):
        left, top = 6 + index % columns * cell[0], 6 + index // columns * cell[1]
        swatch = Image.fromarray(lit(texture)).resize((swatch_px, swatch_px), Image.Resampling.LANCZOS)
        sheet.paste(swatch, (left, top))
        pen.text((left + 2, top + swatch_px + 2), f"{texture.id}  ({texture.split})", font=font, fill=(40, 40, 40))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    sheet.save(partial, quality=85)
    partial.replace(path)


def lit(texture: Texture) -> NDArray[np.uint8]:
    """One tile seen from above under a low sun and a grey sky, (H, W, 3)."""
    from PIL import Image

    with Image.open(texture.colour) as colour, Image.open(texture.normal) as normal:
        albedo = (np.asarray(colour.convert("RGB"), np.float32) / 255) ** 2.2
        facing = np.asarray(normal.convert("RGB"), np.float32) / 127.5 - 1
    sun = np.clip(facing @ (_SUN / np.linalg.norm(_SUN)), 0, None) / (_SUN[2] / np.linalg.norm(_SUN))
    light = 0.75 * sun + 0.3
    if texture.ambient_occlusion is not None:
        with Image.open(texture.ambient_occlusion) as occlusion:
            light = light * (np.asarray(occlusion.convert("L"), np.float32) / 255)
    return np.asarray(np.clip(albedo * light[..., None], 0, 1) ** (1 / 2.2) * 255, np.uint8)
