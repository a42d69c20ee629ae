"""Ctrl-C and SIGTERM: something long ends with a message that says what is safe."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from kinebench.errors import Interrupted, Terminated


class _Stop(KeyboardInterrupt):
    """SIGTERM: what Slurm, Kubernetes and systemd send before they kill."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stop


@contextlib.contextmanager
def stoppable(message: Callable[[], str]) -> Iterator[None]:
    """End the block at Ctrl-C with `Interrupted`, at SIGTERM with `Terminated`; `message()` is asked for then."""
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield
        return
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    except KeyboardInterrupt as stop:
        raise (Terminated if isinstance(stop, _Stop) else Interrupted)(message()) from None
    finally:
        signal.signal(signal.SIGTERM, before)
