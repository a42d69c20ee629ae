"""One sample against itself: record, motion, pictures and masks must tell the same story."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.annotate.velocity import velocity_codes
from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.camera import Camera
from kinebench.scene.pose import to_world
from kinebench.shards import record as records
from kinebench.shards import video
from kinebench.shards.sample import sample_key

STEP_TOLERANCE_MPS = 0.05
"""How far a step's mean velocity may lie outside the velocities at its two ends, on each axis.

Four times the worst of 120 simulated clips; a velocity in another unit, frame or order is off by far more.
"""
UNIT_TOLERANCE = 1e-5  # records are rounded to 6 decimals
OUTLINE_TOLERANCE_PX = 2.0
CLIP_TOLERANCE = 12.0  # mean difference of the mp4 and its lossless companion, of 255
_FFV1_RGB, _FFV1_GRAY = {("ffv1", "bgr0")}, {("ffv1", "gray")}
_CODINGS = {
    "mp4": {("h264", "yuv420p")},
    "velocity.mkv": _FFV1_RGB,
    "segmentation.mkv": _FFV1_GRAY,
    "rgb.mkv": {("h264", "gbrp"), *_FFV1_RGB},
    "depth.mkv": {("ffv1", "gray16le")},
    "flow.mkv": {("ffv1", "gbrp16le"), ("ffv1", "rgb48le")},
}
_DECODERS: dict[str, Callable[[bytes], NDArray[Any]]] = {
    "segmentation.mkv": video.decode_gray,
    "depth.mkv": video.decode_gray16,
    "flow.mkv": video.decode_rgb48,
}


def record_faults(record: dict[str, Any], recipe: dict[str, Any]) -> Iterator[str]:
    """What a record that fits the schema still says wrongly, given its dataset's recipe."""
    if record["key"] != sample_key(record["dataset"], record["split"], record["index"]):
        yield f"key {record['key']} does not say dataset {record['dataset']}, {record['split']}, {record['index']}"
    wanted = {name: recipe["video"][name] for name in record["video"]}
    if record["video"] != wanted:
        yield f"video is {record['video']}, the recipe's is {wanted}"
    yield from _colour_faults(record, recipe)
    if record["events"] and recipe["acceptance"]["contact"] == "forbidden":
        first = record["events"][0]
        yield f"objects {first['a']} and {first['b']} touch at {first['time_s']} s, and the recipe forbids contact"


def structure_faults(record: dict[str, Any]) -> Iterator[str]:
    """Lists of the wrong length and ids of nothing: with these, the record cannot be read any further."""
    frames = record["video"]["frames"]
    for body in record["objects"]:
        for name in ("positions_m", "quaternions_wxyz", "velocities_mps", "angular_velocities_radps"):
            if len(body[name]) != frames:
                yield f"object {body['id']} has {len(body[name])} {name}, and the clip {frames} frames"
    ids = [body["id"] for body in record["objects"]]
    driven, quality = record["driven"], record["quality"]
    if ids != list(range(1, len(ids) + 1)):
        yield f"object ids are {ids}, not 1..{len(ids)}"
    if driven != [body["id"] for body in record["objects"] if body["driven"]]:
        yield f"driven is {driven}, but the objects that say they are driven are others"
    if not set(quality["moved"]) <= set(ids):
        yield f"quality.moved {quality['moved']} names an object that is not there"
    for number, event in enumerate(record["events"]):
        if not event["a"] < event["b"] <= len(ids):
            yield f"events.{number} is between {event['a']} and {event['b']}; wanted are ids a < b of objects"
    for name, count in (("path_px", len(driven)), ("visible_px", len(ids))):
        if len(quality[name]) != count:
            yield f"quality.{name} has {len(quality[name])} values, not {count}"


def _colour_faults(record: dict[str, Any], recipe: dict[str, Any]) -> Iterator[str]:
    split = recipe["splits"].get(record["split"])
    if split is None:
        yield f"the recipe has no split {record['split']}"
        return
    for body in record["objects"]:
        if body["colour"] not in split["colours"]:
            yield f"object {body['id']} is {body['colour']}, which is no colour of split {record['split']}"


