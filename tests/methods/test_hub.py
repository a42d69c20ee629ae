"""Weights: named by the user or in the cache of huggingface_hub, which fills it here from a server on loopback."""

import hashlib
import json
import struct
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

import pytest

from kinebench.errors import KineBenchError, Unavailable
from kinebench.methods import hub
from kinebench.methods.method import Weights, find

REPO = "lab/toy"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def safetensors(size=64):
    return header(json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()) + bytes(size)


def header(text):
    return struct.pack("<Q", len(text)) + text


ODD = (b"[1]", b'{"w": {"data_offsets": ["0", "x"]}}', b'{"w": {"data_offsets": [0]}}', b"[" * 100_000)
ODD_INDEX = (b'{"weight_map": [1]}', b'{"weight_map": null}', b'{"weight_map": {"a": 1, "b": "c"}}')

FILES = {
    "model_index.json": json.dumps(
        {
            "_class_name": "ToyPipeline",
            "transformer": ["diffusers", "Toy"],
            "scheduler": ["diffusers", "Steps"],
            "image_encoder": [None, None],
            "expand_timesteps": True,
        }
    ).encode(),
    "scheduler/scheduler_config.json": b"{}",
    "transformer/config.json": b"{}",
    "transformer/model.safetensors.index.json": json.dumps(
        {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    ).encode(),
    "transformer/model-1.safetensors": safetensors(),
    "transformer/model-2.safetensors": safetensors(100),
}


class Server(ThreadingHTTPServer):
    """One model repository of one commit, as the Hub answers for it; `lost` is a file that it cannot give."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lost = None
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def log_message(self, *arguments):
        pass

    def answer(self):
        path = unquote(urlparse(self.path).path)
        if path.startswith(f"/api/models/{REPO}/tree/"):
            entries = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in FILES.items()
            ]
            return self.reply(json.dumps(entries).encode(), "application/json")
        if path.startswith(f"/api/models/{REPO}"):
            siblings = [{"rfilename": name} for name in FILES]
            plain = {"id": REPO, "sha": COMMIT, "private": False, "siblings": siblings, "tags": []}
            return self.reply(json.dumps(plain).encode(), "application/json")
        name = path.removeprefix(f"/{REPO}/resolve/").partition("/")[2]
        if name in FILES and name != self.server.lost:
            return self.reply(FILES[name], "application/octet-stream")
        return self.reply(b"", "text/plain", 404)

    def reply(self, data, kind, status=200):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


@pytest.fixture
def toy():
    """The method `wan`, had it the weights of the server."""

    def make(**fields):
        row = {"hub": REPO, "revision": COMMIT, "licence": "Toy licence", "gb": 1.5} | fields
        return replace(find("wan"), weights={"model": Weights(**row)})

    return make


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of huggingface_hub, and what fills it: `cache.fill(lost=None)`, as `hf download` does."""
    library = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    class Cache:
        folder = tmp_path / "hub"

        @staticmethod
        def fill(lost=None, **asked):
            server = Server()
            server.lost = lost
            try:
                endpoint = f"http://127.0.0.1:{server.server_port}"
                return library.snapshot_download(REPO, endpoint=endpoint, max_workers=1, **asked)
            finally:
                server.shutdown()

    return Cache


def folder_of(tmp_path, files=FILES):
    for name, data in files.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "toy"


def test_the_cache_that_huggingface_hub_fills_is_found_offline(toy, cache):
    filled = cache.fill(revision=COMMIT)
    found = hub.weights(toy(), {})("model")
    assert str(found) == filled
    assert {path.relative_to(found).as_posix(): path.read_bytes() for path in found.rglob("*.*")} == FILES
    assert hub.revision(found) == COMMIT


def test_a_branch_is_followed_to_the_commit_that_was_fetched(toy, cache):
    cache.fill(revision="main")
    assert hub.revision(hub.weights(toy(revision="main"), {})("model")) == COMMIT


def test_what_is_absent_is_not_fetched_but_said_with_its_price(toy, cache):
    with pytest.raises(Unavailable) as raised:
        hub.weights(toy(), {})("model")
    said = str(raised.value)
    assert f"hf download {REPO} --revision {COMMIT} (Toy licence, 1.5 GB)" in said
    assert "--weights model=FOLDER" in said and "wan" in said
    assert not cache.folder.exists()


def test_a_download_that_broke_off_is_not_taken_for_the_whole(toy, cache):
    with pytest.raises(OSError, match="locate the file"):
        cache.fill(lost="transformer/model-2.safetensors", revision=COMMIT)
    with pytest.raises(Unavailable, match=f"in part; run: hf download {REPO} --revision {COMMIT}"):
        hub.weights(toy(), {})("model")


def test_a_cache_without_a_listing_is_looked_through(toy, cache):
    """Older versions of huggingface_hub leave none, and take any folder for the whole."""
    snapshot = cache.folder / "models--lab--toy" / "snapshots" / COMMIT
    blob = cache.folder / "models--lab--toy" / "blobs" / "b"
    blob.parent.mkdir(parents=True)
    for name, data in FILES.items():
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_bytes(data)
    locate = hub.weights(toy(), {})
    assert locate("model") == snapshot
    shard = snapshot / "transformer/model-2.safetensors"
    shard.unlink()
    shard.symlink_to(blob)
    with pytest.raises(Unavailable, match=r"lacks transformer/model-2\.safetensors; run: hf download"):
        locate("model")
    blob.write_bytes(FILES["transformer/model-2.safetensors"])
    assert locate("model") == snapshot


def test_a_folder_of_the_users_own(toy, tmp_path):
    folder = folder_of(tmp_path)
    assert hub.weights(toy(), {"model": folder})("model") == folder
    assert hub.revision(folder) is None
    note = folder / ".cache/huggingface/download/model_index.json.metadata"  # as `hf download --local-dir` leaves it
    note.parent.mkdir(parents=True)
    note.write_text(f"{COMMIT}\nabc\n1.0\n")
    assert hub.revision(folder) == COMMIT
    assert hub.weights(toy(), {"model": folder})("model") == folder


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("model_index.json", None, "it has no model_index.json"),
        ("model_index.json", b"{", "cannot be read as JSON"),
        ("scheduler/scheduler_config.json", None, "it lacks scheduler/"),
        ("transformer/model-1.safetensors", None, r"it lacks transformer/model-1\.safetensors"),
        ("transformer/model-2.safetensors", safetensors(100)[:-1], "is cut short: 171 of 172 bytes"),
        ("transformer/model-2.safetensors", b"", "is damaged"),
        *(("transformer/model-2.safetensors", header(odd), "model-2.safetensors is damaged") for odd in ODD),
        *(("transformer/model.safetensors.index.json", odd, "index.json names no files") for odd in ODD_INDEX),
        ("transformer/model.safetensors.index.json", b"[" * 100_000, "cannot be read as JSON"),
        ("transformer/model-2.safetensors", b"version https://git-lfs.example/spec/v1\n", "is a pointer of git-lfs"),
    ],
)
def test_a_folder_that_is_not_whole(toy, tmp_path, name, data, said):
    folder = folder_of(tmp_path)
    (folder / name).unlink() if data is None else (folder / name).write_bytes(data)
    with pytest.raises(Unavailable, match=said):
        hub.weights(toy(), {"model": folder})("model")


