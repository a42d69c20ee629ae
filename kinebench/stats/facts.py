"""What statistics take from one record: how its objects move, brake and meet. No picture is decoded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.velocity import in_frame
from kinebench.physics.bullet import GRAVITY_MPS2
from kinebench.scene.pose import Array
from kinebench.shards import record as records

SLIDING_MPS = 0.1
"""Below this speed an object may come to rest between two frames: no deceleration is read from it."""
SLIDING_S = 0.25
"""The shortest slide from which a deceleration is read."""


@dataclass(frozen=True)
class Facts:
    """One sample. Lists go by object: the driven ones, or the struck ones, in order of id.

    An object is struck if it stands still at frame 0 and touches another later, also when it was set going by one that
    had been struck itself.
    """

    seconds: float
    fps: int
    driven_speed_mps: Array  # (D, F), over the clip
    struck_speed_mps: tuple[Array, ...]  # each (F - f,), from f, its first frame after the strike
    driven_path_m: tuple[float, ...]
    struck_path_m: tuple[float, ...]
    direction_rad: tuple[float, ...]  # of driven objects at frame 0: 0 the camera's right, pi/2 away from it
    first_contact_s: float | None  # in the clip
    slides: tuple[tuple[float, float], ...]  # (mu g, measured deceleration) of driven objects before any touch, m/s2
    caption_words: int


def facts(record: dict[str, Any]) -> Facts:
    """Read one record that fits the schema."""
    rollout, fps = records.rollout(record), record["video"]["fps"]
    speeds = np.linalg.norm(rollout.velocities_mps, axis=-1).T  # (N, F)
    paths = np.linalg.norm(np.diff(rollout.positions_m, axis=0), axis=-1).sum(axis=0)
    touched: dict[int, float] = {}
    for event in record["events"]:
        for number in (event["a"], event["b"]):
            touched.setdefault(number, event["time_s"])
    driven = record["driven"]
    struck = [number for number in sorted(touched) if number not in driven]
    headings = in_frame(rollout.velocities_mps[0, [number - 1 for number in driven]], records.camera(record))
    return Facts(
        seconds=record["video"]["frames"] / fps,
        fps=fps,
        driven_speed_mps=speeds[[number - 1 for number in driven]],
        struck_speed_mps=tuple(speeds[number - 1, int(np.ceil(touched[number] * fps)) :] for number in struck),
        driven_path_m=tuple(float(paths[number - 1]) for number in driven),
        struck_path_m=tuple(float(paths[number - 1]) for number in struck),
        direction_rad=tuple(float(np.arctan2(y, x)) for x, y, _ in headings),
        first_contact_s=record["events"][0]["time_s"] if record["events"] else None,
        slides=tuple(_slides(record, speeds, touched)),
        caption_words=len(record["captions"]["c"].split()),
    )


def _slides(record: dict[str, Any], speeds: Array, touched: dict[int, float]) -> list[tuple[float, float]]:
    fps, found = record["video"]["fps"], []
    for number in record["driven"]:
        body = record["objects"][number - 1]
        until = int(touched[number] * fps) if number in touched else None
        rate = _deceleration(speeds[number - 1, :until], fps)
        if rate is not None:
            found.append((body["friction"] * record["ground"]["friction"] * GRAVITY_MPS2, rate))
    return found


def _deceleration(speed_mps: NDArray[np.float64], fps: int) -> float | None:
    """The slope of a slide from frame 0 until it is slow, by least squares; None if it is too short."""
    slow = np.flatnonzero(speed_mps < SLIDING_MPS)
    sliding = speed_mps[: slow[0]] if slow.size else speed_mps
    if len(sliding) < max(SLIDING_S * fps, 3):
        return None
    return -float(np.polyfit(np.arange(len(sliding)) / fps, sliding, 1)[0])
