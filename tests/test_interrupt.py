import signal
import subprocess
import sys
import threading

import pytest

from kinebench.errors import Interrupted, Terminated
from kinebench.interrupt import stoppable

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
