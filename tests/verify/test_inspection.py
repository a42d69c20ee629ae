import copy
import re

import numpy as np
import pytest

from kinebench.scene.pose import yaw_quaternion
from kinebench.shards import video
from kinebench.verify import soundness
from kinebench.verify.folder import verify


def faster(factor):
    def apply(record):
        body = record["objects"][0]
        body["velocities_mps"] = (factor * np.array(body["velocities_mps"])).tolist()

    return apply


def shifted(i, along_m):
    """Object i away from the first, in all frames."""

    def apply(record):
        first, body = np.array(record["objects"][0]["positions_m"]), record["objects"][i]
        away = np.array(body["positions_m"])[0] - first[0]
        body["positions_m"] = (body["positions_m"] + along_m * away / np.linalg.norm(away)).tolist()

    return apply


def lifted(up_m):
    def apply(record):
        body = record["objects"][2]
        body["positions_m"] = np.add(body["positions_m"], [0, 0, up_m]).tolist()

    return apply


def spun(radps):
    def apply(record):
        record["objects"][2]["angular_velocities_radps"][5:] = [[0.0, 0.0, radps]] * 4

    return apply


def turned(rad):
    """The third object turns about the world's z from frame 4 on."""

    def apply(record):
        rows = record["objects"][2]["quaternions_wxyz"]
        yaw = 2 * np.arctan2(rows[0][3], rows[0][0]) + rad
        rows[4:] = [yaw_quaternion(yaw).round(6).tolist()] * (len(rows) - 4)

    return apply


def later(by_s):
    def apply(record):
        [event] = record["events"]
        event["time_s"], event["end_s"] = event["time_s"] + by_s, event["end_s"] + by_s

    return apply


def slower_after(factor):
    """The struck object leaves with less speed than the other gave it."""

    def apply(record):
        body = record["objects"][1]
        body["velocities_mps"] = (factor * np.array(body["velocities_mps"])).tolist()

    return apply


