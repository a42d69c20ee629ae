"""The prompt of a photo: the user's own, or the one that `methods/prompt.py` writes from the names of what is seen."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

from kinebench.annotate.caption import C0
from kinebench.errors import KineBenchError
from kinebench.methods.condition import Condition
from kinebench.methods.prompt import Words, c_infer

SURFACE = "a flat surface"
"""What the ground is called where nobody says."""
LONGEST_NAME = 40
_CYLINDER, _HIDDEN = "cylinder", "cyl\0inder"
"""What the writer of captions takes objects for; a name of the user's own may hold the same word."""


def plain(text: str) -> str:
    """Words in one line, without control characters: they mean nothing to a method, and could command a terminal.

    Raises KineBenchError if no file could hold them: half a letter of a damaged name or argument.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise KineBenchError(f"{text[:60]!r} is no UTF-8; write it anew") from error
    return " ".join("".join(" " if unicodedata.category(each) == "Cc" else each for each in text).split())


def written(condition: Condition, names: Mapping[int, str], ground: str = "") -> str:
    """What nominal physics makes of the condition, told with these names by id; if one is lacking, the paper's c_0.

    Raises KineBenchError if nothing is known in metres, or a name is too long.
    """
    names, ground = {identity: plain(name) for identity, name in names.items()}, plain(ground)
    if not all(names.get(each.id) for each in condition.objects):
        return C0
    if condition.camera is None:
        raise KineBenchError("without a camera no prompt can be written from names; write one yourself")
    for name in (*names.values(), ground):
        if len(name) > LONGEST_NAME:
            raise KineBenchError(f"{name!r} is no short name; at most {LONGEST_NAME} letters, such as 'red cup'")
    hidden = {identity: re.sub(_CYLINDER, _HIDDEN, name, flags=re.IGNORECASE) for identity, name in names.items()}
    words = Words(ground or SURFACE, {each.id: (hidden[each.id], "cylinder") for each in condition.objects})
    return _freed(c_infer(condition, words), hidden.values())


def _freed(text: str, names: Iterable[str]) -> str:
    """The text without the cylinders that its writer saw."""
    text = re.sub(r"cylinders of (different|various) colou?rs", "objects", text)
    for name in sorted({*names}, key=len, reverse=True):
        text = re.sub(rf"{re.escape(name)} cylinders\b", _plural(name), text, flags=re.IGNORECASE)
        text = re.sub(rf"({re.escape(name)}) cylinder\b", r"\1", text, flags=re.IGNORECASE)
    return text.replace("cylinder", "object").replace(_HIDDEN, _CYLINDER)


def _plural(name: str) -> str:
    if re.search(r"(s|x|z|ch|sh)$", name):
        return f"{name}es"
    return f"{name[:-1]}ies" if re.search(r"[^aeiou]y$", name) else f"{name}s"
