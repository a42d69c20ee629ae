"""Methods that the studio offers: those built in, and the user's own, each with what he has said of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinebench.errors import KineBenchError
from kinebench.methods import method as methods
from kinebench.methods.method import Method, built_in
from kinebench.methods.readiness import lacks
from kinebench.methods.runner import accepted

FORM = "METHOD.NAME"
"""How one of a method's options or weights is called here, where there are many methods."""


@dataclass(frozen=True)
class Offer:
    """One method, as it will be run."""

    method: Method
    given: Mapping[str, str] = field(default_factory=dict)  # options as text, by name
    weights: Mapping[str, Path] = field(default_factory=dict)  # the user's own, by name

    @property
    def arguments(self) -> list[str]:
        """What `kinebench run` is told of it."""
        told = [str(self.method.folder)]
        for option, values in (("--set", self.given), ("--weights", self.weights)):
            told += [part for name, value in values.items() for part in (option, f"{name}={value}")]
        return told

    def told(self) -> dict[str, Any]:
        """What the page shows: `missing` in two or three words each, and `remedies`, what to do of each."""
        found = list(lacks(self.method, self.given, self.weights))
        return {
            "name": self.method.name,
            "title": self.method.title,
            "missing": [each.what for each in found],
            "remedies": [_here(each.remedy, self.method.name) for each in found],
        }


def offers(own: Iterable[str], settings: Mapping[str, str], weights: Mapping[str, Path]) -> dict[str, Offer]:
    """All by name: the user's own first, by name or folder, then those built in. None looks at the truth.

    `settings` and `weights` are called `METHOD.NAME`. Raises KineBenchError for what is none, or does not fit.
    """
    found: dict[str, Method] = {}
    for name in own:
        method = methods.find(name)
        if method.privileged:
            raise KineBenchError(f"{method.name} looks at the ground truth, and a photo has none")
        if method.name in found:
            raise KineBenchError(f"--method {name}: there are two methods {method.name}; call one of them otherwise")
        found[method.name] = method
    for name, folder in built_in().items():
        if name not in found and not (method := methods.read(folder)).privileged:
            found[name] = method
    given, places = dict(_sorted("--set", settings, found)), dict(_sorted("--weights", weights, found))
    made = {name: Offer(each, given.get(name, {}), places.get(name, {})) for name, each in found.items()}
    for offer in made.values():
        if offer.weights or offer.given:
            try:
                accepted(offer.method, offer.given, offer.weights)
            except KineBenchError as error:
                raise type(error)(_here(str(error), offer.method.name)) from error
    return made


def _sorted(
    option: str, values: Mapping[str, Any], found: Mapping[str, Method]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is called METHOD.NAME by method, and then by name."""
    names: dict[str, dict[str, Any]] = {}
    for called, value in values.items():
        method, dot, name = called.partition(".")
        if not (dot and name) or method not in found:
            known = f"there is no method {method}" if dot and name else f"write {option} {FORM}=VALUE"
            raise KineBenchError(f"{option} {called}: {known}, for one of: {', '.join(found)}")
        names.setdefault(method, {})[name] = value
    yield from names.items()


def _here(remedy: str, method: str) -> str:
    """As the studio's own options say it."""
    return remedy.replace("--weights ", f"--weights {method}.").replace("--set ", f"--set {method}.")
