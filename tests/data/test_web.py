"""Datasets read from real web servers: with ranges, without, and with every fault that one can have."""

import http.server
import pickle
import socket
import threading
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kinebench.data import connection, open_dataset
from kinebench.errors import KineBenchError

KEYS = [f"toys_train_{i:06d}" for i in range(5)]


@dataclass
class Site:
    """A web server's folder, what is wrong with it, and what was asked of it."""

    folder: Path
    ranges: bool = True
    chunked: bool = False
    cut_after: int | None = None  # bytes of an answer, then the connection is closed
    cuts: int = 10**9  # how many answers are cut
    busy: int = 0  # how many requests get 503
    moved: str | None = None  # every request is sent on to this address
    asked: list[tuple[str, str]] = field(default_factory=list)  # path, range
    connections: int = 0
    url: str = ""

    def of(self, suffix):
        return [span for path, span in self.asked if path.endswith(suffix)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.server.site.connections += 1

    def do_GET(self):
        site, path = self.server.site, urlsplit(self.path).path
        site.asked.append((self.path, self.headers.get("Range", "")))
        if site.busy:
            site.busy -= 1
            return self.say(503, {"Retry-After": "0"})
        if site.moved:
            return self.say(302, {"Location": site.moved + path})
        file = site.folder / path.strip("/")
        if not file.is_file():
            return self.say(404)
        data, status, headers = file.read_bytes(), 200, {}
        if site.ranges and "Range" in self.headers:
            first, last = self.headers["Range"].removeprefix("bytes=").split("-")
            if int(first) >= len(data):
                return self.say(416)
            headers["Content-Range"] = f"bytes {first}-{min(int(last or len(data)), len(data)) - 1}/{len(data)}"
            status, data = 206, data[int(first) : int(last) + 1 if last else None]
        return self.say(status, headers, data)

    def say(self, status, headers=None, data=b""):
        site = self.server.site
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if site.chunked and status == 200:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if site.cut_after is not None and len(data) > site.cut_after and site.cuts:
            site.cuts -= 1
            self.close_connection = True
            data = data[: site.cut_after]
        if site.chunked and status == 200:
            for start in range(0, len(data), 5000):
                part = data[start : start + 5000]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"" if self.close_connection else b"0\r\n\r\n")
        else:
            self.wfile.write(data)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # clients that leave early are part of the tests


@pytest.fixture
def serve(monkeypatch):
    """`serve(folder, **faults)` gives a running `Site`."""
    monkeypatch.setattr("kinebench.data.web.BACKOFF_S", 0.001)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    servers = []

    def start(folder, **faults):
        server = Server(("127.0.0.1", 0), Handler)
        server.site = Site(Path(folder), **faults)
        server.site.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.01}).start()
        servers.append(server)
        return server.site

    yield start
    for kept in (held for idle in connection._idle().values() for held in idle):
        kept.close()
    connection._idle().clear()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def one_thread(monkeypatch):
    """No connections are left over from another test."""
    monkeypatch.setattr(connection, "_LOCAL", threading.local())


def bytes_of(clip):
    return {suffix: clip.shards.member(clip.key, suffix) for suffix in ("mp4", "segmentation.mkv", "txt", "json")}


def same(clips, packed):
    """Every sample is there, in order, with the bytes of the folder's."""
    here = open_dataset(packed)
    found = list(clips)
    assert [clip.key for clip in found] == [clip.key for clip in here if clip.key in {c.key for c in found}]
    assert all(bytes_of(clip) == bytes_of(here[clip.key]) for clip in found)
    return len(found)


def test_a_folder_by_number_and_key(packed, serve):
    site = serve(packed)
    clips, here = open_dataset(site.url, split="train"), open_dataset(packed, split="train")
    assert clips.keys == here.keys
    assert clips[-1].caption == here[-1].caption
    assert (clips["toys_train_000002"].velocity == here["toys_train_000002"].velocity).all()
    assert clips.source.manifest == here.source.manifest
    assert clips.source.manifest is clips.source.manifest
    assert [len(site.of(name)) for name in ("index.jsonl", "manifest.json")] == [1, 1]
    place = clips.source.rows[clips.keys[-1]].members["txt"]
    assert site.of("toys-train-000002.tar") == [f"bytes={place.offset}-{place.offset + place.size - 1}"]


