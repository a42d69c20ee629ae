"""The studio's HTTP: on 127.0.0.1 alone, for this page alone.

Other machines cannot reach it, and other sites cannot use it: every request must name this host (a name that was made
to point here does not), come from this page if a browser says where from, and know the token of this session.
"""

import contextlib
import secrets
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kinebench import handler
from kinebench.handler import KINDS, Handler, Refused, Reply, as_json
from kinebench.studio import desk
from kinebench.studio.desk import PHOTO_BYTES, Desk
from kinebench.studio.jobs import Jobs
from kinebench.studio.offer import Offer

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
JSON_BYTES = 4 << 20


@dataclass
class Studio:
    """One session."""

    jobs: Jobs
    desk: Desk = field(default_factory=Desk)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


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
    return handler.opened(HOST, port, partial(_Handler, studio))


def address(studio: Studio, server: ThreadingHTTPServer) -> str:
    """What to open in a browser."""
    return f"http://{HOST}:{server.server_address[1]}/?token={studio.token}"


class _Handler(Handler):
    """One connection."""

    def __init__(self, studio: Studio, *given: Any) -> None:
        self.studio = studio
        super().__init__(*given)

    def check_sender(self) -> None:
        """This page, under this host's name."""
        port = self.server.server_address[1]  # type: ignore[index]
        hosts = {f"{name}:{port}" for name in (HOST, "localhost")}
        origin = self.headers.get("Origin")
        if self.headers.get("Host") not in hosts or (origin and origin not in {f"http://{host}" for host in hosts}):
            raise Refused(HTTPStatus.FORBIDDEN, "this studio answers its own page alone")

    def _check_token(self, given: str) -> None:
        if not secrets.compare_digest(given.encode(), self.studio.token.encode()):
            raise Refused(HTTPStatus.FORBIDDEN, "open the address that kinebench studio has printed, with its token")

    def get(self, path: str, query: dict[str, list[str]]) -> Reply:
        """The page, photos, runs and their videos."""
        name = path.removeprefix("/page/")
        if path == "/":
            self._check_token(query.get("token", [""])[0])
            return KINDS[".html"], (PAGE / "index.html").read_bytes()
        if path.startswith("/page/") and name in {each.name for each in PAGE.iterdir()}:
            return KINDS[Path(name).suffix], (PAGE / name).read_bytes()
        self._check_token(self.headers.get("X-KineBench-Token", ""))
        match path.split("/"):
            case ["", "api", "start"]:
                return as_json(desk.start(self.studio.jobs.offers))
            case ["", "api", "photo", photo]:
                return as_json(self.studio.desk.photo(photo))
            case ["", "api", "job", job]:
                return as_json(self.studio.jobs.find(job).told())
            case ["", "api", "video", job]:
                found = self.studio.jobs.find(job)
                if found.state == "done":
                    return "video/mp4", found.video.read_bytes()
        raise Refused(HTTPStatus.NOT_FOUND, f"there is no {path}")

    def post(self, path: str, query: dict[str, list[str]]) -> Reply:
        """Photos, masks, conditions, runs."""
        self._check_token(self.headers.get("X-KineBench-Token", ""))
        table = self.studio.desk
        match path.split("/"):
            case ["", "api", "photo"]:
                return as_json(table.drop(self.body(PHOTO_BYTES), query.get("name", ["photo"])[0][:200]))
            case ["", "api", "mask"]:
                return as_json(table.mask(self.table(JSON_BYTES)))
            case ["", "api", "condition"]:
                return as_json(desk.told(table.condition(self.table(JSON_BYTES))))
            case ["", "api", "export"]:
                return "application/zip", table.export(self.table(JSON_BYTES))
            case ["", "api", "run"]:
                asked = self.table(JSON_BYTES)
                condition = table.condition(asked)
                return as_json({"job": self.studio.jobs.begin(condition, asked.get("method"), asked.get("seed", 0))})
            case ["", "api", "cancel", job]:
                self.body(JSON_BYTES)
                self.studio.jobs.cancel(job)
                return as_json({})
        raise Refused(HTTPStatus.NOT_FOUND, f"there is no {path}")
