"""One sample of a dataset, decoded as far as it is looked at."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.flow import Flow
from kinebench.annotate.tracks import Tracks
from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera
from kinebench.shards import record as records
from kinebench.shards.read import Members


@dataclass(frozen=True)
class Example:
    """A sample. Each member is read and decoded on first use, and kept as long as the example is.

    F frames of H by W pixels, N objects; id 0 is the ground, the objects are 1..N.
    """

    key: str
    shards: Members = field(repr=False)

    @cached_property
    def record(self) -> dict[str, Any]:
        """The json member: camera, light, ground, objects, events, captions, provenance. See `sample.schema.json`."""
        return records.parse(self.shards.member(self.key, "json"))

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
        """The velocity mask in m/s, (F, H, W, 3), on the driven objects' visible pixels, in the ground frame.

        Made from the segmentation and the record's table: exact, and faster than to decode the stored mask.
        """
        from kinebench.annotate.velocity import velocity_mask

        return velocity_mask(self.segmentation, self.rollout.velocities_mps, self.driven, self.camera)

    @cached_property
    def velocity_input(self) -> NDArray[np.float32]:
        """What a model is given: `velocity` over `v_max_mps`, clipped to [-1, 1]; (F, H, W, 3)."""
        from kinebench.annotate.velocity import velocity_input

        return velocity_input(self.segmentation, self.rollout.velocities_mps, self.driven, self.camera, self.v_max_mps)

    @cached_property
    def depth_m(self) -> NDArray[np.float32]:
        """Depth (F, H, W) along the camera's z axis, from the companion `depth`; inf beyond 13.1 m."""
        from kinebench.annotate import depth
        from kinebench.shards import video

        return depth.decode(video.decode_gray16(self.shards.member(self.key, "depth.mkv")))

    @cached_property
    def forward_flow(self) -> Flow:
        """Flow to the next frame and where its point is seen there, from the companion `flow`; none at the last frame.

        `.px` (F, H, W, 2), x right and y down; `.seen` (F, H, W).
        """
        return self._flow("forward_flow.mkv")

    @cached_property
    def backward_flow(self) -> Flow:
        """Flow to the frame before and where its point is seen there, as `forward_flow`; none at the first frame."""
        return self._flow("backward_flow.mkv")

    @cached_property
    def normals(self) -> NDArray[np.float32]:
        """Unit surface normals (F, H, W, 3), camera frame, from the companion `normals`; (0, 0, 0) is sky."""
        from kinebench.annotate import normals
        from kinebench.shards import video

        return normals.decode(video.decode_rgb48(self.shards.member(self.key, "normals.mkv")))

    @cached_property
    def tracks(self) -> Tracks:
        """Points on every object's surface through all frames, from the companion `tracks`."""
        from kinebench.shards import tracks

        return tracks.parse(self.shards.member(self.key, "tracks.json"))

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
        """The speed at which the stored mask and a model's input saturate."""
        return float(self.record["velocity"]["v_max_mps"])

    @property
    def driven(self) -> tuple[int, ...]:
        """Ids of the objects that already move at frame 0."""
        return tuple(self.record["driven"])

    def _flow(self, suffix: str) -> Flow:
        from kinebench.annotate import flow
        from kinebench.shards import video

        return flow.decode(video.decode_rgb48(self.shards.member(self.key, suffix)))

    def _video(self, suffix: str) -> NDArray[np.uint8]:
        from kinebench.shards import video

        return video.decode_rgb(self.shards.member(self.key, suffix))
