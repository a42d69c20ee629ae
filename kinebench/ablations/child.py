"""A task as a process: it ends when it is told to, and it does not outlive us."""

import contextlib
import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room

GRACE_S = ((signal.SIGINT, 20.0), (signal.SIGTERM, 5.0))
"""What a child is sent, and how long it may take to end; then it is killed. At Ctrl-C KineBench says what is safe."""
_TICK_S = 0.05
_PARENT_DIED = 1  # PR_SET_PDEATHSIG
_SHOWN = 5
_TAIL_BYTES = 4000


@dataclass(frozen=True)
class End:
    """How a process ended, and what it and all that it waited for took."""

    code: int  # negative for a signal
    cpu_s: float
    memory_gb: float  # of the largest of them


@dataclass(frozen=True)
class Child:
    """A process that was started; `start` is where its words begin in the log."""

    process: "subprocess.Popen[bytes]"
    log: Path
    start: int

    def end(self) -> End | None:
        """How it ended; None if it runs. It is buried by this, so it is asked once."""
        try:
            number, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        except ChildProcessError:  # it was buried, and Ctrl-C came before that was noted
            return End(-signal.SIGKILL, 0.0, 0.0)
        if not number:
            return None
        self.process.returncode = os.waitstatus_to_exitcode(status)
        unit = 1 if sys.platform == "darwin" else 1024
        cpu_s = usage.ru_utime + usage.ru_stime
        return End(self.process.returncode, cpu_s, usage.ru_maxrss * unit / 1e9)

    def said(self) -> str:
        """The last lines of what it said."""
        with self.log.open("rb") as file:
            file.seek(max(self.start, self.log.stat().st_size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        last = next((i for i in reversed(range(len(lines))) if lines[i].startswith("kinebench: ")), -_SHOWN)
        return "\n".join(lines[last:][:_SHOWN]).removeprefix("kinebench: ")


def started(
    program: Sequence[str], command: Sequence[str], folder: Path, environment: Mapping[str, str], lock: int, log: Path
) -> Child:
    """Start a command of `kinebench`, which is `program`, in `folder`; what it says is added to `log`.

    It holds the lock, and dies with this thread.

    Raises KineBenchError if it cannot be started, or the log not be written.
    """
    try:
        with disk_room("writing a log", log.parent, _TAIL_BYTES):
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as file:
                file.write(f"$ {shlex.join(('kinebench', *command))}\n".encode())
                file.flush()
                start = file.tell()
                return Child(_process((*program, *command), folder, environment, lock, file), log, start)
    except OSError as error:
        raise KineBenchError(f"cannot start {program[0]}, with a log in {log}: {error.strerror}") from error


def _process(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], lock: int, log: BinaryIO
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches us only, and we tell our children
        pass_fds=(lock,),
        preexec_fn=_before(os.getpid()),
    )


def _before(parent: int) -> Callable[[], None]:
    """What a child does first. All is looked up here: between fork and exec nothing may be imported."""
    tell = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background makes its processes deaf to it
        if tell is not None:
            tell(_PARENT_DIED, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != parent:  # it died before that
                os._exit(1)

    return prepare


def end_all(children: Sequence[Child]) -> list[End]:
    """Tell all to end, give them time, and kill what is left of them. A second Ctrl-C leaves them no time."""
    ends: dict[int, End] = {}

    def wait(until_s: float) -> None:
        while True:
            for place, child in enumerate(children):
                if place not in ends and (end := child.end()):
                    ends[place] = end
            if len(ends) == len(children) or time.monotonic() > until_s:
                return
            time.sleep(_TICK_S)

    try:
        for number, grace_s in GRACE_S:
            for place, child in enumerate(children):
                if place not in ends:
                    os.kill(child.process.pid, number)  # it is not buried yet, so this is still its number
            wait(time.monotonic() + grace_s)
    finally:
        for place, child in enumerate(children):
            if place not in ends:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.process.pid, signal.SIGKILL)
        wait(float("inf"))
    return [ends[place] for place in range(len(children))]
