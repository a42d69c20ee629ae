"""Random objects in random poses, and a second opinion on what a camera sees of them.

Poses are tossed, not simulated: toppled, lying, cut by the border, hidden, in each other, partly behind the camera.
The second opinion shares no code with the package: quaternions by their product, surfaces as implicit functions and as
triangles. Load it by path (`tests` is no package), as `test_flow.py` does.
"""

import numpy as np

from kinebench.physics.rollout import Rollout
from kinebench.scene.camera import look_at
from kinebench.scene.scene import Body, Ground, Light, Scene

W, H, F = 144, 96, 3
SIDES = 64  # of the polygon that stands for a circle: it leaves the circle by 0.12 % of the radius


def body(rng, shape=None):
    shape = shape or str(rng.choice(["cube", "cylinder"]))
    x, y, z = rng.uniform(0.2, 0.6, 3)
    size = (x, y, z) if shape == "cube" else (x, x, z)
    return Body(shape, size, "red", (1.0, 0.0, 0.0), 0.5, 1.0, 0.4, 0.3, (0.0, 0.0, size[2] / 2), 0.0, (0.0, 0.0, 0.0))


def scene(bodies, camera, frames=F):
    ground = Ground("planks_a", "a wooden floor", 1.0, 0.0, (0.0, 0.0), 0.4, 0.5)
    light = Light((0.0, 0.0, 1.0), 3.0, 0.01, (1.0, 1.0, 1.0), 1.0)
    return Scene("toys", "train", 0, 0, 0, frames, 24, tuple(bodies), ground, camera, light)


def rollout(positions, quaternions):
    zero = np.zeros_like(positions)
    return Rollout(positions, quaternions, zero, zero, (), 0.0)


def camera(rng, width=W, height=H):
    """It looks down at the middle, from near or far, now and then past the horizon."""
    angle, distance, up = rng.uniform(0, 2 * np.pi), rng.uniform(0.9, 2.2), rng.uniform(0.4, 1.6)
    place = np.array([distance * np.cos(angle), distance * np.sin(angle), up])
    target = np.array([*rng.uniform(-0.2, 0.2, 2), rng.uniform(-0.3, 0.4)])
    return look_at(place, target, width_px=width, height_px=height, field_of_view_rad=rng.uniform(0.7, 1.2))


def world(seed, count=5):
    """A scene of `count` objects over F frames: some still, some a little further each frame, some only at the last."""
    rng = np.random.default_rng(seed)
    eye = camera(rng)
    bodies = [body(rng) for _ in range(count)]
    positions = np.stack([rng.uniform((-0.8, -0.8, 0.0), (0.8, 0.8, 0.5), (count, 3))] * F)
    quaternions = np.stack([toss(rng, 1.0, b) for b in bodies])[None].repeat(F, axis=0)
    for i in range(count):
        if rng.uniform() < 0.3:  # stands still
            continue
        step, turn = rng.normal(0, 0.03, 3), toss(rng, 0.04)
        for frame in range(int(rng.choice([1, 1, F - 1])), F):
            positions[frame, i] = positions[frame - 1, i] + step
            quaternions[frame, i] = product(turn, quaternions[frame - 1, i])
    return scene(bodies, eye), rollout(positions, quaternions)


def behind(seed):
    """A world whose first object reaches behind the camera, which stands outside it."""
    place, motion = world(seed)
    eye, thing = place.camera, place.bodies[0]
    right, _, forward = np.array(eye.rotation)
    for aside in np.arange(0.05, 1.0, 0.01):
        for frame in range(F):
            motion.positions_m[frame, 0] = position(eye) + (aside + 0.02 * frame) * right + 0.1 * forward
        if min(implicit(thing, into_body(position(eye)[None], motion, frame, 1))[0] for frame in range(F)) > 0.01:
            break
    return place, motion


def toss(rng, share=1.0, thing=None):
    """A random turn, unit quaternion (4,); half of all cylinders lie. A small `share` is a small turn."""
    if thing is not None and thing.shape == "cylinder" and rng.uniform() < 0.5:
        angle = rng.uniform(0, 2 * np.pi)
        return product(about((0, 0, 1), angle), about((1, 0, 0), np.pi / 2))
    axis = rng.normal(size=3)
    return about(axis / np.linalg.norm(axis), share * rng.uniform(-np.pi, np.pi))


