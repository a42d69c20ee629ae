"""What others wrote reaches no terminal as a command."""

import sys

import pytest

from kinebench.cli.main import main
from kinebench.cli.printable import printable


def test_control_characters_are_replaced_and_letters_stay():
    assert printable("a\tb\nc\rd \N{GREEK SMALL LETTER MU}\N{NO-BREAK SPACE}色") == "a\tb\nc d \u03bc\u00a0色"
    assert printable("\x00\x1b\x7f\x9b") == "\N{REPLACEMENT CHARACTER}" * 4


def test_the_message_of_a_mistake_is_printed_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["kinebench", "compare", "\x1b]52;c;eA==\x07", "b"])
    with pytest.raises(SystemExit, match="1"):
        main()
    said = capsys.readouterr().err
    assert said.startswith("kinebench: cannot read \N{REPLACEMENT CHARACTER}]52;c;eA==") and "\x1b" not in said
