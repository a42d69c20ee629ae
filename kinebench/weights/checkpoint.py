"""Checkpoint files -> tensors, without running anything that the file brings along."""

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kinebench.errors import KineBenchError, require

torch: Any = require("torch", "networks")


def state_dict(path: Path, key: str | None = None) -> dict[str, Any]:
    """The tensors of a checkpoint by name, on the CPU; `key` is where in the file they are, if not at its top.

    Pickles, in today's zip or in the form before it, are read by torch's restricted reader (`weights_only`): besides
    tensors and plain containers only numpy's numbers and arrays, which old trainers left in their files, are made.
    Anything else is refused unread, because a pickle can name any function and call it.

    TorchScript archives are opened by `torch.jit.load`, and no method of theirs is called. That runs no Python, but an
    archive may hold TorchScript that runs while it is loaded and that can read and write files: load only archives
    whose hash is known, as those of the catalogue, or that you trust.

    Raises KineBenchError for a file that is missing, damaged, refused, or without tensors at `key`.
    """
    found = archive(path).state_dict() if is_torchscript(path) else _unpickled(path)
    if key is not None:
        if not isinstance(found, Mapping) or key not in found:
            raise KineBenchError(f"{path} has no {key!r}: it is no checkpoint of the expected kind")
        found = found[key]
    tensors = dict(found) if isinstance(found, Mapping) else {}
    if not tensors or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise KineBenchError(f"{path} does not hold tensors by name{f' under {key!r}' if key else ''}")
    return tensors


def is_torchscript(path: Path) -> bool:
    """Whether a file is an archive of `torch.jit.save`. Raises KineBenchError if it cannot be read."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                return False
            parts = [name.partition("/")[2] for name in zipfile.ZipFile(file).namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise KineBenchError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    return "constants.pkl" in parts and any(part.startswith("code/") for part in parts)


def archive(path: Path) -> Any:
    """The module in a TorchScript archive, on the CPU; see `state_dict` for what that trusts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch would rather have us export, but it is published so
        try:
            return torch.jit.load(str(path), map_location="cpu")
        except (RuntimeError, ValueError, OSError) as error:
            raise KineBenchError(f"{path} is a TorchScript archive that does not load: {_line(error)}") from error


def _unpickled(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(_harmless()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        name = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f"it names {name[1]}, which loading would call" if name else _line(error)
        raise KineBenchError(f"{path} is refused: {what}; a file of weights needs tensors alone") from error
    except (RuntimeError, ValueError, OSError, EOFError, KeyError, AttributeError) as error:
        raise KineBenchError(f"{path} is no checkpoint, or it is damaged: {_line(error)}") from error


def _harmless() -> list[Any]:
    """What numpy's scalars and arrays are pickled as, under the names of numpy 1 and 2."""
    makers: list[Any] = [np.float64().__reduce__()[0], np.empty(0).__reduce__()[0]]
    named = [(made, f"numpy.{core}.multiarray.{made.__name__}") for made in makers for core in ("core", "_core")]
    kinds = {type(np.dtype(code)) for code in "?bBhHiIlLqQefd"}
    return [*named, np.dtype, np.ndarray, *kinds]


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
