"""Errors a user can cause, the one way to say that an optional dependency is missing, and what to say of all others."""

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType


class KineBenchError(Exception):
    """A mistake the user can mend. The command line prints the message alone and exits with `exit_code`.

    The message says what is wrong, where, and what to do.
    """

    exit_code = 1


class Unavailable(KineBenchError):
    """Something cannot run because weights or a package are missing; the message names them and how to get them."""


class MissingExtra(Unavailable):
    """An optional dependency is not installed; the message names the pip extra that brings it."""


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, or raise `MissingExtra` naming the pip extra, or the library of the system, to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or module.split(".")[0] != error.name.split(".")[0]:
            raise
        raise _missing(module, extra) from error
    except ImportError as error:
        if ".so" not in str(error):
            raise
        raise MissingExtra(
            f"{module!r} is installed but does not load: {error}; install the system libraries that README.md names"
        ) from error


def demand(module: str, extra: str) -> None:
    """As `require`, without importing it: for what is slow to import and is not needed yet."""
    if importlib.util.find_spec(module) is None:
        raise _missing(module, extra)


def _missing(module: str, extra: str) -> MissingExtra:
    return MissingExtra(f"this needs {module!r}, which is not installed; run: pip install 'kinebench[{extra}]'")


class Interrupted(KineBenchError):
    """Ctrl-C during something long; the message says what is safe and how to go on."""

    exit_code = 130


class Terminated(Interrupted):
    """The same for SIGTERM, which cluster schedulers send before they kill."""

    exit_code = 143


def failure(error: BaseException, home: Path | None = None) -> str:
    """An error that nobody foresaw, in one line that says where it arose: in `home`, if it came through there."""
    places = []
    step = error.__traceback__
    while step:
        places.append((Path(step.tb_frame.f_code.co_filename), step.tb_lineno))
        step = step.tb_next
    inside = [place for place in places if home and place[0].is_relative_to(home)]
    said = " ".join(str(error).split())
    what = type(error).__name__ + (f": {said}" if said else "")
    if isinstance(error, SyntaxError) or not places:  # it says itself where it is
        return what
    file, line = (inside or places)[-1]
    return f"{what} ({file.name}:{line})"
