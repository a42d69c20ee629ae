"""The bytes depend neither on the runner, nor on the number of workers, nor on who was killed."""

import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

LEAST = Path(__file__).parents[1] / "recipes" / "least_simple.toml"
CLIPS = 24
RAY = ("--runner", "ray", "--workers", 2)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset(processes, tmp_path_factory):
    """Made by one local worker, undisturbed."""
    folder = tmp_path_factory.mktemp("undisturbed") / "data"
    processes.kinebench("generate", LEAST, "--out", folder, "--count", CLIPS, "--workers", 1)
    return processes.contents(folder)


def order(folder, *more):
    return ("generate", LEAST, "--out", folder, "--count", CLIPS, *more)


def test_two_local_workers(processes, dataset, tmp_path):
    processes.kinebench(*order(tmp_path / "data", "--workers", 2))
    assert processes.contents(tmp_path / "data") == dataset


def test_two_shares_at_once_and_pack(processes, dataset, tmp_path):
    folder = tmp_path / "data"
    share = ("--of", 2, "--workers", 1)
    other = processes.start(*order(folder, *share, "--worker", 1))
    said = processes.kinebench(*order(folder, *share, "--worker", 0)).stdout
    assert re.search(rf"worker 0 of 2 has made its 12 clips; \d+ of {CLIPS} clips .* kinebench pack {folder}", said)
    assert other.wait(timeout=120) == 0
    assert len(processes.spooled(folder)) == CLIPS and not processes.contents(folder), "nothing is packed yet"
    assert f"finished    {CLIPS} of {CLIPS}" in processes.kinebench("plan", *order(folder)[1:]).stdout
    assert f"{CLIPS} clips in 1 tar" in processes.kinebench("pack", folder).stdout
    assert processes.contents(folder) == dataset
    processes.kinebench("verify", folder)


def test_pack_refuses_what_is_not_whole(processes, dataset, tmp_path):
    folder = tmp_path / "data"
    processes.kinebench(*order(folder, "--worker", 1, "--of", 2))
    said = processes.kinebench("pack", folder, code=1).stderr
    named = re.findall(r"least_train_\d{6}", said)
    assert named == [f"least_train_{index:06d}" for index in range(0, 20, 2)], "ten of them, in order"
    assert f"12 of the {CLIPS} planned train samples are missing" in said and "and 2 more" in said
    assert not processes.contents(folder)
    processes.kinebench(*order(folder, "--worker", 0, "--of", 2))
    processes.kinebench("pack", folder)
    assert processes.contents(folder) == dataset


def test_another_recipe_or_other_companions_are_refused(processes, tmp_path):
    folder = tmp_path / "data"
    first = ("generate", LEAST, "--out", folder, "--count", 2, "--worker", 0, "--of", 2)
    processes.kinebench(*first)
    said = processes.kinebench(*first, "--with", "depth", code=1).stderr
    assert "its train samples are planned with no companions, now with depth companions" in said
    assert "samples of another recipe_sha256" in processes.kinebench(*first, "--samples", 2, code=1).stderr
    assert "seed 0 (now 1)" in processes.kinebench(*first, "--seed", 1, code=1).stderr
    assert len(list((folder / ".spool").glob("plan-*"))) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("runner", ["local", "ray"])
def test_an_interrupt_says_what_is_safe_and_leaves_no_process(processes, tmp_path, number, runner):
    folder = tmp_path / "data"
    run = processes.start(
        *("generate", LEAST, "--out", folder, "--count", 500, "--runner", runner, "--workers", 2),
        errors=subprocess.PIPE,
    )
    processes.wait_until(lambda: processes.spooled(folder))
    family = processes.descendants(run.pid)
    assert len(family) >= 2
    run.send_signal(number)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number], errors
    safe = re.search(r"kinebench: interrupted; (\d+) of 500 clips are safe", errors)
    assert int(safe.group(1)) == len(processes.spooled(folder)) >= 1
    assert "Traceback" not in errors
    processes.wait_until(lambda: not any(map(processes.alive, family)), 20)


def test_ray(processes, dataset, tmp_path):
    done = processes.kinebench(*order(tmp_path / "data", *RAY))
    assert processes.contents(tmp_path / "data") == dataset
    assert "ray" not in done.stderr.lower(), "its chatter is nobody's business"


def test_ray_with_a_worker_killed(processes, dataset, tmp_path):
    folder = tmp_path / "data"
    run = processes.start(*order(folder, *RAY), errors=subprocess.PIPE)
    processes.wait_until(lambda: processes.spooled(folder))

    def kill_one():
        busy = [pid for pid in processes.descendants(run.pid) if processes.title(pid).startswith("ray::_make")]
        return bool(busy) and processes.kill(busy[0])

    processes.wait_until(kill_one)
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    assert re.search(r"least_train_\d{6}: attempt 1 of 3 failed: its worker process died", errors), errors
    assert processes.contents(folder) == dataset


def test_ray_with_the_driver_killed_and_started_again(processes, dataset, tmp_path):
    folder = tmp_path / "data"
    run = processes.start(*order(folder, *RAY))
    processes.wait_until(lambda: processes.spooled(folder))
    workers = [pid for pid in processes.descendants(run.pid) if processes.title(pid).startswith("ray::_make")]
    assert workers and processes.kill(run.pid)
    assert run.wait() == -signal.SIGKILL
    safe = {path: path.stat().st_mtime_ns for path in (folder / ".spool").glob("*.tar")}
    assert 1 <= len(safe) < CLIPS
    again = processes.start(*order(folder, *RAY), errors=subprocess.PIPE)
    processes.wait_until(lambda: len(processes.spooled(folder)) > len(safe))
    assert all(path.stat().st_mtime_ns == then for path, then in safe.items()), "what was finished is not made again"
    _, errors = again.communicate(timeout=120)
    assert again.returncode == 0, errors
    assert processes.contents(folder) == dataset
    assert not any(map(processes.alive, workers)), "no worker outlives its driver for long"


@pytest.fixture
def cluster(processes, monkeypatch):
    """A Ray cluster of two nodes with one core each, started by hand as on two machines."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "f" * 64)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = Path(sys.executable).with_name("ray")
    with tempfile.TemporaryDirectory(prefix="ray-") as short:  # Ray's sockets stand there, and their names are limited
        head = ("--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={short}")
        nodes = []
        try:
            for place in (head, (f"--address=127.0.0.1:{port}",)):
                command = [ray, "start", "--block", "--num-cpus=1", "--node-ip-address=127.0.0.1", *place]
                nodes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                processes.wait_until(lambda: is_up(port), 60)
            yield f"127.0.0.1:{port}"
        finally:
            families = [processes.descendants(node.pid) for node in nodes]
            for pid in (pid for node, family in zip(nodes, families, strict=True) for pid in (node.pid, *family)):
                processes.kill(pid)
            for node in nodes:
                node.wait()


def is_up(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_ray_cluster_of_two_nodes(processes, dataset, tmp_path, cluster, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", cluster)
    processes.kinebench(*order(tmp_path / "data", "--runner", "ray"))
    assert processes.contents(tmp_path / "data") == dataset


def test_a_ray_cluster_that_is_not_there(processes, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    said = processes.kinebench(*order(tmp_path / "data", "--runner", "ray"), code=1).stderr
    assert "no Ray cluster answers at RAY_ADDRESS=127.0.0.1:9" in said
