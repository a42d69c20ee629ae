"""The command line as real processes, and ways to kill them. Load it by the fixture `processes`."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

# A shell that starts the tests in the background makes them, and so their children, deaf to Ctrl-C.
HEARING = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}


def start(*args, errors=subprocess.DEVNULL, **options):
    """`kinebench ARGS`, running."""
    command = [sys.executable, "-m", "kinebench.cli.main", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, text=True, **HEARING, **options)


def kinebench(*args, code=0, **options):
    """`kinebench ARGS`, to its end; fails if it ends otherwise, or in a traceback."""
    command = [sys.executable, "-m", "kinebench.cli.main", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done


def contents(folder):
    """Every file of a dataset, by name; what is hidden is nobody's business."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def spooled(folder):
    """Keys of the finished samples that wait for packing."""
    return sorted(path.stem for path in (folder / ".spool").glob("*.tar"))


def hidden(folder):
    """What is in the spool beside plans and finished samples, and what packing left."""
    left = [path.name for path in (folder / ".spool").iterdir() if not path.name.startswith("plan-")]
    return sorted({*left, *(path.name for path in folder.glob(".*"))} - {".spool", "recipe.json", "pack.lock"})


def children(pid):
    """Processes that `pid` started and that have not ended."""
    try:
        found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [child for child in found if alive(child)]


def descendants(pid):
    """Children, their children, and so on."""
    return [below for child in children(pid) for below in (child, *descendants(child))]


def title(pid):
    """What a process calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(pid):
    """Whether a process runs, and is not merely unburied."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill(pid):
    """SIGKILL to a process that lives; whether it did, and is gone now."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not alive(pid):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        return bool(select.select([handle], [], [], 20)[0])
    finally:
        os.close(handle)


def wait_until(condition, seconds=120):
    """Poll until `condition()` is true; returns what it returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")
