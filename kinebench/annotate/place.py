"""Where and whither in the image: the nine places and eight directions that captions know."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array

Direction = Literal["right", "top right", "top", "top left", "left", "bottom left", "bottom", "bottom right"]
Column = Literal["left", "center", "right"]
Row = Literal["background", "middle", "foreground"]
Edge = Literal["left", "right", "top", "bottom"]

# Anticlockwise from the right, 45 degrees apart: each word covers 22.5 degrees to either side.
DIRECTIONS: tuple[Direction, ...] = (
    "right",
    "top right",
    "top",
    "top left",
    "left",
    "bottom left",
    "bottom",
    "bottom right",
)
# The middle cell is narrower than a third: a person says "center" only of what is clearly neither left nor right.
CELL_LOW, CELL_HIGH = 0.37, 0.63


@dataclass(frozen=True)
class Place:
    """A cell of the image, three by three; background is the upper row, foreground the lower one."""

    column: Column
    row: Row


def place_at(centre_px: Array, camera: Camera) -> Place:
    """The cell that holds the pixel position `centre_px` (2,); positions outside the image count to the nearest."""
    x, y = centre_px / (camera.width_px, camera.height_px)
    column: Column = "left" if x < CELL_LOW else "right" if x > CELL_HIGH else "center"
    row: Row = "background" if y < CELL_LOW else "foreground" if y > CELL_HIGH else "middle"
    return Place(column, row)


def direction_of(displacement_px: Array) -> Direction:
    """The direction word nearest to a displacement (2,) in pixels, x right and y down."""
    angle_rad = np.arctan2(-displacement_px[1], displacement_px[0])
    return DIRECTIONS[round(float(angle_rad) / (np.pi / 4)) % 8]
