"""What to change when torch gives up in the middle: memory, a compiler, another process."""

import contextlib
import re
from collections.abc import Iterator

import torch

from kinebench.errors import KineBenchError
from kinebench.kinemask.config import Config

_SAFE = "Checkpoints are whole, and the same command goes on"
_COMPILER = ("torch._dynamo", "torch._inductor")
_LOST = re.compile(r"gloo|nccl|connection (closed|reset|refused)|broken pipe|socket|TCPStore", re.IGNORECASE)


@contextlib.contextmanager
def advised(config: Config, processes: int) -> Iterator[None]:
    """Raises KineBenchError, which says what to do, in the place of torch's own errors."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        said = f"{config.source}: the GPU's memory is full; {_memory(config, processes)}. {_SAFE}"
        raise KineBenchError(said) from error
    except RuntimeError as error:
        if type(error).__module__.startswith(_COMPILER):
            raise KineBenchError(
                f"{config.source}: torch cannot compile the blocks: {_line(error)}; install a compiler and Python's "
                "headers (of Debian g++ and python3-dev), or set training.compile = false"
            ) from error
        if processes > 1 and _LOST.search(str(error)):
            raise KineBenchError(
                f"another process of this run has ended ({_line(error)}). If it said nothing, the system ended it, "
                f"most often for want of memory. {_SAFE}"
            ) from error
        raise


def _memory(config: Config, processes: int) -> str:
    training = config.training
    if training.device_batch > 1:
        return f"set training.device_batch below {training.device_batch}; the total batch stays {training.total_batch}"
    if not training.checkpointing:
        return "set training.checkpointing = true: it takes less memory and more time"
    if processes > 1 and not training.sharding and training.optimizer != "muon":
        return f"set training.sharding = true: each of the {processes} processes keeps a part of the weights alone"
    if training.precision == "float32":
        return 'set training.precision = "bfloat16"'
    if training.ema_decay:
        return "set training.ema_decay = 0: the average takes as much memory as the branch"
    more = "more GPUs" if training.sharding else "several GPUs with training.sharding = true"
    return f"set branch.layers below {config.branch.layers}, or data.size smaller, or take {more} or a larger one"


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
