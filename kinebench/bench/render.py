"""Rendering only what changes against rendering every frame in full, on the same clips in the same run."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kinebench.recipe import Recipe, load

T = TypeVar("T")

MEASURED_FRAMES = 3
"""Full frames rendered of each clip, evenly spread. All cost nearly the same, so that their mean stands for all."""


@dataclass(frozen=True)
class ClipCost:
    """One clip, both ways, on one core. CPU seconds are of the whole process, scene set-up included."""

    dataset: str
    index: int
    changing_cpu_s: float
    full_cpu_s: float  # set-up, and the mean of the measured frames times the clip's frames
    psnr_db: float  # composite against full frames, over the measured frames
    seam_levels: float  # largest difference of 8x8 block means between the two, in 8-bit levels
    floor_db: float  # two full frames with different sampling seeds

    @property
    def speed_up(self) -> float:
        """How many times cheaper it is to render only what changes."""
        return self.full_cpu_s / self.changing_cpu_s


def measure(datasets: tuple[str, ...], clips: int, processes: int) -> Iterator[ClipCost]:
    """Measure clips 0..clips-1 of each recipe, `processes` at once; yields each as it is ready."""
    context = get_context("spawn")
    started = context.Value("i", 0)
    with ProcessPoolExecutor(processes, context, _pin, (started,), max_tasks_per_child=1) as pool:
        work = [pool.submit(_measure_clip, dataset, index) for dataset in datasets for index in range(clips)]
        for done in as_completed(work):
            yield done.result()


def _pin(started: Any) -> None:
    """Give this worker one core: Cycles threads that wander cost twice the CPU time. Blender's chatter goes nowhere."""
    with started.get_lock():
        place, started.value = started.value, started.value + 1
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[place % len(cores)]})
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _measure_clip(dataset: str, index: int) -> ClipCost:
    from kinebench.acceptance import find
    from kinebench.render.blender import Stage
    from kinebench.render.film import changing_tiles, full_frames
    from kinebench.textures.library import load as load_texture
    from kinebench.textures.selection import choices

    recipe: Recipe = load(dataset)
    grounds = choices(recipe.split("train").textures, "train", recipe.source)
    found = find(recipe, "train", index, 0, {name: (g.phrase, g.tile_m) for name, g in grounds.items()})
    scene, rollout = found.scene, found.rollout
    texture = load_texture(grounds[scene.ground.texture].where)
    frames = range(scene.frames // 6, scene.frames, scene.frames // MEASURED_FRAMES)

    def stage(noise_seed: int) -> Stage:
        return Stage(scene, texture, recipe.render, noise_seed)

    changing, changing_cpu_s = _timed(lambda: changing_tiles(stage(0), scene, rollout, _silent))
    full_stage, set_up_cpu_s = _timed(lambda: stage(0))
    full, full_cpu_s = _timed(lambda: full_frames(full_stage, scene, rollout, _silent, frames))
    other = full_frames(stage(1), scene, rollout, _silent, frames[:1])
    return ClipCost(
        dataset=dataset,
        index=index,
        changing_cpu_s=changing_cpu_s,
        full_cpu_s=set_up_cpu_s + full_cpu_s / len(frames) * scene.frames,
        psnr_db=psnr_db(changing[frames.start :: frames.step], full),
        seam_levels=seam_levels(changing[frames.start :: frames.step], full),
        floor_db=psnr_db(other, full[:1]),
    )


def _silent(done: int, total: int) -> None:
    pass


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of 8-bit pictures over all their pixels."""
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def seam_levels(a: NDArray[np.uint8], b: NDArray[np.uint8], block_px: int = 8) -> float:
    """Largest difference of block means of two clips (F, H, W, 3): what averages out is noise, what stays is a seam."""
    difference = a.astype(np.float64) - b
    frames, height, width, _ = difference.shape
    rows, columns = height // block_px, width // block_px
    blocks = difference[:, : rows * block_px, : columns * block_px].reshape(
        frames, rows, block_px, columns, block_px, 3
    )
    return float(np.abs(blocks.mean(axis=(2, 4, 5))).max())
