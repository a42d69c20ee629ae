"""What a clip's ground truth is, for everything that scores a prediction of it."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera

MOVES_PX = 2.0
"""An object moves if its centre's picture leaves its first place by more than this (the paper states no threshold)."""


@dataclass(frozen=True)
class Truth:
    """One clip as it should be: F frames of H by W pixels, N objects with ids 1..N."""

    key: str
    frames: NDArray[np.uint8] = field(repr=False)  # (F, H, W, 3) RGB, lossless where the split has it
    instances: NDArray[np.uint8] = field(repr=False)  # (F, H, W) ids of what is seen, 0 the ground
    fps: float
    camera: Camera
    rollout: Rollout = field(repr=False)
    driven: tuple[int, ...]  # ids of the objects that move at frame 0

    @cached_property
    def centres_px(self) -> NDArray[np.float64]:
        """Pictures of the objects' centres, (N, F, 2), seen or not."""
        pictures, _ = self.camera.project(self.rollout.positions_m)  # (F, N, 2)
        return np.moveaxis(pictures, 0, 1)

    @cached_property
    def visible(self) -> tuple[int, ...]:
        """Ids of the objects that have a pixel in frame 0: only these can be followed."""
        return tuple(int(id) for id in np.unique(self.instances[0]) if id > 0)

    @cached_property
    def moving(self) -> tuple[int, ...]:
        """Ids of the visible objects that move in the ground truth: driven, or set in motion by contact."""
        away = np.linalg.norm(self.centres_px - self.centres_px[:, :1], axis=2)  # NaN behind the camera
        return tuple(id for id in self.visible if (away[id - 1] > MOVES_PX).any())

    @cached_property
    def struck(self) -> tuple[int, ...]:
        """Of the moving, those that stood still at frame 0."""
        return tuple(id for id in self.moving if id not in self.driven)

    def sampled(self, frames: tuple[int, ...]) -> "Truth":
        """The clip at these frames alone, two or more in ascending order. Events keep their seconds.

        `fps` is of the n frames over the time that they cover, as if they were evenly spread over it: the frames
        nearest to even moments are within half a frame of them.
        """
        which = list(frames)
        moments = ("positions_m", "quaternions_wxyz", "velocities_mps", "angular_velocities_radps")
        return replace(
            self,
            frames=self.frames[which],
            instances=self.instances[which],
            fps=self.fps * (len(which) - 1) / (which[-1] - which[0]),
            rollout=replace(self.rollout, **{name: getattr(self.rollout, name)[which] for name in moments}),
        )

    def mask(self, id: int) -> NDArray[np.bool_]:
        """Where an object is seen, (F, H, W)."""
        return self.instances == id
