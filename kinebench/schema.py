"""TOML that people write, against a JSON Schema: every fault at once, with its key and what was expected."""

import difflib
import json
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError


def find(name_or_path: str, built_in: Mapping[str, Path], what: str) -> Path:
    """A built-in file by name, or a file. Raises KineBenchError, which says what there is; `what` is a noun."""
    path = built_in.get(name_or_path, Path(name_or_path))
    if path.is_file():
        return path
    near = difflib.get_close_matches(name_or_path, built_in, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise KineBenchError(
        f"no {what} {name_or_path!r}: it is neither a file nor a built-in {what} ({', '.join(built_in)}){hint}"
    )


def read(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises KineBenchError that names the file and what is wrong with it."""
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KineBenchError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise KineBenchError(f"{path}: cannot be read: {error.strerror}") from error


def demand(table: dict[str, Any], schema: Path, source: str) -> None:
    """Raises KineBenchError, a line for each fault, if a table is not what a schema says; `source` names its file."""
    if found := faults(table, schema):
        raise KineBenchError("\n".join(f"{source}: {fault}" for fault in found))


def faults(table: Any, schema: Path) -> list[str]:
    """Every fault of a table, by key; none if it is what the schema says."""
    errors = sorted(_validator(schema).iter_errors(table), key=lambda each: [str(part) for part in each.absolute_path])
    return [_explained(error) for error in errors]


@cache
def _validator(schema: Path) -> Any:
    import jsonschema

    return jsonschema.Draft202012Validator(json.loads(schema.read_text()))


def _explained(error: Any) -> str:
    """One line of a schema error: the key, what is there, what was expected."""
    key = ".".join(map(str, error.absolute_path)) or "the file"
    about = error.schema.get("description") if isinstance(error.schema, dict) else None
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"{key}: unknown key {', '.join(map(repr, unknown))}{hint}; expected only {', '.join(known)}"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"{key}: missing {', '.join(map(repr, missing))}"
    if error.validator == "not":
        return f"{key}: {error.schema['description']}"
    return f"{key}: {error.message}" + (f"; expected: {about}" if about else "")
