"""How a user says what moves: velocities on masks, arrows, or velocity masks of whole frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.velocity import Encoding, velocity_table
from kinebench.data.example import Example
from kinebench.errors import KineBenchError
from kinebench.kinemask.conditioning import CHANNELS, Mask, first_mask, scaled
from kinebench.methods.placement import Size, mask_to_native
from kinebench.scene.scene import Vector

Masks = Sequence[NDArray[np.bool_]]
Arrows = Sequence[Sequence[float]]
"""Each x0, y0, x1, y1 in pixels of the picture, from an object to where it shall go."""


def first_frame(masks: Masks | None, velocities_mps: Sequence[Vector | None], size: Size, v_max_mps: float) -> Mask:
    """The mask of the first frame, (1, H, W, 3), of velocities in the ground frame.

    Raises KineBenchError for masks that are not as many, or not as large as the picture, and for velocities that are
    not known.
    """
    if masks is None or len(masks) != len(velocities_mps):
        count = 0 if masks is None else len(masks)
        raise KineBenchError(f"{count} masks and {len(velocities_mps)} velocities; give one mask for each velocity")
    drawn = [_mask(mask, number, size) for number, mask in enumerate(masks, 1)]
    known = [_velocity(velocity, number) for number, velocity in enumerate(velocities_mps, 1)]
    return first_mask(size, drawn, known, v_max_mps)[None]


def frames(velocity_masks: NDArray[np.floating[Any]], most: int, size: Size, v_max_mps: float) -> Mask:
    """Velocity masks of the first k frames, (k, H, W, 3) in m/s, as a branch is told of them.

    Raises KineBenchError if k is 0 or more than `most`, or the size is another than the picture's.
    """
    given, (width, height) = np.asarray(velocity_masks), size
    if given.ndim != 4 or given.shape[1:] != (height, width, CHANNELS) or not 1 <= len(given) <= most:
        raise KineBenchError(
            f"velocity masks of the shape {_shape(given)}; for this picture it is (k, {height}, {width}, {CHANNELS}), "
            f"k from 1 to {most}"
        )
    if not np.isfinite(given).all():
        raise KineBenchError("velocity masks hold values that are no numbers")
    return scaled(given, v_max_mps)


def pointed(
    image: NDArray[np.uint8], arrows: Arrows, masks: Masks | None, camera: Mapping[str, float] | None
) -> tuple[Masks, list[Vector]]:
    """Masks and velocities of arrows on a picture (H, W, 3), as `kinebench animate` understands them.

    Without masks the object under each arrow's tail is looked for. `camera` is what `--camera` takes; without it the
    camera is the middle of what Interactions is rendered with. Raises KineBenchError.
    """
    from kinebench.photo import mask as finding
    from kinebench.photo.animate import Driven, Wish, condition
    from kinebench.photo.arrow import on_photo
    from kinebench.photo.camera import default_view, view
    from kinebench.photo.picture import Photo

    photo = Photo("the picture", (image.shape[1], image.shape[0]), 1, image)
    if masks is not None and len(masks) != len(arrows):
        raise KineBenchError(f"{len(masks)} masks and {len(arrows)} arrows; give one mask for each arrow, or none")
    driven, own = [], []
    for number, arrow in enumerate(arrows, 1):
        said = f"arrow {number}"
        ends = _numbers(arrow, 4, f"{said} is {arrow!r}; it is x0, y0, x1, y1 in pixels of the picture")
        placed = on_photo(ends[:2], ends[2:], photo, said)
        if masks is None:
            found = finding.found(photo, placed.tail_px, said)
            own.append(mask_to_native(found, photo.place.inverse, photo.size))
        else:
            own.append(_mask(masks[number - 1], number, photo.size))
            found = photo.to_canvas(own[-1])
        driven.append(Driven(said, found, placed))
    where = default_view() if camera is None else view(camera, photo.size, "camera")
    made = condition(Wish("picture", photo, tuple(driven), view=where, prompt="-"))
    return own, [each.velocity_mps for each in made.driven if each.velocity_mps is not None]


def of_clip(example: Example, size: Size, encoding: Encoding) -> NDArray[np.float32]:
    """The whole velocity mask of a clip that is fitted into a size, (F, h, w, 3) in m/s, as training has it."""
    from kinebench.kinemask.batches import sized_ids

    ids = sized_ids(example, size)
    table = velocity_table(example.rollout.velocities_mps, example.driven, example.camera, encoding=encoding)
    made = np.empty((*ids.shape, CHANNELS), np.float32)
    for frame, row, out in zip(ids, table.astype(np.float32), made, strict=True):
        out[:] = row[frame]
    return made


def _mask(mask: Any, number: int, size: Size) -> NDArray[np.bool_]:
    given, (width, height) = np.asarray(mask), size
    if given.shape != (height, width):
        raise KineBenchError(
            f"mask {number} has the shape {_shape(given)}; for this picture it is ({height}, {width}), true where the "
            "object is"
        )
    if not given.any():
        raise KineBenchError(f"mask {number} marks nothing; it is true where the object is")
    return given.astype(bool)


def _velocity(velocity: Any, number: int) -> Vector:
    if velocity is None:
        raise KineBenchError(f"velocity {number} is not known in m/s; give the picture a camera")
    x, y, z = _numbers(
        velocity, 3, f"velocity {number} is {velocity!r}; it is x to the right, y away from the camera and z up, in m/s"
    )
    return x, y, z


def _numbers(values: Any, count: int, fault: str) -> list[float]:
    """So many finite numbers. Raises KineBenchError, which says the `fault`."""
    try:
        given = [float(value) for value in values]
    except (TypeError, ValueError):
        raise KineBenchError(fault) from None
    if len(given) != count or not np.isfinite(given).all():
        raise KineBenchError(fault)
    return given


def _shape(given: NDArray[Any]) -> str:
    return f"({', '.join(map(str, given.shape))})"
