"""Worker processes on this machine, each on its own cores. One that dies costs one attempt at one sample."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

ATTEMPTS = 3
HOPELESS = 3
"""So many failed samples, and none finished, end the run: the fault is not in the samples."""


class Watch(Protocol):
    """What a runner tells about its work."""

    def begin(self, clips: int, missing: int, frames: int) -> None:
        """So many of all `clips` are to be made, each of so many frames."""

    def frame(self, key: str, done: int, total: int) -> None:
        """A frame of a sample was rendered."""

    def finished(self, key: str) -> None:
        """A sample is in the spool."""

    def failed(self, key: str, attempt: int, message: str) -> None:
        """An attempt at a sample came to nothing."""


@dataclass(frozen=True)
class Outcome:
    """What became of the samples. Those in none of these were not begun, because nothing worked."""

    finished: frozenset[str]
    refused: dict[str, str]  # key -> message; a user's mistake, the same in every attempt
    failed: dict[str, str]  # key -> last message; crashed or raised `ATTEMPTS` times


@dataclass
class _Worker:
    process: "subprocess.Popen[str]"
    job: dict[str, Any] | None = None


@dataclass
class _Run:
    """The state of one run; jobs are dicts as `runners.worker` reads them."""

    waiting: deque[dict[str, Any]]
    watch: Watch
    messages: "queue.Queue[tuple[int, dict[str, Any] | None]]" = field(default_factory=queue.Queue)
    workers: dict[int, _Worker] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def run(jobs: Iterable[dict[str, Any]], workers: int, watch: Watch) -> Outcome:
    """Make every job's sample, with `workers` processes at once. All of them are gone when this returns or raises."""
    state = _Run(deque(jobs), watch)
    try:
        for place in range(min(workers, len(state.waiting))):
            _start(state, place, workers)
        while any(worker.job for worker in state.workers.values()):
            place, message = state.messages.get()
            if message is None:
                _bury(state, place, workers)
            else:
                _hear(state, place, message)
    finally:
        for worker in state.workers.values():
            worker.process.kill()
            worker.process.wait()
    return Outcome(frozenset(state.finished), state.refused, state.failed)


def _start(state: _Run, place: int, workers: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kinebench.runners.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C reaches the parent only, which then ends its workers
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, cores(place, workers))
    state.workers[place] = _Worker(process)
    threading.Thread(target=_relay, args=(state.messages, place, process.stdout), daemon=True).start()
    _next(state, place)


def cores(place: int, workers: int) -> set[int]:
    """The processor cores of worker `place`. Measured: a Cycles thread that may wander costs twice the CPU time."""
    mine = sorted(os.sched_getaffinity(0))
    return set(mine[place % len(mine) :: workers])


def _relay(messages: "queue.Queue[Any]", place: int, pipe: Any) -> None:
    for line in pipe:
        messages.put((place, json.loads(line)))
    messages.put((place, None))


def _next(state: _Run, place: int) -> None:
    """Give a worker its next job, if there is one."""
    worker = state.workers[place]
    worker.job = state.waiting.popleft() if state.waiting else None
    if worker.job is not None and worker.process.stdin is not None:
        try:
            worker.process.stdin.write(json.dumps(worker.job) + "\n")
            worker.process.stdin.flush()
        except BrokenPipeError:
            pass  # it died just now; `_bury` hears of it


def _hear(state: _Run, place: int, message: dict[str, Any]) -> None:
    job = state.workers[place].job
    if job is None:
        return
    if message["kind"] == "progress":
        state.watch.frame(job["key"], message["done"], message["total"])
        return
    if message["kind"] == "done":
        state.finished.add(job["key"])
        state.watch.finished(job["key"])
    elif message["kind"] == "refused":
        state.refused[job["key"]] = message["message"]
        state.waiting.clear()  # a mistake in the recipe is the same for every sample
    else:
        _retry(state, job, message["message"])
    _next(state, place)


def _bury(state: _Run, place: int, workers: int) -> None:
    """A worker died: its sample gets another attempt, in a new process."""
    dead = state.workers.pop(place)
    code = dead.process.wait()
    if dead.job is not None:
        _retry(state, dead.job, f"its worker process died ({'signal ' + str(-code) if code < 0 else f'exit {code}'})")
    if state.waiting:
        _start(state, place, workers)


def _retry(state: _Run, job: dict[str, Any], message: str) -> None:
    key = job["key"]
    state.attempts[key] = state.attempts.get(key, 0) + 1
    state.watch.failed(key, state.attempts[key], message)
    if state.attempts[key] < ATTEMPTS:
        state.waiting.append(job)
    else:
        state.failed[key] = message
        if len(state.failed) >= HOPELESS and not state.finished:
            state.waiting.clear()