def about(axis, angle):
    return np.array([np.cos(angle / 2), *(np.sin(angle / 2) * np.array(axis, dtype=float))])


def product(a, b):
    """Hamilton product of quaternions (..., 4)."""
    aw, av, bw, bv = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    w = aw * bw - np.sum(av * bv, axis=-1, keepdims=True)
    return np.concatenate([w, aw * bv + bw * av + np.cross(av, bv)], axis=-1)


def turned(points, quaternion):
    """Points (..., 3) turned by q p q*."""
    pure = np.concatenate([np.zeros((*points.shape[:-1], 1)), points], axis=-1)
    return product(product(np.broadcast_to(quaternion, pure.shape), pure), quaternion * [1, -1, -1, -1])[..., 1:]


def into_world(points, motion, frame, number):
    return turned(points, motion.quaternions_wxyz[frame, number - 1]) + motion.positions_m[frame, number - 1]


def into_body(points, motion, frame, number):
    back = motion.quaternions_wxyz[frame, number - 1] * [1, -1, -1, -1]
    return turned(points - motion.positions_m[frame, number - 1], back)


def position(eye):
    return -np.array(eye.rotation).T @ np.array(eye.translation_m)


def projected(eye, points):
    """Pixels (n, 2) of world points, by the full matrix of the camera."""
    f, (cx, cy) = eye.focal_px, (eye.width_px / 2, eye.height_px / 2)
    matrix = np.array([[f, 0, cx], [0, f, cy], [0, 0, 1]]) @ np.column_stack([eye.rotation, eye.translation_m])
    hom = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return hom[:, :2] / hom[:, 2:]


def lifted(eye, px, depth_m):
    """World points (n, 3) at pixel positions (n, 2) and depths (n,)."""
    f, (cx, cy) = eye.focal_px, (eye.width_px / 2, eye.height_px / 2)
    local = np.column_stack([(px[:, 0] - cx) / f, (px[:, 1] - cy) / f, np.ones(len(px))]) * np.asarray(depth_m)[:, None]
    return np.linalg.solve(np.array(eye.rotation), (local - np.array(eye.translation_m)).T).T


def pictured(place, motion, geometry, frame, number):
    """Where an object shows: rows, columns (n,) and the body's points there (n, 3), from ids and depth alone."""
    y, x = np.nonzero(geometry.segmentation[frame] == number)
    points = lifted(place.camera, np.column_stack([x, y]) + 0.5, geometry.depth_m[frame, y, x].astype(float))
    return y, x, into_body(points, motion, frame, number)


def implicit(thing, points):
    """Signed function (n,) of a body's shape, metres: 0 on the surface, negative inside."""
    half, local = np.array(thing.size_m) / 2, np.abs(points)
    if thing.shape == "cube":
        return (local - half).max(axis=-1)
    return np.maximum(np.hypot(local[:, 0], local[:, 1]) - half[0], local[:, 2] - half[2])


def gradient(thing, points, step=1e-6):
    """Its gradient (n, 3) by central differences: the outward normal, off the edges."""
    ahead = [implicit(thing, points + step * e) - implicit(thing, points - step * e) for e in np.eye(3)]
    return np.stack(ahead, axis=-1) / (2 * step)


def edge_gap(thing, points):
    """Distance (n,) of surface points to the nearest edge of their face, metres, about."""
    half, local = np.array(thing.size_m) / 2, np.abs(points)
    if thing.shape == "cube":
        return np.sort(half - local, axis=-1)[:, 1]
    return np.abs(half[0] - np.hypot(local[:, 0], local[:, 1])) + np.abs(half[2] - local[:, 2])


def triangles(thing, scale=1.0):
    """The surface as triangles (m, 3, 3) in the body's frame."""
    half = scale * np.array(thing.size_m) / 2
    sides = 4 if thing.shape == "cube" else SIDES
    turns = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    ring = np.column_stack([np.cos(turns), np.sin(turns)]) * (np.sqrt(2) if sides == 4 else 1.0)
    low, high = (np.column_stack([ring, np.full(sides, z)]) * half for z in (-1.0, 1.0))
    after = np.roll(np.arange(sides), -1)
    faces = [np.stack([low, low[after], high], 1), np.stack([high, low[after], high[after]], 1)]
    faces += [np.stack([ring, ring[after], np.tile(ring.mean(axis=0), (sides, 1))], 1) for ring in (low, high)]
    return np.concatenate(faces)


