"""A clip from seed to encoded members, rendered both ways: only what changes, and every frame in full as peers do."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kinebench.recipe import load

T = TypeVar("T")

MEASURED_FRAMES = 3
"""Full frames rendered of each clip, evenly spread. All cost nearly the same, so that their mean stands for all."""


@dataclass(frozen=True)
class Cost:
    """What a piece of work took."""

    cpu_s: float  # of the whole process, on all its threads
    wall_s: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.cpu_s + other.cpu_s, self.wall_s + other.wall_s)

    def __mul__(self, times: float) -> "Cost":
        return Cost(self.cpu_s * times, self.wall_s * times)


@dataclass(frozen=True)
class ClipCost:
    """One clip, both ways."""

    dataset: str
    index: int
    device: str  # "CPU", or Blender's name of the GPU back end
    search: Cost  # drawing and simulating candidates until one is accepted
    changing: Cost  # rendering only what changes, scene set-up included
    cycles_cpu_s: float  # of that, inside Cycles
    full: Cost  # set-up, and the mean of the measured full frames times the clip's frames
    finish: Cost  # annotating and encoding
    psnr_db: float  # composite against full frames, over the measured frames
    seam_levels: float  # largest difference of 8x8 block means between the two, in 8-bit levels
    floor_db: float  # two full frames with different sampling seeds

    @property
    def ours(self) -> Cost:
        """The clip from seed to encoded members, rendering only what changes."""
        return self.search + self.changing + self.finish

    @property
    def peers(self) -> Cost:
        """The clip from seed to encoded members, rendering every frame in full."""
        return self.search + self.full + self.finish

    @property
    def cycles_share(self) -> float:
        """Share of our processor time that is spent inside Cycles."""
        return self.cycles_cpu_s / self.ours.cpu_s

    def seconds(self, cost: Cost) -> float:
        """What counts on the device: processor time on a CPU, elapsed time on a GPU."""
        return cost.cpu_s if self.device == "CPU" else cost.wall_s

    @property
    def speed_up(self) -> float:
        """How many times cheaper it is to render only what changes."""
        return self.seconds(self.full) / self.seconds(self.changing)


def measure(datasets: tuple[str, ...], clips: int, processes: int) -> Iterator[ClipCost]:
    """Measure clips 0..clips-1 of each recipe, `processes` at once; yields each as it is ready."""
    work = [(dataset, index) for dataset in datasets for index in range(clips)]
    yield from each_on_a_core(_measure_clip, work, processes)


def each_on_a_core(function: Callable[..., T], work: list[tuple[Any, ...]], processes: int) -> Iterator[T]:
    """Results of `function(*arguments)`, as they come; every call in a fresh process that is tied to one core."""
    context = get_context("spawn")
    started = context.Value("i", 0)
    with ProcessPoolExecutor(processes, context, _pin, (started,), max_tasks_per_child=1) as pool:
        for done in as_completed([pool.submit(function, *arguments) for arguments in work]):
            yield done.result()


def _pin(started: Any) -> None:
    """Give this worker one core: Cycles threads that wander cost twice the CPU time. Blender's chatter goes nowhere."""
    with started.get_lock():
        place, started.value = started.value, started.value + 1
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[place % len(cores)]})
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _measure_clip(dataset: str, index: int) -> ClipCost:
    from kinebench.pipeline import annotate, draw, ground_of
    from kinebench.render.blender import Stage
    from kinebench.render.clip import Clip
    from kinebench.render.film import changing_tiles, full_frames

    recipe = load(dataset)
    found, search = timed(lambda: draw(recipe, "train", index, 0))
    scene, rollout, texture = found.scene, found.rollout, ground_of(recipe, found.scene)
    frames = range(scene.frames // 6, scene.frames, scene.frames // MEASURED_FRAMES)

    def stage(noise_seed: int) -> Stage:
        return Stage(scene, texture, recipe.render, noise_seed)

    stage(0)  # Blender's own start, once a worker
    tiles, set_up = timed(lambda: stage(0))
    changing, rendering = timed(lambda: changing_tiles(tiles, scene, rollout, _silent))
    cycles_cpu_s, device = tiles.cycles_cpu_s, tiles.device
    _, finish = timed(lambda: annotate(recipe, found, Clip(changing, device), ()))
    whole = stage(0)
    full, full_cost = timed(lambda: full_frames(whole, scene, rollout, _silent, frames))
    other = full_frames(stage(1), scene, rollout, _silent, frames[:1])
    return ClipCost(
        dataset=dataset,
        index=index,
        device=device,
        search=search,
        changing=set_up + rendering,
        cycles_cpu_s=cycles_cpu_s,
        full=set_up + full_cost * (scene.frames / len(frames)),
        finish=finish,
        psnr_db=psnr_db(changing[frames.start :: frames.step], full),
        seam_levels=seam_levels(changing[frames.start :: frames.step], full),
        floor_db=psnr_db(other, full[:1]),
    )


def _silent(done: int, total: int) -> None:
    pass


def timed(work: Callable[[], T]) -> tuple[T, Cost]:
    """What `work` returns, and what it took."""
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    result = work()
    return result, Cost(time.process_time() - cpu_s, time.perf_counter() - wall_s)


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
