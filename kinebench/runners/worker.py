"""A worker process: reads jobs as JSON lines, makes samples into the spool, answers with JSON lines.

It owns standard output: Blender and Bullet print there from C, so the answers go to a private copy of it. When the
parent goes away, the worker ends at once.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinebench.runners.job import attempt
from kinebench.shards.spool import Spool

Answer = Callable[..., None]


def main() -> None:
    """Serve jobs from standard input until it ends."""
    answer = _private_output()
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    while True:
        job = jobs.get()
        spool = Spool(Path(job["out_dir"]))
        answer(**attempt(job, lambda done, total: answer(kind="progress", done=done, total=total), spool.put))


def _private_output() -> Answer:
    pipe = os.fdopen(os.dup(1), "w", buffering=1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    return lambda **message: print(json.dumps(message), file=pipe, flush=True)


def _listen(jobs: "queue.Queue[dict[str, Any]]") -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)  # the parent closed the pipe, or died


if __name__ == "__main__":
    main()