def first_hit(corners, origin, directions):
    """Smallest t > 0 (n,) at which origin + t direction meets a triangle; inf where none. Solves for t and the two
    barycentric coordinates, in chunks."""
    a, b, c = corners.transpose(1, 0, 2)
    out = np.full(len(directions), np.inf)
    for start in range(0, len(directions), 2000):
        d = directions[start : start + 2000]
        # Columns -d, b - a, c - a; Cramer's rule.
        normal = np.cross(b - a, c - a)
        det = -d @ normal.T
        s = origin - a
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.einsum("mi,mi->m", s, normal)[None] / det
            across = np.cross(d[:, None], s[None])
            u = -np.einsum("nmi,mi->nm", across, c - a) / det
            v = np.einsum("nmi,mi->nm", across, b - a) / det
        hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (t > 0)
        out[start : start + 2000] = np.where(hit, t, np.inf).min(axis=1)
    return out


def blocked(place, motion, frame, points, scales):
    """Whether the straight line from the camera to each world point (n, 3) meets a body; `scales` sizes each one."""
    eye = position(place.camera)
    out = points[:, 2] <= 0
    for number, (thing, scale) in enumerate(zip(place.bodies, scales, strict=True), 1):
        here = into_body(np.vstack([eye, points]), motion, frame, number)
        out |= first_hit(triangles(thing, scale), here[0], here[1:] - here[0]) < 1
    return out


def sight(place, motion, frame, number, points):
    """What the camera surely sees and surely does not see of an object's surface points (n, 3), body's frame.

    Two masks: with everything a little larger and the point a little off its surface, it still shows; with everything
    a little smaller it is still hidden. Points in neither, or seen along their face, or near its edges, are too close
    to call.
    """
    others = np.ones(len(place.bodies))
    mine = number - 1
    px = projected(place.camera, into_world(points, motion, frame, number))
    depth = (into_world(points, motion, frame, number) - position(place.camera)) @ np.array(place.camera.rotation)[2]
    size = np.array([place.camera.width_px, place.camera.height_px])
    inside = (depth > 0) & np.all((px >= 0) & (px < size), axis=-1)
    larger, smaller = 1.01 * others, 0.99 * others
    larger[mine], smaller[mine] = 1.003, 0.995
    lifted_off = into_world(1.006 * points, motion, frame, number)
    shows = inside & ~blocked(place, motion, frame, lifted_off, larger)
    hidden = ~inside | blocked(place, motion, frame, into_world(points, motion, frame, number), smaller)
    ray = points - into_body(position(place.camera)[None], motion, frame, number)
    slant = np.einsum("ni,ni->n", gradient(place.bodies[mine], points), ray) / np.linalg.norm(ray, axis=-1)
    sure = (np.abs(slant) > 0.1) & (edge_gap(place.bodies[mine], points) > 0.008)
    return shows & ~hidden & sure, hidden & ~shows & sure


def bilinear(picture, px):
    """Values (n, ...) of a picture (H, W, ...) between the four pixel centres about each position (n, 2)."""
    x, y = (px - 0.5).T
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = ((v - v0).reshape(-1, *[1] * (picture.ndim - 2)) for v, v0 in ((x, x0), (y, y0)))
    top = picture[y0, x0] * (1 - fx) + picture[y0, x0 + 1] * fx
    return top * (1 - fy) + (picture[y0 + 1, x0] * (1 - fx) + picture[y0 + 1, x0 + 1] * fx) * fy


def surrounded(labels, px):
    """Whether the four pixel centres about each position (n, 2) are in the picture (H, W) and share one label.

    Returns (mask (n,), label (n,)).
    """
    x0, y0 = np.floor(px - 0.5).astype(int).T
    height, width = labels.shape
    good = (x0 >= 0) & (y0 >= 0) & (x0 + 1 < width) & (y0 + 1 < height)
    x0, y0 = np.where(good, x0, 0), np.where(good, y0, 0)
    four = np.stack([labels[y0 + dy, x0 + dx] for dy in (0, 1) for dx in (0, 1)])
    return good & np.all(four == four[0], axis=0), four[0]
