"""A method in its authors' own repository: what must be there, and their code as a process beside `run.py`.

This file is the same in every baseline that is driven so. Standard library and kinebench_worker, Python 3.8 or newer.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench_worker import Invalid, Job, Task

POLL_S = 0.1
TAIL_BYTES = 3000
GRACE_S = 10.0


@dataclass(frozen=True)
class Place:
    """A folder that the user names, and what must be in it."""

    option: str  # of method.toml
    what: str
    files: Mapping[str, int]  # path below it -> bytes that it has at least


def check(job: Job, places: Sequence[Place], modules: Sequence[str], folder: Path) -> None:
    """Raises SystemExit that says all at once if something is missing for the method's own code to run."""
    if found := faults(places, job.options, modules, job.device):
        page = folder / "README.md"
        raise SystemExit(f"{job.method['name']} cannot run, see {page}:\n- " + "\n- ".join(found))


def faults(places: Sequence[Place], options: Mapping[str, Any], modules: Sequence[str], device: str) -> list[str]:
    """All that is missing, a line each, with what to do."""
    found = [line for place in places for line in _absent(place, str(options[place.option]))]
    if not options["python"]:
        found.append("--set python=FILE: the Python of the environment that it is installed in")
    elif lacking := [name for name in modules if importlib.util.find_spec(name) is None]:
        found.append(
            f"--set python={options['python']}: it has no {', '.join(lacking)}; install its requirements there"
        )
    if device != "cuda":
        found.append("it needs a GPU: --device cuda")
    return found


def _absent(place: Place, folder: str) -> list[str]:
    if not folder:
        return [f"--set {place.option}=FOLDER: {place.what}"]
    if not Path(folder).is_dir():
        return [f"--set {place.option}={folder}: there is no such folder; it should be {place.what}"]
    found = []
    if gone := [name for name in place.files if not (Path(folder) / name).is_file()]:
        found.append(f"--set {place.option}={folder}: {place.what}; it has no {', '.join(gone)}")
    for name, least in place.files.items():
        path = Path(folder) / name
        if path.is_file() and path.stat().st_size < least:
            found.append(
                f"{path}: {path.stat().st_size} bytes, and should have {least} or more; "
                "it is half a download or a Git LFS pointer: get it again"
            )
    return found


def revision(clone: str) -> str | None:
    """The commit that is checked out, if that can be told."""
    try:
        told = subprocess.run(
            ["git", "-C", clone, "rev-parse", "HEAD"], capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
    except OSError:
        return None
    return told.stdout.strip() or None


def code_facts(job: Job, wanted: str) -> dict[str, Any]:
    """For a video's facts: the clone's commit, and a warning if the driver was written for another one."""
    if job.tiny:
        return {"stand_in": "the method's own code was not started"}
    found = revision(str(job.options["clone"]))
    facts: dict[str, Any] = {"code_revision": found}
    if found != wanted:
        facts["warning"] = f"the clone is at {found or 'an unknown commit'}; the driver was written for {wanted}"
    return facts


def linked(folder: Path, links: Mapping[str, str | Path]) -> Path:
    """A fresh folder of links: their code looks for its files below the folder that it runs in."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, target in links.items():
        (folder / name).symlink_to(Path(target).absolute())
    return folder


class Launch:
    """Their code at work on some requests, in order. Each has a folder: `begun`, pictures, and answer.json last."""

    def __init__(self, command: Sequence[str], cwd: Path, log: Path, variables: Mapping[str, str]) -> None:
        print("+", " ".join(command), flush=True)
        self._log = log
        self._told = 0
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                list(command),
                cwd=str(cwd),
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def wait(self, path: Path, fault: Callable[[str], str | None]) -> bool:
        """Wait until a file is there; whether it came. `fault` sees what is logged meanwhile: if it says, that is it.

        Raises RuntimeError with what `fault` says, after ending the process.
        """
        while not path.exists():
            running = self.alive
            said = fault(self._tell())
            if said:
                self.end()
                raise RuntimeError(said)
            if not running:
                return path.exists()
            time.sleep(POLL_S)
        self._tell()
        return True

    def _tell(self) -> str:
        """Pass on what it has logged since."""
        with self._log.open("rb") as file:
            file.seek(self._told)
            new = file.read()
        self._told += len(new)
        text = new.decode("utf-8", "replace")
        sys.stdout.write(text)
        sys.stdout.flush()
        return text

    def last_words(self) -> str:
        """How it ended, and the end of its log."""
        code = self._process.wait()
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - TAIL_BYTES))
            tail = file.read().decode("utf-8", "replace").strip()
        return f"their code ended with exit code {code}; the end of its log:\n{tail}"

    def end(self) -> None:
        """End it."""
        if self.alive:
            self._process.terminate()
            try:
                self._process.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _nothing(text: str) -> str | None:
    return None


class Session:
    """Launches of their code, one after the other: when one dies, the next goes on with what is left.

    `start` begins a launch, given the tasks and its number; `folder_of` is where a task's answer comes; `watch` makes
    what sees the log, as for `Launch.wait`.
    """

    def __init__(
        self,
        start: Callable[[Sequence[Task], int], Launch],
        folder_of: Callable[[Task], Path],
        watch: Callable[[], Callable[[str], str | None]] = lambda: _nothing,
    ) -> None:
        self._start, self._folder_of, self._watch = start, folder_of, watch
        self._launch: Launch | None = None
        self._count = 0

    def work(
        self,
        job: Job,
        tasks: Iterable[Task],
        prepare: Callable[[Task], None],
        finish: Callable[[Task, list[Path], dict[str, Any]], None],
    ) -> None:
        """Answer every task: `prepare` all, and hand in each with `finish`, which gets its frames and their facts."""
        left = [task for task in tasks if _prepared(task, prepare)]
        try:
            while left:
                self._ready(left)
                task = left.pop(0)
                with job.attempt(task):
                    answer = self._answer(task)
                    frames = [self._folder_of(task) / f"{number:05d}.png" for number in range(answer["frames"])]
                    finish(task, frames, answer["facts"])
                shutil.rmtree(self._folder_of(task), ignore_errors=True)
        finally:
            if self._launch is not None:
                self._launch.end()

    def _ready(self, left: Sequence[Task]) -> None:
        """See that their code is at work on the first task, or on a later one.

        Raises SystemExit if it does not come so far: then it would not for any task.
        """
        folder = self._folder_of(left[0])
        told = any((folder / name).exists() for name in ("answer.json", "begun"))  # begun alone: it died of this task
        if self._launch is not None and (self._launch.alive or told):
            return
        self._count += 1
        self._launch = self._start(left, self._count)
        try:
            begun = self._launch.wait(folder / "begun", self._watch())
        except RuntimeError as error:
            raise SystemExit(str(error)) from error
        if not begun:
            raise SystemExit(self._launch.last_words())

    def _answer(self, task: Task) -> dict[str, Any]:
        """What their code made of a task: {"frames": n, "facts": {...}}. Raises RuntimeError if it failed."""
        assert self._launch is not None
        path = self._folder_of(task) / "answer.json"
        if not self._launch.wait(path, self._watch()):
            raise RuntimeError(self._launch.last_words())
        answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer


def _prepared(task: Task, prepare: Callable[[Task], None]) -> bool:
    """Whether a task can be asked; if not, it is answered with why."""
    try:
        prepare(task)
    except Invalid as error:
        task.fail("invalid", str(error))
        return False
    return True
