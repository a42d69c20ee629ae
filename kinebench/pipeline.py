"""One sample, from seed to encoded members. Runs in a worker process, because it renders."""

import platform
from collections.abc import Callable, Collection
from importlib.metadata import version
from typing import Any

import numpy as np

from kinebench import __version__
from kinebench.acceptance import Accepted, find
from kinebench.annotate import depth, flow
from kinebench.annotate.caption import captions
from kinebench.annotate.normals import normal_codes
from kinebench.annotate.raster import Geometry, rasterise
from kinebench.annotate.tracks import track
from kinebench.annotate.velocity import velocity_codes
from kinebench.recipe import Recipe
from kinebench.record import describe
from kinebench.render.clip import Clip
from kinebench.render.film import film
from kinebench.scene.scene import Scene
from kinebench.shards import record as records
from kinebench.shards import tracks, video
from kinebench.shards.sample import Sample
from kinebench.textures.library import Texture, load
from kinebench.textures.selection import choices

Progress = Callable[[int, int], None]


def make_sample(
    recipe: Recipe, split: str, index: int, seed: int, companions: Collection[str], progress: Progress
) -> Sample:
    """Draw, simulate, accept, render, annotate and encode one sample; `progress(frames done, frames)`."""
    accepted = draw(recipe, split, index, seed)
    texture = ground_of(recipe, accepted.scene)
    clip = film(accepted.scene, accepted.rollout, texture, recipe.render, progress)
    return annotate(recipe, accepted, clip, companions)


def draw(recipe: Recipe, split: str, index: int, seed: int) -> Accepted:
    """The scene of a clip and how it moves: candidates drawn and simulated until one is accepted. No pixel yet."""
    grounds = choices(recipe.split(split).textures, split, recipe.source)
    return find(recipe, split, index, seed, {name: (ground.phrase, ground.tile_m) for name, ground in grounds.items()})


def ground_of(recipe: Recipe, scene: Scene) -> Texture:
    """The maps of a scene's ground, baked if need be."""
    return load(choices(recipe.split(scene.split).textures, scene.split, recipe.source)[scene.ground.texture].where)


def annotate(recipe: Recipe, accepted: Accepted, clip: Clip, companions: Collection[str]) -> Sample:
    """A rendered clip with its masks, captions, record and companions, encoded."""
    words = captions(accepted.scene, accepted.rollout)
    record = describe(recipe, accepted, words, _provenance(recipe, clip))
    geometry = rasterise(accepted.scene, accepted.rollout)
    return Sample(record["key"], _encode(recipe, accepted, clip, geometry, record, companions), record)


def _provenance(recipe: Recipe, clip: Clip) -> dict[str, Any]:
    return {
        "kinebench": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pybullet": version("pybullet"),
        "bpy": version("bpy"),
        "render_samples": recipe.render.samples,
        "denoiser": None if recipe.render.denoiser == "none" else recipe.render.denoiser,
        "device": clip.device,
        "full_frames": recipe.render.full_frames,
    }


def _encode(
    recipe: Recipe,
    accepted: Accepted,
    clip: Clip,
    geometry: Geometry,
    record: dict[str, Any],
    companions: Collection[str],
) -> dict[str, bytes]:
    scene, rollout, fps = accepted.scene, accepted.rollout, recipe.video.fps
    codes = velocity_codes(
        geometry.segmentation, rollout.velocities_mps, scene.driven, scene.camera, recipe.motion.v_max_mps
    )
    members = {
        "mp4": video.encode_mp4(clip.rgb, fps),
        "velocity.mkv": video.encode_ffv1_rgb(codes, fps),
        "segmentation.mkv": video.encode_ffv1_gray(geometry.segmentation, fps),
        "txt": record["captions"]["c"].encode(),
        "json": records.dump(record),
    }
    if "lossless" in companions:
        members["rgb.mkv"] = video.encode_lossless_rgb(clip.rgb, fps)
    if "depth" in companions:
        members["depth.mkv"] = video.encode_ffv1_gray16(depth.encode(geometry.depth_m), fps)
    if "flow" in companions:
        members["forward_flow.mkv"] = video.encode_ffv1_rgb48(flow.forward_codes(scene, rollout, geometry), fps)
        members["backward_flow.mkv"] = video.encode_ffv1_rgb48(flow.backward_codes(scene, rollout, geometry), fps)
    if "normals" in companions:
        members["normals.mkv"] = video.encode_ffv1_rgb48(normal_codes(scene, rollout, geometry), fps)
    if "tracks" in companions:
        members["tracks.json"] = tracks.dump(track(scene, rollout))
    return members
