"""Small samples without renderer or simulator: boxes that slide, painted in flat colours.

Poses, velocities, events, pictures and record agree with each other and with the recipe, as those of a real sample do.
Load it by path (`tests` is no package); see `tests/conftest.py`.
"""

import numpy as np

from kinebench import recipe as recipes
from kinebench.acceptance import MOVED_PX, judge, wants_interaction
from kinebench.annotate import depth, flow
from kinebench.annotate.normals import normal_codes
from kinebench.annotate.raster import rasterise
from kinebench.annotate.tracks import track
from kinebench.annotate.velocity import velocity_codes
from kinebench.scene.camera import look_at
from kinebench.scene.pose import yaw_quaternion
from kinebench.shards import record as records
from kinebench.shards import tracks, video
from kinebench.shards.sample import MEMBERS, Sample, sample_key

F, H, W, FPS = 9, 64, 96, 12
EDGE_M = 0.3
SLOWING_MPS2 = 0.6
V_MAX_MPS = 1.5
FRICTION = 0.5
SEED = 7
COLOURS = {
    "train": {"red": "#c81e28", "blue": "#1e3cd2", "green": "#28a03c"},
    "test": {"yellow": "#e6c81e", "purple": "#8c28b4", "white": "#ebebeb"},
}
GROUNDS = {"train": ("planks_a", "planks_b"), "test": ("moss_a",)}


def recipe(contact="required", dataset="toys"):
    """A whole recipe, as `Recipe.record` gives it."""
    rules = {"interaction_share": 0.8, "struck_path_px": 1.0, "near_miss_m": 0.5} if contact == "required" else {}
    return {
        "dataset": {"name": dataset, "title": "Toy boxes: a test", "version": "1.0.0", "description": "Sliding boxes."},
        "video": {"frames": F, "fps": FPS, "width": W, "height": H},
        "objects": {
            "count": [3, 3],
            "driven": [1, 1],
            "cylinder_share": 0.0,
            "cube_edge_m": [0.2, 0.4],
            "cylinder_diameter_m": [0.2, 0.4],
            "cylinder_height_m": [0.2, 0.4],
            "mass_kg": [0.4, 0.6],
            "friction": [0.4, 0.6],
            "restitution": [0.2, 0.4],
            "roughness": [0.5, 0.7],
        },
        "motion": {"speed_mps": [0.9, 1.3], "v_max_mps": V_MAX_MPS},
        "ground": {"friction": [0.1, 0.2], "restitution": [0.0, 0.2]},
        "camera": {
            "distance_m": [3.0, 3.3],
            "elevation_deg": [35, 45],
            "field_of_view_deg": [50, 53],
            "target_jitter_m": 0.01,
        },
        "light": {
            "sun_elevation_deg": [50, 60],
            "sun_strength": [2.0, 4.0],
            "sun_angle_deg": [0.5, 1.0],
            "sky_strength": [0.5, 1.5],
        },
        "render": {"samples": 1, "denoiser": "none", "full_frames": False},
        "acceptance": {
            "contact": contact,
            "min_gap_m": 0.04,
            "min_path_px": 1.0,
            "min_visible_px": 4,
            "border_px": 0,
            "max_penetration_m": 0.005,
            "max_attempts": 10,
            **rules,
        },
        "splits": {name: {"textures": list(GROUNDS[name]), "colours": c} for name, c in COLOURS.items()},
    }


def recipe_hash(contact="required", dataset="toys"):
    """What the recipe's samples say in their provenance."""
    return recipes.parse(recipe(contact, dataset), "synthetic").sha256


HASH = recipe_hash()


def packing(contact="required", dataset="toys"):
    """The keyword arguments of `pack` for these samples."""
    return {
        "dataset": dataset,
        "recipe": recipe(contact, dataset),
        "recipe_sha256": recipe_hash(contact, dataset),
        "seed": SEED,
    }


