"""GET requests over connections that stay open. A connection belongs to one process and one answer at a time."""

import atexit
import http.client
import os
import ssl
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from kinebench import __version__
from kinebench.errors import KineBenchError

_TIMEOUT_S = 60.0
_REDIRECTS = 5
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_HINTS = {404: "; check the address", 401: "; it needs a login", 403: "; it is not public"}
_IDLE = 4  # connections kept to one host

_LOCAL = threading.local()
_MOVED: dict[str, str] = {}  # address -> where it redirected to


class Cut(Exception):
    """A failure that another try may mend; `wait_s` is what the server asks for."""

    def __init__(self, fact: str, wait_s: float | None = None) -> None:
        super().__init__(fact)
        self.wait_s = wait_s


class Changed(KineBenchError):
    """A file of the server is not the one whose beginning was read before."""


@dataclass(frozen=True)
class Answer:
    """An open answer and the connection that it comes over."""

    response: http.client.HTTPResponse
    connection: http.client.HTTPConnection
    host: tuple[str, str]

    def release(self) -> None:
        """Keep the connection for the next request if the answer was read to its end, else close it."""
        idle = _idle().setdefault(self.host, [])
        if self.response.isclosed() and not self.response.will_close and len(idle) < _IDLE:
            idle.append(self.connection)
        else:
            self.connection.close()


def ask(url: str, headers: Mapping[str, str]) -> Answer:
    """The answer, 200 or 206, to a GET; redirects are followed, and remembered while they work.

    Raises `Cut`, OSError or HTTPException for what another try may mend, KineBenchError for what it would not. That is
    `Changed` if the file ends before the range begins.
    """
    place = _MOVED.get(url, url)
    for _ in range(_REDIRECTS):
        answer = _get(_split(place), headers)
        status = answer.response.status
        if status in (200, 206):
            if place != url:
                _MOVED[url] = place
            return answer
        said, fields = f"{status} {answer.response.reason}", answer.response.headers
        answer.response.read()
        answer.release()
        if status in (301, 302, 303, 307, 308) and fields["Location"]:
            place = urljoin(place, fields["Location"])
        elif status in _BUSY:
            after = fields["Retry-After"] or ""
            raise Cut(f"the server answered {said}", float(after) if after.isdecimal() else None)
        elif _MOVED.pop(url, None):  # such addresses expire
            place = url
        elif status == 416:
            raise Changed(f"{url} is shorter than it should be: it is cut short, or of another version")
        else:
            raise KineBenchError(f"{url} answered {said}{_HINTS.get(status, '')}")
    raise KineBenchError(f"{url} redirects more than {_REDIRECTS} times")


def _split(url: str) -> SplitResult:
    place = urlsplit(url)
    try:
        if place.scheme in ("http", "https") and place.hostname and place.port != 0:
            return place
    except ValueError:  # a port that is no number
        pass
    raise KineBenchError(f"{url!r} is no web address")


def _get(place: SplitResult, headers: Mapping[str, str]) -> Answer:
    """Send a GET; a kept connection that the server has closed since is made anew."""
    proxy = _proxy(place)
    target = urlunsplit(("", "", quote(place.path or "/", safe="/%:@!$&'()*+,;=~"), place.query, ""))
    if proxy and place.scheme == "http":
        target = f"http://{place.netloc}{target}"
    fields = {"User-Agent": f"KineBench/{__version__}", "Accept-Encoding": "identity", **headers}
    host = (place.scheme, place.netloc)
    idle = _idle().setdefault(host, [])
    while True:
        kept = bool(idle)
        connection = idle.pop() if kept else _connect(place, proxy)
        try:
            connection.request("GET", target, headers=fields)
            return Answer(connection.getresponse(), connection, host)
        except ssl.SSLCertVerificationError as error:
            raise KineBenchError(f"{place.netloc} has no valid certificate: {error.verify_message}") from error
        except (OSError, http.client.HTTPException):
            connection.close()
            if not kept:
                raise


def _connect(place: SplitResult, proxy: SplitResult | None) -> http.client.HTTPConnection:
    kind: Any = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    via = proxy or place
    connection: http.client.HTTPConnection = kind(via.hostname, via.port, timeout=_TIMEOUT_S)
    if proxy and place.scheme == "https":
        connection.set_tunnel(place.hostname or "", place.port)
    return connection


def _proxy(place: SplitResult) -> SplitResult | None:
    """The proxy that the environment names for a host."""
    named = urllib.request.getproxies().get(place.scheme)
    if not named or urllib.request.proxy_bypass(place.netloc):
        return None
    return _split(named if "//" in named else f"http://{named}")


def _idle() -> dict[tuple[str, str], list[http.client.HTTPConnection]]:
    """This thread's connections that wait for a request, by host. A forked process shares none with its parent."""
    if getattr(_LOCAL, "process", None) != os.getpid():
        _LOCAL.process, _LOCAL.idle = os.getpid(), {}
    idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = _LOCAL.idle
    return idle


@atexit.register
def _hang_up() -> None:
    for connection in [connection for kept in _idle().values() for connection in kept]:
        connection.close()
