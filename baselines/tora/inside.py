"""What runs in the same process as a method's own code: takes its frames before they are encoded or painted over.

This file is the same in every baseline that is driven so. It needs numpy and Pillow, Python 3.8 or newer.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def begin(folder: str) -> None:
    """Say that a request is in work."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / "begun").touch()


def answer(folder: str, frames: Any, facts: Mapping[str, Any] | None = None) -> None:
    """Write the frames, uint8 (n, h, w, 3), as PNG, and answer.json last; what is answered stays as it is."""
    from PIL import Image

    if (Path(folder) / "answer.json").exists():
        return
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(Path(folder) / f"{number:05d}.png", compress_level=1)
    _write(folder, {"frames": len(frames), "facts": dict(facts or {})})


def refuse(folder: str, message: str) -> None:
    """Say that there is no video of a request, and why."""
    if not (Path(folder) / "answer.json").exists():
        _write(folder, {"error": message})


def _write(folder: str, content: Mapping[str, Any]) -> None:
    path = Path(folder) / "answer.json"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.replace(path)


def at_home(folder: Path) -> None:
    """Let their code import what lies in this folder, as if it had been started there, and nothing of ours."""
    ours = str(Path(__file__).resolve().parent)
    sys.path[:] = [str(folder), *(entry for entry in sys.path if entry and str(Path(entry).resolve()) != ours)]


def divided(script: Path, begins_rest: Callable[[ast.stmt], bool]) -> tuple[Any, Any]:
    """The code of a script up to a statement of its top level, and from there on.

    Raises SystemExit if no statement is the one.
    """
    tree = ast.parse(script.read_text(encoding="utf-8"), str(script))
    for number, statement in enumerate(tree.body):
        if begins_rest(statement):
            halves: Sequence[list[ast.stmt]] = (tree.body[:number], tree.body[number:])
            first, rest = (compile(ast.Module(half, type_ignores=[]), str(script), "exec") for half in halves)
            return first, rest
    raise SystemExit(f"{script} is not built as the driver expects; is it another version?")


def wanted(names: Mapping[str, Any], script: Path, *expected: str) -> None:
    """Raises SystemExit if a script does not define what the driver replaces or calls."""
    if lacking := [name for name in expected if name not in names]:
        raise SystemExit(f"{script} has no {', '.join(lacking)}; is it another version?")
