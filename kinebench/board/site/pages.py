"""The HTML of the site: shells that scripts fill, and the scripts and styles beside them."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from kinebench import __version__
from kinebench.board.site.script import visible
from kinebench.template import filled

SOURCE = Path(__file__).with_name("page")
ASSETS = "page"
_SHELLS = ("index", "compare")


def fixed() -> Iterator[tuple[Path, bytes]]:
    """The pages that every site has, and what they load."""
    for name in _SHELLS:
        yield Path(f"{name}.html"), _page(name, {"root": ""})
    for path in sorted(SOURCE.iterdir()):
        if path.suffix in (".js", ".css"):
            yield Path(ASSETS, path.name), path.read_bytes()


def method(row_name: str, title: str) -> bytes:
    """The page of a method's revision, which lies one folder down."""
    return _page("method", {"root": "../", "row": escape(row_name), "title": escape(visible(title))})


def _page(name: str, fields: dict[str, str]) -> bytes:
    """A shell with the head that all have."""
    text = (SOURCE / f"{name}.html").read_text().replace("{{head}}", (SOURCE / "head.html").read_text())
    return filled(text, fields | {"version": escape(__version__)})
