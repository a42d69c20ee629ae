"""What a method is given: the first frame, words, and how the driven objects move at that moment. Nothing of later."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinebench.methods.path import DECIMALS, Nominal
from kinebench.methods.placement import SAME, Placement, Size, fitted, mask_to_native, to_native
from kinebench.scene.camera import Camera
from kinebench.scene.scene import Vector

Mask = NDArray[np.bool_]
KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,199}")
"""What a clip may be called: a name for files on any system."""


@dataclass(frozen=True, eq=False)
class DrivenObject:
    """An object that already moves in the first frame."""

    id: int  # 1..N
    mask: Mask = field(repr=False)  # (H, W), where it is seen
    velocity_mps: Vector | None  # ground frame: x right, y away, z up; None where the picture has no metres
    path_px: NDArray[np.float64] = field(repr=False)  # (F, 2), by the benchmark from public constants: see `path.py`


@dataclass(frozen=True, eq=False)
class OtherObject:
    """An object that stands still in the first frame."""

    id: int
    mask: Mask = field(repr=False)  # (H, W)


@dataclass(frozen=True, eq=False)
class Condition:
    """One clip to be made: F frames of H by W pixels. Two are the same if their `sha256` is."""

    key: str
    first_frame: NDArray[np.uint8] = field(repr=False)  # (H, W, 3) RGB
    prompt: str
    frames: int  # F, the first included
    fps: float
    driven: tuple[DrivenObject, ...]
    others: tuple[OtherObject, ...]
    camera: Camera | None  # None where nothing is known of it
    nominal: Nominal | None  # the public constants of its dataset; None where there are none

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.first_frame.shape[1], self.first_frame.shape[0]

    @property
    def objects(self) -> tuple[DrivenObject | OtherObject, ...]:
        """All that are seen in the first frame, in order of their ids."""
        return tuple(sorted((*self.driven, *self.others), key=lambda each: each.id))

    @cached_property
    def sha256(self) -> str:
        """Hash of everything in it. Numbers count by their value: 8 frames a second are 8.0."""
        camera = self.camera
        plain = {
            "key": self.key,
            "size": self.size,
            "prompt": self.prompt,
            "frames": self.frames,
            "fps": float(self.fps),
            "driven": [[each.id, each.velocity_mps and _floats(each.velocity_mps)] for each in self.driven],
            "others": [each.id for each in self.others],
            "camera": camera
            and [float(camera.focal_px), list(map(_floats, camera.rotation)), _floats(camera.translation_m)],
            "nominal": self.nominal and _floats(astuple(self.nominal)),
        }
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode())
        digest.update(self.first_frame.tobytes())
        for driven in self.driven:
            digest.update(np.packbits(driven.mask).tobytes())
            digest.update(driven.path_px.astype(np.float64).tobytes())
        for other in self.others:
            digest.update(np.packbits(other.mask).tobytes())
        return digest.hexdigest()

    def fitted(self, native: Size) -> tuple["Condition", Placement]:
        """The same at a model's own size, and where that lies on this: one scale, padded edges, nothing cropped."""
        if native == self.size:
            return self, SAME
        place = fitted(self.size, native)
        driven = (
            replace(
                each,
                mask=mask_to_native(each.mask, place, native),
                path_px=place.inverse.points(each.path_px).round(DECIMALS),
            )
            for each in self.driven
        )
        others = (replace(each, mask=mask_to_native(each.mask, place, native)) for each in self.others)
        camera = self.camera and replace(
            self.camera, width_px=native[0], height_px=native[1], focal_px=self.camera.focal_px / place.scale
        )
        return replace(
            self,
            first_frame=to_native(self.first_frame, place, native),
            driven=tuple(driven),
            others=tuple(others),
            camera=camera,
        ), place

    def limited(self, driven: int) -> "Condition":
        """With so many driven objects, those of the longest paths; the rest count as others."""
        if len(self.driven) <= driven:
            return self
        by_path = sorted(self.driven, key=lambda each: -float(np.linalg.norm(each.path_px[-1] - each.path_px[0])))
        kept = {each.id for each in by_path[:driven]}
        others = (*self.others, *(OtherObject(each.id, each.mask) for each in by_path[driven:]))
        return replace(
            self,
            driven=tuple(each for each in self.driven if each.id in kept),
            others=tuple(sorted(others, key=lambda each: each.id)),
        )


def _floats(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values]
