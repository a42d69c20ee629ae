"""A Ray cluster: each sample is a task of one core, and its bytes come back to the driver, which keeps the spool.

The only importer of ray. No disk is shared with the cluster; KineBench is installed on every node.
"""

import os
import secrets
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError, require
from kinebench.runners.cores import available, cores
from kinebench.runners.job import attempt
from kinebench.runners.ledger import Job, Ledger, Outcome, Watch
from kinebench.shards.sample import Sample
from kinebench.shards.spool import Spool

_place: list[socket.socket] = []
"""In a process of Ray's: the claim on its share of the node's cores."""


def run(jobs: Iterable[Job], workers: int | None, watch: Watch) -> Outcome:
    """Make every job's sample on the cluster of RAY_ADDRESS, or on one of `workers` processes of this machine.

    With RAY_ADDRESS, `workers` tasks at once, by default one for each core of the cluster. Raises KineBenchError if
    no cluster answers, or the disk is full.
    """
    ledger = Ledger(deque(jobs), watch)
    with _cluster(workers) as ray:
        task = ray.remote(num_cpus=1, max_retries=0)(_make)
        running: dict[Any, Job] = {}
        while running or ledger.waiting:
            while len(running) < (workers or _slots(ray)) and (job := ledger.take()) is not None:
                running[task.remote(job)] = job
            (ready,), _ = ray.wait(list(running), num_returns=1)
            _receive(ray, ready, running.pop(ready), ledger)
    return ledger.outcome


def _slots(ray: Any) -> int:
    """One task a core: more in flight would only fill memory. Nodes may come and go."""
    return max(1, int(ray.cluster_resources().get("CPU", 0)))


def _receive(ray: Any, ready: Any, job: Job, ledger: Ledger) -> None:
    try:
        answer, sample = ray.get(ready)
    except ray.exceptions.RayError as error:
        raised = isinstance(error, ray.exceptions.RayTaskError)
        ledger.retry(job, str(error) if raised else f"its worker process died ({_first_line(error)})")
        return
    if sample is not None:
        Spool(Path(job["out_dir"])).put(sample)
    ledger.settle(job, answer)


def _first_line(error: Exception) -> str:
    """Ray's messages are pages long; the first line says it."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


@contextmanager
def _cluster(workers: int | None) -> Iterator[Any]:
    """Ray, connected; disconnected, and a cluster of our own stopped, at the end."""
    address = os.environ.get("RAY_ADDRESS")
    _prepare(own=not address)
    ray = require("ray", "ray")
    terminate = signal.getsignal(signal.SIGTERM)
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address:
        _connect(ray, address, quiet)
    else:
        ray.init(address="local", num_cpus=workers or available(), include_dashboard=False, **quiet)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminate)  # Ray has put its own there
    try:
        yield ray
    finally:
        ray.shutdown()


def _connect(ray: Any, address: str, quiet: dict[str, Any]) -> None:
    """Join the user's cluster; an address where nobody listens is told at once, not after Ray's two minutes."""
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdecimal() and "/" not in host:
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address=address, **quiet)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise KineBenchError(
            f"no Ray cluster answers at RAY_ADDRESS={address}: {_first_line(error)}; "
            "start one, or unset RAY_ADDRESS to use this machine"
        ) from error


def _prepare(own: bool) -> None:
    """Settings that Ray reads when it is imported. A cluster of our own has a key that nobody else knows."""
    if own and "RAY_AUTH_MODE" not in os.environ and "ray" not in sys.modules:
        # By default Ray writes such a key into the user's home, where it changes how later clusters start.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    if own:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def _make(job: Job) -> tuple[dict[str, str], Sample | None]:
    """In a process of Ray's."""
    _settle()
    made: list[Sample] = []
    answer = attempt(job, lambda done, total: None, made.append)
    return answer, made[0] if made else None


def _settle() -> None:
    """Tie this process to its share of the node's cores, for as long as it lives, as local workers are."""
    import ray

    if _place or not sys.platform.startswith("linux"):
        return
    here = ray.get_runtime_context().get_node_id()
    slots = next((int(node["Resources"].get("CPU", 1)) for node in ray.nodes() if node["NodeID"] == here), 1)
    for place in range(slots):
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0kinebench-{here}-{place}")  # a name without a file, which dies with the process
        except OSError:
            claim.close()
            continue
        os.sched_setaffinity(0, cores(place, slots))
        _place.append(claim)
        return
