"""A condition as a plain folder that a person and any program can open. See `condition.schema.json`.

condition.json     prompt, frames, fps, size, objects with their velocities, constants, camera
first_frame.png    RGB
mask_<id>.png      where each object is seen: white, else black
path_<id>.csv      frame,x_px,y_px of each driven object
"""

import io
import json
import math
import os
import re
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods import strict_json
from kinebench.methods.condition import Condition, DrivenObject, Mask, OtherObject
from kinebench.methods.path import Nominal
from kinebench.methods.placement import Size
from kinebench.scene.camera import Camera
from kinebench.shards.files import disk_room, sync_folder, write_durable

FORMAT_VERSION = 1
FILE, FIRST_FRAME = "condition.json", "first_frame.png"
SCHEMA_PATH = Path(__file__).with_name("condition.schema.json")
HEADER = "frame,x_px,y_px"
_NUMBERS = re.compile(r"\[\n\s+([^\[\]{}\"]+?)\n\s+\]")  # no string holds a raw line break
_LARGEST_BYTES = 512 << 20
_ROTATION_TOLERANCE = 1e-4


def mask_name(identity: int) -> str:
    """File name of an object's mask."""
    return f"mask_{identity}.png"


def path_name(identity: int) -> str:
    """File name of a driven object's path."""
    return f"path_{identity}.csv"


def write(folder: Path, condition: Condition, beside: dict[str, bytes] | None = None) -> None:
    """Write a condition, and files `beside` it, as a folder that is there whole or not at all.

    It replaces an older one. Raises KineBenchError if the disk is full, or the prompt is no text that UTF-8 knows;
    OSError if `folder` cannot be made.
    """
    contents = _contents(condition) | (beside or {})
    temporary = folder.with_name(f".{folder.name}.{os.uname().nodename}.{os.getpid()}.tmp")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with disk_room("writing a condition", folder.parent, sum(map(len, contents.values()))):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir()
            for name, data in contents.items():
                write_durable(temporary / name, data)
        if folder.is_dir():
            shutil.rmtree(folder)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync_folder(folder.parent)


def read(folder: Path) -> Condition:
    """The condition of a folder; KineBenchError with one message if something is missing, damaged or senseless."""
    try:
        return _read(folder)
    except FileNotFoundError as error:
        raise KineBenchError(f"{folder} is no whole condition: there is no {Path(str(error.filename)).name}") from error
    except OSError as error:
        raise KineBenchError(f"{folder}: cannot be read: {error.strerror or error}") from error
    except (ValueError, OverflowError) as error:
        raise KineBenchError(f"{folder}: {error}; export it again: kinebench conditions") from error


def _contents(condition: Condition) -> dict[str, bytes]:
    """Every file of the folder, by name."""
    files = {FILE: _dump(condition), FIRST_FRAME: _png(condition.first_frame)}
    for each in condition.objects:
        files[mask_name(each.id)] = _png(each.mask)
    for driven in condition.driven:
        rows = (f"{frame},{x!r},{y!r}" for frame, (x, y) in enumerate(driven.path_px.tolist()))
        files[path_name(driven.id)] = "\n".join([HEADER, *rows, ""]).encode()
    return files


def _dump(condition: Condition) -> bytes:
    width, height = condition.size
    nominal, camera = condition.nominal, condition.camera
    plain = {
        "format_version": FORMAT_VERSION,
        "key": condition.key,
        "prompt": condition.prompt,
        "frames": condition.frames,
        "fps": condition.fps,
        "width": width,
        "height": height,
        "driven": [{"id": each.id, "velocity_mps": each.velocity_mps} for each in condition.driven],
        "others": [{"id": each.id} for each in condition.others],
        "nominal": nominal
        and {"friction": nominal.friction, "restitution": nominal.restitution, "height_m": nominal.height_m},
        "camera": camera
        and {"focal_px": camera.focal_px, "rotation": camera.rotation, "translation_m": camera.translation_m},
    }
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text).encode() + b"\n"
    except UnicodeEncodeError as error:
        said = f"{condition.key}: the prompt holds {condition.prompt[:60]!a}, which is no UTF-8"
        raise KineBenchError(said) from error