def motion_faults(record: dict[str, Any]) -> Iterator[str]:
    """Poses, velocities and events against each other, in a record without `structure_faults`."""
    rollout, camera = records.rollout(record), records.camera(record)
    yield from _unit_faults(record, rollout, camera)
    yield from _driven_faults(record, rollout)
    yield from _step_faults(record, rollout)
    for number, event in enumerate(rollout.events):
        yield from _event_faults(record, number, event)
    times = [event.time_s for event in rollout.events]
    if times != sorted(times):
        yield "events are not in order of time"


def _unit_faults(record: dict[str, Any], rollout: Rollout, camera: Camera) -> Iterator[str]:
    off = np.abs(np.linalg.norm(rollout.quaternions_wxyz, axis=-1) - 1)
    if off.max() > UNIT_TOLERANCE:
        frame, body = np.unravel_index(off.argmax(), off.shape)
        yield f"the quaternion of object {body + 1} at frame {frame} is not of unit length (off by {off.max():.2g})"
    rotation = camera.rotation_array
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > UNIT_TOLERANCE or np.linalg.det(rotation) < 0:
        yield "camera.rotation is no rotation"
    if abs(np.linalg.norm(record["light"]["sun_direction"]) - 1) > UNIT_TOLERANCE:
        yield "light.sun_direction is not of unit length"


def _driven_faults(record: dict[str, Any], rollout: Rollout) -> Iterator[str]:
    moving = np.flatnonzero(rollout.velocities_mps[0].any(axis=-1)) + 1
    if moving.tolist() != record["driven"]:
        yield f"driven is {record['driven']}, but {moving.tolist()} move at frame 0"


def _step_faults(record: dict[str, Any], rollout: Rollout) -> Iterator[str]:
    """Positions differ by what the velocities say, on every step in which the object touches no other."""
    fps, v = record["video"]["fps"], rollout.velocities_mps
    steps = np.diff(rollout.positions_m, axis=0) * fps
    low, high = np.minimum(v[:-1], v[1:]), np.maximum(v[:-1], v[1:])
    outside = np.maximum(low - steps, steps - high).max(axis=-1)
    for event in rollout.events:
        touched = slice(max(math.floor(event.time_s * fps), 0), math.ceil(event.end_s * fps))
        outside[touched, [event.a - 1, event.b - 1]] = 0
    if outside.size and outside.max() > STEP_TOLERANCE_MPS:
        frame, body = np.unravel_index(outside.argmax(), outside.shape)
        speed = np.linalg.norm(v[frame, body])
        yield (
            f"object {body + 1} moves {np.linalg.norm(steps[frame, body]):.3f} m/s from frame {frame} to {frame + 1} "
            f"by its positions, {speed:.3f} m/s by its velocity"
        )


def _event_faults(record: dict[str, Any], number: int, event: Event) -> Iterator[str]:
    frames, fps = record["video"]["frames"], record["video"]["fps"]
    name = f"events.{number}"
    if not 0 <= event.time_s <= event.end_s <= (frames - 1) / fps + 1e-6:
        yield f"{name} lasts from {event.time_s} s to {event.end_s} s, in a clip of {(frames - 1) / fps:.3f} s"
    said = record["events"][number]["frame"]
    wanted = {min(math.ceil((event.time_s + slack) * fps), frames - 1) for slack in (-1e-6, 1e-6)}  # time is rounded
    if said not in wanted:
        yield f"{name}.frame is {said}, the first at or after {event.time_s} s is {max(wanted)}"
    if abs(np.linalg.norm(event.normal) - 1) > UNIT_TOLERANCE:
        yield f"{name}.normal is not of unit length"


