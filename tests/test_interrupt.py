import signal
import subprocess
import sys
import threading

import pytest

from kinebench.errors import Interrupted, Terminated
from kinebench.interrupt import held_back, stoppable

WAITING = """
import signal, sys, time
from kinebench.errors import KineBenchError
from kinebench.interrupt import stoppable
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with stoppable(lambda: "two clips are safe"):
        print("waiting", flush=True)
        time.sleep(60)
except KineBenchError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_block_says_what_is_safe(number, code):
    run = subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True)
    assert run.stdout.readline() == "waiting\n"
    run.send_signal(number)
    said, _ = run.communicate(timeout=20)
    assert (said, run.returncode) == ("two clips are safe\n", code)


def test_the_handler_of_before_is_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated, match="safe"), stoppable(lambda: "safe"):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Interrupted), stoppable(lambda: "safe"):
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="mine"), stoppable(lambda: "safe"):
        raise ValueError("mine")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_thread_may_run_it_too():
    ran = []

    def work():
        with stoppable(lambda: "safe"):
            ran.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [True]


HELD_BACK = """
import os, signal, subprocess, sys, threading, time
from kinebench.interrupt import held_back
threading.Thread(target=time.sleep, args=(20,), daemon=True).start()  # as a progress bar's: it takes the signal
try:
    with held_back():
        child = subprocess.Popen([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"], stdout=-1)
        child.stdout.readline()
        for process in (os.getpid(), child.pid):
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(process, number)
        time.sleep(0.5)
        print("the block ends,", "the child lives" if child.poll() is None else "the child died", flush=True)
        child.kill()
except KeyboardInterrupt:
    print("heard", signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""


def test_what_is_held_back_is_heard_after_the_block_though_there_are_threads():
    run = subprocess.run([sys.executable, "-c", HELD_BACK], capture_output=True, text=True, timeout=60)
    assert run.stdout.splitlines() == ["the block ends, the child lives", "heard True set()"], run.stderr


def test_nothing_held_back_changes_nothing():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ValueError, match="mine"), held_back():
        raise ValueError("mine")
    with held_back():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


FIRST_PROCESS = """
import multiprocessing
from kinebench.interrupt import held_back
context = multiprocessing.get_context("spawn")
with held_back():
    process = context.Process(target=input)
    process.start()
with open(f"/proc/{process.pid}/status") as status:
    print(*(line for line in status if line.startswith("SigBlk")))
process.kill()
"""


def test_the_first_process_of_a_pool_is_deaf_too():
    run = subprocess.run([sys.executable, "-c", FIRST_PROCESS], capture_output=True, text=True, timeout=60)
    blocked = int(run.stdout.split()[1], 16)
    assert all(blocked >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM)), run.stderr


EVERY_MOMENT = """
import contextlib, os, signal, sys
from kinebench import interrupt

class Term(KeyboardInterrupt):
    pass

def term(number, frame):
    raise Term

handlers = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: term}
files = (interrupt.__file__, contextlib.__file__)

def at(moment, number):
    # Send a signal when the interpreter next looks for one: after a call into C, or as a function begins.
    left = moment
    def profile(frame, event, argument):
        nonlocal left
        if event in ("c_return", "call") and frame.f_code.co_filename in files:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), number)
    for each, handler in handlers.items():
        signal.signal(each, handler)
    heard = None
    sys.setprofile(profile)
    try:
        with interrupt.postponed():
            pass
    except KeyboardInterrupt as error:
        heard = type(error)
    finally:
        sys.setprofile(None)
    if left <= 0:
        assert heard is {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Term}[number], (moment, number, heard)
    for each, handler in handlers.items():
        assert signal.getsignal(each) is handler, (moment, number, each)
    return left <= 0

for number in handlers:
    moment = 1
    while at(moment, number):
        moment += 1
    assert moment > 10
print("whole")
"""


def test_a_signal_at_any_moment_of_postponing_is_heard_and_leaves_both_handlers_as_they_were():
    run = subprocess.run([sys.executable, "-c", EVERY_MOMENT], capture_output=True, text=True, timeout=60)
    assert run.stdout == "whole\n", run.stderr
