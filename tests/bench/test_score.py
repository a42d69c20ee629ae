"""The comparison with public metrics: for real where they are installed, else with stand-ins."""

import importlib.util
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

from kinebench.bench import score
from kinebench.bench.score import Case, Comparison, Pair
from kinebench.bench.spent import Spent, spent
from kinebench.cli.bench_tables import comparisons


def text(found):
    console = Console(width=120, file=io.StringIO())
    console.print(comparisons(found))
    return console.file.getvalue()


def slower():
    """Theirs does our work five times, and is a thousandth off."""

    def work(times):
        for _ in range(times):
            np.linalg.svd(np.ones((200, 200)) + np.eye(200))
        return np.array([1.0, 2.0])

    return Pair(lambda: work(1), lambda: work(5) + np.array([0, 0.002]))


def unprepared():
    raise AssertionError("a peer that is missing is not called")


def test_both_ways_are_measured_in_turn():
    case = Case("something", "a peer", ("numpy",), "pip install numpy", slower)
    (found,) = score.measure((case,), 3)
    assert len(found.ours) == len(found.theirs) == 3
    assert 3 < found.speed_up < 8
    assert found.difference == pytest.approx(0.002 / 2.002)
    assert "1e-03" in text([found]) and "x" in text([found])


def test_what_takes_minutes_is_measured_once():
    case = Case("something", "a peer", ("numpy",), "pip install numpy", slower, long=True)
    (found,) = score.measure((case,), 3)
    assert len(found.ours) == 1


def test_a_missing_peer_is_a_row_that_says_how_to_get_it():
    case = Case("something", "a peer", ("numpy", "surely_not_installed"), "pip install it", unprepared)
    (found,) = score.measure((case,), 3)
    assert found == Comparison("something", "a peer", missing="pip install it")
    assert found.speed_up is None
    assert "not installed" in text([found])


@pytest.mark.slow
def test_the_command_prints_ratios_and_writes_figures(tmp_path):
    command = [sys.executable, "-m", "kinebench.cli.main", "bench", "score", "--repeats", "1"]
    installed = [case for case in score.CASES if all(map(importlib.util.find_spec, case.modules))]
    if any(case.long for case in installed):
        pytest.skip("the window of PIPs++ takes minutes")
    done = subprocess.run([*command, "--json", str(tmp_path / "out.json")], capture_output=True, text=True, check=True)
    assert "fvmd 1.0.0 is not installed: pip install loguru prettytable && pip install --no-deps fvmd" in done.stdout
    figures = {one["name"]: one for one in json.loads((tmp_path / "out.json").read_text())}
    assert figures.keys() == {case.name for case in score.CASES}
    for case in installed:
        assert figures[case.name]["speed_up"] > 1
        assert figures[case.name]["difference"] < 1e-5  # scipy's root of a singular product
    assert figures["Fréchet distance, N = 200, d = 1024"]["speed_up"] > 20


def test_cpu_time_of_sleep_is_nothing():
    _, cost = spent(lambda: subprocess.run(["sleep", "0.2"], check=True))
    assert isinstance(cost, Spent) and cost.wall_s >= 0.2 > 2 * cost.cpu_s
