"""Pushing to a server that behaves like the Hub: plain HTTP on loopback, huggingface_hub as it is, a real process."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

import pytest

from kinebench.errors import KineBenchError
from kinebench.publish import hub
from kinebench.publish.publication import prepare

pytest.importorskip("huggingface_hub")
TOKEN = "hf_of_a_test"
REPO = "lab/toys"


class Hub(ThreadingHTTPServer):
    """One dataset repository: branches of files, an LFS store, and a log of what was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.branches, self.lfs, self.log, self.refuse, self.private = {}, {}, [], None, None
        self.endpoint = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def content(self, branch="main"):
        return {path: self.lfs[oid] if kind == "lfs" else oid for path, (kind, oid) in self.branches[branch].items()}

    def asked(self, pattern):
        return [line for line in self.log if re.search(pattern, line)]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def do_PUT(self):
        self.answer()

    def log_message(self, *arguments):
        pass

    def answer(self):
        path = unquote(urlparse(self.path).path)
        self.server.log.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.startswith("/lfs-store/"):
            self.server.lfs[path.rsplit("/", 1)[1]] = body
            return self.reply(200, {})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.reply(401, {"error": "Invalid username or password."})
        if self.server.refuse and re.search(self.server.refuse[1], path):
            return self.reply(self.server.refuse[0], {"error": "You don't have the rights to do this"})
        for pattern, act in ROUTES:
            if match := re.fullmatch(pattern, f"{self.command} {path}"):
                return self.reply(*act(self.server, match, body))
        return self.reply(404, {"error": f"no such route: {self.command} {path}"})

    def reply(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def create(server, match, body):
    wanted = json.loads(body)
    assert (wanted["type"], wanted["organization"], wanted["name"]) == ("dataset", *REPO.split("/"))
    if server.branches:
        return 409, {"error": "You already created this dataset repo", "url": f"{server.endpoint}/datasets/{REPO}"}
    server.branches["main"], server.private = {}, wanted.get("visibility", wanted.get("private"))
    return 200, {"url": f"{server.endpoint}/datasets/{REPO}", "id": "1", "name": REPO}


def branch(server, match, body):
    if match[1] in server.branches:
        return 409, {"error": "Reference already exists"}
    server.branches[match[1]] = dict(server.branches["main"])
    return 200, {}


def preupload(server, match, body):
    held = server.branches[match[1]]
    return 200, {
        "files": [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith((".tar", ".jpg", ".png")) else "regular",
                "shouldIgnore": False,
                "oid": _oid(held.get(file["path"])),
            }
            for file in json.loads(body)["files"]
        ]
    }


def _oid(entry):
    """What the Hub calls a file that it has: git's hash of a small one, the sha256 of a large one."""
    if entry is None or entry[0] == "lfs":
        return entry and entry[1]
    return hashlib.sha1(f"blob {len(entry[1])}\0".encode() + entry[1]).hexdigest()


def batch(server, match, body):
    objects = []
    for wanted in json.loads(body)["objects"]:
        upload = {"upload": {"href": f"{server.endpoint}/lfs-store/{wanted['oid']}", "header": {}}}
        objects.append({**wanted, **({} if wanted["oid"] in server.lfs else {"actions": upload})})
    return 200, {"transfer": "basic", "objects": objects}


def commit(server, match, body):
    held = server.branches[match[1]]
    for line in map(json.loads, body.splitlines()):
        value = line["value"]
        if line["key"] == "file":
            held[value["path"]] = ("regular", base64.b64decode(value["content"]))
        elif line["key"] == "lfsFile":
            assert len(server.lfs[value["oid"]]) == value["size"]
            held[value["path"]] = ("lfs", value["oid"])
    return 200, {"commitUrl": f"{server.endpoint}/datasets/{REPO}/commit/1", "commitOid": "1" * 40, "success": True}


def info(server, match, body):
    if not server.branches:
        return 404, {"error": "Repository not found"}
    return 200, {"id": REPO, "sha": "1" * 40, "siblings": [], "tags": []}


