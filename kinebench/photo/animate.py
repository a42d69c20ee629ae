"""Photo, masks and arrows -> condition: what `kinebench animate`, the studio and Real World sets have in common."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError
from kinebench.methods.condition import Condition, DrivenObject, Mask, OtherObject
from kinebench.methods.path import image_path, pole_px
from kinebench.photo.arrow import Arrow, motion, straight
from kinebench.photo.camera import View, constants, timing
from kinebench.photo.picture import Photo
from kinebench.photo.words import plain, written

TAIL_PX = 3
"""So far from its object an arrow may begin."""
LEAST_AREA_PX = 30
"""On the canvas; of less nothing can be seen."""
MOST_OBJECTS = 12
LONGEST_PROMPT = 2000
_NO_KEY = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, eq=False)
class Driven:
    """An object that an arrow sets in motion."""

    said: str  # for messages: "--arrow 10,20,30,40"
    mask: Mask = field(repr=False)  # (480, 720), on the canvas
    arrow: Arrow
    speed_mps: float | None = None  # None: by the arrow's length
    name: str = ""


@dataclass(frozen=True, eq=False)
class Standing:
    """An object that stands still until something strikes it."""

    said: str
    mask: Mask = field(repr=False)
    name: str = ""


@dataclass(frozen=True, eq=False)
class Wish:
    """What a user wants of a photo."""

    key: str
    photo: Photo
    driven: tuple[Driven, ...]
    others: tuple[Standing, ...] = ()
    view: View | None = None  # None: nothing is known in metres
    prompt: str = ""  # empty: written from the names
    ground: str = ""  # how the prompt calls it, with article


def key_of(name: str) -> str:
    """A key that can name files, from any name."""
    return _NO_KEY.sub("_", name).strip("_-")[:100] or "photo"


def condition(wish: Wish) -> Condition:
    """The condition: objects are numbered from 1, driven ones first, each in the order given.

    A pixel that several masks claim belongs to the first of them. Raises KineBenchError, with one message, if an
    arrow begins on the background, a mask is too small or hidden, an arrow meets no ground, or nothing is driven.
    """
    things: tuple[Driven | Standing, ...] = (*wish.driven, *wish.others)
    if not wish.driven:
        raise KineBenchError(f"{wish.photo.name}: nothing is driven; draw an arrow from an object to where it shall go")
    if len(things) > MOST_OBJECTS:
        raise KineBenchError(f"{wish.photo.name}: {len(things)} objects; at most {MOST_OBJECTS} can be told apart")
    if len(wish.prompt) > LONGEST_PROMPT:
        raise KineBenchError(f"the prompt has {len(wish.prompt)} letters; at most {LONGEST_PROMPT} are read")
    masks = apart([thing.mask for thing in things])
    for number, mask in enumerate(masks):
        _check_area(things, number, mask)
    driven = tuple(
        _driven(number, thing, mask, wish)
        for number, (thing, mask) in enumerate(zip(wish.driven, masks, strict=False), 1)
    )
    first = len(driven) + 1
    frames, fps = timing()
    made = Condition(
        key=wish.key,
        first_frame=wish.photo.frame,
        prompt=plain(wish.prompt),
        frames=frames,
        fps=fps,
        driven=driven,
        others=tuple(OtherObject(number, mask) for number, mask in enumerate(masks[len(driven) :], first)),
        camera=wish.view.camera if wish.view else None,
        nominal=constants() if wish.view else None,
    )
    if made.prompt:
        return made
    return replace(made, prompt=written(made, {n: thing.name for n, thing in enumerate(things, 1)}, wish.ground))


def apart(masks: Sequence[Mask]) -> list[Mask]:
    """Masks that do not overlap: a pixel belongs to the first that claims it."""
    free = np.ones(masks[0].shape, dtype=bool) if masks else np.zeros((0, 0), dtype=bool)
    out = []
    for mask in masks:
        out.append(mask & free)
        free = free & ~mask
    return out


def _check_area(things: Sequence[Driven | Standing], number: int, mask: Mask) -> None:
    """Raise KineBenchError if of a thing's mask too little is left, `mask`, by what came before it."""
    thing = things[number]
    if mask.sum() >= LEAST_AREA_PX:
        return
    before = int(thing.mask.sum())
    if before >= LEAST_AREA_PX:
        over = max(things[:number], key=lambda each: int((each.mask & thing.mask).sum()))
        raise KineBenchError(
            f"{thing.said}: its object is that of {over.said}: an object has one mask and one arrow, and two objects "
            "share no pixel"
        )
    raise KineBenchError(
        f"{thing.said}: its mask has {before} pixels on the canvas; at least {LEAST_AREA_PX} are needed"
    )


def _driven(number: int, thing: Driven, mask: Mask, wish: Wish) -> DrivenObject:
    view = wish.view
    if not near(mask, thing.arrow.tail_px):
        raise KineBenchError(
            f"{thing.said}: its tail is on the background; begin it on the object, within the mask, and give as many "
            "masks as arrows, in the same order"
        )
    frames, fps = timing()
    if view is None:
        if thing.speed_mps is not None:
            raise KineBenchError(f"{thing.said}: a speed in m/s means nothing without a camera")
        return DrivenObject(number, mask, None, straight(thing.arrow, frames))
    seconds = (frames - 1) / fps
    try:
        found = motion(thing.arrow, view, constants(), seconds, thing.speed_mps, thing.said)
    except ValueError as error:
        raise _groundless(thing, str(error), view, wish.photo) from error
    try:
        path = image_path(view.camera, pole_px(mask), found.velocity_mps, constants(), frames, fps)
    except ValueError as error:
        raise _groundless(thing, "the middle of its object", view, wish.photo) from error
    return DrivenObject(number, mask, found.velocity_mps, path)


def _groundless(thing: Driven, what: str, view: View, photo: Photo) -> KineBenchError:
    row = photo.place.points(np.array([0.0, view.horizon_px]))[1]
    return KineBenchError(
        f"{thing.said}: {what} is above the ground: this camera's horizon is at row {row:.0f} of the photo; draw it "
        "lower, or give the camera that took the photo"
    )


def near(mask: Mask, point_px: tuple[float, float]) -> bool:
    """Whether a mask (H, W) is at a point, or `TAIL_PX` beside it."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return False
    beside: NDArray[np.float64] = np.hypot(columns + 0.5 - point_px[0], rows + 0.5 - point_px[1])
    return bool(beside.min() <= TAIL_PX)
