"""Small samples without renderer or simulator: boxes that slide, drawn as their projected rectangles.

Poses, velocities, events, masks and record agree with each other, as those of a real sample do.
Load it by path (`tests` is no package); see `tests/shards/conftest.py`.
"""

import numpy as np

from kinebench.annotate.velocity import velocity_codes
from kinebench.scene.camera import look_at
from kinebench.shards import record as records
from kinebench.shards import video
from kinebench.shards.sample import MEMBERS, Sample, sample_key

F, H, W, FPS = 9, 64, 96, 12
EDGE_M = 0.3
SLOWING_MPS2 = 0.6
V_MAX_MPS = 1.5
HASH = "a" * 64
SEED = 7
COLOURS = {
    "train": {"red": "#c81e28", "blue": "#1e3cd2", "green": "#28a03c"},
    "test": {"yellow": "#e6c81e", "purple": "#8c28b4", "white": "#ebebeb"},
}
GROUNDS = {"train": ("planks_a", "planks_b"), "test": ("moss_a",)}


def recipe(contact="required", dataset="toys"):
    """Plain recipe content, as `Recipe.record` gives it, with what the shards look at."""
    return {
        "dataset": {"name": dataset, "title": "Toy boxes: a test", "version": "1.0.0", "description": "Sliding boxes."},
        "video": {"frames": F, "fps": FPS, "width": W, "height": H},
        "acceptance": {"contact": contact},
        "splits": {
            name: {"textures": ["planks" if name == "train" else "moss"], "colours": c} for name, c in COLOURS.items()
        },
    }


def packing(contact="required", dataset="toys"):
    """The keyword arguments of `pack` for these samples."""
    return {"dataset": dataset, "recipe": recipe(contact, dataset), "recipe_sha256": HASH, "seed": SEED}


def sample(split="train", index=0, *, contact=True, companions=(), dataset="toys"):
    """One finished sample; the same arguments give the same bytes."""
    rng = np.random.default_rng([index, split == "test", contact])
    camera = _rounded_camera(rng)
    positions, velocities, events = _motion(rng, contact)
    record = _record(dataset, split, index, camera, positions, velocities, events, rng)
    ids = _segmentation(record)
    record["quality"]["visible_px"] = [int((ids[0] == body["id"]).sum()) for body in record["objects"]]
    truth = records.rollout(record)
    codes = velocity_codes(ids, truth.velocities_mps, record["driven"], records.camera(record), V_MAX_MPS)
    rgb = _paint(ids, record, rng)
    members = {
        "mp4": video.encode_mp4(rgb, FPS),
        "velocity.mkv": video.encode_ffv1_rgb(codes, FPS),
        "segmentation.mkv": video.encode_ffv1_gray(ids, FPS),
        "txt": record["captions"]["c"].encode(),
        "json": records.dump(record),
    }
    if "lossless" in companions:
        members["rgb.mkv"] = video.encode_lossless_rgb(rgb, FPS)
    if "depth" in companions:
        members["depth.mkv"] = video.encode_ffv1_gray16(ids.astype(np.uint16) * 257, FPS)
    if "flow" in companions:
        members["flow.mkv"] = video.encode_ffv1_rgb48(rgb.astype(np.uint16) * 257, FPS)
    assert set(MEMBERS) <= set(members)
    return Sample(key=record["key"], members=members, record=record)


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


def _motion(rng, contact):
    """Positions and velocities (F, 3, 3) of a driven box, one in its way or beside it, and one that stands far off."""
    angle = rng.uniform(0, 2 * np.pi)
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
            "recipe_sha256": HASH,
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
            "friction": 0.4,
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
            "path_px": [20.0],
            "visible_px": [],
            "interaction": bool(events),
            "moved": [1, 2] if events else [1],
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
        "friction": 0.5,
        "restitution": 0.3,
        "driven": i == 0,
        "positions_m": positions.tolist(),
        "quaternions_wxyz": [[1.0, 0.0, 0.0, 0.0]] * F,
        "velocities_mps": velocities.tolist(),
        "angular_velocities_radps": [[0.0, 0.0, 0.0]] * F,
    }


def _segmentation(record):
    """Ids (F, H, W): each box fills the middle of its projected outline; nearer boxes hide farther ones."""
    camera, truth = records.camera(record), records.rollout(record)
    corners = np.stack(np.meshgrid(*[[-EDGE_M / 2, EDGE_M / 2]] * 3), -1).reshape(-1, 3)
    ids = np.zeros((F, H, W), np.uint8)
    for frame in range(F):
        order = np.argsort(-camera.project(truth.positions_m[frame])[1])
        for i in order:
            pixels, _ = camera.project(corners + truth.positions_m[frame, i])
            (left, top), (right, bottom) = np.ceil(pixels.min(0)).astype(int), np.floor(pixels.max(0)).astype(int)
            ids[frame, max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = i + 1
    return ids


def _paint(ids, record, rng):
    ground = rng.integers(90, 130, (H // 4, W // 4, 3)).repeat(4, 0).repeat(4, 1)
    colours = np.array([[0, 0, 0]] + [[round(255 * c) for c in body["rgb"]] for body in record["objects"]])
    return np.where((ids == 0)[..., None], ground, colours[ids]).astype(np.uint8)
