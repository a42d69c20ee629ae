"""Files of a web server: ranges, retries, and tars fetched whole where a server has no ranges."""

import http.client
import os
import tempfile
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import urlsplit, urlunsplit

from kinebench.data.connection import Answer, Changed, Cut, ask
from kinebench.errors import KineBenchError
from kinebench.shards.files import disk_room

TRIES = 5
BACKOFF_S = 0.5  # before the second try, then twice as long each time
_PATIENCE_S = 60.0  # longest wait that a server may ask for
_CHUNK_BYTES = 1 << 20
_WHOLE_TARS = 12  # kept at a time, on disk, of a server without ranges
_UNKNOWN = 1 << 62  # the end of a file whose length the server does not say

T = TypeVar("T")


class Body:
    """One file in order: `read`, `tell`, and `seek` forwards. A cut connection is taken up again where it broke."""

    def __init__(self, url: str, start: int = 0, stop: int | None = None, stamp: str | None = None) -> None:
        """Bytes `start` to `stop`, or to the end of the file. Nothing is asked for until the first read.

        `stamp` is what an earlier Body of this file had: reading raises `Changed` if the server has another by now.
        """
        self.url = url
        self.ranged = True  # False once the server has answered a range with the whole file
        self.stamp = stamp  # what the server calls this version of the file, known with the first answer
        self._stop = stop
        self._end: int | None = None  # known with the first answer
        self._position = start  # of the next byte that `read` gives
        self._arrived = start  # of the next byte of the answer
        self._answer: Answer | None = None
        self._failures = 0

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go forward; `seek(0, os.SEEK_END)` only says where the file ends, a very large number if it is not known."""
        if whence == os.SEEK_END:
            return self._persist(self._length)
        if offset < self._position:
            raise ValueError(f"{self.url} is read in order: from byte {self._position} there is no way to {offset}")
        self._position = offset
        return offset

    def read(self, count: int = -1) -> bytes:
        """So many bytes, fewer only at the end of the file. Raises KineBenchError when tries do not help."""
        left = count if count >= 0 else _UNKNOWN
        parts = []
        while left > 0 and (part := self._persist(self._next, left)):
            self._position += len(part)
            left -= len(part)
            parts.append(part)
        return b"".join(parts)

    def close(self) -> None:
        """Let go of the connection."""
        if self._answer is not None:
            self._answer.release()
            self._answer = None

    def _persist(self, work: Callable[..., T], *args: int) -> T:
        """Do `work` until it succeeds, with ever longer breaks."""
        while True:
            try:
                result = work(*args)
            except (Cut, OSError, http.client.HTTPException) as error:
                self.close()
                self._failures += 1
                if self._failures == TRIES:
                    raise KineBenchError(
                        f"cannot read {self.url}: {error or type(error).__name__}; gave up after {TRIES} tries. "
                        "Check the address and the network, and try again"
                    ) from error
                asked_s = error.wait_s if isinstance(error, Cut) else None
                time.sleep(min(asked_s or BACKOFF_S * 2 ** (self._failures - 1), _PATIENCE_S))
            else:
                self._failures = 0
                return result

    def _length(self) -> int:
        if self._end is None:
            self._open()
        return self._end or 0

    def _next(self, count: int) -> bytes:
        """Some of the next bytes at `_position`, at most `count`; none at the end."""
        if self._end is not None and self._position >= self._end:
            self.close()
            return b""
        if self._answer is None:
            self._open()
        while self._arrived < self._position:
            if not self._take(self._position - self._arrived):
                return b""
        return self._take(count)

    def _take(self, count: int) -> bytes:
        assert self._answer is not None
        assert self._end is not None
        part = self._answer.response.read(min(count, _CHUNK_BYTES, self._end - self._arrived))
        self._arrived += len(part)
        if not part and self._arrived < self._end != _UNKNOWN:
            raise Cut(f"the connection was cut at byte {self._arrived} of {self._end}")
        if self._arrived == self._end or not part:
            self._end = self._arrived
            self.close()
        return part

    def _open(self) -> None:
        part = self._position or self._stop is not None
        last = "" if self._stop is None else self._stop - 1
        self._answer = ask(self.url, {"Range": f"bytes={self._position}-{last}"} if part else {})
        response = self._answer.response
        stamp = response.getheader("ETag") or response.getheader("Last-Modified")
        if self.stamp is not None and stamp != self.stamp:
            self.close()
            raise Changed(f"{self.url} changed on the server while it was read; start again")
        self.stamp = stamp
        if response.status == 206:
            self._arrived, whole = _content_range(response)
            if self._arrived != self._position:
                raise Cut(f"asked for byte {self._position}, the answer begins at byte {self._arrived}")
        else:
            self.ranged = not part
            self._arrived, whole = 0, _UNKNOWN if response.length is None else response.length
        self._end = whole if self._stop is None else min(self._stop, whole)


class Web:
    """A folder of a web server. Holds no connection, so that it can be pickled and forked."""

    def __init__(self, url: str) -> None:
        """`url` with or without a slash at its end; a query is kept on every file."""
        self.url = url
        self._ranges = True
        self._whole: OrderedDict[str, BinaryIO] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_whole": OrderedDict()}

    def read(self, file: str) -> bytes:
        """All bytes of a file. Raises KineBenchError."""
        return Body(self._address(file)).read()

    def span(self, file: str, start: int, stop: int) -> bytes:
        """Bytes `start` to `stop`, fewer if the file ends before. Raises KineBenchError.

        From a server without ranges the file is fetched whole into a temporary file, and a warning says so once.
        """
        if stop <= start:
            return b""
        if self._ranges:
            body = Body(self._address(file), start, stop)
            first = body.read(1)
            if body.ranged:
                return first + body.read()
            body.close()
            self._ranges = False
            warnings.warn(
                f"{self.url} answers no range requests: every tar is fetched whole, into a temporary file", stacklevel=2
            )
        return os.pread(self._copy(file).fileno(), stop - start, start)

    def _address(self, file: str) -> str:
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{file}"))

    def _copy(self, file: str) -> BinaryIO:
        if file not in self._whole:
            body = Body(self._address(file))
            size = body.seek(0, os.SEEK_END)
            copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - kept as long as it is used
            with disk_room(f"fetching {file}", Path(tempfile.gettempdir()), 0 if size == _UNKNOWN else size):
                while part := body.read(_CHUNK_BYTES):
                    copy.write(part)
                copy.flush()
            self._whole[file] = copy
            if len(self._whole) > _WHOLE_TARS:
                self._whole.popitem(last=False)[1].close()
        self._whole.move_to_end(file)
        return self._whole[file]


def _content_range(response: http.client.HTTPResponse) -> tuple[int, int]:
    """The first byte of a partial answer, and the length of the file."""
    said = response.getheader("Content-Range") or ""
    span, _, whole = said.removeprefix("bytes ").partition("/")
    first = span.partition("-")[0]
    if not first.isdecimal():
        raise Cut(f"a partial answer without a range: {said!r}")
    return int(first), int(whole) if whole.isdecimal() else _UNKNOWN
