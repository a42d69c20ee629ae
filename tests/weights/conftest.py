"""Small weights in a catalogue of their own, and a real web server that has them, with every fault one can have."""

import hashlib
import http.server
import random
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest

from kinebench.weights import catalogue

DATA = random.Random(7).randbytes(3_000_000)
"""More than a download reads at a time."""


@dataclass
class Site:
    """What the server has, what is wrong with it, and what was asked of it."""

    files: dict[str, bytes] = field(default_factory=dict)
    etag: str | None = '"one"'
    ranges: bool = True
    chunked: bool = False
    cut_after: int | None = None  # bytes of an answer, then the connection is closed
    cuts: int = 1  # how many answers are cut
    page: bool = False  # a web page for whatever is asked
    pause_s: float = 0.0  # after every 50 kB
    asked: list[tuple[str, str]] = field(default_factory=list)  # path, range
    url: str = ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        site = self.server.site
        span = self.headers.get("Range", "")
        site.asked.append((self.path, span))
        if site.page:
            return self.say(200, {"Content-Type": "text/html"}, b"\n<!DOCTYPE html><html>Are you sure?</html>")
        data, status, headers = site.files.get(self.path), 200, {"ETag": site.etag} if site.etag else {}
        if data is None:
            return self.say(404, {}, b"")
        if span and site.ranges:
            first = int(span.removeprefix("bytes=").rstrip("-"))
            if first >= len(data):
                return self.say(416, {}, b"")
            headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            status, data = 206, data[first:]
        return self.say(status, headers, data)

    def say(self, status, headers, data):
        site = self.server.site
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if site.cut_after is not None and len(data) > site.cut_after and site.cuts:
            site.cuts -= 1
            self.close_connection = True
            data = data[: site.cut_after]
        for start in range(0, len(data), 50_000):
            part = data[start : start + 50_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if site.chunked else part)
            time.sleep(site.pause_s)
        if site.chunked and not self.close_connection:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # clients that leave early are part of the tests


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache, no proxy, and no patience."""
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KINEBENCH_WEIGHTS_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("kinebench.data.web.BACKOFF_S", 0.001)
    return tmp_path / "cache" / "weights"


@pytest.fixture
def serve():
    """`serve(**faults)` gives a running `Site` that has /net.pt."""
    servers = []

    def start(**faults):
        server = Server(("127.0.0.1", 0), Handler)
        server.site = Site(**{"files": {"/net.pt": DATA}, **faults})
        server.site.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
        servers.append(server)
        return server.site

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """`published(name, *urls, **facts)` adds an entry to the catalogue, with the size and hash of DATA by default."""

    def publish(name, *urls, **facts):
        facts = {"file": "net.pt", "bytes": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest(), **facts}
        facts = {"purpose": "fvd", "source": "here", "licence": "free", "confirmed": "nobody", **facts}
        path = tmp_path / "catalogue.toml"
        lines = [
            f"{key} = {value if isinstance(value, int) else repr(value)}\n" for key, value in facts.items() if value
        ]
        with path.open("a") as file:
            file.write(f"[{name}]\nurls = {list(urls)}\n{''.join(lines)}")
        monkeypatch.setattr(catalogue, "FILE", path)
        catalogue._read.cache_clear()
        return catalogue.find(name)

    return publish


@pytest.fixture
def command(published):
    """`command(*words)` starts a real `kinebench weights` that knows the test's catalogue."""
    code = (
        "import sys, pathlib, kinebench.data.web as web, kinebench.weights.catalogue as c\n"
        "c.FILE, web.BACKOFF_S = pathlib.Path(sys.argv[1]), 0.001\n"
        "sys.argv[:2] = ['kinebench', 'weights']\n"
        "from kinebench.cli.main import main\nmain()"
    )
    running = []

    def start(*words):
        arguments = [sys.executable, "-c", code, str(catalogue.FILE), *words]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()