def sample(split="train", index=0, *, contact=None, companions=(), dataset="toys", rule="required"):
    """One finished sample; the same arguments give the same bytes. Contact by default where the recipe wants it."""
    chosen = recipes.parse(recipe(rule, dataset), "synthetic")
    if contact is None:
        contact = rule == "required" and wants_interaction(chosen.acceptance, index)
    rng = np.random.default_rng([index, split == "test", contact])
    camera = _rounded_camera(rng)
    angle = rng.uniform(0, 2 * np.pi)
    positions, velocities, events = _motion(rng, contact, angle)
    record = _record(dataset, split, index, camera, positions, velocities, events, rng)
    for body in record["objects"]:
        body["quaternions_wxyz"] = np.tile(yaw_quaternion(angle), (F, 1)).round(6).tolist()
    record["provenance"]["recipe_sha256"] = chosen.sha256
    scene, rollout = records.scene(record), records.rollout(record)
    geometry = rasterise(scene, rollout)
    record["quality"] |= _quality(chosen, scene, rollout, geometry)
    codes = velocity_codes(geometry.segmentation, rollout.velocities_mps, scene.driven, scene.camera, V_MAX_MPS)
    rgb = _paint(geometry.segmentation, record, rng)
    members = {
        "mp4": video.encode_mp4(rgb, FPS),
        "velocity.mkv": video.encode_ffv1_rgb(codes, FPS),
        "segmentation.mkv": video.encode_ffv1_gray(geometry.segmentation, FPS),
        "txt": record["captions"]["c"].encode(),
        "json": records.dump(record),
        **_companions(companions, rgb, scene, rollout, geometry),
    }
    assert set(MEMBERS) <= set(members)
    return Sample(key=record["key"], members=members, record=record)


def _companions(names, rgb, scene, rollout, geometry):
    members = {}
    if "lossless" in names:
        members["rgb.mkv"] = video.encode_lossless_rgb(rgb, FPS)
    if "depth" in names:
        members["depth.mkv"] = video.encode_ffv1_gray16(depth.encode(geometry.depth_m), FPS)
    if "flow" in names:
        members["forward_flow.mkv"] = video.encode_ffv1_rgb48(flow.forward_codes(scene, rollout, geometry), FPS)
        members["backward_flow.mkv"] = video.encode_ffv1_rgb48(flow.backward_codes(scene, rollout, geometry), FPS)
    if "normals" in names:
        members["normals.mkv"] = video.encode_ffv1_rgb48(normal_codes(scene, rollout, geometry), FPS)
    if "tracks" in names:
        members["tracks.json"] = tracks.dump(track(scene, rollout))
    return members


def _quality(chosen, scene, rollout, geometry):
    """What follows from the motion, also where the recipe would not accept it."""
    judged = judge(chosen.acceptance, scene, rollout)
    pixels, _ = scene.camera.project(rollout.positions_m)
    path_px = np.linalg.norm(np.diff(pixels, axis=0), axis=-1).sum(axis=0)
    return {
        "path_px": [round(float(path_px[i - 1]), 2) for i in scene.driven],
        "visible_px": np.bincount(geometry.segmentation[0].ravel(), minlength=4)[1:].tolist(),
        "interaction": bool(rollout.events) if isinstance(judged, str) else judged.interaction,
        "moved": [i for i, path in enumerate(path_px, 1) if path >= MOVED_PX],
    }


def change(original, **members):
    """A copy of a sample with other members; `json=` takes a record, `velocity_mkv=` stands for "velocity.mkv"."""
    replaced = {name.replace("_mkv", ".mkv"): data for name, data in members.items()}
    record = replaced.get("json", original.record)
    replaced["json"] = records.dump(record)
    return Sample(key=original.key, members=original.members | replaced, record=record)


def _rounded_camera(rng):
    angle = rng.uniform(0, 2 * np.pi)
    position = np.array([2.4 * np.cos(angle), 2.4 * np.sin(angle), 2.0])
    return look_at(position, np.zeros(3), width_px=W, height_px=H, field_of_view_rad=0.9)


