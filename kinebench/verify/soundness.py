"""One sample against itself: what a record says here must fit what it says there."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from kinebench.physics.bullet import GRAVITY_MPS2
from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array, rotation_matrix
from kinebench.shards import record as records
from kinebench.shards.sample import key_of
from kinebench.verify.laws import touched

STEP_MPS = 0.08
"""How far a step's mean velocity may be from the middle of its two ends, on each axis, beyond what friction does.

Well above the worst of 670 simulated clips, where an object lands after a hop; a velocity in another unit, frame or
order is off by far more.
"""
TURN_RADPS = 1.5
"""The same of spins. Bullet's solver leaves a sliding box a spin of up to 0.25 rad/s that its pose does not follow."""
UNIT_TOLERANCE = 1e-5  # records are rounded to 6 decimals


def record_faults(record: dict[str, Any], recipe: dict[str, Any]) -> Iterator[str]:
    """What a record that fits the schema still says wrongly, given its dataset's recipe."""
    if record["key"] != key_of(recipe, record["split"], record["index"], record["provenance"]["seed"]):
        yield f"key {record['key']} does not say dataset {record['dataset']}, {record['split']}, {record['index']}"
    for body in record["objects"]:
        if body["name"] != f"{body['colour']} {body['shape']}":
            yield f"object {body['id']} is called {body['name']}, and is a {body['colour']} {body['shape']}"
    render, made = recipe["render"], record["provenance"]
    wanted = (render["samples"], None if render["denoiser"] == "none" else render["denoiser"], render["full_frames"])
    said = (made["render_samples"], made["denoiser"], made["full_frames"])
    if said != wanted:
        yield f"provenance says samples, denoiser, full_frames {said}, the recipe {wanted}"
    said_mps, v_max_mps = record["velocity"]["v_max_mps"], recipe["motion"]["v_max_mps"]
    if said_mps != v_max_mps:
        yield f"velocity.v_max_mps is {said_mps}, the recipe's is {v_max_mps}"
    if record["events"] and recipe["acceptance"]["contact"] == "forbidden":
        first = record["events"][0]
        yield f"objects {first['a']} and {first['b']} touch at {first['time_s']} s, and the recipe forbids contact"


def structure_faults(record: dict[str, Any], recipe: dict[str, Any]) -> Iterator[str]:
    """Sizes of another clip and ids of nothing: with these, the record cannot be read any further."""
    frames, wanted = record["video"]["frames"], {name: recipe["video"][name] for name in record["video"]}
    if record["video"] != wanted:
        yield f"video is {record['video']}, the recipe's is {wanted}"
    if record["split"] not in recipe["splits"]:
        yield f"the recipe has no split {record['split']}"
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
    """Poses differ by what the velocities and spins say; where another object touches, by no more than they may."""
    fps, v, spin = record["video"]["fps"], rollout.velocities_mps, rollout.angular_velocities_radps
    if len(v) < 2:
        return
    steps, turns = np.diff(rollout.positions_m, axis=0) * fps, _turns(rollout.quaternions_wxyz) * fps
    friction = record["ground"]["friction"] * np.array([body["friction"] for body in record["objects"]])
    braking_mps = friction * GRAVITY_MPS2 / fps / 2  # an object that stops within a step
    off_mps = np.abs(steps - (v[1:] + v[:-1]) / 2).max(axis=-1) - braking_mps
    fastest_mps = np.linalg.norm(v, axis=-1).max(axis=-1)
    pushed = touched(rollout, fps)
    off_mps -= np.where(pushed, np.maximum(fastest_mps[1:], fastest_mps[:-1])[:, None], 0)
    off_radps = np.abs(turns - (spin[1:] + spin[:-1]) / 2).max(axis=-1)
    off_radps[pushed] = 0
    for off, limit, moves, said, unit in (
        (off_mps, STEP_MPS, steps, v, "m/s"),
        (off_radps, TURN_RADPS, turns, spin, "rad/s"),
    ):
        if off.max() > limit:
            frame, body = np.unravel_index(off.argmax(), off.shape)
            ends = " and ".join(f"{np.linalg.norm(said[f, body]):.3f}" for f in (frame, frame + 1))
            yield (
                f"object {body + 1} {'moves' if unit == 'm/s' else 'turns'} at "
                f"{np.linalg.norm(moves[frame, body]):.3f} {unit} from frame {frame} to {frame + 1} by its poses, and "
                f"its velocities there are {ends}"
            )


def _turns(quaternions_wxyz: Array) -> Array:
    """The turns (F - 1, N, 3) from each frame to the next as vectors along their axes, radians, world."""
    rotations = rotation_matrix(quaternions_wxyz)
    turns = rotations[1:] @ np.swapaxes(rotations[:-1], -1, -2)
    odd = turns - np.swapaxes(turns, -1, -2)
    sines = np.stack([odd[..., 2, 1], odd[..., 0, 2], odd[..., 1, 0]], axis=-1) / 2
    sine = np.linalg.norm(sines, axis=-1, keepdims=True)
    angle = np.arctan2(sine, (np.trace(turns, axis1=-2, axis2=-1)[..., None] - 1) / 2)
    return sines * np.divide(angle, sine, out=np.ones_like(sine), where=sine > 1e-9)


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