def wrong_records():
    """Name -> (change of a record, words of the fault it must give)."""

    def at(*path):
        def change(value):
            def apply(record):
                for part in path[:-1]:
                    record = record[part]
                record[path[-1]] = value(record[path[-1]]) if callable(value) else value

            return apply

        return change

    return {
        "schema": (at("objects", 0, "shape")("ball"), r"json: objects.0.shape: 'ball'"),
        "extra key": (at("colour")("red"), r"json: record: Additional properties"),
        "seed": (at("provenance", "seed")(8), r"seed 8, manifest and index say 7"),
        "caption": (at("captions", "c")("Nothing moves."), r"txt is not caption c"),
        "frames": (at("objects", 1, "positions_m")(lambda p: p[:-1]), r"object 2 has 8 positions_m, .* 9 frames"),
        "video": (at("video", "fps")(13), r"video is .*'fps': 13"),
        "ids": (at("objects", 2, "id")(7), r"object ids are \[1, 2, 7\]"),
        "driven flag": (at("objects", 1, "driven")(True), r"driven is \[1\], but the objects that say"),
        "moved": (at("quality", "moved")([1, 9]), r"quality.moved \[1, 9\] names an object"),
        "path_px": (at("quality", "path_px")([]), r"quality.path_px has 0 values, not 1"),
        "visible_px": (at("quality", "visible_px")([1, 1, 1]), r"quality.visible_px says otherwise"),
        "colour": (at("objects", 0, "colour")("yellow"), r"object 1 is yellow, which is no colour of split train"),
        "quaternion": (
            at("objects", 0, "quaternions_wxyz", 3)([1.0, 0.1, 0.0, 0.0]),
            r"object 1 at frame 3 is not of unit",
        ),
        "rotation": (at("camera", "rotation", 0, 0)(lambda x: x + 0.01), r"camera.rotation is no rotation"),
        "sun": (at("light", "sun_direction")([0.0, 1.0, 1.0]), r"sun_direction is not of unit"),
        "standing": (at("objects", 2, "velocities_mps", 0)([0.0, 0.1, 0.0]), r"driven is \[1\], but \[1, 3\] move"),
        "position": (
            at("objects", 2, "positions_m", 4, 0)(lambda x: x + 0.01),
            r"object 3 moves at 0.120 m/s from frame 3 to 4 by its poses, and its velocities there are 0.000 and 0.000",
        ),
        "speed": (
            at("objects", 0, "velocities_mps")(lambda v: (2 * np.array(v)).tolist()),
            r"object 1 moves at .* m/s from frame . to . by its poses, and its velocities there are",
        ),
        "turned": (turned(0.2), r"object 3 turns at 2.400 rad/s from frame 3 to 4 by its poses, .* 0.000 and 0.000"),
        "name": (at("objects", 0, "name")("big cube"), r"object 1 is called big cube, and is a \w+ cube"),
        "render": (
            at("provenance", "render_samples")(64),
            r"provenance says .* \(64, None, False\), the recipe \(1, None",
        ),
        "event ids": (at("events", 0, "b")(9), r"events.0 is between 1 and 9"),
        "event time": (at("events", 0, "end_s")(5.0), r"events.0 lasts from .* to 5.0 s"),
        "event frame": (at("events", 0, "frame")(lambda f: f + 1), r"events.0.frame is 3, the first at or after"),
        "rgb": (at("objects", 0, "rgb", 1)(0.9), r"object 1 has rgb #..e6.., and \w+ is #"),
        "ground": (at("ground", "texture")("moss_a"), r"its ground moss_a is none of split train: planks_a, planks_b"),
        "small": (at("objects", 2, "size_m")([0.1, 0.1, 0.1]), r"object 3: edge in m is 0.1, .* range is 0.2 to 0.4"),
        "no cube": (at("objects", 2, "size_m", 2)(0.35), r"object 3 is a cube with edges \(0.3, 0.3, 0.35\)"),
        "mass": (at("objects", 2, "mass_kg")(0.7), r"object 3: mass_kg is 0.7, and the recipe's range is 0.4 to 0.6"),
        "friction": (at("objects", 2, "friction")(0.7), r"object 3: friction is 0.7"),
        "restitution": (at("objects", 2, "restitution")(0.5), r"object 3: restitution is 0.5"),
        "roughness": (at("objects", 2, "roughness")(0.1), r"object 3: roughness is 0.1"),
        "ground friction": (at("ground", "friction")(0.3), r"ground.friction is 0.3"),
        "ground restitution": (at("ground", "restitution")(0.3), r"ground.restitution is 0.3"),
        "attempt": (at("provenance", "attempt")(12), r"attempt is 12, and the recipe's range is 0 to 9"),
        "rejected": (at("quality", "rejected")(7), r"quality.rejected is 7, and its motion gives 1"),
        "view": (at("camera", "focal_px")(140.0), r"the camera's field of view in degrees is 37.8"),
        "aim": (at("camera", "translation_m", 0)(0.3), r"the camera's aim, in m from the origin, is 0.3"),
        "far": (at("camera", "translation_m", 2)(4.0), r"the camera's distance in m is 4, .* range is 3 to 3.3"),
        "low sun": (at("light", "sun_direction")([0.0, 0.8, 0.6]), r"the sun's elevation in degrees is 36.8"),
        "bright sun": (at("light", "sun_strength")(9.0), r"light.sun_strength is 9"),
        "soft sun": (at("light", "sun_angle_rad")(0.1), r"the sun's angle in degrees is 5.7"),
        "sky": (at("light", "sky_strength")(9.0), r"light.sky_strength is 9"),
        "start speed": (
            faster(1.2),
            r"object 1: speed at frame 0 in m/s is 1.\d+, and the recipe's range is 0.9 to 1.3",
        ),
        "v_max": (faster(1.7), r"object 1 moves at \d.\d+ m/s at frame 0, above v_max_mps = 1.5"),
        "v_max of the mask": (at("velocity", "v_max_mps")(3.0), r"velocity.v_max_mps is 3.0, the recipe's is 1.5"),
        "near start": (shifted(1, -0.05), r"objects 1 and 2 start -0.0\d+ m apart, and min_gap_m is 0.04"),
        "overlap": (shifted(1, -0.1), r"objects 1 and 2 overlap by 0.\d+ m at frame \d, .*penetration_m is 0.0001"),
        "penetration": (
            at("quality", "penetration_m")(0.02),
            r"rejects: objects overlap by more than max_penetration_m",
        ),
        "sunk": (lifted(-0.01), r"object 3 is 0.01\d* m below the ground at frame 0"),
        "afloat": (lifted(0.05), r"object 3 floats 0.05\d* m above the ground at frame 0"),
        "energy": (spun(9.0), r"the scene gains [0-9.]+ J of energy from frame 4 to 5"),
        "pushed by nothing": (at("events")([]), r"object 2 gains .* m/s from frame 1 to 2, and no event says"),
        "event far": (later(0.3), r"objects 1 and 2 are 0.\d+ m apart when they touch at"),
        "event point": (at("events", 0, "point_m", 2)(2.0), r"events.0.point_m is .* m from the centre of object 1"),
        "closing": (
            at("events", 0, "closing_speed_mps")(5.0),
            r"events.0.closing_speed_mps is 5.000, .* m/s at frame 1",
        ),
        "impulse": (at("events", 0, "impulse_ns")(2.0), r"events.0.impulse_ns is 2.000, and the momentum of object"),
        "momentum": (slower_after(0.5), r"events.0: objects 1 and 2 together gain 0.\d+ N s of momentum"),
        "interaction": (
            at("quality", "interaction")(False),
            r"quality.interaction is False, and its motion gives True",
        ),
        "path": (at("quality", "path_px", 0)(99.0), r"quality.path_px is \[99.0\], and its motion gives"),
        "who moved": (at("quality", "moved")([1]), r"quality.moved is \[1\], and its motion gives \[1, 2\]"),
        "event normal": (at("events", 0, "normal")([1.0, 1.0, 0.0]), r"events.0.normal is not of unit"),
    }


