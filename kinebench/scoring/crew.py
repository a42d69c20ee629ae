"""Worker processes that read clips. One that dies ends the run with the name of its clip, and none outlives it."""

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from kinebench.errors import KineBenchError, failure
from kinebench.interrupt import held_back
from kinebench.scoring.job import Desk, Job, Note, work

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


@dataclass(frozen=True)
class _Failure:
    message: str


@dataclass
class _Worker:
    process: SpawnProcess
    job: Job | None = None


def run(desk: Desk, jobs: Iterable[Job], workers: int, hear: Callable[[Note], None]) -> None:
    """Do every job, with so many processes at once; `hear` is told of each reading.

    Raises KineBenchError at the first job that fails, or whose process dies. All processes are gone when this ends.
    """
    waiting, crew = deque(jobs), dict[Connection, _Worker]()
    try:
        for _ in range(min(workers, len(waiting))):
            _start(desk, crew)
        for pipe in list(crew):
            _next(crew, pipe, waiting)
        while crew:
            ready: list[Any] = wait(list(crew))
            for pipe in ready:
                _hear(crew, pipe, waiting, hear)
    finally:
        for worker in crew.values():
            worker.process.kill()
        for worker in crew.values():
            worker.process.join()


def _start(desk: Desk, crew: dict[Connection, _Worker]) -> None:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, desk), daemon=True)
    with held_back(), _one_thread():
        process.start()
        crew[mine] = _Worker(process)
    theirs.close()  # so that the death of the worker closes the pipe


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Libraries of a process that is started in the block have one thread each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection, desk: Desk) -> None:
    with contextlib.suppress(EOFError, BrokenPipeError):  # the parent is gone, or wants no more
        while True:
            job = pipe.recv()
            try:
                for note in work(desk, job):
                    pipe.send(note)
            except KineBenchError as error:
                pipe.send(_Failure(str(error)))
            except Exception as error:
                pipe.send(_Failure(f"reading {job.key} failed: {failure(error)}"))
            pipe.send(None)


def _next(crew: dict[Connection, _Worker], pipe: Connection, waiting: deque[Job]) -> None:
    """Give a worker its next job, or let it go."""
    worker = crew[pipe]
    if waiting:
        worker.job = waiting.popleft()
        with contextlib.suppress(BrokenPipeError):  # it died just now: reading from it will tell
            pipe.send(worker.job)
        return
    del crew[pipe]
    pipe.close()
    worker.process.join()


def _hear(crew: dict[Connection, _Worker], pipe: Connection, waiting: deque[Job], hear: Callable[[Note], None]) -> None:
    worker = crew[pipe]
    try:
        message: Any = pipe.recv()
    except (EOFError, ConnectionResetError):
        raise KineBenchError(_death(worker)) from None
    if isinstance(message, _Failure):
        raise KineBenchError(message.message)
    if message is None:
        _next(crew, pipe, waiting)
    else:
        hear(message)


def _death(worker: _Worker) -> str:
    worker.process.join()
    code = worker.process.exitcode or 0
    how = f"signal {-code}" if code < 0 else f"exit {code}"
    clip = worker.job.key if worker.job else "its first clip"
    hint = "perhaps for lack of memory: run the same command again with fewer --workers. "
    return f"a worker process died ({how}) while it read {clip}, {hint}What was read before is kept"
