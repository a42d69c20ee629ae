"""Ctrl-C and SIGTERM: something long ends with a message that says what is safe."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
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


_STOPS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Hear Ctrl-C and SIGTERM only after the block. Processes started in it never hear them: the parent ends them."""
    resource_tracker.ensure_running()  # multiprocessing's; starting it in the block would lift the mask
    with postponed():
        # The mask is what children inherit, but it is this thread's alone: another may take a signal for it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Hear Ctrl-C and SIGTERM only after the block. Processes started in it hear their own as always."""
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield
        return
    heard: list[int] = []

    def keep(number: int, frame: FrameType | None) -> None:
        heard.append(number)

    terminate, interrupt = (signal.getsignal(number) for number in _STOPS)
    try:
        for number in _STOPS:
            signal.signal(number, keep)
        yield
    finally:  # what is heard between these lines must not cost the other its handler
        try:
            signal.signal(signal.SIGTERM, terminate)
        finally:
            try:
                signal.signal(signal.SIGINT, interrupt)
            finally:
                if heard:
                    signal.raise_signal(heard[0])
