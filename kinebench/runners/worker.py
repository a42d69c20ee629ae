"""A worker process: reads jobs as JSON lines, makes samples into the spool, answers with JSON lines.

It owns standard output: Blender and Bullet print there from C, so the answers go to a private copy of it. When the
parent goes away, the worker ends at once.
"""

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError

Answer = Callable[..., None]


def main() -> None:
    """Serve jobs from standard input until it ends."""
    answer = _private_output()
    jobs: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    while True:
        job = jobs.get()
        try:
            _make(job, lambda done, total: answer(kind="progress", done=done, total=total))
            answer(kind="done", key=job["key"])
        except KineBenchError as error:
            answer(kind="refused", key=job["key"], message=str(error))
        except Exception:
            answer(kind="failed", key=job["key"], message=traceback.format_exc())


def _private_output() -> Answer:
    pipe = os.fdopen(os.dup(1), "w", buffering=1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    return lambda **message: print(json.dumps(message), file=pipe, flush=True)


def _listen(jobs: "queue.Queue[dict[str, Any]]") -> None:
    for line in sys.stdin:
        jobs.put(json.loads(line))
    os._exit(0)  # the parent closed the pipe, or died


def _make(job: dict[str, Any], progress: Callable[[int, int], None]) -> None:
    from kinebench import recipe as recipes
    from kinebench.pipeline import make_sample
    from kinebench.shards.spool import Spool

    recipe = recipes.parse(job["recipe"], job["source"])
    sample = make_sample(recipe, job["split"], job["index"], job["seed"], job["companions"], progress)
    Spool(Path(job["out_dir"])).put(sample)


if __name__ == "__main__":
    main()