@pytest.mark.parametrize("name", wrong_records())
def test_a_wrong_record_names_sample_and_fact(tmp_path, samples, synthetic, make, name):
    change, words = wrong_records()[name]
    record = copy.deepcopy(samples[1].record)
    change(record)
    make(tmp_path, [synthetic.change(samples[1], json=record), samples[2]])
    report = verify(tmp_path)
    assert {fault.subject for fault in report.faults} == {samples[1].key}
    assert any(re.search(words, fault.fact) for fault in report.faults), report.faults


def wrong_pictures(sample):
    """Name -> (members to replace, words of the fault they must give)."""
    codes, ids = video.decode_rgb(sample.members["velocity.mkv"]), video.decode_gray(sample.members["segmentation.mkv"])
    rgb = video.decode_rgb(sample.members["mp4"])
    off_by_one, shifted = codes.copy(), np.roll(ids, 20, axis=2)
    frame, y, x = np.argwhere(codes.any(axis=-1))[0]
    off_by_one[frame, y, x, 1] += 1
    crowded = ids.copy()
    crowded[0, 0, 0] = 4
    fps = sample.record["video"]["fps"]
    return {
        "mask": (
            {"velocity_mkv": video.encode_ffv1_rgb(off_by_one, fps)},
            "velocity.mkv is wrong on 1 pixels: at frame 0",
        ),
        "blank mask": ({"velocity_mkv": video.encode_ffv1_rgb(codes * 0, fps)}, "velocity.mkv is wrong on"),
        "lossy mask": ({"velocity_mkv": video.encode_mp4(codes, fps)}, "velocity.mkv is h264 yuv420p, not ffv1 bgr0"),
        "shifted": (
            {"segmentation_mkv": video.encode_ffv1_gray(shifted, fps)},
            "segmentation.mkv differs from what poses and camera give",
        ),
        "unknown id": ({"segmentation_mkv": video.encode_ffv1_gray(crowded, fps)}, "shows object 4, and there are 3"),
        "short": ({"mp4": video.encode_mp4(rgb[:-1], fps)}, "mp4 is (8, 64, 96), not (9, 64, 96)"),
        "small": ({"mp4": video.encode_mp4(rgb[:, :-2], fps)}, "mp4 is (9, 62, 96)"),
        "slow": ({"mp4": video.encode_mp4(rgb, fps + 1)}, "mp4 plays at 13.00"),
        "no video": ({"mp4": b"not a video"}, "mp4 not a video"),
        "other clip": ({"rgb_mkv": video.encode_lossless_rgb(255 - rgb, fps)}, "mp4 and rgb.mkv show different clips"),
        "text": ({"txt": b"Something else."}, "txt is not caption c"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "mask",
        "blank mask",
        "lossy mask",
        "shifted",
        "unknown id",
        "short",
        "small",
        "slow",
        "no video",
        "other clip",
        "text",
    ],
)
def test_wrong_pictures_name_sample_and_fact(tmp_path, samples, synthetic, make, name):
    sample = samples[-1]
    members, words = wrong_pictures(sample)[name]
    make(tmp_path, [synthetic.change(sample, **members), samples[-2]])
    report = verify(tmp_path)
    assert {fault.subject for fault in report.faults} == {sample.key}
    assert any(words in fault.fact for fault in report.faults), report.faults


def test_physics_of_a_stop_and_a_touch_is_accepted(synthetic):
    """A box that stops between two frames, and one struck between two frames, are no faults."""
    record = copy.deepcopy(synthetic.sample("train", 0, contact=False).record)
    fps, deceleration, speed = record["video"]["fps"], 3.0, 1.0
    times = np.arange(record["video"]["frames"]) / fps
    moving = np.minimum(times, speed / deceleration)
    record["ground"]["friction"] = deceleration / 9.81 / record["objects"][0]["friction"]
    body = record["objects"][0]
    body["positions_m"] = np.stack(
        [speed * moving - deceleration * moving**2 / 2, 0 * times, 0.15 + 0 * times], 1
    ).tolist()
    body["velocities_mps"] = np.stack([np.maximum(speed - deceleration * times, 0), 0 * times, 0 * times], 1).tolist()
    assert list(soundness.motion_faults(record)) == []
    assert list(soundness.motion_faults(synthetic.sample("train", 0).record)) == []
