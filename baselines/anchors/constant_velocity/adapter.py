"""Driven objects are cut out and go on as they set off: the arrow is obeyed, nothing slows down, nothing is struck."""

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import demand
from kinebench.methods.adapter import Setup
from kinebench.methods.condition import Condition
from kinebench.methods.path import ground_place, pole_px
from kinebench.methods.sprites import staged
from kinebench.methods.video import Video


class ConstantVelocity:
    """Moves cut-outs over the ground, for ever."""

    def generate(self, condition: Condition, seed: int) -> Video:
        """The same for every seed."""
        return Video(staged(condition, places_m(condition)))


def places_m(condition: Condition) -> dict[int, NDArray[np.float64]]:
    """Where driven objects are in the world, (F, 2), by id; none where no camera is known."""
    camera, nominal = condition.camera, condition.nominal
    if camera is None or nominal is None:
        return {}
    places = {}
    for each in condition.driven:
        if each.velocity_mps is not None and each.mask.any():
            start_m = ground_place(camera, pole_px(each.mask), nominal.height_m)[:2]
            velocity_mps = (np.array([*each.velocity_mps[:2], 0.0]) @ camera.ground_axes)[:2]
            places[each.id] = start_m + np.arange(condition.frames)[:, None] / condition.fps * velocity_mps
    return places


def load(setup: Setup) -> ConstantVelocity:
    """Needs OpenCV, which fills in what an object leaves behind."""
    demand("cv2", "score")
    return ConstantVelocity()
