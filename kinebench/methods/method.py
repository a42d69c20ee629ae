"""A method is a folder: `baselines/<name>/`, or a user's own. What its method.toml says, validated and frozen."""

import contextlib
import difflib
import hashlib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from kinebench.content import content
from kinebench.errors import KineBenchError

Value = str | int | float | bool
Runs = Literal["in process", "folder"]

FILE = "method.toml"
CODE = {"in process": "adapter.py", "folder": "run.py"}
"""The file that makes videos, by how a method runs."""
SCHEMA_PATH = Path(__file__).with_name("method.schema.json")


@dataclass(frozen=True)
class Native:
    """What a model works with; None is what the clip has."""

    width: int | None = None
    height: int | None = None
    frames: int | None = None
    fps: float | None = None
    tiny: tuple[int, int] | None = None  # width and height instead, for a model that is only tried

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels."""
        return None if self.width is None or self.height is None else (self.width, self.height)


@dataclass(frozen=True)
class Weights:
    """Weights: a repository of the Hub, or one file of it; or what nobody has published, and the user has."""

    licence: str
    hub: str | None = None
    revision: str | None = None
    file: str | None = None
    sha256: str | None = None
    gb: float | None = None


@dataclass(frozen=True)
class Option:
    """Something that a user may set: `kinebench run METHOD --set NAME=VALUE`."""

    help: str
    default: Value | None = None  # None: it must be set
    choices: tuple[str, ...] = ()
    place: bool = False  # a path: where something is, not what is done


@dataclass(frozen=True)
class Limits:
    """How long a worker may be silent before it is ended."""

    load_s: float = 1800.0  # until the first video, besides what that takes
    video_s: float = 3600.0


@dataclass(frozen=True)
class Method:
    """A method's folder and what its method.toml says."""

    folder: Path
    name: str
    title: str
    version: str
    description: str
    runs: Runs
    kind: Literal["baseline", "anchor"] = "baseline"
    privileged: bool = False
    paper: str | None = None
    code: str | None = None
    code_revision: str | None = None
    licence: str | None = None
    uses: tuple[str, ...] = ()
    max_driven: int | None = None
    prompt_tokens: int | None = None
    native: Native = Native()
    weights: Mapping[str, Weights] = field(default_factory=dict)
    extra: str | None = None
    gpu_gb: float | None = None
    note: str | None = None
    limits: Limits = Limits()
    options: Mapping[str, Option] = field(default_factory=dict)

    def size(self, tiny: bool) -> tuple[int, int] | None:
        """Width and height in pixels of what it is given; None is the clip's own."""
        return (self.native.tiny if tiny else None) or self.native.size

    @cached_property
    def sha256(self) -> str:
        """Hash of the code and settings in its folder: of every file that is no page, picture or note."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if path.is_file() and path.suffix in (".py", ".toml", ".json") and not name.parts[0].startswith("."):
                digest.update(f"{name.as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        return digest.hexdigest()

    def settings(self, given: Mapping[str, str]) -> dict[str, Value]:
        """Every option with its value: what the user has set, as the default's type, or the default.

        Raises KineBenchError for an unknown option, a value that does not fit, or one that is wanted and not set.
        """
        for name in given:
            if name not in self.options:
                raise KineBenchError(
                    f"--set {name}: {self.name} has {_options(self.options)}{_near(name, self.options)}"
                )
        if lacking := [name for name, option in self.options.items() if option.default is None and name not in given]:
            listed = "; ".join(f"--set {name}=... ({self.options[name].help})" for name in lacking)
            raise KineBenchError(f"{self.name} wants to know: {listed}")
        defaults = {name: option.default for name, option in self.options.items() if option.default is not None}
        return defaults | {name: _value(name, self.options[name], text) for name, text in given.items()}

    def identity(self, settings: Mapping[str, Value]) -> str:
        """Hash of what decides its videos: code, method.toml and options, but not where things lie."""
        what = {name: value for name, value in sorted(settings.items()) if not self.options[name].place}
        return hashlib.sha256(json.dumps([self.name, self.version, self.sha256, what]).encode()).hexdigest()


def _options(options: Mapping[str, Option]) -> str:
    return f"the options {', '.join(options)}" if options else "no options"


def _value(name: str, option: Option, text: str) -> Value:
    if option.choices and text not in option.choices:
        raise KineBenchError(f"--set {name}={text}: it is one of {', '.join(option.choices)}")
    match option.default:
        case bool():
            if text not in ("true", "false"):
                raise KineBenchError(f"--set {name}={text}: it is true or false")
            return text == "true"
        case int() | float():
            kind = type(option.default)
            with contextlib.suppress(ValueError):
                if math.isfinite(value := kind(text)):
                    return value
            raise KineBenchError(f"--set {name}={text}: it is {'a whole number' if kind is int else 'a number'}")
        case _:
            return str(Path(text).expanduser().absolute()) if option.place and text else text


def read(folder: Path) -> Method:
    """The method in a folder. Raises KineBenchError that says which file and key, and what was expected there."""
    folder = folder.absolute()
    path = folder / FILE
    try:
        table = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise KineBenchError(f"{folder} is no method: it has no {FILE}; see docs/methods.md") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise KineBenchError(f"cannot read {path}: {error}") from error
    for fault in sorted(_validator().iter_errors(table), key=lambda fault: [str(part) for part in fault.absolute_path]):
        where = ".".join(map(str, fault.absolute_path))
        raise KineBenchError(f"{path}: {where + ': ' if where else ''}{fault.message}")
    method = _method(folder, table)
    if method.name != folder.resolve().name:
        raise KineBenchError(f"{path}: method.name is {method.name}, but the folder is called {folder.resolve().name}")
    if not (folder / CODE[method.runs]).is_file():
        raise KineBenchError(f"{path}: method.runs is {method.runs!r}, but there is no {CODE[method.runs]} beside it")
    if method.privileged and method.runs == "folder":
        raise KineBenchError(f"{path}: a method that is privileged runs 'in process': no job folder holds the truth")
    return method


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))


def _method(folder: Path, table: Mapping[str, Any]) -> Method:
    control, native = dict(table.get("control", {})), dict(table.get("native", {}))
    if "uses" in control:
        control["uses"] = tuple(control["uses"])
    if "tiny" in native:
        native["tiny"] = tuple(native["tiny"])
    return Method(
        folder=folder,
        **table["method"],
        **control,
        **table.get("needs", {}),
        native=Native(**native),
        weights={name: Weights(**row) for name, row in table.get("weights", {}).items()},
        limits=Limits(**table.get("limits", {})),
        options={
            name: Option(**{**row, "choices": tuple(row.get("choices", ()))})
            for name, row in table.get("options", {}).items()
        },
    )


def built_in() -> dict[str, Path]:
    """The folders that come with KineBench, by name: methods first, then anchors."""
    root = content("baselines")
    found = [path.parent for pattern in (f"*/{FILE}", f"*/*/{FILE}") for path in sorted(root.glob(pattern))]
    return {folder.name: folder for folder in found}


def find(name_or_folder: str) -> Method:
    """A built-in method by name, or one in a folder of the user's own. Raises KineBenchError."""
    folders = built_in()
    if name_or_folder in folders:
        return read(folders[name_or_folder])
    folder = Path(name_or_folder)
    if folder.is_dir():
        return read(folder)
    hint = _near(name_or_folder, folders)
    raise KineBenchError(
        f"there is no method {name_or_folder}, built in or in a folder{hint}; see: kinebench methods list"
    )


def _near(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean {near[0]}?" if near else ""
