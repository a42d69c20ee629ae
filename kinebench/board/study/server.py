"""`kinebench board study serve`: the study's pages, and a place for answers. Nothing but STUDY/public is ever sent."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kinebench import handler
from kinebench.board.study import answer
from kinebench.board.study.design import Design
from kinebench.board.study.key import PUBLIC
from kinebench.board.study.key import read as read_key
from kinebench.board.study.ledger import Ledger
from kinebench.board.study.publication import INDEX
from kinebench.errors import KineBenchError
from kinebench.handler import KINDS, Handler, Refused, Reply, as_json

POST_BYTES = 256 << 10
_ALONE, _COLLECTS = b'name="collects" content="no"', b'name="collects" content="yes"'


@dataclass(frozen=True)
class Desk:
    """What one server serves: files by the path in their address, and where answers go."""

    files: Mapping[str, Path]
    design: Design
    ledger: Ledger


def serve(study: Path, db: Path, host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted; `say` is told the address. Raises KineBenchError."""
    table = desk(study, db)
    with contextlib.closing(table.ledger), opened(table, host, port) as server:
        say(f"open {address(server)}; answers go to {db}; end it with Ctrl-C")
        if not _is_here_only(host):
            say("anyone who reaches this machine can take part and send answers, and http hides nothing on its way")
        server.serve_forever()


def desk(study: Path, db: Path) -> Desk:
    """Raises KineBenchError if the study is not whole, or the answers cannot be kept."""
    design, public = read_key(study).design, study / PUBLIC
    if not (public / INDEX).is_file():
        raise KineBenchError(f"{study} is not finished; run the same kinebench board study new again")
    found = sorted(path for path in public.rglob("*") if path.is_file() and not path.is_symlink())
    files = {f"/{path.relative_to(public).as_posix()}": path for path in found if path.suffix in KINDS}
    return Desk(files | {"/": public / INDEX}, design, Ledger(db, design.study))


def opened(table: Desk, host: str, port: int) -> ThreadingHTTPServer:
    """The server, not yet serving."""
    return handler.opened(host, port, partial(_Handler, table))


def address(server: ThreadingHTTPServer) -> str:
    """What to open in a browser."""
    host, port = server.server_address[:2]
    return f"http://{host!s}:{port}/"


def _is_here_only(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Handler(Handler):
    """One connection."""

    def __init__(self, table: Desk, *given: Any) -> None:
        self.desk = table
        super().__init__(*given)

    def check_sender(self) -> None:
        """No page of another site: one that a browser names must be under the name that this server is asked by."""
        origin = self.headers.get("Origin")
        if origin and urlsplit(origin).netloc != self.headers.get("Host"):
            raise Refused(HTTPStatus.FORBIDDEN, "this study takes answers of its own page alone")

    def get(self, path: str, query: dict[str, list[str]]) -> Reply:
        """A file of the study: one of those that were there when the server began, by its whole name."""
        file = self.desk.files.get(path)
        if file is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no {path}")
        data = file.read_bytes()
        return KINDS[file.suffix], data.replace(_ALONE, _COLLECTS) if file.name == INDEX else data

    def post(self, path: str, query: dict[str, list[str]]) -> Reply:
        """Answers; those that differ from what was answered before are refused, the others kept."""
        if path != "/answers":
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no {path}")
        if self.headers.get_content_type() != "application/json":  # a form of another site cannot say so
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "answers are application/json")
        given = answer.parse(self.table(POST_BYTES), self.desk.design, "the answers")
        if refused := self.desk.ledger.add(given):
            names = [{"trial": each.trial, "question": each.question} for each in refused]
            message = f"{len(refused)} were answered before, otherwise: the first answer counts"
            raise Refused(HTTPStatus.CONFLICT, message, refused=names)
        return as_json({"kept": len(given)})
