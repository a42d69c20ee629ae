"""A photo as a condition needs it: upright, 8-bit sRGB, whole on a canvas of 720x480."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods.condition import Mask
from kinebench.methods.placement import Placement, Size, fitted, mask_to_native, to_native

CANVAS: Size = (720, 480)
"""Of the paper's clips, and of every photo."""
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"})
LARGEST_BYTES = 256 << 20
LARGEST_PX = 150_000_000
LEAST_PX = 64
"""A photo's shorter side, and what is left of it on the canvas."""
SPARE = 2.0
"""A photo so many times larger than the canvas, or more, is made smaller by whole pixels before anything else."""
_REDUCED_MODES = ("RGB", "RGBA", "L", "LA", "CMYK")
_WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I")  # 16 bits of grey
_WHITE = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, and where it lies on the canvas: one scale, in the middle, its edges repeated beside it."""

    name: str  # for messages
    size: Size  # its own width and height in pixels, upright
    reduced: int  # how many of these are one of the pixels that are kept, along each side
    rgb: NDArray[np.uint8] = field(repr=False)  # (h, w, 3) of those that are kept, upright

    @property
    def place(self) -> Placement:
        """Of the canvas's pixels on the photo's."""
        return fitted(self.size, CANVAS)

    @cached_property
    def frame(self) -> NDArray[np.uint8]:
        """The canvas, (480, 720, 3)."""
        place, times = self.place, self.reduced
        return to_native(self.rgb, Placement(place.scale / times, place.x_px / times, place.y_px / times), CANVAS)

    @property
    def shown(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom on the canvas of the pixels that show nothing but the photo."""
        left, top, right, bottom = self.place.inverse.box(self.size)
        inside = np.ceil((left - 1e-9, top - 1e-9)), np.floor((right + 1e-9, bottom + 1e-9))
        (x0, y0), (x1, y1) = (edge.astype(int).tolist() for edge in inside)
        return x0, y0, x1, y1

    def to_canvas(self, mask: Mask) -> Mask:
        """A mask (h, w) of the photo on the canvas, (480, 720)."""
        return mask_to_native(mask, self.place, CANVAS)


def open_photo(path: Path) -> Photo:
    """The photo in a file. Raises KineBenchError if it cannot be read, is none, or is too large, small or narrow."""
    return photo(_bytes(path), str(path))


def photo(data: bytes, name: str) -> Photo:
    """The photo in these bytes: turned as its EXIF says, its colours made sRGB, what is transparent made white."""
    from PIL import Image

    with _opened(data, name) as image:
        times = max(1, int(fitted(image.size, CANVAS).scale / SPARE))
        small = image.reduce(times) if image.mode in _REDUCED_MODES else image
        rgb = _rgb(small, name)
        if small is image and times > 1:
            rgb = np.asarray(Image.fromarray(rgb).reduce(times))
        return Photo(name, image.size, times, rgb)


def open_mask(path: Path, photo: Photo) -> Mask:
    """A mask on the canvas, (480, 720), from a picture that is white where the object is, else black.

    It has the photo's own size, upright, or the canvas's. Raises KineBenchError if it has another, or is no mask.
    """
    return mask(_bytes(path), str(path), photo)


def mask(data: bytes, name: str, photo: Photo) -> Mask:
    """The same from bytes."""
    from PIL import Image

    with _opened(data, name) as image:
        size = image.size
        if size not in (photo.size, CANVAS):
            raise KineBenchError(
                f"{name} is {size[0]}x{size[1]}; a mask of {photo.name} is as large as that, "
                f"{photo.size[0]}x{photo.size[1]}, or as the canvas, {CANVAS[0]}x{CANVAS[1]}"
            )
        if image.mode in ("LA", "RGBA", "PA"):
            image = Image.alpha_composite(Image.new("RGBA", size, (0, 0, 0, 255)), image.convert("RGBA"))
        found = np.asarray(image.convert("L")) >= 128
    if not found.any():
        raise KineBenchError(f"{name} marks nothing: an object is white in its mask, all else is black")
    if found.all():
        raise KineBenchError(f"{name} marks all of the photo: an object is white in its mask, all else is black")
    return found if size == CANVAS and photo.size != CANVAS else photo.to_canvas(found)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise KineBenchError(f"{path} has more than {LARGEST_BYTES >> 20} MB; save it smaller")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise KineBenchError(f"there is no file {path}") from error
    except OSError as error:
        raise KineBenchError(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def _opened(data: bytes, name: str) -> Iterator[Any]:
    """A picture upright; its size is looked at before a pixel is decoded."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    most = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None  # it warns, or raises, of what `_check` allows and refuses
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check(image.size, name)
            image.load()
            yield ImageOps.exif_transpose(image)
    except UnidentifiedImageError as error:
        raise KineBenchError(
            f"{name} is no picture that can be read here; save it as JPEG or PNG (of a HEIC file, too)"
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise KineBenchError(f"{name} is damaged: {error}; save it again as JPEG or PNG") from error
    finally:
        Image.MAX_IMAGE_PIXELS = most


def _check(size: Size, name: str) -> None:
    width, height = size
    if width * height > LARGEST_PX:
        raise KineBenchError(
            f"{name} is {width}x{height}; more than {LARGEST_PX // 1_000_000} million pixels are not read: save it "
            f"smaller, {CANVAS[0]}x{CANVAS[1]} is all that is used"
        )
    scale = 1 / fitted(size, CANVAS).scale
    if min(size) < LEAST_PX or min(size) * scale < LEAST_PX:
        raise KineBenchError(
            f"{name} is {width}x{height}; it should be {LEAST_PX} pixels wide and high, and still be when it is "
            f"fitted whole into {CANVAS[0]}x{CANVAS[1]}"
        )


def _rgb(image: Any, name: str) -> NDArray[np.uint8]:
    """A picture in any mode as sRGB (h, w, 3)."""
    from PIL import Image

    if image.mode in _WIDE_MODES:
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > 65535:
            raise KineBenchError(f"{name} has pixels beyond 16 bits; save it with 8 or 16 bits a channel")
        image = Image.fromarray(((grey + 128) // 257).astype(np.uint8))
    elif image.mode == "F":
        raise KineBenchError(f"{name} has pixels that are fractions; save it with 8 or 16 bits a channel")
    if image.has_transparency_data:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, (*_WHITE, 255)), over).convert("RGB")
    return np.asarray(_srgb(image).convert("RGB"))


def _srgb(image: Any) -> Any:
    """A picture whose own colour profile is applied, as phones' wider colours and printers' inks need it."""
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK", "L"):
        return image
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):  # a profile that is damaged or of other channels
        return image
