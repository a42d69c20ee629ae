"""Tora, image to video, in the user's own clone: checks it, writes its files, runs it, takes its frames."""

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
REVISION = "9a23dceb905d8b224983f7a94f42a6db79c9c63b"
MB, GB = 10**6, 10**9
PLACES = (
    clone.Place(
        "clone",
        "a clone of https://github.com/alibaba/Tora",
        {
            "sat/sample_video.py": 1,
            "sat/configs/tora/model/cogvideox_5b_tora_i2v.yaml": 1,
            "sat/configs/tora/inference_sparse.yaml": 1,
        },
    ),
    clone.Place(
        "weights",
        "the folder of Alibaba-Research-Intelligence-Computing/Tora (hf download ... --local-dir FOLDER)",
        {
            "tora/i2v/mp_rank_00_model_states.pt": 10 * GB,
            "vae/3d-vae.pt": 100 * MB,
            "t5-v1_1-xxl/model-00001-of-00002.safetensors": 4 * GB,
            "t5-v1_1-xxl/model-00002-of-00002.safetensors": 4 * GB,
            "t5-v1_1-xxl/spiece.model": 100_000,
        },
    ),
)
VARIABLES = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}  # as its README says
MODULES = ("torch", "torchvision", "sat", "deepspeed", "omegaconf", "cv2", "PIL")


def request(task: kinebench_worker.Task, mode: str, folder: Path) -> dict[str, Any]:
    """Write the trajectory files of a task, and say what Tora is to make of them."""
    if not task.driven:
        raise kinebench_worker.Invalid("Tora moves what has a trajectory, and no object of this condition is driven")
    paths = [control.at_frames(task.path(number), task.condition["fps"]) for number in task.driven]
    facts: dict[str, Any] = {
        "control": mode,
        "model_seed": control.model_seed(task.seed),
        "points_clamped": sum(map(control.clamped, paths)),
    }
    asked: dict[str, Any] = {"folder": str(folder), "seed": facts["model_seed"]}
    asked["line"] = control.line(task.condition["prompt"], f"{task.key}/{task.first_frame.name}")
    if mode == "flow":
        asked["steps"] = [control.steps(path) for path in paths]
    else:
        drawn = [control.trajectory(path, mode) for path in paths]
        asked["points"] = [str(folder / f"object_{number}.txt") for number in task.driven]
        for order, points in enumerate(drawn):
            Path(asked["points"][order]).write_text(control.file_text(points))
        if mode == "path":
            facts["still_steps"] = [control.still_steps(points) for points in drawn]
    asked["facts"] = facts
    return asked


class Tora:
    """What Tora is asked, and how it is begun."""

    def __init__(self, job: kinebench_worker.Job) -> None:
        self._options, self._tiny = job.options, job.tiny
        self._pictures = job.folder / "in"
        self._work = job.folder / "work"
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir()
        self._requests: dict[tuple[str, int], dict[str, Any]] = {}
        self._code = clone.code_facts(job, REVISION)

    def folder(self, task: kinebench_worker.Task) -> Path:
        """Where a task's files lie meanwhile."""
        return self._work / f"seed-{task.seed}" / task.key

    def prepare(self, task: kinebench_worker.Task) -> None:
        """Write its files. Raises Invalid if it cannot be asked of Tora."""
        self.folder(task).mkdir(parents=True)
        try:
            self._requests[task.key, task.seed] = request(task, self._options["mode"], self.folder(task))
        except ValueError as error:
            raise kinebench_worker.Invalid(str(error)) from error

    def finish(self, task: kinebench_worker.Task, frames: list[Path], facts: dict[str, Any]) -> None:
        """Hand it in."""
        asked = self._requests[task.key, task.seed]["facts"]
        task.finish(frames=frames, timing=control.FPS, facts={**asked, **facts, **self._code})

    def start(self, left: Sequence[kinebench_worker.Task], number: int) -> clone.Launch:
        """Begin a launch for these tasks."""
        asked = [self._requests[task.key, task.seed] for task in left]
        requests, lines = self._work / f"requests-{number}.json", self._work / f"input-{number}.txt"
        requests.write_text(json.dumps(asked), encoding="utf-8")
        lines.write_text("".join(each["line"] + "\n" for each in asked), encoding="utf-8")
        line = [*command(self._options, self._tiny, requests), *control.arguments(str(lines), str(self._pictures))]
        return clone.Launch(line, self._home(), self._work / f"log-{number}.txt", VARIABLES)

    def _home(self) -> Path:
        if self._tiny:
            return self._work
        links = {"configs": Path(self._options["clone"]) / "sat/configs", "ckpts": self._options["weights"]}
        return clone.linked(self._work / "home", links)


def command(options: dict[str, Any], tiny: bool, requests: Path) -> list[str]:
    """The command line of a launch, before what is Tora's own."""
    script = HERE / "stand_in.py" if tiny else Path(options["clone"]) / "sat/sample_video.py"
    return [sys.executable, str(HERE / "launch.py"), str(script), str(requests)]


def main() -> None:
    """Make every video of the job."""
    job = kinebench_worker.open_job()
    if not job.tiny:
        clone.check(job, PLACES, MODULES, HERE)
    tora = Tora(job)
    clone.Session(tora.start, tora.folder).work(job, job.tasks(), tora.prepare, tora.finish)


if __name__ == "__main__":
    main()
