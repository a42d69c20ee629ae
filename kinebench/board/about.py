"""about.toml: what only the author of a method knows. A template asks for it, with what KineBench knows filled in."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench import schema
from kinebench.board import submission
from kinebench.errors import KineBenchError

OPEN = "?"
"""The value of a line that nobody has filled in."""
NONE = ""
"""How about.toml, which knows no null, says that there is none."""
_PACKAGES = "environment.packages"
_LEAVES = {"inference.options", _PACKAGES}
"""Tables whose keys are anybody's."""


@dataclass(frozen=True)
class Line:
    """A line of the template."""

    key: str  # dotted
    wanted: str  # for people
    many: bool = False  # a list


LINES = (
    Line("method.name", "small letters, digits, _ and -: names its row and its folder"),
    Line("method.title", "as the table prints it"),
    Line("method.version", "of these videos: raise it when you submit again"),
    Line("method.kind", "method or anchor"),
    Line("method.description", "one or two sentences for readers of the board"),
    Line("method.authors", "names of people or teams", many=True),
    Line("method.contact", "an e-mail address or a URL; it will be public"),
    Line("method.paper", 'https:// URL; "" if there is none'),
    Line("method.code", 'https:// URL; "" if it is not public'),
    Line("method.code_revision", 'the commit that made these videos; "" if it is not public'),
    Line("method.licence", 'of the code; "" if it is not public'),
    Line("method.privileged", "true if it looks at the ground truth, else false"),
    Line("method.uses", "of first_frame, prompt, velocity, path, masks, camera", many=True),
    Line("model.backbone", 'the model that it was made from; "" if none'),
    Line("model.parameters", 'a whole number, such as 5_570_000_000; "" if there are none'),
    Line(
        "model.training_data.kinebench",
        'splits it saw: [{dataset = "NAME", version = "1.0.0", split = "train"}], or []',
    ),
    Line("model.training_data.other", 'what else it was trained on; "" if nothing'),
    Line("inference.prompt", "which prompt of the conditions it got: c_infer, c0 or c; own if none of them"),
    Line("inference.prompt_rewriting", 'what rewrote the prompt; "" if nothing'),
    Line("inference.steps", 'denoising steps; "" if there are none'),
    Line("inference.guidance", 'strength of classifier-free guidance; "" if there is none'),
    Line("inference.scheduler", 'the sampler; "" if there is none'),
    Line("inference.precision", 'such as bfloat16; "" if that means nothing here'),
    Line("inference.best_of.n", "videos made for each that is submitted: 1 if none was picked"),
    Line("inference.best_of.selector", 'who or what picked one of n; "" if n is 1'),
    Line("inference.native.width", "pixels, as the model makes them"),
    Line("inference.native.height", "pixels, as the model makes them"),
    Line("inference.native.frames", "of one video, as the model makes it"),
    Line("inference.native.fps", 'rate at which the model works; "" if it has none'),
    Line("cost.hardware", "that one video was made on, such as 1 x H100 80 GB"),
    Line("cost.seconds_per_sample", "that one video takes there"),
    Line("cost.memory_gb", 'peak of GPU memory; "" if not measured'),
    Line("environment.python", 'version; "" if it is not Python'),
    Line("videos.url", 'https:// URL of the folder with the tars, once they are online; "" until then'),
)
WEIGHTS = {
    "name": "what they are",
    "where": 'a Hub repository or a URL; "" if unpublished',
    "revision": 'a commit or a tag that does not move; "" if none',
    "sha256": 'of a single file, 64 digits; "" for a repository',
    "licence": 'of the weights; "" if none',
}


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested table by dotted keys; tables whose keys are anybody's stay whole."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        key = f"{prefix}{name}"
        leaf = not isinstance(value, Mapping) or key in _LEAVES
        found |= {key: value} if leaf else flat(value, f"{key}.")
    return found


