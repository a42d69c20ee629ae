"""The studio's HTTP: on 127.0.0.1 alone, for this page alone.

Other machines cannot reach it, and other sites cannot use it: every request must name this host (a name that was made
to point here does not), come from this page if a browser says where from, and know the token of this session.
"""

import contextlib
import json
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from kinebench.errors import KineBenchError, failure
from kinebench.studio import desk
from kinebench.studio.desk import PHOTO_BYTES, Desk
from kinebench.studio.jobs import Jobs
from kinebench.studio.offer import Offer

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
JSON_BYTES = 4 << 20
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


@dataclass
class Studio:
    """One session."""

    jobs: Jobs
    desk: Desk = field(default_factory=Desk)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class _Refused(Exception):
    """An HTTP error with one message."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def serve(port: int, offers: Mapping[str, Offer], say: Callable[[str], None]) -> None:
    """Serve until interrupted; `say` is told the address. Raises KineBenchError if the port is taken."""
    with tempfile.TemporaryDirectory(prefix="kinebench-studio-") as place:
        studio = Studio(Jobs(Path(place), offers))
        with opened(studio, port) as server, contextlib.closing(studio.jobs):
            say(f"open {address(studio, server)}")
            say("it is for this machine alone; end it with Ctrl-C")
            server.serve_forever()


def opened(studio: Studio, port: int) -> ThreadingHTTPServer:
    """The server, not yet serving."""
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, studio))
    except (OSError, OverflowError) as error:
        raise KineBenchError(f"port {port} cannot be used ({error}); name another with --port, 0 for any") from error
    server.daemon_threads = True
    return server


def address(studio: Studio, server: ThreadingHTTPServer) -> str:
    """What to open in a browser."""
    return f"http://{HOST}:{server.server_address[1]}/?token={studio.token}"


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S
    server_version, sys_version = "KineBench", ""

    def __init__(self, studio: Studio, *given: Any) -> None:
        self.studio = studio
        super().__init__(*given)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is the user's."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, act: Callable[[str, dict[str, list[str]]], tuple[str, bytes]]) -> None:
        url = urlsplit(self.path)
        try:
            self._check_sender()
            kind, data = act(unquote(url.path), parse_qs(url.query))
            self._send(HTTPStatus.OK, kind, data)
        except _Refused as error:
            self.close_connection = True  # its body may not have been read
            self._send_error(error.status, str(error))
        except KineBenchError as error:
            self._send_error(HTTPStatus.BAD_REQUEST, str(error))
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            self.close_connection = True
            self._send_error(HTTPStatus.INTERNAL_SERVER_ERROR, failure(error))

    def _check_sender(self) -> None:
        port = self.server.server_address[1]  # type: ignore[index]
        hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        origin = self.headers.get("Origin")
        if self.headers.get("Host") not in hosts or (origin and origin not in {f"http://{host}" for host in hosts}):
            raise _Refused(HTTPStatus.FORBIDDEN, "this studio answers its own page alone")

    def _check_token(self, given: str) -> None:
        if not secrets.compare_digest(given.encode(), self.studio.token.encode()):
            raise _Refused(HTTPStatus.FORBIDDEN, "open the address that kinebench studio has printed, with its token")

    def _get(self, path: str, query: dict[str, list[str]]) -> tuple[str, bytes]:
        name = path.removeprefix("/page/")
        if path == "/":
            self._check_token(query.get("token", [""])[0])
            return KINDS[".html"], (PAGE / "index.html").read_bytes()
        if path.startswith("/page/") and name in {each.name for each in PAGE.iterdir()}:
            return KINDS[Path(name).suffix], (PAGE / name).read_bytes()
        self._check_token(self.headers.get("X-KineBench-Token", ""))
        match path.split("/"):
            case ["", "api", "start"]:
                return _json(desk.start(self.studio.jobs.offers))
            case ["", "api", "photo", photo]:
                return _json(self.studio.desk.photo(photo))
            case ["", "api", "job", job]:
                return _json(self.studio.jobs.find(job).told())
            case ["", "api", "video", job]:
                found = self.studio.jobs.find(job)
                if found.state == "done":
                    return "video/mp4", found.video.read_bytes()
        raise _Refused(HTTPStatus.NOT_FOUND, f"there is no {path}")

    def _post(self, path: str, query: dict[str, list[str]]) -> tuple[str, bytes]:
        self._check_token(self.headers.get("X-KineBench-Token", ""))
        table = self.studio.desk
        match path.split("/"):
            case ["", "api", "photo"]:
                return _json(table.drop(self._body(PHOTO_BYTES), query.get("name", ["photo"])[0][:200]))
            case ["", "api", "mask"]:
                return _json(table.mask(self._plain()))
            case ["", "api", "condition"]:
                return _json(desk.told(table.condition(self._plain())))
            case ["", "api", "export"]:
                return "application/zip", table.export(self._plain())
            case ["", "api", "run"]:
                asked = self._plain()
                condition = table.condition(asked)
                return _json({"job": self.studio.jobs.begin(condition, asked.get("method"), asked.get("seed", 0))})
            case ["", "api", "cancel", job]:
                self._body(JSON_BYTES)
                self.studio.jobs.cancel(job)
                return _json({})
        raise _Refused(HTTPStatus.NOT_FOUND, f"there is no {path}")

    def _plain(self) -> dict[str, Any]:
        try:
            plain = json.loads(self._body(JSON_BYTES))
        except (ValueError, RecursionError) as error:
            raise KineBenchError(f"this is no JSON: {error}") from error
        if not isinstance(plain, dict):
            raise KineBenchError("this is no table")
        return plain

    def _body(self, most: int) -> bytes:
        length = self.headers.get("Content-Length")
        if length is None or not length.isdecimal():
            raise _Refused(HTTPStatus.LENGTH_REQUIRED, "say how long it is")
        if int(length) > most:
            raise _Refused(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{int(length) >> 20} MB are too much; at most {most >> 20} MB"
            )
        return self.rfile.read(int(length))

    def _send_error(self, status: HTTPStatus, message: str) -> None:
        self._send(status, *_json({"error": message}))

    def _send(self, status: HTTPStatus, kind: str, data: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in ({"Content-Type": kind, "Content-Length": str(len(data))} | _HEADERS).items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)


def _json(plain: Any) -> tuple[str, bytes]:
    return "application/json", json.dumps(plain).encode()
