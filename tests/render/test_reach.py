import numpy as np

from kinebench.acceptance import find
from kinebench.annotate.raster import rasterise
from kinebench.render.reach import reach_tiles
from kinebench.scene.pose import to_world

TILE = 8


def test_reach_holds_the_object_and_its_shadow(interactions, grounds):
    """Every pixel of the object, and every point of the ground it hides from the sun, lies in reached tiles."""
    for index in range(3):
        accepted = find(interactions, "train", index, 0, grounds)
        scene, rollout = accepted.scene, accepted.rollout
        frame = scene.frames // 2
        positions, quaternions = rollout.positions_m[frame], rollout.quaternions_wxyz[frame]
        ids = rasterise(scene, rollout).segmentation[frame]
        rng = np.random.default_rng(index)
        for number, body in enumerate(scene.bodies, 1):
            reach = reach_tiles(scene, number, positions, quaternions, TILE)
            pixels = np.kron(reach, np.ones((TILE, TILE), dtype=bool))[: ids.shape[0], : ids.shape[1]]
            assert pixels[ids == number].all()
            inside = (rng.uniform(-1, 1, (400, 3))) * np.array(body.size_m) / 2
            if body.shape == "cylinder":
                inside = inside[np.hypot(inside[:, 0], inside[:, 1]) <= body.size_m[0] / 2]
            solid = to_world(inside, positions[number - 1], quaternions[number - 1])
            sun = np.array(scene.light.sun_direction)
            px, _ = scene.camera.project(solid - solid[:, 2:] / sun[2] * sun)
            x, y = np.floor(px).astype(int).T
            seen = (x >= 0) & (x < ids.shape[1]) & (y >= 0) & (y < ids.shape[0])
            assert pixels[y[seen], x[seen]].all()
            assert reach.mean() < 0.35  # and it is no excuse to render everything
