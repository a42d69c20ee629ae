"""One sample of a dataset, decoded as far as it is looked at."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera
from kinebench.shards import record as records
from kinebench.shards.read import Shards


@dataclass(frozen=True)
class Example:
    """A sample. Each member is read and decoded on first use, and kept as long as the example is.

    F frames of H by W pixels, N objects; id 0 is the ground, the objects are 1..N.
    """

    key: str
    shards: Shards = field(repr=False)

    @cached_property
    def record(self) -> dict[str, Any]:
        """The json member: camera, light, ground, objects, events, captions, provenance. See `sample.schema.json`."""
        return self.shards.record(self.key)

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """The clip from the mp4, RGB (F, H, W, 3)."""
        return self._video("mp4")

    @cached_property
    def lossless(self) -> NDArray[np.uint8]:
        """The clip without loss, RGB (F, H, W, 3), from the companion that every test split has."""
        return self._video("rgb.mkv")

    @cached_property
    def segmentation(self) -> NDArray[np.uint8]:
        """Instance ids (F, H, W)."""
        from kinebench.shards import video

        return video.decode_gray(self.shards.member(self.key, "segmentation.mkv"))

    @cached_property
    def velocity_codes(self) -> NDArray[np.uint8]:
        """The velocity mask as stored, (F, H, W, 3): 0 blank, else 128 + round(127 v / v_max)."""
        return self._video("velocity.mkv")

    @cached_property
    def velocity(self) -> NDArray[np.float32]:
        """The velocity mask in m/s, (F, H, W, 3), on the driven objects' visible pixels, in the ground frame."""
        from kinebench.annotate.velocity import decode

        return decode(self.velocity_codes, self.v_max_mps)

    @cached_property
    def depth_m(self) -> NDArray[np.float32]:
        """Depth (F, H, W) along the camera's z axis, from the companion `depth`; inf beyond 13.1 m."""
        from kinebench.annotate import depth
        from kinebench.shards import video

        return depth.decode(video.decode_gray16(self.shards.member(self.key, "depth.mkv")))

    @cached_property
    def flow_px(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Flow to the next frame (F, H, W, 2), x right and y down, and where its point is seen there (F, H, W)."""
        from kinebench.annotate import flow
        from kinebench.shards import video

        return flow.decode(video.decode_rgb48(self.shards.member(self.key, "flow.mkv")))

    @cached_property
    def caption(self) -> str:
        """Caption c: what happens."""
        return self.shards.member(self.key, "txt").decode().strip()

    @cached_property
    def camera(self) -> Camera:
        """The camera, which stands still."""
        return records.camera(self.record)

    @cached_property
    def rollout(self) -> Rollout:
        """Poses, velocities and contact events, float64, world frame."""
        return records.rollout(self.record)

    @property
    def fps(self) -> int:
        """Frames a second."""
        return int(self.record["video"]["fps"])

    @property
    def v_max_mps(self) -> float:
        """The speed at which the velocity mask saturates: divide by it for a model's input."""
        return float(self.record["velocity"]["v_max_mps"])

    @property
    def driven(self) -> tuple[int, ...]:
        """Ids of the objects that already move at frame 0."""
        return tuple(self.record["driven"])

    def _video(self, suffix: str) -> NDArray[np.uint8]:
        from kinebench.shards import video

        return video.decode_rgb(self.shards.member(self.key, suffix))