ROUTES = [
    (r"POST /api/repos/create", create),
    (rf"POST /api/datasets/{REPO}/branch/(\S+)", branch),
    (rf"POST /api/datasets/{REPO}/preupload/(\S+)", preupload),
    (rf"POST /datasets/{REPO}\.git/info/lfs/objects/batch", batch),
    (rf"POST /api/datasets/{REPO}/commit/(\S+)", commit),
    (rf"GET /api/datasets/{REPO}(?:/revision/\S+)?", info),
    (r"POST /api/validate-yaml", lambda *_: (200, {"errors": [], "warnings": []})),
]


@pytest.fixture
def server():
    server = Hub()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def publish(server, tmp_path):
    """`kinebench publish` as a process of its own: `publish(folder, *options, token=...)`."""

    def run(folder, *options, token=TOKEN, endpoint=None):
        own = {"HF_ENDPOINT": endpoint or server.endpoint, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(tmp_path / "hf")}
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        command = [sys.executable, "-m", "kinebench.cli.main", "publish", str(folder), *options]
        environment |= own | ({"HF_TOKEN": token} if token else {})
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)

    return run


@pytest.fixture
def small(tmp_path, make, samples):
    """One sample: a refusal costs no time."""
    make(tmp_path / "small", samples[:1])
    return tmp_path / "small"


def files(folder):
    """What is to be on the Hub, by path."""
    return {path: (folder / path).read_bytes() for path in prepare(folder, 1, lambda *_: None).files}


@pytest.mark.slow
def test_every_file_arrives_and_a_second_push_sends_nothing_again(server, publish, dataset):
    (dataset / "notes.txt").write_text("mine")
    done = publish(dataset, "--push", REPO, "--private")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert f"published at {server.endpoint}/datasets/{REPO}" in done.stdout
    assert server.content() == files(dataset)
    assert {"README.md", "LICENSE", "croissant.json", "SHA256SUMS", "previews/sheet.jpg"} < set(server.content())
    assert server.private in (True, "private")
    sent = len(server.asked("PUT /lfs-store/"))
    assert sent == sum(path.endswith((".tar", ".jpg", ".png")) for path in files(dataset))
    again = publish(dataset, "--push", REPO)
    assert again.returncode == 0, again.stderr
    assert len(server.asked("PUT /lfs-store/")) == sent
    assert server.content() == files(dataset)


@pytest.mark.slow
def test_a_push_that_broke_off_goes_on(server, publish, dataset):
    server.refuse = (503, "/commit/")
    server.log.clear()
    broken = publish(dataset, "--push", REPO)
    assert broken.returncode == 1 and "Traceback" not in broken.stderr
    assert "(503)" in broken.stderr
    sent = len(server.asked("PUT /lfs-store/"))
    server.refuse = None
    assert publish(dataset, "--push", REPO, "--revision", "v1").returncode == 0
    assert len(server.asked("PUT /lfs-store/")) == sent > 0
    assert server.content("v1") == files(dataset)
    assert server.content("main") == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("token", "refuse", "words"),
    [
        (None, None, "there is no token for the Hub: run 'hf auth login'"),
        ("hf_of_another", None, "(401): the token is wrong or has expired"),
        (TOKEN, (403, "/api/repos/create"), "(403): the token may not write to lab/toys"),
        (TOKEN, (403, "/commit/"), "(403): the token may not write to lab/toys"),
    ],
)
def test_a_refusal_is_one_clear_message(server, publish, small, token, refuse, words):
    server.refuse = refuse
    done = publish(small, "--push", REPO, token=token)
    assert done.returncode == 1
    errors = done.stderr[done.stderr.index("kinebench: ") :].strip()
    assert words in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.slow
def test_no_network_is_one_clear_message(server, publish, small):
    server.shutdown()
    server.server_close()
    done = publish(small, "--push", REPO)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr and "run the same command again" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_name_is_told_before_anything_is_done(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name in ("toys", "lab/toys/more", "lab/", "https://lab/toys"):
        with pytest.raises(KineBenchError, match="expected OWNER/NAME"):
            hub.check(name)
    hub.check(REPO)
