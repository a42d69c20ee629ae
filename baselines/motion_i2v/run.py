"""Motion-I2V in the user's own clone: checks it, turns paths into drags, runs it, takes its frames."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import clone
import control
import kinebench_worker

HERE = Path(__file__).resolve().parent
REVISION = "bc787e167610a2c6f4d569eca71fb6a26e5b8c56"
MB = 10**6
PLACES = (
    clone.Place(
        "clone",
        "a clone of https://github.com/G-U-N/Motion-I2V",
        {
            "scripts/app.py": 1,
            "scripts/utils.py": 1,
            "configs/configs_flowgen/inference/inference.yaml": 1,
            "flowgen/pipelines/pipeline_flow_gen.py": 1,
            "animation/pipelines/pipeline_animation.py": 1,
        },
    ),
    clone.Place(
        "weights",
        "the folder models of wangfuyun/Motion-I2V, with stage1 and stage2 in it",
        {
            "stage1/StableDiffusion-FlowGen/unet/diffusion_pytorch_model.bin": 5000 * MB,
            "stage1/StableDiffusion-FlowGen/controlnet/controlnet.bin": 2200 * MB,
            "stage1/StableDiffusion-FlowGen/vae/config.json": 1,
            "stage1/StableDiffusion-FlowGen/vae_flow/diffusion_pytorch_model.bin": 100 * MB,
            "stage2/StableDiffusion/vae/diffusion_pytorch_model.bin": 300 * MB,
            "stage2/Motion_Module/motion_block.bin": 1800 * MB,
            "stage2/DreamBooth_LoRA/realisticVisionV51_v20Novae.safetensors": 2100 * MB,
            "stage2/DreamBooth_LoRA/realistic_unet.ckpt": 1700 * MB,
        },
    ),
)
MODULES = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "xformers",
    "cupy",
    "gradio",
    "cv2",
    "scipy",
    "omegaconf",
)


def request(task: kinebench_worker.Task, brush: str, folder: Path) -> dict[str, Any]:
    """What Motion-I2V is to make of a task. Raises Invalid for what cannot be asked of it."""
    if not task.driven:
        raise kinebench_worker.Invalid("Motion-I2V moves what is dragged, and no object of this condition is driven")
    if task.condition["frames"] < control.FRAMES:
        raise kinebench_worker.Invalid(f"Motion-I2V makes {control.FRAMES} frames, the clip has fewer")
    tracks = [control.track(task.path(number)) for number in task.driven]
    unit_px = control.unit_px([start for start, _ in tracks], [box(task.mask(number)) for number in task.driven])
    return {
        "folder": str(folder),
        "seed": task.seed,
        "prompt": task.condition["prompt"],
        "first_frame": str(task.first_frame),
        "tracks": tracks,
        "unit_px": unit_px,
        "brush": [str(task.mask(number)) for number in control.brushed(brush, task.driven, task.objects)],
        "facts": {"brush": brush, "flow_unit_px": unit_px, "drags_px": [[*start, *end] for start, end in tracks]},
    }


def box(mask: Path) -> tuple[int, int, int, int]:
    """The box of a mask, or none at all if it is empty."""
    from PIL import Image

    with Image.open(str(mask)) as image:
        return image.convert("L").getbbox() or (control.WIDTH, control.HEIGHT, 0, 0)


class Dragging:
    """What Motion-I2V is asked, and how it is begun."""

    def __init__(self, job: kinebench_worker.Job) -> None:
        self._options, self._tiny = job.options, job.tiny
        self._work = job.folder / "work"
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir()
        self._requests: dict[tuple[str, int], dict[str, Any]] = {}
        self._code = clone.code_facts(job, REVISION)

    def folder(self, task: kinebench_worker.Task) -> Path:
        """Where a task's frames lie meanwhile."""
        return self._work / f"seed-{task.seed}" / task.key

    def prepare(self, task: kinebench_worker.Task) -> None:
        """Turn it into a request. Raises Invalid if it cannot be asked."""
        self._requests[task.key, task.seed] = request(task, self._options["brush"], self.folder(task))

    def finish(self, task: kinebench_worker.Task, frames: list[Path], facts: dict[str, Any]) -> None:
        """Hand it in."""
        asked = self._requests[task.key, task.seed]["facts"]
        task.finish(frames=frames, timing="span", facts={**asked, **facts, **self._code})

    def start(self, left: Sequence[kinebench_worker.Task], number: int) -> clone.Launch:
        """Begin a launch for these tasks."""
        for task in left:
            shutil.rmtree(self.folder(task), ignore_errors=True)
        requests = self._work / f"requests-{number}.json"
        asked = [self._requests[task.key, task.seed] for task in left]
        requests.write_text(json.dumps(asked), encoding="utf-8")
        home = clone.linked(self._work / "home", {} if self._tiny else self._links())
        line = command(self._options, self._tiny, requests)
        return clone.Launch(line, home, self._work / f"log-{number}.txt", {})

    def _links(self) -> dict[str, Path]:
        return {"models": Path(self._options["weights"]), "configs": Path(self._options["clone"]) / "configs"}


def command(options: dict[str, Any], tiny: bool, requests: Path) -> list[str]:
    """The command line of a launch."""
    script = HERE / "stand_in/scripts/app.py" if tiny else Path(options["clone"]) / "scripts/app.py"
    return [sys.executable, str(HERE / "launch.py"), str(script), str(requests)]


def main() -> None:
    """Make every video of the job."""
    job = kinebench_worker.open_job()
    if not job.tiny:
        clone.check(job, PLACES, MODULES, HERE)
    dragging = Dragging(job)
    clone.Session(dragging.start, dragging.folder).work(job, job.tasks(), dragging.prepare, dragging.finish)


if __name__ == "__main__":
    main()
