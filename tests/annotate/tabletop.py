"""Random tabletop scenes, and a simulator of discs on the ground that stands in for Bullet: fast and deterministic.

Load it by path (`tests` is no package), as `test_caption.py` does.
"""

import numpy as np

from kinebench.physics.rollout import Event, Rollout
from kinebench.scene.camera import look_at
from kinebench.scene.scene import Body, Ground, Light, Scene

COLOURS = ("red", "green", "blue", "yellow", "purple", "pink", "white", "gray", "light blue", "orange")
GROUNDS = ("a wooden floor", "a brick ground with patches of green moss", "a grassy ground", "gravel")
STEPS = 8  # a frame
BRAKE_MPS2 = 9.81
PART_S = 0.1


def body(shape, colour, size_m, xy, velocity=(0.0, 0.0), yaw=0.0, mass=1.0, friction=0.4):
    """A body that stands on the ground."""
    return Body(
        shape=shape,
        size_m=size_m,
        colour=colour,
        rgb=(0.5, 0.5, 0.5),
        roughness=0.5,
        mass_kg=mass,
        friction=friction,
        restitution=0.5,
        position_m=(float(xy[0]), float(xy[1]), size_m[2] / 2),
        yaw_rad=yaw,
        velocity_mps=(float(velocity[0]), float(velocity[1]), 0.0),
    )


def scene(bodies, camera, *, frames=49, fps=24, phrase="a wooden floor"):
    """A scene of these bodies."""
    ground = Ground("planks_a", phrase, 1.0, 0.0, (0.0, 0.0), 0.4, 0.5)
    light = Light((0.0, 0.0, 1.0), 3.0, 0.01, (1.0, 1.0, 1.0), 1.0)
    return Scene("toys", "train", 0, 0, 0, frames, fps, tuple(bodies), ground, camera, light)


