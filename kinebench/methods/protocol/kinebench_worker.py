"""For a run.py: reads the job, hands out its tasks, writes the answers. Needs nothing but Python 3.8 or newer.

A copy of this file lies in the job folder, and KineBench sets PYTHONPATH to that, so `import kinebench_worker` works in
any environment:

    import kinebench_worker

    job = kinebench_worker.open_job()               # reads --job; ends the process when KineBench is gone
    model = load(job.options["weights"], job.device)
    for task in job.tasks():
        with job.attempt(task):                     # an exception becomes error.json, and the next task is begun
            if len(task.driven) != 1:
                raise kinebench_worker.Invalid("it moves one object, not more")
            images = model(task.first_frame, task.condition["prompt"], task.path(task.driven[0]), seed=task.seed)
            names = [task.frame(number) for number in range(len(images))]
            for image, name in zip(images, names):
                image.save(name)
            task.finish(frames=names, timing=8.0, facts={"steps": 50})

What goes to standard output and standard error is kept in log.txt and read by people alone. Standard input tells this
process that KineBench is still there: give what you start yourself `stdin=subprocess.DEVNULL`.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import errno
import json
import os
import shutil
import signal
import stat
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

PROTOCOL = 1
VIDEO_SUFFIXES = (".mkv", ".mp4", ".webm", ".avi", ".mov")
_PNG = b"\x89PNG\r\n\x1a\n"


class Invalid(Exception):
    """The method cannot do what a condition asks for."""


class Task:
    """One video to be made."""

    def __init__(self, job_folder: Path, row: Mapping[str, Any]) -> None:
        self.key: str = row["key"]
        self.seed: int = row["seed"]
        self.folder: Path = job_folder / row["in"]  # the condition: see docs/conditions.md
        self.out: Path = job_folder / row["out"]
        self._marks = {name: row[name] for name in ("condition_sha256", "identity")}
        self._began_s = time.monotonic()
        self._done = False
        with (self.folder / "condition.json").open(encoding="utf-8") as file:
            self.condition: dict[str, Any] = json.load(file)

    @property
    def first_frame(self) -> Path:
        """The picture that the video begins with, at the method's native size."""
        return self.folder / "first_frame.png"

    @property
    def driven(self) -> list[int]:
        """Ids of the objects that already move in the first frame."""
        return sorted(int(path.stem.rpartition("_")[2]) for path in self.folder.glob("path_*.csv"))

    @property
    def objects(self) -> list[int]:
        """Ids of all objects that are seen in the first frame."""
        return sorted(int(path.stem.rpartition("_")[2]) for path in self.folder.glob("mask_*.png"))

    def mask(self, number: int) -> Path:
        """The picture of where an object is seen: white on black."""
        return self.folder / f"mask_{number}.png"

    def path(self, number: int) -> list[tuple[float, float]]:
        """Where a driven object is in each frame of the clip if nothing is in its way: x and y in pixels, y down."""
        with (self.folder / f"path_{number}.csv").open(encoding="utf-8", newline="") as file:
            return [(float(row["x_px"]), float(row["y_px"])) for row in csv.DictReader(file)]

    @property
    def answered(self) -> bool:
        """Whether there is a video or an error, or was before KineBench took it."""
        return self._done or (self.out / "video.json").exists() or (self.out / "error.json").exists()

    def start(self) -> None:
        """Say that this task is in work: its time begins to count. `Job.attempt` does it."""
        self._began_s = time.monotonic()
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "started").touch()

    def frame(self, number: int) -> Path:
        """Where to save a frame, 0 the first; they may also lie elsewhere."""
        return self.out / f"{number:05d}.png"

    def finish(
        self,
        frames: Sequence[str | Path] | None = None,
        video: str | Path | None = None,
        count: int | None = None,
        timing: str | float = "span",
        facts: Mapping[str, Any] | None = None,
        placement: Mapping[str, float] | None = None,
        seconds: float | None = None,
    ) -> None:
        """Hand in PNG files of the frames; or one video file, lossless if it can be, of `count` frames.

        `timing`: frames a second, in the clip's own time; or "span", spread evenly over the clip. `placement`: where
        these pixels lie on those of the condition, {"scale", "x_px", "y_px"}; pixel for pixel by default. `seconds`:
        what it took, since `start` by default. Raises ValueError for anything that is no answer.
        """
        seconds = time.monotonic() - self._began_s if seconds is None else seconds
        if self.answered:
            raise ValueError(f"task {self.key}, seed {self.seed}, is already answered")
        if (frames is None) == (video is None):
            raise ValueError("give either frames or video")
        self.out.mkdir(parents=True, exist_ok=True)
        if frames is not None:
            count = self._take_frames([Path(path) for path in frames])
        elif video is not None:
            self._take_video(Path(video))
        answer: dict[str, Any] = {
            "timing": timing if timing == "span" else {"fps": float(timing)},
            "facts": dict(facts or {}),
            "seconds": round(seconds, 3),
        }
        if count is not None:
            answer["frames"] = count
        if placement is not None:
            answer["placement"] = {name: float(placement[name]) for name in ("scale", "x_px", "y_px")}
        _write(self.out / "video.json", dict(answer, **self._marks))
        self._done = True

    def fail(self, kind: str, message: str) -> None:
        """Say that there is no video, and why: `kind` is oom, infra, model or invalid."""
        self.out.mkdir(parents=True, exist_ok=True)
        _write(self.out / "error.json", {"kind": kind, "message": message})
        self._done = True

    def _take_frames(self, paths: list[Path]) -> int:
        if not paths:
            raise ValueError("there is no frame")
        places = {self.frame(number).absolute(): number for number in range(len(paths))}
        for number, path in enumerate(paths):
            if places.get(path.absolute(), number) != number:  # to copy one frame would overwrite another
                raise ValueError(
                    f"frame {number} is {path}, where frame {places[path.absolute()]} goes; save it elsewhere"
                )
        for number, path in enumerate(paths):
            with path.open("rb") as file:
                if file.read(len(_PNG)) != _PNG:
                    raise ValueError(f"{path} is no PNG")
            _take(path, self.frame(number))
        return len(paths)

    def _take_video(self, path: Path) -> None:
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            raise ValueError(f"{path} is none of {', '.join(VIDEO_SUFFIXES)}")
        _take(path, self.out / ("video" + path.suffix.lower()))


