"""Values as scripts that a page loads: from a file's address a browser fetches nothing else."""

import json
from typing import Any

FOLDER = "data"
_HIDDEN = (*range(9), 11, 12, *range(14, 32), *range(127, 160), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F))
_SHOWN = dict.fromkeys((*_HIDDEN, *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}")
"""Control characters, and marks that turn the direction of what stands beside them."""


def script(name: str, value: Any) -> bytes:
    """JavaScript, ASCII, that hands `value` to `board.data` as JSON; the page parses it, so that no key is special."""
    text = json.dumps(visible(value), allow_nan=False, separators=(",", ":"))
    return f"board.data({_quoted(name)}, {_quoted(text)});\n".encode("ascii")


def visible(value: Any) -> Any:
    """The same with a sign in place of each character that a page would obey and not show."""
    if isinstance(value, str):
        return value.translate(_SHOWN) if not value.isascii() or not value.isprintable() else value
    if isinstance(value, dict):
        return {visible(str(key)): visible(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [visible(each) for each in value]
    return value


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("<", "\\x3c").replace("\n", "\\n") + "'"
