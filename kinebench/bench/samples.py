"""Samples and denoiser: error against a picture of many samples, and time, for the choice of the recipes' default."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kinebench.bench.render import each_on_a_core, psnr_db
from kinebench.recipe import load

REFERENCE_SAMPLES = 512
REFERENCE_SEED = 99
"""Another sampling seed than that of the measured pictures: with the same one, they would share noise."""


@dataclass(frozen=True)
class Setting:
    """What Cycles does for a pixel."""

    samples: int
    denoiser: str  # "none", "OIDN" as KineBench sets it, "OIDN, fast", or "OIDN, Blender's" with its prefilter


SETTINGS = (
    *(Setting(samples, "none") for samples in (4, 8, 16, 32, 64)),
    *(Setting(samples, "OIDN") for samples in (2, 4, 8, 12, 16, 24, 32, 64)),
    *(Setting(samples, "OIDN, fast") for samples in (8, 16, 32)),
    *(Setting(samples, "OIDN, Blender's") for samples in (8, 16, 64)),
)


@dataclass(frozen=True)
class PictureCost:
    """One picture with one setting."""

    dataset: str
    index: int
    setting: Setting
    default: bool  # what the recipe asks for
    cpu_s: float  # of a full frame, set-up and first synchronisation left out
    psnr_db: float  # against the reference
    objects_db: float  # the same, on the objects only
    ground_db: float


def measure(
    datasets: tuple[str, ...],
    pictures: int,
    processes: int,
    settings: tuple[Setting, ...] = SETTINGS,
    reference_samples: int = REFERENCE_SAMPLES,
) -> Iterator[list[PictureCost]]:
    """The middle frames of clips 0..pictures-1 of each recipe, with every setting; yields each as it is ready."""
    work = [(dataset, index, settings, reference_samples) for dataset in datasets for index in range(pictures)]
    yield from each_on_a_core(_measure_picture, work, processes)


def _measure_picture(
    dataset: str, index: int, settings: tuple[Setting, ...], reference_samples: int
) -> list[PictureCost]:
    from kinebench.annotate.raster import rasterise
    from kinebench.pipeline import draw, ground_of
    from kinebench.render.blender import BLENDERS, OURS, Denoising, Stage
    from kinebench.render.window import Window

    recipe = load(dataset)
    found = draw(recipe, "train", index, 0)
    scene, rollout, texture = found.scene, found.rollout, ground_of(recipe, found.scene)
    frame, whole = scene.frames // 2, Window(0, 0, scene.camera.width_px, scene.camera.height_px)
    objects = rasterise(scene, rollout).segmentation[frame] > 0
    denoising = {"OIDN": OURS, "OIDN, fast": Denoising("FAST", "NONE"), "OIDN, Blender's": BLENDERS}

    def stage(setting: Setting, noise_seed: int) -> Stage:
        spec = replace(
            recipe.render,
            samples=setting.samples,
            denoiser="none" if setting.denoiser == "none" else "openimagedenoise",
        )
        stage = Stage(scene, texture, spec, noise_seed, denoising.get(setting.denoiser, OURS))
        stage.place(rollout.positions_m[frame], rollout.quaternions_wxyz[frame])
        stage.show(range(1, len(scene.bodies) + 1))
        stage.render(Window(0, 0, 16, 16))  # Cycles reads meshes and textures now
        return stage

    truth = stage(Setting(reference_samples, "none"), REFERENCE_SEED).render(whole)
    usual = Setting(recipe.render.samples, "none" if recipe.render.denoiser == "none" else "OIDN")
    costs = []
    for setting in settings:
        ready = stage(setting, 0)
        start_s = time.process_time()
        picture = ready.render(whole)
        cpu_s = time.process_time() - start_s
        errors = [psnr_db(picture[where], truth[where]) for where in (..., objects, ~objects)]
        costs.append(PictureCost(dataset, index, setting, setting == usual, cpu_s, *errors))
    return costs
