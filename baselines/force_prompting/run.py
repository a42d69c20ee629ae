"""Force Prompting, point force, in the user's own clone: checks it, writes its CSV, runs it, takes its frames."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import clone
import control
import kinebench_worker

HERE = Path(__file__).resolve().parent
REVISION = "19aa2e59cfbed83d32226697c561c8434df1fdb4"
CHECKPOINT = "step-5000-checkpoint-point-force.pt"
MB = 10**6
PLACES = (
    clone.Place(
        "clone",
        "a clone of https://github.com/brown-palm/force-prompting",
        {"src/force-prompting/train.py": 1, "src/force-prompting/inference.py": 1},
    ),
    clone.Place("weights", f"the folder with {CHECKPOINT} of brown-palm/force-prompting", {CHECKPOINT: 100 * MB}),
    clone.Place(
        "base",
        "the folder of THUDM/CogVideoX-5b-I2V (hf download ... --local-dir FOLDER)",
        {
            "model_index.json": 1,
            "transformer/config.json": 1,
            "text_encoder/config.json": 1,
            "tokenizer/spiece.model": 100_000,
            "scheduler/scheduler_config.json": 1,
            "vae/diffusion_pytorch_model.safetensors": 100 * MB,
        },
    ),
)
MODULES = (
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "accelerate",
    "decord",
    "controlnet_aux",
    "pandas",
    "PIL",
)
VARIABLES = {
    "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",  # as their script sets it
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",  # all is in `base`
}
UNREADABLE, PATIENCE = "EXCEPTION HERE!!!", 200
"""What their loader prints when it takes a random other row; with no readable row left it does so for ever."""


def strength(task: kinebench_worker.Task, path: list[Any], by: str) -> tuple[float, dict[str, Any]]:
    """The force of a task, and what is worth knowing of it."""
    if by == "speed":
        (velocity,) = (row["velocity_mps"] for row in task.condition["driven"])
        if velocity is None:
            raise kinebench_worker.Invalid("force=speed: this picture has no metres; use force=displacement")
        speed = math.hypot(velocity[0], velocity[1])  # along the ground, as the path
        force, bound = control.force_of_speed(speed)
        facts: dict[str, Any] = {"speed_mps": round(speed, 4)}
    else:
        length = math.hypot(*control.displacement_px(path, task.condition["fps"]))
        force, bound = control.force_of_displacement(length)
        facts = {"displacement_px": round(length, 2)}
    return force, {**facts, "force_from": by, "force": force, "force_saturated": bound}


def sample(task: kinebench_worker.Task, by: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The CSV row of a task, and its facts. Raises Invalid for what cannot be asked of Force Prompting."""
    if len(task.driven) != 1:
        raise kinebench_worker.Invalid(f"Force Prompting pokes one object, and {len(task.driven)} are driven here")
    path = task.path(task.driven[0])
    force, facts = strength(task, path, by)
    try:
        row = control.row(f"{task.key}.png", task.condition["prompt"], path, task.condition["fps"], force)
    except ValueError as error:
        raise kinebench_worker.Invalid(str(error)) from error
    facts["angle_deg"], facts["model_seed"] = row["angle"], control.model_seed(task.seed)
    return row, facts


class Prompting:
    """What is asked for one seed, and how their code is begun."""

    def __init__(self, job: kinebench_worker.Job, seed: int, code: dict[str, Any]) -> None:
        self._options, self._tiny, self._seed, self._code = job.options, job.tiny, seed, code
        self._work = job.folder / f"work/seed-{seed}"
        self._work.mkdir(parents=True)
        self._samples: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}

    def folder(self, task: kinebench_worker.Task) -> Path:
        """Where a task's frames lie meanwhile."""
        return self._work / "answers" / task.key

    def prepare(self, task: kinebench_worker.Task) -> None:
        """Make its row. Raises Invalid if it cannot be asked."""
        self._samples[task.key] = sample(task, self._options["force"])

    def finish(self, task: kinebench_worker.Task, frames: list[Path], facts: dict[str, Any]) -> None:
        """Hand it in."""
        asked = self._samples[task.key][1]
        task.finish(frames=frames, timing=control.FPS, facts={**asked, **facts, **self._code})

    def start(self, left: Sequence[kinebench_worker.Task], number: int) -> clone.Launch:
        """Begin a launch for these tasks, all of one seed."""
        home = clone.linked(self._work / f"launch-{number}", self._links())
        (home / "images").mkdir()
        for task in left:
            shutil.rmtree(self.folder(task), ignore_errors=True)
            shutil.copyfile(str(task.first_frame), str(home / "images" / f"{task.key}.png"))
        rows = [self._samples[task.key][0] for task in left]
        (home / "samples.csv").write_text(control.csv_text(rows), encoding="utf-8")
        requests = [{"key": task.key, "folder": str(self.folder(task))} for task in left]
        (home / "requests.json").write_text(json.dumps(requests), encoding="utf-8")
        line = [
            *command(self._options, self._tiny, home),
            *control.arguments(str(home), control.model_seed(self._seed)),
        ]
        return clone.Launch(line, home, self._work / f"log-{number}.txt", VARIABLES)

    def _links(self) -> dict[str, Path]:
        if self._tiny:
            return {}
        return {  # their code writes beside the checkpoint, and looks in the name of the model for its size
            CHECKPOINT: Path(self._options["weights"]) / CHECKPOINT,
            "cogvideox-5b-i2v": Path(self._options["base"]),
        }


def reader() -> Callable[[str], str | None]:
    """Watches the log: says so when their loader does not come on."""
    seen = 0

    def fault(text: str) -> str | None:
        nonlocal seen
        seen += text.count(UNREADABLE)
        return f"their loader cannot read its row ({UNREADABLE} in its log)" if seen > PATIENCE else None

    return fault


def command(options: dict[str, Any], tiny: bool, home: Path) -> list[str]:
    """The command line of a launch, before what is theirs."""
    script = HERE / "stand_in/train.py" if tiny else Path(options["clone"]) / "src/force-prompting/train.py"
    return [sys.executable, str(HERE / "launch.py"), str(script), str(home / "requests.json")]


def main() -> None:
    """Make every video of the job, seed by seed."""
    job = kinebench_worker.open_job()
    if not job.tiny:
        clone.check(job, PLACES, MODULES, HERE)
    code = clone.code_facts(job, REVISION)
    shutil.rmtree(job.folder / "work", ignore_errors=True)
    for seed, tasks in groupby(job.tasks(), key=lambda task: task.seed):
        prompting = Prompting(job, seed, code)
        session = clone.Session(prompting.start, prompting.folder, reader)
        session.work(job, tasks, prompting.prepare, prompting.finish)


if __name__ == "__main__":
    main()
