"""Where training runs: accelerate's view of one process, or of many that torchrun started."""

import os
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, DistributedType

from kinebench.errors import KineBenchError
from kinebench.runners.cores import available

_KNOWN = (DistributedType.NO, DistributedType.MULTI_GPU, DistributedType.MULTI_CPU)


def accelerator() -> Any:
    """One for this process. Precision is left to the trainer, which knows what must not be rounded.

    Raises KineBenchError for a way to share the work out that the trainer does not know.
    """
    together = DistributedDataParallelKwargs(broadcast_buffers=False)  # they are the backbone's, alike everywhere
    made = Accelerator(mixed_precision="no", kwargs_handlers=[together])
    if made.distributed_type not in _KNOWN:
        raise KineBenchError(
            f"the trainer runs on one device, or on many with a whole model each, not with {made.distributed_type}; "
            "start it with torchrun --nproc_per_node, without a configuration of accelerate"
        )
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