def nested(table: Mapping[str, Any]) -> dict[str, Any]:
    """The opposite of `flat`."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        *path, name = key.split(".")
        inner = found
        for part in path:
            if not isinstance(inner.get(part), dict):
                inner[part] = {}
            inner = inner[part]
        inner[name] = value
    return found


def template(known: Mapping[str, Any], offered: Mapping[str, Any]) -> str:
    """about.toml to fill in: no line for what is `known`, the value of what is `offered`, and `?` for the rest."""
    head = f'# What only you know. Put a value in the place of each "{OPEN}"; "{NONE}" says that there is none.\n'
    asked = [line for line in LINES if line.key not in known]
    model = [line for line in asked if line.key.startswith(("method.", "model."))]
    rest = [line for line in asked if line not in model]
    return "".join([head, *_form(model, offered), *_weights(offered), *_form(rest, offered), *_tables(known)])


def _form(lines: Iterable[Line], offered: Mapping[str, Any]) -> Iterator[str]:
    section = ""
    for line in lines:
        where, _, name = line.key.rpartition(".")
        if where != section:
            section = where
            yield f"\n[{section}]\n"
        yield f"{name} = {_toml(offered.get(line.key, [OPEN] if line.many else OPEN))}  # {line.wanted}\n"


def _weights(offered: Mapping[str, Any]) -> Iterator[str]:
    for row in offered.get("model.weights", ({},)):
        yield "\n[[model.weights]]  # once for each file or repository that is loaded; take it away if none is\n"
        yield from (f"{name} = {_toml(row.get(name, OPEN))}  # {wanted}\n" for name, wanted in WEIGHTS.items())


def _tables(known: Mapping[str, Any]) -> Iterator[str]:
    if "inference.options" not in known:
        yield "\n[inference.options]  # what else was set, a line each\n# shift = 5.0\n"
    there = ", ".join(known.get("environment.packages", {})) or "none yet"
    yield f'\n[environment.packages]  # versions that matter; known are: {there}\n# torch = "2.6.0"\n'


def _toml(value: Any) -> str:
    """A value of a template: text, numbers, true and false, lists of them; None as none."""
    return json.dumps(NONE if value is None else value, ensure_ascii=False)


def read(path: Path) -> dict[str, Any]:
    """What about.toml says, by dotted keys, none of it checked. Raises KineBenchError for a file that is no TOML."""
    return flat(schema.read(path))


def filled(said: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The statement of what an author says and what is known. Packages are of both."""
    plain = {key: None if value == NONE else value for key, value in _without_none(said).items()}
    empty: dict[str, Any] = {"model.weights": [], "inference.options": {}, _PACKAGES: {}}
    whole = empty | plain | dict(known)
    if isinstance(more := plain.get(_PACKAGES), dict):
        whole[_PACKAGES] = more | known.get(_PACKAGES, {})
    return nested(whole)


def _without_none(said: Mapping[str, Any]) -> dict[str, Any]:
    rows = said.get("model.weights", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return dict(said)
    plain = [{name: None if value == NONE else value for name, value in row.items()} for row in rows]
    return dict(said) | {"model.weights": plain}


def problems(said: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    """Everything that is wrong with what an author says, by key."""
    wanted = {line.key: line.wanted for line in LINES}
    left = {key: wanted.get(key, "see docs/submit.md") for key, value in said.items() if value in (OPEN, [OPEN])}
    rows = said.get("model.weights", [])
    for number, row in enumerate(rows if isinstance(rows, list) else ()):
        open_cells = [name for name, value in row.items() if value == OPEN] if isinstance(row, dict) else []
        left |= {f"model.weights.{number}.{name}": WEIGHTS.get(name, "no such line is wanted") for name in open_cells}
    yield from (f"{key}: is still open: {what}" for key, what in left.items())
    for key, one, two in _twice(said, known):
        if one != two:
            yield f"{key}: is known to be {json.dumps(two)[:80]}; take the line away"
    for fault in submission.faults(filled(said, known)):
        key = fault.partition(":")[0]
        if key not in left:
            yield f'{key}: cannot be "{NONE}": {wanted[key]}' if said.get(key) == NONE and key in wanted else fault


def _twice(said: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What both say: the key, what the author says, what is known."""
    for key in sorted(said.keys() & known.keys()):
        if key == _PACKAGES and isinstance(said[key], dict):
            both = sorted(said[key].keys() & known[key].keys())
            yield from ((f"{key}.{name}", said[key][name], known[key][name]) for name in both)
        else:
            yield key, said[key], known[key]


def refuse(path: Path, found: list[str]) -> None:
    """Raises KineBenchError with every problem, if there is one."""
    if found:
        listed = "\n".join(f"  {each}" for each in found)
        count = f"{len(found)} problem{'s' if len(found) > 1 else ''}"
        raise KineBenchError(f"{path}: {count}; nothing was packed\n{listed}")
