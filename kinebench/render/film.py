"""A clip, frame by frame, rendering only what changes (DESIGN: plate plus crops).

The image is cut into tiles. What a tile shows is fixed by the poses of the moving objects that reach it; it is rendered
again only when those change. A tile that no moving object reaches shows the plate: the scene without them. So an object
that waits to be struck, or has come to rest, costs nothing.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinebench.physics.rollout import Rollout
from kinebench.recipe import RenderSpec
from kinebench.render.blender import Stage
from kinebench.render.clip import Clip
from kinebench.render.reach import moving, reach_tiles
from kinebench.render.window import Window, cover
from kinebench.scene.scene import Scene
from kinebench.textures.library import Texture

TILE_PX = 8
MARGIN_PX = 4
"""Rendered around each window and thrown away, so that the denoiser sees some context."""
CALL_PX = 250
"""What one render call costs beyond its pixels, in pixels: about 10 ms."""

Progress = Callable[[int, int], None]


def film(
    scene: Scene,
    rollout: Rollout,
    texture: Texture,
    spec: RenderSpec,
    progress: Progress = lambda done, total: None,
    noise_seed: int = 0,
) -> Clip:
    """Render every frame of a rollout; `progress(done, total)` is called after each.

    Datasets have noise seed 0; another gives the same clip with other noise.
    """
    stage = Stage(scene, texture, spec, noise_seed)
    frames = full_frames if spec.full_frames else changing_tiles
    return Clip(frames(stage, scene, rollout, progress), stage.device)


def full_frames(
    stage: Stage, scene: Scene, rollout: Rollout, progress: Progress, only: range | None = None
) -> NDArray[np.uint8]:
    """Every pixel of every frame (F, H, W, 3): the slow reference."""
    frames = only if only is not None else range(len(rollout.positions_m))
    whole = Window(0, 0, scene.camera.width_px, scene.camera.height_px)
    stage.show(range(1, len(scene.bodies) + 1))
    pictures = []
    for done, frame in enumerate(frames, 1):
        stage.place(rollout.positions_m[frame], rollout.quaternions_wxyz[frame])
        pictures.append(stage.render(whole))
        progress(done, len(frames))
    return np.stack(pictures)


def changing_tiles(stage: Stage, scene: Scene, rollout: Rollout, progress: Progress) -> NDArray[np.uint8]:
    """The same frames (F, H, W, 3), rendering a tile only when what reaches it has moved."""
    width, height, frames = scene.camera.width_px, scene.camera.height_px, len(rollout.positions_m)
    everything = range(1, len(scene.bodies) + 1)
    movers = moving(rollout)
    stage.place(rollout.positions_m[0], rollout.quaternions_wxyz[0])
    stage.show(set(everything) - set(movers))
    plate = stage.render(Window(0, 0, width, height))
    stage.show(everything)
    rgb = np.empty((frames, height, width, 3), dtype=np.uint8)
    picture, shown = plate.copy(), None
    if scene.variant is not None:  # the clips of a group start with one and the same frame, whatever moves later
        picture, shown = stage.render(Window(0, 0, width, height)).copy(), _poses_by_tile(scene, rollout, movers, 0)
    for frame in range(frames):
        poses = _poses_by_tile(scene, rollout, movers, frame)
        stage.place(rollout.positions_m[frame], rollout.quaternions_wxyz[frame])
        reached = np.any(poses != 0, axis=0)
        changed = reached if shown is None else np.any(poses != shown, axis=0)
        _paste(picture, plate, changed & ~reached)
        for window in cover(changed & reached, TILE_PX, MARGIN_PX, CALL_PX):
            inside = Window(window.x0, window.y0, min(window.x1, width), min(window.y1, height))
            grown = inside.grown(MARGIN_PX, width, height)
            crop = stage.render(grown)
            picture[inside.y0 : inside.y1, inside.x0 : inside.x1] = crop[
                inside.y0 - grown.y0 : inside.y1 - grown.y0, inside.x0 - grown.x0 : inside.x1 - grown.x0
            ]
        rgb[frame], shown = picture, poses
        progress(frame + 1, frames)
    return rgb


def _poses_by_tile(scene: Scene, rollout: Rollout, movers: list[int], frame: int) -> NDArray[np.int32]:
    """What fixes each tile's content (movers, rows, columns): since which frame an object stands as it does, plus 1.

    0 where the object does not reach the tile.
    """
    layers = []
    poses = np.concatenate([rollout.positions_m, rollout.quaternions_wxyz], axis=-1)
    for number in movers:
        reach = reach_tiles(scene, number, rollout.positions_m[frame], rollout.quaternions_wxyz[frame], TILE_PX)
        since = np.argmax(np.all(poses[:, number - 1] == poses[frame, number - 1], axis=-1))
        layers.append(np.where(reach, since + 1, 0).astype(np.int32))
    rows, columns = -(-scene.camera.height_px // TILE_PX), -(-scene.camera.width_px // TILE_PX)
    return np.array(layers, dtype=np.int32).reshape(len(movers), rows, columns)


def _paste(picture: NDArray[np.uint8], plate: NDArray[np.uint8], tiles: NDArray[np.bool_]) -> None:
    """Put the plate's pixels back into the given tiles."""
    mask = np.kron(tiles, np.ones((TILE_PX, TILE_PX), dtype=bool))[: picture.shape[0], : picture.shape[1]]
    picture[mask] = plate[mask]
