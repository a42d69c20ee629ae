"""What tasks run on side by side: one core each, or one GPU each."""

import os
import subprocess
from functools import cache
from typing import Literal

from kinebench.errors import KineBenchError
from kinebench.runners.cores import available

Processor = Literal["core", "gpu"]

_VISIBLE = "CUDA_VISIBLE_DEVICES"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_PATIENCE_S = 60


def most(processor: Processor) -> int:
    """How many tasks this machine has room for at once. Raises KineBenchError if they want GPUs and it has none."""
    return available() if processor == "core" else len(_devices())


def demand(processor: Processor, jobs: int) -> None:
    """Raises KineBenchError if there are not so many GPUs. Cores may be shared, at a cost."""
    if processor == "gpu" and jobs > (there := most("gpu")):
        raise KineBenchError(
            f"--jobs {jobs}: each task wants a GPU of its own, and there {'is' if there == 1 else 'are'} {there}"
        )


def environment(processor: Processor, place: int) -> dict[str, str]:
    """What tells a task in slot `place` where to run, in variables of its environment.

    On a core it has one thread, so that numbers do not depend on how many others run; and sees no GPU, for all would
    take the same one.
    """
    if processor == "core":
        return {_VISIBLE: "", **dict.fromkeys(_THREADS, "1")}
    return {_VISIBLE: _devices()[place]}


def _devices() -> tuple[str, ...]:
    given = os.environ.get(_VISIBLE)
    if given is not None:
        devices = tuple(name for each in given.split(",") if (name := each.strip()) and name != "-1")
    else:
        devices = tuple(map(str, range(len(gpu_names()))))
    if not devices:
        why = f"{_VISIBLE} names none" if given is not None else "nvidia-smi lists none"
        raise KineBenchError(
            f"this scale trains and samples on GPUs, and there is none here: {why}. "
            "Run it on a machine that has some, or take --scale tiny, which runs on two cores"
        )
    return devices


@cache
def gpu_names() -> tuple[str, ...]:
    """The GPUs of this machine by their models' names, as nvidia-smi lists them; none if it is not there."""
    try:
        said = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=_PATIENCE_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    gpus = (line for line in said.stdout.splitlines() if line.startswith("GPU "))
    return tuple(line.partition(":")[2].partition("(")[0].strip() for line in gpus)
