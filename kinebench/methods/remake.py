"""A clip of a dataset made once more, from its record: the same motion with other noise, or simulated anew.

Blender and Bullet run in a process of their own, one for each clip: `python -m kinebench.methods.remake`.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import traceback
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import KineBenchError, demand
from kinebench.methods.ground_truth import GroundTruth
from kinebench.recipe import Range, Recipe
from kinebench.scene.scene import Scene

Frames = NDArray[np.uint8]
"""RGB, (F, H, W, 3)."""
NOISE_SEEDS = 2**31 - 1
"""Blender's, without 0, which is the dataset's own."""


def check_engines() -> None:
    """Raises MissingExtra unless Blender and Bullet are installed."""
    for engine in ("bpy", "pybullet"):
        demand(engine, "render")


def rerendered(truth: GroundTruth, key: str, seed: int) -> Frames:
    """The clip as it is, under other noise than its own. Raises KineBenchError if its ground is not here."""
    return _made(truth, key, noise_seed=1 + seed % NOISE_SEEDS, nominal=False)


def resimulated(truth: GroundTruth, key: str) -> Frames:
    """What the clip would be if all objects had the dataset's nominal mass, friction and restitution.

    From the true first frame, under its noise. Raises KineBenchError if its ground is not here.
    """
    return _made(truth, key, noise_seed=0, nominal=True)


def nominal_scene(scene: Scene, recipe: Recipe) -> Scene:
    """The scene with the middle of what its recipe allows, where that decides how things move and cannot be seen."""
    objects, ground = recipe.objects, recipe.ground
    mass, friction, restitution = map(_middle, (objects.mass_kg, objects.friction, objects.restitution))
    return replace(
        scene,
        bodies=tuple(replace(body, mass_kg=mass, friction=friction, restitution=restitution) for body in scene.bodies),
        ground=replace(scene.ground, friction=_middle(ground.friction), restitution=_middle(ground.restitution)),
    )


def _middle(values: Range) -> float:
    return (values[0] + values[1]) / 2


def _made(truth: GroundTruth, key: str, *, noise_seed: int, nominal: bool) -> Frames:
    """What the process answers. Raises RuntimeError if it does not."""
    job = {
        "record": truth[key].record,
        "recipe": truth.shards.manifest.recipe,
        "source": str(truth.shards.folder / "manifest.json"),
        "noise_seed": noise_seed,
        "nominal": nominal,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "kinebench.methods.remake"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C reaches this process only, which then ends the other
    )
    assert process.stdin and process.stdout
    try:
        with contextlib.suppress(BrokenPipeError):  # it died just now: there is no answer then
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.flush()
        answer, pixels = process.stdout.readline(), process.stdout.read()
    finally:
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()
    if not answer:
        raise RuntimeError(f"the process that renders died (exit {process.returncode})")
    said: dict[str, Any] = json.loads(answer)
    if "refused" in said:
        raise KineBenchError(said["refused"])
    if "failed" in said:
        raise RuntimeError(said["failed"])
    return np.frombuffer(pixels, dtype=np.uint8).reshape(said["shape"])


def main() -> None:
    """Answer the one job on standard input: a line of JSON, and the pixels after it."""
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Blender and Bullet print there from C
    job = json.loads(sys.stdin.readline())
    threading.Thread(target=_watch, daemon=True).start()
    said, frames = _answer(job)
    pipe.write(json.dumps(said).encode() + b"\n")
    pipe.write(np.ascontiguousarray(frames).data)
    pipe.close()


def _watch() -> None:
    sys.stdin.read()
    os._exit(0)  # the parent closed the pipe, or died


def _answer(job: dict[str, Any]) -> tuple[dict[str, Any], Frames]:
    try:
        frames = _film(job)
    except KineBenchError as error:
        return {"refused": str(error)}, np.empty(0, np.uint8)
    except Exception:
        return {"failed": traceback.format_exc()}, np.empty(0, np.uint8)
    return {"shape": frames.shape}, frames


def _film(job: dict[str, Any]) -> Frames:
    from kinebench import recipe as recipes
    from kinebench.physics.bullet import simulate
    from kinebench.pipeline import ground_of
    from kinebench.render.film import film
    from kinebench.shards import record as records

    recipe = recipes.parse(job["recipe"], job["source"])
    scene = records.scene(job["record"])
    rollout = simulate(nominal_scene(scene, recipe)) if job["nominal"] else records.rollout(job["record"])
    return film(scene, rollout, ground_of(recipe, scene), recipe.render, noise_seed=job["noise_seed"]).rgb


if __name__ == "__main__":
    main()
