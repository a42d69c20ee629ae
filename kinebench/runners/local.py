"""Worker processes on this machine, each on its own cores. One that dies costs one attempt at one sample."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kinebench.runners.cores import available, cores
from kinebench.runners.ledger import Job, Ledger, Outcome, Watch


@dataclass
class _Worker:
    process: "subprocess.Popen[str]"
    job: Job | None = None


@dataclass
class _Run:
    """The state of one run."""

    ledger: Ledger
    messages: "queue.Queue[tuple[int, dict[str, Any] | None]]" = field(default_factory=queue.Queue)
    workers: dict[int, _Worker] = field(default_factory=dict)


def run(jobs: Iterable[Job], workers: int, watch: Watch) -> Outcome:
    """Make every job's sample, with `workers` processes at once. All of them are gone when this returns or raises."""
    state = _Run(Ledger(deque(jobs), watch))
    try:
        for place in range(min(workers, len(state.ledger.waiting))):
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
    return state.ledger.outcome


def _start(state: _Run, place: int, workers: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "kinebench.runners.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C reaches the parent only, which then ends its workers
        env={
            **os.environ,
            "OMP_NUM_THREADS": str(max(1, available() // workers)),  # Cycles minds it; BLAS needs no thread
            "OPENBLAS_NUM_THREADS": "1",
        },
    )
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, cores(place, workers))
    state.workers[place] = _Worker(process)
    threading.Thread(target=_relay, args=(state.messages, place, process.stdout), daemon=True).start()
    _next(state, place)


def _relay(messages: "queue.Queue[Any]", place: int, pipe: Any) -> None:
    with contextlib.suppress(ValueError):  # a line cut short: it died while it wrote
        for line in pipe:
            messages.put((place, json.loads(line)))
    messages.put((place, None))


def _next(state: _Run, place: int) -> None:
    """Give a worker its next job, if there is one."""
    worker = state.workers[place]
    worker.job = state.ledger.take()
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
        state.ledger.watch.frame(job["key"], message["done"], message["total"])
        return
    state.ledger.settle(job, message)
    _next(state, place)


def _bury(state: _Run, place: int, workers: int) -> None:
    """A worker died: its sample gets another attempt, in a new process."""
    dead = state.workers.pop(place)
    code = dead.process.wait()
    if dead.job is not None:
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        state.ledger.retry(dead.job, f"its worker process died ({how})")
    if state.ledger.waiting:
        _start(state, place, workers)
