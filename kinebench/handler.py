"""What every page that KineBench serves has in common: one connection, its errors, its headers."""

import contextlib
import errno
import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kinebench.errors import KineBenchError, failure

KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".webp": "image/webp"}
TIMEOUT_S = 60.0
"""A client that is silent for so long is let go."""
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
Reply = tuple[str, bytes]
"""Kind and bytes of an answer."""


class Refused(Exception):
    """An HTTP error with one message, and what else the page is told."""

    def __init__(self, status: HTTPStatus, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.more = status, more


class Handler(BaseHTTPRequestHandler):
    """One connection. A page's own handler says who may ask, and what is got and posted."""

    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S
    server_version, sys_version = "KineBench", ""

    def get(self, path: str, query: dict[str, list[str]]) -> Reply:
        """The answer to GET. Raises `Refused`, or KineBenchError for what is wrong with the question."""
        raise NotImplementedError

    def post(self, path: str, query: dict[str, list[str]]) -> Reply:
        """The same for POST; the body is read by `body` or `table`."""
        raise NotImplementedError

    def check_sender(self) -> None:
        """Raise `Refused` for requests that are not from the page."""
        raise NotImplementedError

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is the user's."""

    def do_GET(self) -> None:
        """Answer what `get` says."""
        self._answer(self.get)

    def do_POST(self) -> None:
        """Answer what `post` says."""
        self._answer(self.post)

    def table(self, most: int) -> dict[str, Any]:
        """The body as a JSON object of at most so many bytes."""
        try:
            plain = json.loads(self.body(most))
        except (ValueError, RecursionError) as error:
            raise KineBenchError(f"this is no JSON: {error}") from error
        if not isinstance(plain, dict):
            raise KineBenchError("this is no table")
        return plain

    def body(self, most: int) -> bytes:
        """The body, unread if it has more bytes than that."""
        length = self.headers.get("Content-Length")
        if length is None or not length.isdecimal():
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "say how long it is")
        if int(length) > most:
            message = f"{_size(int(length))} are too much; at most {_size(most)}"
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
        return self.rfile.read(int(length))

    def _answer(self, act: Callable[[str, dict[str, list[str]]], Reply]) -> None:
        try:
            url = urlsplit(self.path)
            self.check_sender()
            kind, data = act(unquote(url.path), parse_qs(url.query))
            self._send(HTTPStatus.OK, kind, data)
        except Refused as error:
            self.close_connection = True  # its body may not have been read
            self._send(error.status, *as_json({"error": str(error)} | error.more))
        except KineBenchError as error:
            self._send(HTTPStatus.BAD_REQUEST, *as_json({"error": str(error)}))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            self.close_connection = True
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, *as_json({"error": failure(error)}))

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in ({"Content-Type": kind, "Content-Length": str(len(data))} | _HEADERS).items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)


def opened(host: str, port: int, handler: Callable[..., Handler]) -> ThreadingHTTPServer:
    """A server, not yet serving. Raises KineBenchError if it cannot have the host or the port."""
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except (OSError, OverflowError) as error:
        if isinstance(error, socket.gaierror) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
            raise KineBenchError(
                f"{host} is no name or IPv4 address of this machine; name another with --host"
            ) from error
        raise KineBenchError(f"port {port} cannot be used ({error}); name another with --port, 0 for any") from error
    server.daemon_threads = True
    return server


def as_json(plain: Any) -> Reply:
    """A value as an answer."""
    return "application/json", json.dumps(plain).encode()


def _size(count: int) -> str:
    """A size for people."""
    return f"{count >> 20} MB" if count >> 20 else f"{count} bytes"
