"""Methods that run in this process: their adapter.py is loaded, and asked for one video after another.

A method's folder is imported as a package of its own name, which nobody else has: two methods' adapter.py are two
modules, and files beside one are imported by `from .name import ...`. `sys.path` stays as it is.
"""

import contextlib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError, failure
from kinebench.methods.adapter import Adapter, Setup
from kinebench.methods.answer import fault, kind
from kinebench.methods.condition import Condition
from kinebench.methods.method import CODE, Method
from kinebench.methods.task import Conditions, Failed, Made, Maker, Task

ADAPTER = CODE["in process"]


def maker(method: Method, setup: Setup) -> Maker:
    """What makes this method's videos, one after another. The model is loaded at the first task, once.

    Raises KineBenchError when it is asked for videos and the adapter does not load.
    """
    loaded = cache(lambda: load(method, setup))

    def make(tasks: Sequence[Task], conditions: Conditions) -> Generator[Made | Failed]:
        for task in tasks:
            condition = conditions(task.key)
            yield _attempt(method, loaded(), task, condition)

    return make


def load(method: Method, setup: Setup) -> Adapter:
    """The method's adapter, ready. Raises KineBenchError with one message, whatever goes wrong."""
    module = imported(method)
    with _loading(method):
        adapter: Adapter = module.load(setup)
    if not callable(getattr(adapter, "generate", None)):
        said = f"load gave {kind(adapter)}; it must return what has generate(condition, seed)"
        raise KineBenchError(f"{method.name}: {said}")
    return adapter


def imported(method: Method) -> Any:
    """adapter.py as a module, read anew, with those beside it that it imports. Raises KineBenchError likewise."""
    folder = method.folder.resolve()
    package = f"kinebench_method_{method.name}_{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        del sys.modules[name]
    spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    sys.modules[package] = importlib.util.module_from_spec(spec)
    importlib.invalidate_caches()
    with _loading(method):
        module = importlib.import_module(f"{package}.{Path(ADAPTER).stem}")
    if not callable(getattr(module, "load", None)):
        raise KineBenchError(f"{method.name}: {ADAPTER} has no function load(setup)")
    return module


@contextlib.contextmanager
def _loading(method: Method) -> Iterator[None]:
    try:
        with _guest():
            yield
    except KineBenchError as error:
        raise type(error)(f"{method.name}: {error}") from error
    except (Exception, SystemExit) as error:
        hint = _import_hint(error, method)
        raise KineBenchError(f"{method.name} does not load: {_said(error, method)}{hint}") from error


def _attempt(method: Method, adapter: Adapter, task: Task, condition: Condition) -> Made | Failed:
    begun = time.perf_counter()
    try:
        with _guest():
            video = adapter.generate(condition, task.seed)
    except KineBenchError as error:
        return Failed(task, "invalid", str(error))
    except (Exception, SystemExit) as error:
        if _is_out_of_memory(error):
            return Failed(task, "oom", _out_of_memory(error, method))
        return Failed(task, "model", _said(error, method))
    seconds = time.perf_counter() - begun
    if (wrong := fault(video)) is not None:
        return Failed(task, "model", wrong)
    return Made(task, video, seconds)


@contextlib.contextmanager
def _guest() -> Iterator[None]:
    """While foreign code runs: what it prints goes to standard error, and where it walks we do not follow."""
    here = Path.cwd()
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield
        finally:
            os.chdir(here)


def _said(error: BaseException, method: Method) -> str:
    if isinstance(error, SystemExit):
        error = RuntimeError(f"it called sys.exit({error.code!r})").with_traceback(error.__traceback__)
    return failure(error, method.folder.resolve())


def _import_hint(error: BaseException, method: Method) -> str:
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return ""
    name = error.name.split(".")[0]
    if (method.folder / f"{name}.py").is_file() or (method.folder / name).is_dir():
        return f"; a file beside {ADAPTER} is imported with a dot: from .{name} import ..."
    if method.extra:
        return f"; run: pip install 'kinebench[{method.extra}]'"
    return f"; pip install what it needs beside KineBench, or give it an environment of its own with {CODE['folder']}"


def _is_out_of_memory(error: BaseException) -> bool:
    named = any("OutOfMemory" in kind.__name__ for kind in type(error).__mro__)
    said = isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
    return isinstance(error, MemoryError) or named or said


def _out_of_memory(error: BaseException, method: Method) -> str:
    wanted = f"{method.name} is said to need {method.gpu_gb:g} GB of GPU memory; " if method.gpu_gb else ""
    first = " ".join(str(error).split())[:160]
    return (
        f"out of memory{': ' + first if first else ''}; {wanted}end other processes that hold memory, "
        f"or choose less with --set, if the method has such an option"
    )
