"""The two packages that can run SAM2: whether they are there, and a network loaded by either."""

import importlib
import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, cast, get_args

from kinebench.errors import KineBenchError, MissingExtra, Unavailable, demand
from kinebench.metrics.sam2.size import Size
from kinebench.metrics.sam2.tracking import Tracker

Backend = Literal["transformers", "sam2"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
_HOMES: dict[Backend, str] = {
    "transformers": "kinebench.metrics.sam2.hf",
    "sam2": "kinebench.metrics.sam2.published",
}
_INSTALL: dict[Backend, str] = {
    "transformers": "pip install 'kinebench[networks]'",
    # PyPI's sam2 is a third party's upload whose Python files are Meta's, byte for byte. It asks for torchvision, which
    # nothing here imports: hence --no-deps.
    "sam2": "pip install hydra-core iopath 'kinebench[networks]' && "
    "SAM2_BUILD_CUDA=0 pip install --no-deps --no-build-isolation sam2==1.1.0",
}


def package(backend: Backend) -> str:
    """Name and version of what a back end runs; raises `Unavailable` if it is not installed or cannot work."""
    demand("torch", "networks")
    try:
        installed = version(backend)
    except PackageNotFoundError as error:
        raise MissingExtra(f"SAM2's back end {backend!r} is not installed; run: {_INSTALL[backend]}") from error
    if backend == "transformers":
        _check_torchvision()
    return f"{backend} {installed}"


def _check_torchvision() -> None:
    """Transformers imports any torchvision that it sees, and cannot be imported beside one for another torch."""
    if importlib.util.find_spec("torchvision") is None:
        return
    try:
        importlib.import_module("torchvision")
    except Exception as error:  # RuntimeError, ImportError or OSError, as it was built
        raise Unavailable(
            f"torchvision is installed but does not load ({error}), and transformers imports it. KineBench needs no "
            "torchvision: uninstall it, or install the one built for your torch"
        ) from error


def load(backend: Backend, size: Size, image_size: int, weights: Path, device: str, bfloat16: bool) -> Tracker:
    """A network of `size` with the published `weights`, a .pt with a state dict under `model`, on a device of torch.

    Raises `Unavailable` as `package` does, `KineBenchError` for other weights and for a device that is not there.
    """
    package(backend)
    from kinebench.weights.checkpoint import state_dict  # imports torch

    try:
        home = importlib.import_module(_HOMES[backend])
    except ImportError as error:
        raise MissingExtra(
            f"SAM2's back end {backend!r} does not import ({error}); run: {_INSTALL[backend]}"
        ) from error
    state = state_dict(weights, "model")
    try:
        network = home.build(size, image_size, state)
    except RuntimeError as error:  # what torch says of other names and shapes, a line for each
        raise KineBenchError(f"{weights}: not the weights of {size.config}: {str(error)[:300]}") from error
    try:
        network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise KineBenchError(f"torch cannot use the device {device!r}: {error}") from error
    return cast(Tracker, home.Propagation(network, device, bfloat16))
