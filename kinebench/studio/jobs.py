"""Runs of methods that the page asks for: each a process of its own, one after the other."""

import contextlib
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.methods.condition import Condition
from kinebench.photo import clip
from kinebench.shards.files import write_atomic
from kinebench.studio.offer import Offer

KEPT = 24
GRACE_S = 5.0


@dataclass
class Job:
    """One method on one condition."""

    folder: Path
    condition: Condition
    offer: Offer
    seed: int
    state: str = "waiting"  # running, done, failed, cancelled
    message: str = ""
    began_s: float = 0.0
    seconds: float = 0.0
    process: subprocess.Popen[str] | None = None

    @property
    def video(self) -> Path:
        """What the page plays."""
        return self.folder / "video.mp4"

    def told(self) -> dict[str, Any]:
        """What the page shows of it."""
        seconds = time.monotonic() - self.began_s if self.state == "running" else self.seconds
        return {
            "state": self.state,
            "message": self.message,
            "seconds": round(seconds, 1),
            "method": self.offer.method.name,
            "seed": self.seed,
        }


@dataclass
class Jobs:
    """All runs of a session; what they made lies in a folder that goes with it."""

    place: Path
    offers: Mapping[str, Offer]
    _all: dict[str, Job] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, condition: Condition, method: object, seed: object) -> str:
        """Start a run, or queue it; its name. Raises KineBenchError."""
        if not isinstance(method, str) or method not in self.offers:
            raise KineBenchError(f"there is no method {method!r} here; these are: {', '.join(self.offers)}")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
            raise KineBenchError(f"the seed is {seed!r}; it is a whole number from 0 on")
        if sum(job.state in ("waiting", "running") for job in self._all.values()) >= KEPT:
            raise KineBenchError(f"{KEPT} runs are waiting; cancel some first")
        name = secrets.token_hex(8)
        job = Job(self.place / name, condition, self.offers[method], seed)
        self._all[name] = job
        threading.Thread(target=self._work, args=(job,), daemon=True).start()
        return name

    def find(self, name: str) -> Job:
        """A run by its name. Raises KineBenchError."""
        if name not in self._all:
            raise KineBenchError("there is no such run")
        return self._all[name]

    def cancel(self, name: str) -> None:
        """End a run, or take it from the queue."""
        job = self.find(name)
        if job.state in ("waiting", "running"):
            job.state, job.message = "cancelled", "cancelled"
            _end(job.process)

    def close(self) -> None:
        """End all."""
        for name in self._all:
            self.cancel(name)

    def _work(self, job: Job) -> None:
        with self._turn:
            if job.state != "waiting":
                return
            job.began_s = time.monotonic()
            try:
                self._run(job)
            except KineBenchError as error:
                _finish(job, "failed", str(error))
            except Exception as error:  # shown on the page; the studio goes on
                _finish(job, "failed", f"{type(error).__name__}: {error}")

    def _run(self, job: Job) -> None:
        laid = clip.lay(job.folder, job.condition, lambda stage, done, whole: None)
        out = job.folder / "made"
        command = [sys.executable, "-m", "kinebench.cli.main", "run", *job.offer.arguments]
        command += ["--data", str(laid.conditions), "--out", str(out), "--seed", str(job.seed)]
        job.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if job.state != "waiting":  # cancelled meanwhile
            _end(job.process)
            return
        job.state = "running"
        _, errors = job.process.communicate()
        if job.state != "running":
            return
        key = job.condition.key
        error = out / f"seed-{job.seed}" / f"{key}.error.json"
        if error.is_file():
            _finish(job, "failed", json.loads(error.read_bytes())["message"])
        elif job.process.returncode:
            said = [line for line in errors.splitlines() if line.strip()]
            _finish(job, "failed", said[-1].removeprefix("kinebench: ") if said else "it ended without a word")
        else:
            mp4 = clip.playable(out, key, job.seed, job.condition.frames, job.condition.fps)
            write_atomic(job.video, mp4)
            _finish(job, "done", "")


def _finish(job: Job, state: str, message: str) -> None:
    if job.state != "cancelled":
        job.seconds = time.monotonic() - job.began_s
        job.state, job.message = state, message


def _end(process: subprocess.Popen[str] | None) -> None:
    """End a process gently, and then not."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
        return
    process.kill()
