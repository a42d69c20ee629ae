"""What the page asks for, without HTTP: photos that were dropped, masks under clicks, conditions, downloads."""

import base64
import binascii
import io
import json
import secrets
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from kinebench.errors import KineBenchError
from kinebench.methods import condition_folder
from kinebench.methods.condition import Condition, Mask
from kinebench.photo import animate, picture
from kinebench.photo.animate import Driven, Standing, Wish, key_of
from kinebench.photo.arrow import Arrow, on_photo
from kinebench.photo.camera import View, constants, default_view, timing, v_max_mps, view
from kinebench.photo.clip import png
from kinebench.photo.mask import boxed, found
from kinebench.photo.picture import CANVAS, Photo
from kinebench.photo.sheet import sheet
from kinebench.studio.offer import Offer

PHOTO_BYTES = 128 << 20
KEPT = 8
"""Photos that are remembered; of more, the oldest is forgotten."""
Plain = Mapping[str, Any]


def start(offers: Mapping[str, Offer]) -> dict[str, Any]:
    """What the page computes with."""
    frames, fps = timing()
    nominal, camera = constants(), default_view()
    return {
        "canvas": CANVAS,
        "frames": frames,
        "fps": fps,
        "v_max_mps": v_max_mps(),
        "friction": nominal.friction,
        "height_m": nominal.height_m,
        "camera": vars(camera),
        "photo_bytes": PHOTO_BYTES,
        "methods": [each.told() for each in offers.values()],
    }


@dataclass
class Desk:
    """The photos of one session, in memory alone."""

    _photos: OrderedDict[str, Photo] = field(default_factory=OrderedDict)
    _busy: threading.Lock = field(default_factory=threading.Lock)  # OpenCV's random state is the process's

    def drop(self, data: bytes, name: str) -> dict[str, Any]:
        """Take a photo in. Raises KineBenchError."""
        with self._busy:
            photo = picture.photo(data, name)
            identity = secrets.token_hex(8)
            self._photos[identity] = photo
            while len(self._photos) > KEPT:
                self._photos.popitem(last=False)
        return self.photo(identity)

    def photo(self, identity: str) -> dict[str, Any]:
        """A photo that was taken in, for the page. Raises KineBenchError."""
        photo = self._photo({"photo": identity})
        return {
            "photo": identity,
            "key": key_of(Path(photo.name).stem),
            "width": photo.size[0],
            "height": photo.size[1],
            "shown": photo.shown,
            "frame": base64.b64encode(png(photo.frame)).decode(),
        }

    def mask(self, asked: Plain) -> dict[str, Any]:
        """The object under a click, or in a box, in pixels of the canvas. Raises KineBenchError."""
        photo = self._photo(asked)
        with self._busy:
            if "box" in asked:
                x0, y0, x1, y1 = _numbers(asked["box"], 4, "box")
                mask = boxed(photo, (x0, y0, x1, y1), "the box")
            else:
                x, y = _numbers(asked.get("point"), 2, "point")
                mask = found(photo, (x, y), "the click")
        return {"mask": packed(mask)}

    def condition(self, asked: Plain) -> Condition:
        """The condition of what is on the page. Raises KineBenchError."""
        photo = self._photo(asked)
        driven, others = [], []
        for number, row in enumerate(_rows(asked), 1):
            said, mask = f"object {number}", unpacked(row.get("mask"))
            name = _text(row, "name")
            if row.get("arrow") is None:
                others.append(Standing(said, mask, name))
            else:
                speed = row.get("speed_mps")
                fast = None if speed is None else _numbers([speed], 1, "speed_mps")[0]
                driven.append(Driven(said, mask, _arrow(row["arrow"], photo, said), fast, name))
        words = _text(asked, "prompt"), _text(asked, "ground")
        key = key_of(_text(asked, "key"))
        return animate.condition(Wish(key, photo, tuple(driven), tuple(others), _view(asked), *words))

    def export(self, asked: Plain) -> bytes:
        """A zip of the condition's folder, its picture, and the files of a Real World set. Raises KineBenchError."""
        made, photo = self.condition(asked), self._photo(asked)
        with TemporaryDirectory(prefix="kinebench-studio-") as place:
            folder = Path(place) / made.key
            condition_folder.write(folder, made)
            files = {f"{made.key}/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}
        files[f"{made.key}.png"] = png(sheet(made, v_max_mps()))
        files |= _real_world(made, photo, asked)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name), data)
        return buffer.getvalue()

    def _photo(self, asked: Plain) -> Photo:
        photo = self._photos.get(str(asked.get("photo")))
        if photo is None:
            raise KineBenchError("this photo is not here any more; drop it again")
        return photo


