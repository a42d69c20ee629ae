"""Videos by run.py: one launch for many tasks, watched from outside; what it dies of costs one task, not the run."""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.methods.method import CODE, Method, Value
from kinebench.methods.protocol import answer
from kinebench.methods.protocol.answer import STARTED, Given, Unfinished
from kinebench.methods.protocol.frames import Wrong
from kinebench.methods.protocol.job import LOG, Job, Order, remove
from kinebench.methods.protocol.launch import Worker, environment, running
from kinebench.methods.protocol.lock import Lock, locked
from kinebench.methods.protocol.log import Log
from kinebench.methods.protocol.tally import Tally
from kinebench.methods.task import Conditions, Failed, Made, Maker, Task

PYTHON = "python"
"""The option that names a method's own interpreter."""
POLL_S = 0.1
LEAVING_S = 10.0
"""From the last answer to the end of the process, which has a model to put away."""

Results = Generator[Made | Failed, None, "Ending"]


@dataclass(frozen=True)
class Ending:
    """How a worker ended; as text, what is to be said of run.py."""

    code: int  # negative: a signal
    limit: str = ""  # what it had exceeded when it was ended

    def __str__(self) -> str:
        if self.limit:
            return self.limit
        if self.code < 0:
            name = signal.Signals(-self.code).name if -self.code in set(signal.Signals) else f"signal {-self.code}"
            hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
            return f"was ended by {name}{hint}"
        return f"ended with exit code {self.code}" if self.code else "ended without an answer"


def maker(method: Method, settings: Mapping[str, Value], device: str, tiny: bool, folder: Path) -> Maker:
    """What makes this method's videos by its run.py, in the job folder `folder`.

    Close the iterator that it gives: that ends the worker. An answer is removed from the folder when the next result is
    asked for, and so is the folder at the end; if something failed, log.txt stays. Raises KineBenchError while it is
    iterated if the worker cannot be started, dies without making anything, or if another process has the folder.
    """
    job = Job(folder.absolute(), method, settings, device, tiny)

    def make(tasks: Sequence[Task], conditions: Conditions) -> Generator[Made | Failed, None, None]:
        if not tasks:
            return
        if os.pathsep in str(job.folder):  # PYTHONPATH cannot hold it
            raise KineBenchError(f"{job.folder}: run.py cannot import from a folder with {os.pathsep!r} in its name")
        command = [_interpreter(method, settings), CODE["folder"], "--job", str(job.folder)]
        with locked(job.folder) as lock:
            tally = Tally(job.orders(tasks, conditions))
            whole = True
            with contextlib.closing(_Run(job, command, lock, Log(job.folder / LOG), tally).results()) as results:
                for result in results:
                    whole &= isinstance(result, Made)
                    yield result
            job.clear(log=not whole)

    return make


def _interpreter(method: Method, settings: Mapping[str, Value]) -> str:
    """The Python that runs run.py. Raises KineBenchError if it is not there."""
    if not (given := str(settings.get(PYTHON, ""))):
        return sys.executable
    if found := shutil.which(given):
        return str(Path(found).absolute())
    raise KineBenchError(f"{method.name}: there is no program {given}; set --set {PYTHON}=PATH to its interpreter")


@dataclass
class _Run:
    """The state of one run: launches, one after another, until every order has its result."""

    job: Job
    command: Sequence[str]
    lock: Lock
    log: Log
    tally: Tally
    launches: int = 0
    last_s: float = field(default_factory=time.monotonic)  # when there was a sign of life

    def results(self) -> Generator[Made | Failed, None, None]:
        yield from self._left_over()
        while self.tally.waiting:
            ending = yield from self._launch()
            yield from self.tally.ended(str(ending), self.log, by_itself=ending == Ending(0))

    def _left_over(self) -> Iterator[Made | Failed]:
        """The videos that a run which was killed has left."""
        for order in list(self.tally.waiting):
            with contextlib.suppress(Wrong):
                if isinstance(given := answer.read(self._folder(order), order), Given):
                    yield from self._settled(order, Made(order.task, given.video, given.seconds or 0.0))

    def _launch(self) -> Results:
        self.job.sweep()
        self.job.ask(self.tally.waiting)
        self.tally.launch()
        self.launches += 1
        self.log.begin(f"launch {self.launches}, {len(self.tally.waiting)} tasks: {' '.join(self.command)}")
        place = environment(self.job.folder, own_python=self.command[0] != sys.executable)
        with running(self.command, self.job.method.folder.absolute(), place, self.lock, self.log) as worker:
            return (yield from self._watch(worker))

    def _watch(self, worker: Worker) -> Results:
        """Results as they come, until the worker ends or has nothing left to do."""
        self.last_s = time.monotonic()
        limit = ""
        while True:
            code = worker.code(POLL_S)
            yield from self._collect(ended=code is not None)
            if code is not None:
                return Ending(code, limit)
            if not self.tally.waiting:
                worker.code(LEAVING_S)
                return Ending(0)
            if limit := self._exceeded():
                worker.end()

    def _collect(self, ended: bool) -> Iterator[Made | Failed]:
        there = set(self.job.answers())
        for order in [order for order in self.tally.waiting if self._folder(order) in there]:
            if self._is_sign(order):
                self.last_s = time.monotonic()
            if (result := self._result(order, ended)) is not None:
                yield from self._settled(order, result)

    def _settled(self, order: Order, result: Made | Failed) -> Iterator[Made | Failed]:
        self.tally.settle(order)
        yield result
        with contextlib.suppress(KineBenchError):  # its worker still writes there; `sweep` and `clear` come later
            remove(self._folder(order))  # not before: it may not have been written yet where it goes

    def _is_sign(self, order: Order) -> bool:
        """Whether this order has come further than it was when last looked at."""
        names = (STARTED, answer.VIDEO, answer.ERROR)
        return self.tally.saw(order, [name for name in names if (self._folder(order) / name).exists()])

    def _result(self, order: Order, ended: bool) -> Made | Failed | None:
        try:
            given = answer.read(self._folder(order), order)
        except Wrong as wrong:
            if isinstance(wrong, Unfinished) and not ended:
                return None
            return Failed(order.task, "model", f"{CODE['folder']} gave no whole answer: {wrong}")
        if isinstance(given, Given):
            took_s = self.tally.took_s(order) if given.seconds is None else given.seconds
            return Made(order.task, given.video, took_s)
        return given

    def _exceeded(self) -> str:
        """Which limit is exceeded, in words; else nothing."""
        limits = self.job.method.limits
        allowed_s = limits.video_s + (0.0 if self.tally.alive else limits.load_s)
        if time.monotonic() - self.last_s <= allowed_s:
            return ""
        names = "limits.video_s" if self.tally.alive else "limits.load_s and limits.video_s"
        return f"was ended, since nothing came from it in {allowed_s:g} s ({names} in method.toml)"

    def _folder(self, order: Order) -> Path:
        return self.job.folder / order.outputs
