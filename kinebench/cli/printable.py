"""What others wrote, as a terminal may show it."""

_CONTROLS = (*range(32), *range(127, 160))
_SHOWN = dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}") | {9: "\t", 10: "\n", 13: " "}


def printable(text: str) -> str:
    """The text without control characters: in a file's name or a method's message they could command the terminal."""
    return text.translate(_SHOWN)
