"""Where networks run."""

import importlib.util
import os

from kinebench.errors import KineBenchError, require
from kinebench.runners.cores import available


def resolve(device: str) -> str:
    """Load torch, with a thread for each core; the device itself, of `auto` `cuda` if there is one, else `cpu`.

    OMP_NUM_THREADS says otherwise how many threads. Without torch it is `cpu`: each meter says for itself that it
    cannot run. Raises KineBenchError if there is no GPU.
    """
    if device != "cuda" and importlib.util.find_spec("torch") is None:
        return "cpu"
    torch = require("torch", "networks")
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(available())
    found = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and found != device:
        raise KineBenchError("torch finds no CUDA device; use --device cpu, or install a torch that is built for yours")
    return found if device == "auto" else device


def name(device: str) -> str:
    """What a scorecard calls it: `cpu`, or the GPU by its model."""
    if device == "cpu":
        return device
    return f"cuda: {require('torch', 'networks').cuda.get_device_name()}"