class Job:
    """What job.json says."""

    def __init__(self, folder: Path) -> None:
        with (folder / "job.json").open(encoding="utf-8") as file:
            order = json.load(file)
        if order["protocol"] != PROTOCOL:
            raise SystemExit(f"this worker speaks protocol {PROTOCOL}, the job {order['protocol']}")
        self.folder = folder
        self.method: dict[str, Any] = order["method"]  # name and version
        self.options: dict[str, Any] = order["options"]  # every option of method.toml
        self.device: str = order["device"]  # "cpu" or "cuda"
        self.tiny: bool = order["tiny"]  # a quick stand-in for the model is wanted: `kinebench methods check`
        self._rows = order["tasks"]

    def tasks(self) -> Iterator[Task]:
        """What is to be made, in order; what has an answer is left out."""
        for row in self._rows:
            task = Task(self.folder, row)
            if not task.answered:
                yield task

    @contextlib.contextmanager
    def attempt(self, task: Task) -> Iterator[None]:
        """One try at a task: an exception in the block becomes its error.json, and ends nothing else."""
        task.start()
        try:
            yield
            if not task.answered:
                raise RuntimeError("run.py called neither task.finish nor task.fail")
        except Exception as error:
            traceback.print_exc()
            if not task.answered:
                task.fail(_kind(error), _sentence(error))


def open_job(arguments: Sequence[str] | None = None) -> Job:
    """The job that the command line names: `run.py --job FOLDER`. From now on this process ends with KineBench."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", type=Path, required=True, help="folder with job.json")
    folder = parser.parse_args(arguments).job.absolute()
    _end_with_harness()
    return Job(folder)


def _kind(error: Exception) -> str:
    if isinstance(error, Invalid):
        return "invalid"
    text = str(error).lower()
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or "out of memory" in text:
        return "oom"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return "infra"
    return "model"


def _sentence(error: Exception) -> str:
    if isinstance(error, Invalid):
        return str(error) or "run.py says no more of it"
    places = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(places[-1].filename).name}:{places[-1].lineno})" if places else ""
    return f"{type(error).__name__}: {error}{where}"


def _take(source: Path, target: Path) -> None:
    """Put a file where the harness looks for it, on the disk: it must be whole when video.json is there."""
    if source.absolute() != target.absolute():
        shutil.copyfile(str(source), str(target))
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """The whole file at once, after everything that was written before it in its folder."""
    data = json.dumps(content, indent=1, allow_nan=False).encode("utf-8")
    _sync(path.parent)
    temporary = path.with_name("." + path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    with contextlib.suppress(FileNotFoundError):  # KineBench is fast, and has taken it
        _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(str(folder), os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some shared disks know no such thing
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _end_with_harness() -> None:
    """KineBench holds the other end of a pipe that is our standard input, and says nothing through it."""
    try:
        if stat.S_ISFIFO(os.fstat(0).st_mode):  # else a person has started this
            threading.Thread(target=_wait_for_end, daemon=True).start()
    except OSError:
        pass


def _wait_for_end() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # with what was started from here
    os._exit(1)


if __name__ == "__main__":
    sys.exit("this is no program: import it in run.py")
