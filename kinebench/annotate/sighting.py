"""What the camera sees of each body's motion: pixel tracks, boxes, turns, and when it is out of the image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.place import Edge
from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array, rotation_matrix
from kinebench.scene.scene import Body, Scene

RIM_POINTS = 24  # on each rim of a cylinder: its box is exact to 0.9 % of the radius
GAP_ANGLES = 180  # directions tried for the distance of two footprints: short by at most 5 mm for edges of 0.3 m


@dataclass(frozen=True)
class Sighting:
    """One body over the F frames. Pixels are NaN where a point is behind the camera."""

    centres_px: Array  # (F, 2), the projected centre
    marks_px: Array  # (F, M, 2), points whose motion a viewer sees: corners, or the ends of a cylinder's axis
    boxes_px: Array  # (F, 4), left, top, right, bottom of the outline
    depths_m: Array  # (F,), of the centre, along the camera's z
    outlines_m: Array  # (F, P, 3), world, corners or rim points
    tilts_rad: Array  # (F,), angle between the body's z axis and the world's
    yaws_rad: Array  # (F,), unwrapped turn about the world's z since frame 0; means little once tilted
    edges: tuple[Edge | None, ...]  # F of them: the edge beyond which the whole body is, None while any of it shows

    def travel_px(self, first: int, last: int) -> float:
        """Farthest that any mark gets from where it is at frame `first`, over the frames up to `last`."""
        steps = self.marks_px[first : last + 1] - self.marks_px[first]
        return float(np.nanmax(np.linalg.norm(steps, axis=-1)))

    @property
    def leaves_at(self) -> int | None:
        """First frame from which nothing of the body shows until the end; None if it shows at the end."""
        hidden = [edge is not None for edge in self.edges]
        if not hidden[-1]:
            return None
        return len(hidden) - (hidden[::-1].index(False) if False in hidden else len(hidden))

    @property
    def last_frame(self) -> int:
        """The last frame before the body has left for good, or the clip's last."""
        return len(self.edges) - 1 if self.leaves_at is None else max(self.leaves_at - 1, 0)


def sight(scene: Scene, rollout: Rollout) -> tuple[Sighting, ...]:
    """The sighting of each of the scene's bodies, in their order."""
    return tuple(
        _sight_body(body, rollout.positions_m[:, i], rollout.quaternions_wxyz[:, i], scene.camera)
        for i, body in enumerate(scene.bodies)
    )


def gaps_m(a: Sighting, b: Sighting) -> Array:
    """Distance (F,) between the footprints of two bodies on the ground; negative where they overlap."""
    angles = np.arange(GAP_ANGLES) * (2 * np.pi / GAP_ANGLES)
    normals = np.stack([np.cos(angles), np.sin(angles)])
    farthest_a = (a.outlines_m[..., :2] @ normals).max(axis=1)
    nearest_b = (b.outlines_m[..., :2] @ normals).min(axis=1)
    gaps: Array = (nearest_b - farthest_a).max(axis=1)
    return gaps


def _sight_body(body: Body, positions_m: Array, quaternions_wxyz: Array, camera: Camera) -> Sighting:
    outline = _outline(body)
    marks = outline if body.shape == "cube" else np.array([[0, 0, -0.5], [0, 0, 0.5]]) * body.size_m
    rotations = rotation_matrix(quaternions_wxyz)
    outlines_m = outline @ rotations.transpose(0, 2, 1) + positions_m[:, None]
    marks_m = marks @ rotations.transpose(0, 2, 1) + positions_m[:, None]
    outlines_px, depths_m = camera.project(outlines_m)
    boxes_px = np.concatenate([outlines_px.min(axis=1), outlines_px.max(axis=1)], axis=-1)
    centres_px, centre_depths_m = camera.project(positions_m)
    yaws = np.unwrap(np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0]))
    return Sighting(
        centres_px=centres_px,
        marks_px=camera.project(marks_m)[0],
        boxes_px=boxes_px,
        depths_m=centre_depths_m,
        outlines_m=outlines_m,
        tilts_rad=np.arccos(np.clip(rotations[:, 2, 2], -1.0, 1.0)),
        yaws_rad=yaws - yaws[0],
        edges=tuple(_edge(box, behind, camera) for box, behind in zip(boxes_px, (depths_m <= 0).any(1), strict=True)),
    )


def _outline(body: Body) -> Array:
    """Corners (8, 3) of a cube, or rim points (2 RIM_POINTS, 3) of a cylinder, in the body's frame."""
    if body.shape == "cube":
        signs = np.array(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5])).reshape(3, 8).T
        corners: Array = signs * np.array(body.size_m)
        return corners
    angles = np.arange(RIM_POINTS) * (2 * np.pi / RIM_POINTS)
    ring = np.stack([np.cos(angles), np.sin(angles), np.ones(RIM_POINTS)], axis=-1) / 2
    rims: Array = np.concatenate([ring, ring * [1.0, 1.0, -1.0]]) * np.array(body.size_m)
    return rims


def _edge(box_px: NDArray[np.float64], behind: bool, camera: Camera) -> Edge | None:
    """The edge beyond which a box lies wholly; a body that reaches the camera has gone under the lower one."""
    if behind:
        return "bottom"
    left, top, right, bottom = box_px
    beyond: dict[Edge, float] = {
        "left": -right,
        "right": left - camera.width_px,
        "top": -bottom,
        "bottom": top - camera.height_px,
    }
    edge = max(beyond, key=lambda e: beyond[e])
    return edge if beyond[edge] > 0 else None
