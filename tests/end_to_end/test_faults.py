"""At least thirty SIGKILLs while a dataset is rendered, and more while it is packed: nothing lost, nothing twice."""

import signal
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

LEAST = Path(__file__).parents[1] / "recipes" / "least_simple.toml"
CLIPS = 80  # so many that thirty kills, each after at most two clips more, cannot outlast them
KILLS = {"worker": 15, "parent": 15}
PACK_KILLS = 6

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(processes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "data"
    processes.kinebench("generate", LEAST, "--out", folder, "--count", CLIPS, "--workers", 2)
    return processes.contents(folder)


class Storm:
    """Kills that hit, of runs that are started again until all have."""

    def __init__(self, processes, folder, seed):
        self.processes, self.folder = processes, folder
        self.rng = np.random.default_rng(seed)
        self.hits, self.ends = Counter(), Counter()
        self.said = folder.parent / "said"

    def start(self):
        order = ("generate", LEAST, "--out", self.folder, "--count", CLIPS, "--workers", 2)
        with self.said.open("a") as errors:
            return self.processes.start(*order, errors=errors)

    def calm(self, run):
        """Wait a random time, but for no more than two more clips and not past the end of the run."""
        clips, moment = len(self.processes.spooled(self.folder)), time.monotonic() + self.rng.uniform(0.1, 2.5)
        while time.monotonic() < moment and run.poll() is None:
            if len(self.processes.spooled(self.folder)) >= clips + 2:
                return
            time.sleep(0.01)

    def strike(self, run, victim):
        """Kill one process of a run; whether one was there to be hit."""
        if victim == "worker":
            workers = self.processes.children(run.pid)
            return bool(workers) and self.processes.kill(int(self.rng.choice(workers)))
        return self.processes.kill(run.pid) and run.wait() == -signal.SIGKILL

    def rage(self):
        victims = list(self.rng.permutation([name for name, count in KILLS.items() for _ in range(count)]))
        run = self.start()
        try:
            while victims:
                self.calm(run)
                if run.poll() is not None:
                    assert run.returncode in (1, -signal.SIGKILL), "the run ended before all kills had hit"
                    self.ends[run.returncode] += 1
                    run = self.start()
                elif self.strike(run, victims[-1]):
                    self.hits[victims.pop()] += 1
        finally:
            run.kill()
            run.wait()


def kill_packing(processes, folder, rng):
    """Kill `pack` at a random moment after it began to write; how often that hit."""
    hits = 0
    for _ in range(3 * PACK_KILLS):
        run = processes.start("pack", folder)
        while run.poll() is None and not (folder / ".pack").exists():
            pass
        time.sleep(rng.uniform(0, 0.08))
        hits += processes.kill(run.pid)
        run.wait()
        if hits == PACK_KILLS:
            break
    return hits


def test_thirty_kills_leave_no_trace(processes, undisturbed, tmp_path):
    folder = tmp_path / "data"
    storm = Storm(processes, folder, seed=20261122)
    storm.rage()
    assert storm.hits == KILLS
    assert "its worker process died (signal 9)" in storm.said.read_text()
    assert "Traceback" not in storm.said.read_text()

    for _ in range(3):  # three kills may have hit one sample in the run before, but not in these
        last = processes.start("generate", LEAST, "--out", folder, "--count", CLIPS, "--worker", 0, "--of", 1)
        if last.wait(timeout=120) == 0:
            break
    plan = [f"least_train_{index:06d}" for index in range(CLIPS)]
    assert processes.spooled(folder) == plan, "every sample once, none besides"

    assert kill_packing(processes, folder, storm.rng) == PACK_KILLS
    processes.kinebench("pack", folder)
    processes.kinebench("verify", folder)
    assert processes.contents(folder) == undisturbed
    assert processes.spooled(folder) == [] and processes.hidden(folder) == []
