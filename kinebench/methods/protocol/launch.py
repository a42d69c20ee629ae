"""A worker process and all that it starts: one process group, which is gone afterwards."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinebench.errors import KineBenchError
from kinebench.interrupt import postponed
from kinebench.methods.protocol.lock import Lock
from kinebench.methods.protocol.log import Log

GRACE_S = 5.0
"""From SIGTERM to SIGKILL."""
_OURS = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "__PYVENV_LAUNCHER__")
"""Variables that would make another Python look for its modules in our environment."""


@dataclass(frozen=True)
class Worker:
    """A process that has been started."""

    process: "subprocess.Popen[bytes]"

    def code(self, wait_s: float) -> int | None:
        """How it ended, negative for a signal; None if it still runs after so long."""
        try:
            return self.process.wait(wait_s)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """SIGTERM, some grace, SIGKILL: to all of its group, of which nothing is left then."""
        group = self.process.pid
        try:
            if self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGTERM)
                self.code(GRACE_S)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], lock: Lock, log: Log
) -> Iterator[Worker]:
    """Start a worker in `folder`; when the block ends, so does it. Raises KineBenchError if it cannot be started."""
    process, pump = None, None
    try:
        with postponed():
            process = _started(command, folder, environment, lock)
        lock.name_worker(process.pid)
        pump = threading.Thread(target=_pump, args=(process, log), daemon=True)
        pump.start()
        yield Worker(process)
    finally:
        if process is not None:
            Worker(process).end()
            if process.stdin is not None:
                process.stdin.close()
        if pump is not None:
            pump.join(1.0)  # somebody who left the group may still hold the pipe


def _started(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], lock: Lock
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the worker that we are gone
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,  # Ctrl-C reaches us only, and we end the group
            pass_fds=(lock.descriptor,),
        )
    except OSError as error:
        raise KineBenchError(f"cannot start {command[0]}: {error.strerror}") from error


def _pump(process: "subprocess.Popen[bytes]", log: Log) -> None:
    pipe = process.stdout
    if pipe is not None:
        with pipe:
            while data := os.read(pipe.fileno(), 1 << 16):
                log.write(data)


def environment(job: Path, own_python: bool) -> dict[str, str]:
    """What a worker finds in its environment: ours, except for what would lead another Python to our packages."""
    ours = dict(os.environ)
    there = {name: value for name, value in ours.items() if name not in _OURS}
    if own_python and (home := ours.get("VIRTUAL_ENV")):
        commands = str(Path(home) / "bin")
        there["PATH"] = os.pathsep.join(each for each in ours.get("PATH", "").split(os.pathsep) if each != commands)
    return there | {"PYTHONPATH": str(job), "PYTHONUNBUFFERED": "1"}