def test_neighbours_are_fetched_together_over_one_connection(packed, serve, one_thread):
    site = serve(packed)
    assert same(open_dataset(site.url, split="train"), packed) == 5
    assert [len(site.of(f"train-00000{i}.tar")) for i in range(3)] == [1, 1, 1]
    assert site.connections == 1


def test_long_runs_are_cut(packed, serve, monkeypatch):
    monkeypatch.setattr("kinebench.data.remote.RUN_BYTES", 1000)
    site = serve(packed)
    assert same(open_dataset(site.url, split="train"), packed) == 5
    assert [len(site.of(f"train-00000{i}.tar")) for i in range(3)] == [2, 2, 1]


def test_shuffled_is_the_same_as_from_the_folder(packed, serve):
    clips, here = open_dataset(serve(packed).url), open_dataset(packed)
    for seed in range(3):
        for mine, theirs in zip(clips.stream(seed, rank=1, world=2), here.stream(seed, rank=1, world=2), strict=True):
            assert mine.key == theirs.key
            assert bytes_of(mine) == bytes_of(theirs)


def test_companions_come_along_or_on_demand(packed, serve):
    site = serve(packed)
    here = open_dataset(packed, split="test")
    for companions in ((), ("lossless",)):
        for clip in open_dataset(site.url, split="test", companions=companions):
            assert (clip.lossless == here[clip.key].lossless).all()
    assert len(site.of("test-lossless-000000.tar")) > 2


@pytest.mark.parametrize("chunked", [False, True])
def test_a_server_without_ranges_is_read_whole_and_says_so(packed, serve, chunked):
    site = serve(packed, ranges=False, chunked=chunked)
    clips = open_dataset(site.url, split="train")
    with pytest.warns(UserWarning, match="answers no range requests: every tar is fetched whole"):
        assert clips[3].caption == open_dataset(packed, split="train")[3].caption
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(clips, packed) == 5
        assert len(list(clips.stream(4))) == 5
    assert site.of("train-000000.tar") == site.of("train-000002.tar") == [""]


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("where", ["folder", "list"])
def test_a_cut_connection_is_taken_up_again(packed, serve, ranges, where):
    site = serve(packed, ranges=ranges, cut_after=3000, cuts=3 if not ranges else 10**9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if not ranges else "error")
        if where == "folder":
            assert same(open_dataset(site.url, split="train"), packed) == 5
        else:
            assert same(open_dataset(site.url + "/toys-train-{000000..000002}.tar"), packed) == 5


@pytest.mark.parametrize("where", ["", "/toys-train-{000000..000002}.tar"])
def test_a_connection_that_is_always_cut_gives_up(packed, serve, where):
    site = serve(packed, ranges=False, cut_after=100)
    with pytest.raises(KineBenchError, match=r"cannot read http.*the connection was cut at byte 100 of \d+; gave up"):
        list(open_dataset(site.url + where))


def test_a_cut_in_a_file_of_unknown_length_is_seen(packed, serve):
    site = serve(packed, chunked=True, ranges=False, cut_after=20_000, cuts=2)
    assert same(open_dataset(site.url + "/toys-train-{000000..000002}.tar"), packed) == 5
    assert site.cuts == 0


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("ranges", [False, True])
def test_lists_of_tars_need_no_index(packed, serve, tmp_path, ranges, chunked, monkeypatch):
    for name in packed.glob("*.tar"):
        (tmp_path / name.name).symlink_to(name)
    site = serve(tmp_path, ranges=ranges, chunked=chunked)
    assert same(open_dataset(site.url + "/toys-train-{000000..000002}.tar?sig=1"), packed) == 5
    assert [path for path, _ in site.asked] == [f"/toys-train-00000{i}.tar?sig=1" for i in range(3)]
    found = open_dataset(site.url + "/toys-test-{000000..000001}.tar", companions=("lossless",))
    here = open_dataset(packed)
    assert all((clip.lossless == here[clip.key].lossless).all() for clip in found.stream(2))


