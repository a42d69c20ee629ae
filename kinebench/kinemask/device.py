"""Where training runs: accelerate's view of one process, or of many that torchrun started."""

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, DistributedType, InitProcessGroupKwargs, gather_object
from torch.distributed import TCPStore

from kinebench.errors import KineBenchError
from kinebench.runners.cores import available

Value = TypeVar("Value")

PATIENCE = timedelta(hours=1)
"""So long a process waits for another, which may be writing a checkpoint to a slow disk."""

_KNOWN = (DistributedType.NO, DistributedType.MULTI_GPU, DistributedType.MULTI_CPU)
_IDLE_WARNINGS = ("`broadcast_buffers` is deprecated", "Grad strides do not match bucket view strides")
"""Of torch, from every process: of something that has no substitute yet, and of a few small weights."""
_STORE_TIMEOUT = timedelta(seconds=5)


def accelerator() -> Any:
    """One for this process. Precision is left to the trainer, which knows what must not be rounded.

    Raises KineBenchError for a way to share the work out that the trainer does not know.
    """
    together = DistributedDataParallelKwargs(broadcast_buffers=False)  # they are the backbone's, alike everywhere
    made = Accelerator(mixed_precision="no", kwargs_handlers=[together, InitProcessGroupKwargs(timeout=PATIENCE)])
    if made.distributed_type not in _KNOWN:
        raise KineBenchError(
            f"the trainer shares its work out itself, and not by {made.distributed_type}; start it with torchrun "
            "--nproc_per_node, without a configuration of accelerate; to share out weights, set training.sharding"
        )
    for said in _IDLE_WARNINGS:
        warnings.filterwarnings("ignore", said)
    if made.device.type == "cpu" and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(available())
    return made


def portion_batches(total: int, batch: int, processes: int) -> int:
    """How many batches of a step each process works on. Raises KineBenchError if that does not come out even."""
    if total % (batch * processes):
        raise KineBenchError(
            f"training.total_batch {total} is not a multiple of training.device_batch {batch} times {processes} "
            "processes; change one of the three"
        )
    return total // (batch * processes)


def everywhere(value: Value) -> list[Value]:
    """What this value is in each process, in order; they wait for each other."""
    return list(gather_object([value]))


@contextlib.contextmanager
def agreed() -> Iterator[None]:
    """Let processes wait for each other at the end of a block. What a user can mend in one then ends them all."""
    fault = None
    try:
        yield
    except KineBenchError as error:
        fault = error
    others = everywhere(None if fault is None else str(fault))
    if fault is not None:
        raise fault
    if said := next((each for each in others if each is not None), None):
        raise KineBenchError(said)


def demand_alike(facts: Mapping[str, Any]) -> None:
    """Raises KineBenchError, in every process, if one of these facts is another in another process."""
    rows = everywhere(dict(facts))
    for name, value in facts.items():
        if any(row[name] != value for row in rows):
            raise KineBenchError(
                f"{name} is not the same for all {len(rows)} processes; they want one disk that all machines "
                "share, or copies that are alike"
            )


def first_to_speak() -> bool:
    """Whether no other of the processes that torchrun started has said yet why it ends; then this one does."""
    try:
        place, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = TCPStore(place, port, is_master=False, timeout=_STORE_TIMEOUT)
        return bool(store.add(f"kinebench said {os.environ.get('TORCHELASTIC_RESTART_COUNT', 0)}", 1) == 1)
    except (KeyError, ValueError, RuntimeError):  # there is no other; or it is gone, and cannot have said more
        return True