def _png(image: NDArray[Any]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _read(folder: Path) -> Condition:
    plain = _parse((folder / FILE).read_bytes())
    size, frames, camera = (plain["width"], plain["height"]), plain["frames"], plain["camera"]
    return Condition(
        key=plain["key"],
        first_frame=_image(folder / FIRST_FRAME, size, ("RGB",)),
        prompt=plain["prompt"],
        frames=frames,
        fps=float(plain["fps"]),
        driven=tuple(_driven(folder, row, size, frames) for row in plain["driven"]),
        others=tuple(OtherObject(row["id"], _mask(folder, row["id"], size)) for row in plain["others"]),
        camera=camera and _camera(camera, size),
        nominal=plain["nominal"] and Nominal(**{name: float(value) for name, value in plain["nominal"].items()}),
    )


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))


def _parse(data: bytes) -> dict[str, Any]:
    """The content of condition.json; raises ValueError for what the schema forbids, and for NaN and infinity."""
    try:
        plain = strict_json.loads(data)
    except ValueError as error:
        raise ValueError(f"{FILE}: {error}") from error
    if isinstance(plain, dict) and plain.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
        raise ValueError(f"{FILE}: format version {plain['format_version']}; this KineBench reads {FORMAT_VERSION}")
    if faults := sorted(_validator().iter_errors(plain), key=lambda fault: list(map(str, fault.absolute_path))):
        place = ".".join(map(str, faults[0].absolute_path))
        raise ValueError(f"{FILE}: {place + ': ' if place else ''}{faults[0].message[:200]}")
    ids = [row["id"] for row in (*plain["driven"], *plain["others"])]
    if twice := sorted({identity for identity in ids if ids.count(identity) > 1}):
        raise ValueError(f"{FILE}: object {twice[0]} is there twice")
    return dict(plain)


def _driven(folder: Path, row: dict[str, Any], size: Size, frames: int) -> DrivenObject:
    velocity = row["velocity_mps"] and tuple(map(float, row["velocity_mps"]))
    identity = row["id"]
    return DrivenObject(identity, _mask(folder, identity, size), velocity, _path(folder / path_name(identity), frames))


def _camera(row: dict[str, Any], size: Size) -> Camera:
    rotation = np.array(row["rotation"], dtype=np.float64)
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > _ROTATION_TOLERANCE or np.linalg.det(rotation) < 0:
        raise ValueError(f"{FILE}: camera.rotation is no rotation")
    return Camera(
        width_px=size[0],
        height_px=size[1],
        focal_px=float(row["focal_px"]),
        rotation=tuple((float(x), float(y), float(z)) for x, y, z in row["rotation"]),
        translation_m=(float(row["translation_m"][0]), float(row["translation_m"][1]), float(row["translation_m"][2])),
    )


def _mask(folder: Path, identity: int, size: Size) -> Mask:
    image = _image(folder / mask_name(identity), size, ("1", "L"))
    if not np.isin(image, (0, image.dtype.type(255))).all():
        raise ValueError(f"{mask_name(identity)} is not black and white alone")
    return image.astype(bool)


def _image(path: Path, size: Size, modes: tuple[str, ...]) -> NDArray[Any]:
    """A PNG of this size; its header is checked before anything is decoded."""
    from PIL import Image, UnidentifiedImageError

    if path.stat().st_size > _LARGEST_BYTES:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes; it should be a PNG of {size[0]}x{size[1]}")
    try:
        with path.open("rb") as file, Image.open(file, formats=["PNG"]) as image:
            if image.size != size:
                raise ValueError(f"{path.name} is {image.width}x{image.height}, not {size[0]}x{size[1]}")
            if image.mode not in modes:
                raise ValueError(f"{path.name} has the pixels {image.mode}, not {' or '.join(modes)}")
            return np.asarray(image)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, EOFError) as error:
        raise ValueError(f"{path.name} is no PNG that can be read") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{path.name} is damaged: {error}") from error


def _path(path: Path, frames: int) -> NDArray[np.float64]:
    """The path (F, 2) of a CSV."""
    header, *lines = path.read_text().split("\n", frames + 2)[: frames + 2]
    rows = [line.strip().split(",") for line in lines if line.strip()]
    if header.strip() != HEADER:
        raise ValueError(f"{path.name} begins with {header[:60]!r}, not {HEADER!r}")
    if len(rows) != frames:
        there = f"more than {frames}" if len(rows) > frames else len(rows)
        raise ValueError(f"{path.name} has {there} rows, not {frames}")
    places = np.empty((frames, 2))
    for number, row in enumerate(rows):
        try:
            frame, x, y = int(row[0]), float(row[1]), float(row[2])
        except (ValueError, IndexError):
            frame, x, y = -1, math.nan, math.nan
        if len(row) != 3 or frame != number or not math.isfinite(x + y):
            raise ValueError(f"{path.name}: row {number} is {','.join(row)[:60]!r}, not {number},x,y")
        places[number] = x, y
    return places
