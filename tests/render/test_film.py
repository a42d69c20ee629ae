"""Real Blender, in processes of its own: does the composite equal the full frames, and the picture the physics?"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from kinebench.acceptance import find
from kinebench.bench.render import psnr_db, seam_levels
from kinebench.recipe import RenderSpec


def elsewhere(function, *args):
    """Run a function of this module in a fresh process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *args).result()


def accepted(recipe, index, grounds, width=360, height=240):
    """A clip of the full-size recipe, drawn at full size and rendered smaller."""
    found = find(recipe, "train", index, 0, grounds)
    camera = found.scene.camera
    smaller = replace(camera, width_px=width, height_px=height, focal_px=camera.focal_px * width / camera.width_px)
    return replace(found.scene, camera=smaller), found.rollout


def both_ways(scene, rollout, samples, every):
    from kinebench.render.blender import Stage
    from kinebench.render.film import changing_tiles, full_frames
    from kinebench.textures.library import load

    def stage():
        return Stage(scene, load(scene.ground.texture), RenderSpec(samples, "openimagedenoise"))

    def silent(done, total):
        pass

    frames = range(0, scene.frames, every)
    changing = changing_tiles(stage(), scene, rollout, silent)
    return changing, full_frames(stage(), scene, rollout, silent, frames), frames


@pytest.mark.slow
@pytest.mark.parametrize(("index", "movers"), [(0, 1), (3, 3)])
def test_composite_equals_full_frames(interactions, grounds, index, movers):
    from kinebench.render.reach import moving

    scene, rollout = accepted(interactions, index, grounds)
    assert len(moving(rollout)) >= movers
    changing, full, frames = elsewhere(both_ways, scene, rollout, 8, 12)
    for done, frame in enumerate(frames):
        assert psnr_db(changing[frame], full[done]) >= 45
    # Noise averages out over 8x8 pixels; a seam or a missing shadow does not.
    assert seam_levels(changing[:: frames.step], full) < 8


def flat_colours(scene, rollout, frame):
    """Blender's picture with every object a pure light of its own colour: which object covers most of each pixel."""
    import bpy

    from kinebench.render.blender import Stage
    from kinebench.render.window import Window
    from kinebench.textures.library import load

    stage = Stage(scene, load(scene.ground.texture), RenderSpec(32, "none"))
    palette = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1]], dtype=float)
    bpy.context.scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0
    bpy.context.scene.cycles.max_bounces = 0
    bpy.data.objects["sun"].hide_render = True
    for thing in bpy.data.objects:
        if thing.type == "MESH" and thing.pass_index:
            tree = thing.data.materials[0].node_tree
            glow = tree.nodes.new("ShaderNodeEmission")
            glow.inputs["Color"].default_value = (*palette[thing.pass_index], 1)
            tree.links.new(glow.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    stage.place(rollout.positions_m[frame], rollout.quaternions_wxyz[frame])
    stage.show(range(1, len(scene.bodies) + 1))
    picture = stage.render(Window(0, 0, scene.camera.width_px, scene.camera.height_px)).astype(float) / 255
    linear = np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)
    return np.argmin(np.linalg.norm(linear[..., None, :] - palette[: len(scene.bodies) + 1], axis=-1), axis=-1)


def shapes_of_bullet(scene):
    """The scene with every body's size read back from its collision shape."""
    import pybullet as p

    from kinebench.physics.bullet import collision_shape

    client, bodies = p.connect(p.DIRECT), []
    for body in scene.bodies:
        number = p.createMultiBody(1, collision_shape(client, body), physicsClientId=client)
        size = p.getCollisionShapeData(number, -1, physicsClientId=client)[0][3]
        size = size if body.shape == "cube" else (2 * size[1], 2 * size[1], size[0])
        bodies.append(replace(body, size_m=tuple(size)))
    p.disconnect(client)
    return replace(scene, bodies=tuple(bodies))


@pytest.mark.slow
def test_projected_poses_agree_with_the_rendered_picture(interactions, grounds):
    """Collision shapes, posed by the rollout and rasterised by us, against what Blender shows: IoU above 0.97.

    A collider 5 % larger than its mesh fails this.
    """
    from kinebench.annotate.raster import rasterise

    scene, rollout = accepted(interactions, 1, grounds)
    for frame in (0, scene.frames - 1):
        seen = elsewhere(flat_colours, scene, rollout, frame)

        def worst(shapes, frame=frame, seen=seen):
            ids = rasterise(shapes, rollout).segmentation[frame]
            pairs = [(ids == n, seen == n) for n in range(1, len(scene.bodies) + 1) if (ids == n).sum() > 100]
            return min((a & b).sum() / (a | b).sum() for a, b in pairs)

        shapes = shapes_of_bullet(scene)
        assert worst(shapes) > 0.97
        swollen = [replace(b, size_m=tuple(1.05 * s for s in b.size_m)) for b in shapes.bodies]
        assert worst(replace(shapes, bodies=tuple(swollen))) < 0.97