def picture_faults(record: dict[str, Any], members: Mapping[str, bytes]) -> Iterator[str]:
    """Decode every member and hold it against the record, which has no `structure_faults`."""
    pictures: dict[str, NDArray[Any]] = {}
    for suffix in _CODINGS:
        if suffix in members:
            try:
                yield from _coding_faults(record, suffix, members[suffix])
                pictures[suffix] = _DECODERS.get(suffix, video.decode_rgb)(members[suffix])
            except video.DecodeError as error:
                yield f"{suffix} {error}"
                continue
            size = tuple(record["video"][name] for name in ("frames", "height", "width"))
            if pictures[suffix].shape[:3] != size:
                yield f"{suffix} is {pictures.pop(suffix).shape[:3]}, not {size} (frames, height, width)"
    if "segmentation.mkv" in pictures:
        ids = pictures["segmentation.mkv"]
        yield from _segmentation_faults(record, ids)
        if "velocity.mkv" in pictures:
            yield from _mask_faults(record, ids, pictures["velocity.mkv"])
    if {"mp4", "rgb.mkv"} <= set(pictures):
        off = np.abs(pictures["mp4"].astype(np.int16) - pictures["rgb.mkv"]).mean()
        if off > CLIP_TOLERANCE:
            yield f"mp4 and rgb.mkv show different clips: they differ by {off:.1f} of 255 on average"


def _coding_faults(record: dict[str, Any], suffix: str, data: bytes) -> Iterator[str]:
    stream = video.inspect(data)
    if (stream.codec, stream.pixel_format) not in _CODINGS[suffix]:
        wanted = " or ".join(" ".join(coding) for coding in sorted(_CODINGS[suffix]))
        yield f"{suffix} is {stream.codec} {stream.pixel_format}, not {wanted}"
    if abs(stream.fps - record["video"]["fps"]) > 0.01:
        yield f"{suffix} plays at {stream.fps:.2f} frames a second, not {record['video']['fps']}"


def _segmentation_faults(record: dict[str, Any], ids: NDArray[np.uint8]) -> Iterator[str]:
    count = len(record["objects"])
    if ids.max() > count:
        yield f"segmentation.mkv shows object {ids.max()}, and there are {count}"
        return
    seen = np.bincount(ids[0].ravel(), minlength=count + 1)[1:].tolist()
    if seen != record["quality"]["visible_px"]:
        yield f"frame 0 of segmentation.mkv shows {seen} pixels of the objects, quality.visible_px says otherwise"
    rollout, camera = records.rollout(record), records.camera(record)
    for frame, body in np.ndindex(len(ids), count):
        rows, columns = (np.flatnonzero((ids[frame] == body + 1).any(axis=axis)) for axis in (1, 0))
        if not rows.size:
            continue
        pixels = _outline(record["objects"][body]["size_m"], rollout, camera, frame, body)
        inside = np.array([columns[0], rows[0]]) > pixels.min(axis=0) - OUTLINE_TOLERANCE_PX
        if not (inside & (np.array([columns[-1] + 1, rows[-1] + 1]) < pixels.max(axis=0) + OUTLINE_TOLERANCE_PX)).all():
            yield f"segmentation.mkv shows object {body + 1} at frame {frame} outside its outline by pose and camera"
            return


def _outline(size_m: list[float], rollout: Rollout, camera: Camera, frame: int, body: int) -> NDArray[np.float64]:
    """The corners of an object's box in pixels, (8, 2); infinite where one is behind the camera."""
    signs = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3), axis=-1).reshape(-1, 3)
    pose = rollout.positions_m[frame, body], rollout.quaternions_wxyz[frame, body]
    pixels, _ = camera.project(to_world(signs * size_m, *pose))
    return pixels if np.isfinite(pixels).all() else np.array([[-np.inf, -np.inf], [np.inf, np.inf]])


def _mask_faults(record: dict[str, Any], ids: NDArray[np.uint8], codes: NDArray[np.uint8]) -> Iterator[str]:
    velocities, v_max = records.rollout(record).velocities_mps, record["velocity"]["v_max_mps"]
    wanted = velocity_codes(ids, velocities, record["driven"], records.camera(record), v_max)
    if not np.array_equal(codes, wanted):
        wrong = (codes != wanted).any(axis=-1)
        frame, y, x = (int(i) for i in np.unravel_index(wrong.argmax(), wrong.shape))
        yield (
            f"velocity.mkv is wrong on {int(wrong.sum())} pixels: at frame {frame}, x {x}, y {y}, object "
            f"{ids[frame, y, x]}, it says {codes[frame, y, x].tolist()}, the velocities {wanted[frame, y, x].tolist()}"
        )