def test_what_is_not_there_is_named(packed, serve, dataset):
    site = serve(dataset)
    with pytest.raises(KineBenchError, match=r"http.*/nowhere/index.jsonl answered 404 Not Found; check the address"):
        open_dataset(site.url + "/nowhere")
    with pytest.raises(KineBenchError, match=r"train-000003.tar answered 404 Not Found; check the address"):
        list(open_dataset(site.url + "/toys-train-{000002..000003}.tar"))
    (dataset / "toys-train-000001.tar").unlink()
    clips = open_dataset(site.url + "/")
    with pytest.raises(KineBenchError, match=r"train-000001.tar answered 404"):
        clips["toys_train_000002"].rgb  # noqa: B018
    with pytest.raises(KineBenchError, match="has no split 'val'; it has test, train"):
        open_dataset(site.url, split="val")


def test_no_server_and_no_address(packed, serve):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(KineBenchError, match=r"cannot read .*: .*refused; gave up after 5 tries. Check the address"):
        open_dataset(f"http://127.0.0.1:{port}")
    site = serve(packed)
    for wrong in ("http://", "http://host:port/x", f"{site.url}:1/x"):
        with pytest.raises(KineBenchError, match="is no web address"):
            open_dataset(wrong)


def test_other_bytes_than_the_index_says_are_refused(packed, serve, dataset):
    path = dataset / "toys-train-000000.tar"
    place = open_dataset(dataset).source.rows["toys_train_000001"].members["mp4"]
    data = bytearray(path.read_bytes())
    data[place.offset + 50] ^= 1
    path.write_bytes(data)
    clips = open_dataset(serve(dataset).url, split="train")
    for read in (lambda: clips[1].rgb, lambda: list(clips)):
        with pytest.raises(KineBenchError, match=r"train-000000.tar at http.* does not hold what .* toys_train_000001"):
            read()
    path.write_bytes(data[:1024])
    with pytest.raises(KineBenchError, match=r"train-000000.tar is shorter than it should be"):
        clips[1].rgb  # noqa: B018
    (dataset / "index.jsonl").write_bytes(b"<html>")
    with pytest.raises(KineBenchError, match=r"has no sound index.jsonl: line 1 is not a row"):
        open_dataset(serve(dataset).url)


def test_a_busy_server_is_waited_for(packed, serve):
    site = serve(packed, busy=3)
    assert len(open_dataset(site.url)) == 8
    site.busy = 99
    with pytest.raises(KineBenchError, match="the server answered 503 Service Unavailable; gave up after 5 tries"):
        open_dataset(site.url)


def test_redirects_are_followed_and_remembered_until_they_expire(packed, serve):
    target = serve(packed)
    site = serve(packed, moved=target.url)
    clips = open_dataset(site.url, split="train")
    assert same(clips, packed) == 5
    assert same(clips, packed) == 5
    assert len(site.of("train-000000.tar")) == 1
    assert len(target.of("train-000000.tar")) == 2
    site.moved = serve(packed).url
    target.folder = Path("/nowhere")
    assert same(clips, packed) == 5
    site.moved = site.url
    with pytest.raises(KineBenchError, match="redirects more than 5 times"):
        open_dataset(site.url + "/deeper")


def test_an_idle_connection_that_the_server_closed_is_made_anew(packed, serve, one_thread):
    site = serve(packed)
    clips = open_dataset(site.url)
    ((host, kept),) = connection._idle().items()
    assert host[1] == urlsplit(site.url).netloc
    kept[0].sock.shutdown(2)
    assert clips[0].caption
    assert site.connections == 2


def test_a_proxy_is_used(packed, serve, monkeypatch):
    class Proxy(Handler):
        def do_GET(self):
            assert self.path.startswith("http://data.invalid/set/")
            self.path = self.path.removeprefix("http://data.invalid/set")
            super().do_GET()

    monkeypatch.setitem(globals(), "Handler", Proxy)
    site = serve(packed)
    monkeypatch.setenv("http_proxy", site.url)
    assert same(open_dataset("http://data.invalid/set", split="train"), packed) == 5


def test_it_travels_between_processes_and_loader_workers(packed, serve):
    torch = pytest.importorskip("torch")
    clips = pickle.loads(pickle.dumps(open_dataset(serve(packed).url)))
    assert clips[0].caption  # a connection is open while the workers fork
    view = clips.stream(3).torch(("caption", "segmentation"), batch=2)
    loader = torch.utils.data.DataLoader(view, batch_size=None, num_workers=2)
    assert [key for batch in loader for key in batch["key"]] == [clip.key for clip in clips.stream(3)]