def _motion(rng, contact, angle):
    """Positions and velocities (F, 3, 3) of a driven box, one in its way or beside it, and one that stands far off."""
    along, aside = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0])
    speed, start = rng.uniform(0.9, 1.3), -0.55
    gap = 0.17 if contact else 9.0
    hit_s = (speed - np.sqrt(speed**2 - 2 * SLOWING_MPS2 * gap)) / SLOWING_MPS2 if contact else 9.0
    times = np.arange(F) / FPS
    before, after = np.minimum(times, hit_s), np.maximum(times - hit_s, 0)
    hit_speed = speed - SLOWING_MPS2 * hit_s
    way = [speed * before - SLOWING_MPS2 * before**2 / 2, hit_speed * after - SLOWING_MPS2 * after**2 / 2]
    rate = [
        np.where(times < hit_s, speed - SLOWING_MPS2 * times, 0),
        np.where(times < hit_s, 0, hit_speed - SLOWING_MPS2 * after),
    ]
    if not contact:
        way[1], rate[1] = np.zeros(F), np.zeros(F)
    rest = start + gap + EDGE_M if contact else 0.5
    base = [start * along, rest * along + (0 if contact else 0.45) * aside, 0.2 * along - 0.75 * aside]
    up = np.array([0, 0, EDGE_M / 2])
    positions = np.stack([base[i] + up + (way[i][:, None] * along if i < 2 else np.zeros((F, 3))) for i in range(3)], 1)
    velocities = np.stack([rate[i][:, None] * along if i < 2 else np.zeros((F, 3)) for i in range(3)], 1)
    point = (start + gap + EDGE_M / 2) * along + up
    events = [
        {
            "time_s": round(hit_s, 6),
            "end_s": round(hit_s + 0.01, 6),
            "frame": int(np.ceil(hit_s * FPS)),
            "a": 1,
            "b": 2,
            "impulse_ns": round(0.5 * hit_speed, 6),
            "closing_speed_mps": round(hit_speed, 6),
            "point_m": point.round(6).tolist(),
            "normal": (-along).round(6).tolist(),
        }
    ]
    return positions.round(6), velocities.round(6), events if contact else []


def _record(dataset, split, index, camera, positions, velocities, events, rng):
    names = rng.permutation(list(COLOURS[split])).tolist()
    objects = [_body(i, split, names[i], positions[:, i], velocities[:, i]) for i in range(3)]
    first = objects[0]["name"]
    outcome = f" and strikes the {objects[1]['name']}" if events else ""
    return {
        "schema_version": 1,
        "key": sample_key(dataset, split, index),
        "dataset": dataset,
        "split": split,
        "index": index,
        "provenance": {
            "kinebench": "0.1.0",
            "seed": SEED,
            "attempt": index % 3,
            **dict.fromkeys(("python", "numpy", "pybullet", "bpy"), "0"),
            "render_samples": 1,
            "denoiser": None,
            "device": "CPU",
            "full_frames": False,
        },
        "video": {"frames": F, "fps": FPS, "width": W, "height": H},
        "camera": {
            "focal_px": round(camera.focal_px, 6),
            "rotation": np.array(camera.rotation).round(6).tolist(),
            "translation_m": np.array(camera.translation_m).round(6).tolist(),
        },
        "light": {
            "sun_direction": [0.0, 0.6, 0.8],
            "sun_strength": 3.0,
            "sun_angle_rad": 0.01,
            "sky_rgb": [0.5, 0.6, 0.8],
            "sky_strength": 1.0,
        },
        "ground": {
            "texture": GROUNDS[split][index % len(GROUNDS[split])],
            "phrase": "a wooden floor",
            "tile_m": 1.0,
            "yaw_rad": 0.3,
            "offset_m": [0.1, 0.2],
            "friction": round(SLOWING_MPS2 / 9.81 / FRICTION, 6),
            "restitution": 0.1,
        },
        "velocity": {"frame": "ground", "v_max_mps": V_MAX_MPS},
        "objects": objects,
        "events": events,
        "driven": [1],
        "captions": {"c0": f"The {first} starts to move.", "c": f"The {first} moves{outcome}."},
        "quality": {
            "rejected": index % 3,
            "penetration_m": 0.0001,
        },
    }


def _body(i, split, colour, positions, velocities):
    code = COLOURS[split][colour]
    return {
        "id": i + 1,
        "name": f"{colour} cube",
        "shape": "cube",
        "size_m": [EDGE_M] * 3,
        "colour": colour,
        "rgb": [round(int(code[j : j + 2], 16) / 255, 6) for j in (1, 3, 5)],
        "roughness": 0.6,
        "mass_kg": 0.5,
        "friction": FRICTION,
        "restitution": 0.3,
        "driven": i == 0,
        "positions_m": positions.tolist(),
        "velocities_mps": velocities.tolist(),
        "angular_velocities_radps": [[0.0, 0.0, 0.0]] * F,
    }


def _paint(ids, record, rng):
    ground = rng.integers(90, 130, (H // 4, W // 4, 3)).repeat(4, 0).repeat(4, 1)
    colours = np.array([[0, 0, 0]] + [[round(255 * c) for c in body["rgb"]] for body in record["objects"]])
    return np.where((ids == 0)[..., None], ground, colours[ids]).astype(np.uint8)
