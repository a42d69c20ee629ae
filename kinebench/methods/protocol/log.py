"""log.txt: all that workers print, whatever it is. For people; nothing in it is ever parsed."""

import threading
from pathlib import Path

LARGEST_BYTES = 20_000_000
HEAD_BYTES = 10_000_000
TAIL_BYTES = 5_000_000
"""Of a log that grows too large these are kept, and the middle is not."""
_LAST_BYTES = 16_384
_LINE_CHARACTERS = 500


class Log:
    """A file that grows, but not without end. Every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._last = b""
        self._left_out_bytes = 0
        self._notice = b""

    def begin(self, title: str) -> None:
        """A new worker prints from now on."""
        self.write(f"--- {title}\n".encode())
        with self._lock:
            self._last = b""

    def write(self, data: bytes) -> None:
        """Append. A full disk costs the log, never the worker that prints."""
        with self._lock:
            self._last = (self._last + data)[-_LAST_BYTES:]
            try:
                with self.path.open("ab") as file:
                    file.write(data)
                    size = file.tell()
                if size > LARGEST_BYTES:
                    self._shorten(size)
            except OSError:
                pass

    def _shorten(self, size: int) -> None:
        with self.path.open("r+b") as file:
            file.seek(size - TAIL_BYTES)
            tail = file.read()
            self._left_out_bytes += size - TAIL_BYTES - HEAD_BYTES - len(self._notice)
            self._notice = f"\n--- {self._left_out_bytes} bytes are left out here\n".encode()
            file.truncate(HEAD_BYTES)
            file.seek(HEAD_BYTES)
            file.write(self._notice + tail)

    def last(self, lines: int) -> str:
        """The last lines that the present worker has printed, as plain text; empty if it was silent."""
        with self._lock:
            text = self._last.decode("utf-8", "replace").replace("\r\n", "\n")
        # A progress bar writes over its own line.
        shown = (plain(line.rstrip("\r").rpartition("\r")[2]).rstrip() for line in text.split("\n"))
        return "\n".join([line[:_LINE_CHARACTERS] for line in shown if line][-lines:])


def plain(text: str) -> str:
    """Text that can be printed anywhere: no control characters, nothing that UTF-8 does not know."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