def test_a_part_without_weights_and_a_folder_without_any(toy, tmp_path):
    folder = folder_of(tmp_path, {**FILES, "transformer/model.safetensors": safetensors()})
    for path in folder.glob("transformer/model*"):
        path.unlink()
    with pytest.raises(Unavailable, match="it holds no weights"):
        hub.weights(toy(), {"model": folder})("model")
    (folder / "model.safetensors").write_bytes(safetensors())
    with pytest.raises(Unavailable, match="transformer/ holds no weights"):
        hub.weights(toy(), {"model": folder})("model")


def test_nothing_where_weights_are_said_to_be(toy, tmp_path):
    with pytest.raises(Unavailable, match="there is nothing; run: hf download"):
        hub.weights(toy(), {"model": tmp_path / "none"})("model")
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(Unavailable, match="is no folder"):
        hub.weights(toy(), {"model": tmp_path / "file"})("model")


def test_names_that_the_method_does_not_have(toy, tmp_path):
    with pytest.raises(KineBenchError, match="--weights vae: wan has the weights model"):
        hub.weights(toy(), {"vae": tmp_path})
    with pytest.raises(KineBenchError, match="--weights model: static has no weights"):
        hub.weights(find("static"), {"model": tmp_path})
    with pytest.raises(KineBenchError, match=r"'text', which its method\.toml does not name"):
        hub.weights(toy(), {})("text")


def test_a_single_file_is_held_to_its_hash(toy, cache, tmp_path):
    name, data = "transformer/model-1.safetensors", FILES["transformer/model-1.safetensors"]
    right = toy(file=name, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(Unavailable, match=f"hf download {REPO} {name} --revision {COMMIT}"):
        hub.weights(right, {})("model")
    cache.fill(revision=COMMIT)
    found = hub.weights(right, {})("model")
    assert found.read_bytes() == data
    assert hub.revision(found) == COMMIT
    with pytest.raises(Unavailable, match=r"it is another file, sha256 .* instead of 0000"):
        hub.weights(toy(file=name, sha256="0" * 64), {})("model")
    folder = folder_of(tmp_path)
    assert hub.weights(right, {"model": folder})("model") == folder / name
    assert hub.weights(right, {"model": folder / name})("model") == folder / name


@pytest.mark.parametrize("fields", [{"hub": "lab/toy--x"}, {"file": "../../secret"}])
def test_a_name_that_the_hub_cannot_have_is_a_fault_of_method_toml(toy, cache, fields):
    with pytest.raises(KineBenchError, match=r"wan/method\.toml: weights\.model can be nowhere on the Hub: "):
        hub.weights(toy(**fields), {})("model")


def test_a_fingerprint_is_of_what_lies_there_and_not_of_where(tmp_path):
    def folder(name, size=5 << 20, width=8, at=0):
        where = tmp_path / name
        where.mkdir()
        (where / "config.json").write_text(f'{{"width": {width}}}')
        tensors = bytearray(size)
        tensors[at] = 1
        (where / "model.safetensors").write_bytes(tensors)
        return where

    one = hub.fingerprint(folder("one"))
    assert hub.fingerprint(folder("two")) == one
    others = {"longer": {"size": (5 << 20) + 1}, "wider": {"width": 9}, "trained": {"at": 9}, "more": {"at": -1}}
    assert len({one, *(hub.fingerprint(folder(name, **how)) for name, how in others.items())}) == 5
    short = [hub.fingerprint(folder(f"short{at}", size=2 << 20, at=at)) for at in (0, 1 << 20)]
    assert short[0] != short[1]
    assert hub.fingerprint(tmp_path / "nowhere") == ""