def random_scene(seed, *, namesakes=0.2, width_px=720, frames=49, fps=24):
    """Three to five bodies of 0.16 to 0.32 m, one or two of them driven at 0.5 to 1.5 m/s, most at another."""
    rng = np.random.default_rng(seed)
    elevation, azimuth, distance = np.radians(rng.uniform(25, 50)), rng.uniform(0, 2 * np.pi), rng.uniform(2, 3)
    towards = [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    camera = look_at(
        distance * np.array(towards),
        np.array([0.0, 0.0, 0.1]),
        width_px=width_px,
        height_px=width_px * 2 // 3,
        field_of_view_rad=0.87,
    )
    spots = _spots(rng, camera, int(rng.integers(3, 6)))
    driven = int(rng.integers(1, 3))
    bodies, names = [], []
    for i, (x, y, size) in enumerate(spots):
        name = (COLOURS[int(rng.integers(10))], ("cube", "cylinder")[int(rng.integers(2))])
        if names and rng.random() < namesakes:
            name = names[int(rng.integers(len(names)))]
        names.append(name)
        velocity = _aim(rng, spots, i) * rng.uniform(0.5, 1.5) if i < driven else np.zeros(2)
        height = size if name[1] == "cube" else size * rng.uniform(0.8, 1.6)
        friction = rng.uniform(0.01, 0.15)
        bodies.append(
            body(
                name[1],
                name[0],
                (size, size, height),
                (x, y),
                velocity,
                yaw=rng.uniform(0, 2 * np.pi),
                mass=size * size * height * rng.uniform(200, 800),
                friction=friction,
            )
        )
    order = rng.permutation(len(bodies))
    phrase = GROUNDS[int(rng.integers(len(GROUNDS)))]
    return scene([bodies[i] for i in order], camera, frames=frames, fps=fps, phrase=phrase)


def _spots(rng, camera, count):
    """Places and sizes (x, y, size) apart from each other and in the image."""
    spots = []
    while len(spots) < count:
        x, y = rng.uniform(-0.8, 0.8, 2)
        size = rng.uniform(0.16, 0.32)
        u, v = camera.project(np.array([x, y, size / 2]))[0] / (camera.width_px, camera.height_px)
        if 0.08 < u < 0.92 and 0.12 < v < 0.88:
            clear = [np.hypot(x - a, y - b) > 0.8 * (size + s) for a, b, s in spots]
            spots += [(x, y, size)] if all(clear) else []
    return spots


def _aim(rng, spots, i):
    """A unit vector (2,), mostly at another body."""
    others = [j for j in range(len(spots)) if j != i]
    x, y, _ = np.subtract(spots[others[int(rng.integers(len(others)))]], spots[i])
    angle = np.arctan2(y, x) + rng.normal(0, 0.2) if rng.random() < 0.8 else rng.uniform(0, 2 * np.pi)
    return np.array([np.cos(angle), np.sin(angle)])


def simulate_discs(scene):
    """The rollout of upright discs as wide as the bodies, with sliding friction and a restitution of 0.3."""
    count, step = len(scene.bodies), 1 / (scene.fps * STEPS)
    radii = np.array([b.size_m[0] / 2 for b in scene.bodies])
    masses = np.array([b.mass_kg for b in scene.bodies])
    brakes = np.array([b.friction for b in scene.bodies]) * BRAKE_MPS2
    place = np.array([b.position_m for b in scene.bodies])
    speed = np.array([b.velocity_mps for b in scene.bodies])
    places, speeds, touches = [place.copy()], [speed.copy()], []
    for k in range(1, (scene.frames - 1) * STEPS + 1):
        length = np.linalg.norm(speed, axis=1, keepdims=True)
        speed *= np.maximum(1 - (brakes[:, None] * step) / np.maximum(length, 1e-12), 0)
        place += speed * step
        for a in range(count):
            for b in range(a + 1, count):
                _collide(place, speed, radii, masses, (a, b), k * step, touches)
        if k % STEPS == 0:
            places.append(place.copy())
            speeds.append(speed.copy())
    yaws = np.array([b.yaw_rad for b in scene.bodies])
    upright = np.stack([np.cos(yaws / 2), 0 * yaws, 0 * yaws, np.sin(yaws / 2)], axis=-1)
    events = tuple(sorted((Event(**t) for t in touches), key=lambda e: (e.time_s, e.a, e.b)))
    return Rollout(
        positions_m=np.array(places),
        quaternions_wxyz=np.tile(upright, (scene.frames, 1, 1)),
        velocities_mps=np.array(speeds),
        angular_velocities_radps=np.zeros((scene.frames, count, 3)),
        events=events,
        penetration_m=0.0,
    )


def _collide(place, speed, radii, masses, pair, time_s, touches):
    """Push two discs apart where they overlap, and write down the touch."""
    a, b = pair
    offset = place[a, :2] - place[b, :2]
    overlap = radii[a] + radii[b] - np.linalg.norm(offset)
    if overlap < 0:
        return
    normal = np.append(offset / np.linalg.norm(offset), 0.0)
    closing = float((speed[b] - speed[a]) @ normal)
    impulse = 1.3 * max(closing, 0.0) / (1 / masses[a] + 1 / masses[b])
    share = masses[b] / (masses[a] + masses[b])
    place[a] += normal * overlap * share
    place[b] -= normal * overlap * (1 - share)
    speed[a] += normal * impulse / masses[a]
    speed[b] -= normal * impulse / masses[b]
    for touch in touches:
        if (touch["a"], touch["b"]) == (a + 1, b + 1) and time_s - touch["end_s"] < PART_S:
            touch["end_s"] = time_s
            touch["impulse_ns"] += impulse
            return
    touches.append(
        {
            "time_s": time_s,
            "end_s": time_s,
            "a": a + 1,
            "b": b + 1,
            "impulse_ns": impulse,
            "closing_speed_mps": max(closing, 0.0),
            "point_m": tuple((place[b] + normal * radii[b]).tolist()),
            "normal": tuple(normal.tolist()),
        }
    )