def told(condition: Condition) -> dict[str, Any]:
    """What the page shows of a condition."""
    return {
        "prompt": condition.prompt,
        "sha256": condition.sha256,
        "driven": [{"velocity_mps": each.velocity_mps, "path_px": each.path_px.tolist()} for each in condition.driven],
    }


def packed(mask: Mask) -> str:
    """A mask of the canvas as text: eight pixels a byte, row by row, the first highest, in base64."""
    return base64.b64encode(np.packbits(mask).tobytes()).decode()


def unpacked(text: object) -> Mask:
    """The mask (480, 720) again. Raises KineBenchError."""
    width, height = CANVAS
    try:
        data = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KineBenchError("this is no mask") from error
    if len(data) * 8 != width * height:
        raise KineBenchError(f"a mask has {width}x{height} pixels, eight a byte")
    return np.unpackbits(np.frombuffer(data, np.uint8)).reshape(height, width).astype(bool)


def _real_world(made: Condition, photo: Photo, asked: Plain) -> dict[str, bytes]:
    """Photo, masks and JSON as `kinebench realworld pack` reads them: of the canvas, which is whole and fitted."""
    stem = f"realworld/{made.key}"
    camera, rows = _view(asked), _rows(asked)
    ordered = sorted(rows, key=lambda row: row.get("arrow") is None)  # driven first, as the condition has them
    parts: dict[str, list[dict[str, Any]]] = {"driven": [], "others": []}
    files = {f"{stem}.png": png(made.first_frame)}
    for each, row in zip(made.objects, ordered, strict=True):
        files[f"{stem}_{each.id}.png"] = png(each.mask)
        told = {"mask": f"{made.key}_{each.id}.png"} | ({"name": row["name"]} if row.get("name") else {})
        if row.get("arrow") is None:
            parts["others"].append(told)
        else:
            speed = {} if row.get("speed_mps") is None else {"speed_mps": row["speed_mps"]}
            parts["driven"].append(told | {"arrow": row["arrow"]} | speed)
    plain = parts | {"camera": camera and vars(camera), "prompt": made.prompt}
    files[f"{stem}.json"] = (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode()
    return files


def _rows(asked: Plain) -> list[Plain]:
    rows = asked.get("objects")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise KineBenchError("objects is a list of tables")
    if len(rows) > animate.MOST_OBJECTS:
        raise KineBenchError(f"{len(rows)} objects; at most {animate.MOST_OBJECTS} can be told apart")
    return rows


def _view(asked: Plain) -> View | None:
    camera = asked.get("camera")
    return None if camera is None else view(camera, CANVAS, "camera")


def _arrow(plain: object, photo: Photo, said: str) -> Arrow:
    """An arrow in pixels of the canvas; the photo as it lies there is what it may not leave."""
    x0, y0, x1, y1 = _numbers(plain, 4, "arrow")
    ends = photo.place.points(np.array([(x0, y0), (x1, y1)])).round(6)
    inside = np.where(np.abs(ends - ends.clip((0, 0), photo.size)) < 1e-3, ends.clip((0, 0), photo.size), ends)
    tail, head = inside.tolist()
    on_photo(tail, head, photo, said)
    return Arrow((x0, y0), (x1, y1))


def _numbers(plain: object, count: int, name: str) -> list[float]:
    if not isinstance(plain, list) or len(plain) != count:
        raise KineBenchError(f"{name} has {count} numbers")
    if not all(isinstance(value, int | float) and abs(value) < 1e6 for value in plain):
        raise KineBenchError(f"{name} is {plain!r}; it has {count} numbers")
    return [float(value) for value in plain]


def _text(plain: Plain, name: str) -> str:
    value = plain.get(name) or ""
    if not isinstance(value, str):
        raise KineBenchError(f"{name} is text")
    return value
