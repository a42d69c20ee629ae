"""Fetching against a server on loopback that behaves like AmbientCG: paged JSON, 302 to the file, 403 for robots."""

import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from kinebench.errors import KineBenchError
from kinebench.textures import ambientcg, web
from kinebench.textures.ambientcg import LOCK_NAME, family_of, fetch, phrase_of, split_of
from kinebench.textures.library import fetched_folder, load, read_folder

MAPS = ("Color", "NormalGL", "NormalDX", "Roughness", "Displacement", "AmbientOcclusion")


def zipped(asset_id, maps=MAPS, stem="{}_1K-JPG", extra=()):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name in maps:
            bundle.writestr(f"{stem.format(asset_id)}_{name}.jpg", f"{asset_id} {name}".encode() * 50)
        bundle.writestr(f"{asset_id}.usdc", b"scene")
        for name in extra:
            bundle.writestr(name, b"escaped")
    return buffer.getvalue()


class Server:
    """What the pretended site has, and what was asked of it."""

    def __init__(self):
        self.files, self.rows, self.requests = {}, {}, []
        self.broken = {}  # path -> status
        self.page_size = 100

    def add(self, asset_id, content, size=None, release="2024-01-01", kind="1K-JPG"):
        self.files[f"{asset_id}_{kind}.zip"] = content
        url = f"{self.url}/get?file={asset_id}_{kind}.zip"
        download = {"attributes": kind, "extension": "zip", "url": url, "size": size or len(content)}
        self.rows[asset_id] = {"id": asset_id, "releaseDate": release, "downloads": [download]}

    def answer(self, path, query):
        """Status, headers and body."""
        if path in self.broken:
            return self.broken[path], {}, b"broken"
        if path == "/api/v3/assets":
            wanted = [self.rows[i] for i in query["id"][0].split(",") if i in self.rows]
            offset = int(query.get("offset", ["0"])[0])
            page = {"totalResults": len(wanted), "assets": wanted[offset : offset + self.page_size]}
            following = offset + self.page_size
            page["nextPageHttp"] = (
                f"{self.url}{path}?id={query['id'][0]}&offset={following}" if following < len(wanted) else None
            )
            return 200, {}, json.dumps(page).encode()
        if path == "/get":
            return 302, {"Location": f"{self.url}/cdn/{query['file'][0]}"}, b""
        return 200, {}, self.files[path.removeprefix("/cdn/")]


@pytest.fixture
def server(monkeypatch, tmp_path):
    site = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            site.requests.append(parts.path)
            if self.headers["User-Agent"].startswith("Python-urllib"):
                status, headers, body = 403, {}, b"no robots"
            else:
                status, headers, body = site.answer(parts.path, parse_qs(parts.query))
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{listener.server_port}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("KINEBENCH_AMBIENTCG_URL", site.url + "/")
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(ambientcg, "PAUSE_S", 0.0)
    yield site
    listener.shutdown()
    thread.join()
    listener.server_close()


def bring(folder, *asset_ids, **options):
    return list(fetch(asset_ids, folder, **options))


def fails(folder, message, *asset_ids, **options):
    """Fetching raises a clear error and leaves no folder and no temporary file behind."""
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(KineBenchError, match=message):
        bring(folder, *asset_ids, **options)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert not list(folder.glob(".*"))


def test_fetches_through_pages_and_redirects(server, tmp_path):
    server.page_size = 1
    for asset_id in ("WoodFloor041", "PavingStones128"):
        server.add(asset_id, zipped(asset_id))
    fetched = bring(tmp_path / "out", "WoodFloor041", "PavingStones128", "WoodFloor041")
    assert [(asset.id, asset.fresh) for asset in fetched] == [("WoodFloor041", True), ("PavingStones128", True)]
    texture = read_folder(tmp_path / "out" / "WoodFloor041")
    assert texture.phrase == "a wooden floor"
    assert texture.split == split_of("WoodFloor041")
    assert texture.normal.read_bytes().startswith(b"WoodFloor041 NormalGL")
    assert texture.ambient_occlusion is not None
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["PavingStones128", "WoodFloor041", LOCK_NAME]
    kept = {"Color", "NormalGL", "Roughness", "Displacement", "AmbientOcclusion"}
    files = {path.name for path in fetched[0].folder.iterdir()}
    assert files == {f"WoodFloor041_1K-JPG_{name}.jpg" for name in kept} | {"texture.toml"}


def test_the_server_refuses_the_default_agent(server):
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(server.url + "/api/v3/assets?id=X")


def test_into_the_cache_where_load_finds_it(server):
    server.add("Moss002", zipped("Moss002", maps=("Color", "NormalGL", "Roughness")))
    bring(fetched_folder(), "Moss002")
    texture = load("Moss002")
    assert texture.phrase == "a mossy ground"
    assert texture.ambient_occlusion is None


def test_what_is_there_is_not_asked_for_again(server, tmp_path):
    server.add("Rock023", zipped("Rock023", stem="{}_1K"))  # named as before 2023-08-29
    bring(tmp_path, "Rock023")
    asked = len(server.requests)
    (again,) = bring(tmp_path, "Rock023")
    assert not again.fresh
    assert len(server.requests) == asked


def test_another_resolution_replaces_the_folder(server, tmp_path):
    server.add("Rock023", zipped("Rock023"))
    bring(tmp_path, "Rock023")
    fails(tmp_path, "Rock023 has no 2K-JPG zip; there is 1K-JPG", "Rock023", resolution="2K")
    server.add("Rock023", zipped("Rock023", stem="{}_2K-JPG"), kind="2K-JPG")
    bring(tmp_path, "Rock023", resolution="2K")
    assert read_folder(tmp_path / "Rock023").colour.name == "Rock023_2K-JPG_Color.jpg"
    assert set(json.loads((tmp_path / LOCK_NAME).read_text())) == {"Rock023_1K-JPG", "Rock023_2K-JPG"}


def test_the_lock_holds_later_fetches_to_the_same_bytes(server, tmp_path):
    import hashlib
    import shutil

    content = zipped("Grass004")
    server.add("Grass004", content)
    bring(tmp_path, "Grass004")
    lock = json.loads((tmp_path / LOCK_NAME).read_text())
    sha256 = hashlib.sha256(content).hexdigest()
    assert lock == {"Grass004_1K-JPG": {"id": "Grass004", "size": len(content), "sha256": sha256}}
    shutil.rmtree(tmp_path / "Grass004")
    bring(tmp_path, "Grass004")
    shutil.rmtree(tmp_path / "Grass004")
    changed = bytearray(content)
    changed[60] ^= 1
    server.add("Grass004", bytes(changed))
    fails(tmp_path, "Grass004_1K-JPG.zip has changed since it was locked", "Grass004")
    (tmp_path / LOCK_NAME).write_text("[]")
    fails(tmp_path, "is not a table of assets", "Grass004")
    (tmp_path / LOCK_NAME).write_text("{")
    fails(tmp_path, "cannot read the lock file", "Grass004")


def test_one_bad_asset_leaves_the_ones_before_it(server, tmp_path):
    server.add("Rock023", zipped("Rock023"))
    server.add("Rock024", zipped("Rock024")[:-40])
    with pytest.raises(KineBenchError, match="the zip of Rock024 is damaged"):
        bring(tmp_path, "Rock023", "Rock024")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Rock023", LOCK_NAME]
    assert list(json.loads((tmp_path / LOCK_NAME).read_text())) == ["Rock023_1K-JPG"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (zipped("Rock023")[:-100], {}, "the zip of Rock023 is damaged: .*; fetch it again"),
        (zipped("Rock023").replace(b"Color" * 1, b"Colos", 1), {}, "the zip of Rock023 is damaged"),
        (zipped("Rock023"), {"size": 10}, "has more than 10 bytes instead of the 10 announced"),
        (zipped("Rock023"), {"size": 1 << 20}, "bytes instead of the 1048576 announced"),
        (zipped("Rock023"), {"release": "2999-01-01"}, "Rock023 is released on 2999-01-01"),
        (zipped("Rock023"), {"release": "2999-01-01 17:00:00"}, "Rock023 is released on 2999-01-01"),
        (zipped("Rock023"), {"kind": "4K-JPG"}, "Rock023 has no 1K-JPG zip; there is 4K-JPG"),
        (zipped("Rock023", maps=("Color", "NormalGL")), {}, "the zip of Rock023 lacks the maps Roughness"),
        (zipped("Rock023", extra=["../evil.jpg"]), {}, r"holds the path '../evil.jpg'; it is not safe"),
        (zipped("Rock023", extra=["/etc/evil"]), {}, r"holds the path '/etc/evil'"),
        (zipped("Rock023", extra=["a\\..\\..\\evil"]), {}, r"holds the path"),
        (zipped("Rock023", extra=["C:evil"]), {}, r"holds the path 'C:evil'"),
    ],
)
def test_bad_assets(server, tmp_path, content, options, message):
    server.add("Rock023", content, **options)
    fails(tmp_path / "out", message, "Rock023")
    assert not (tmp_path / "evil.jpg").exists()


def test_a_zip_bomb_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(ambientcg, "_UNPACKED_MAX_BYTES", 1000)
    server.add("Rock023", zipped("Rock023"))
    fails(tmp_path / "out", "not safe", "Rock023")


@pytest.mark.parametrize("path", ["/api/v3/assets", "/get", "/cdn/Rock023_1K-JPG.zip"])
def test_a_refusing_server(server, tmp_path, path):
    server.add("Rock023", zipped("Rock023"))
    server.broken[path] = 403
    fails(tmp_path / "out", "answered 403", "Rock023")


def test_no_server(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KINEBENCH_AMBIENTCG_URL", "http://127.0.0.1:1")
    fails(tmp_path / "out", r"cannot reach http://127.0.0.1:1/api/v3/assets", "Rock023")
    monkeypatch.setenv("KINEBENCH_AMBIENTCG_URL", "file:///etc")
    fails(tmp_path / "out", "is not a web address", "Rock023")


def test_a_download_link_that_is_no_web_address(server, tmp_path):
    server.add("Rock023", zipped("Rock023"))
    server.rows["Rock023"]["downloads"][0]["url"] = "file:///etc/passwd"
    fails(tmp_path / "out", "is not a web address", "Rock023")


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"<html>", "did not answer with JSON"), (b"[]", "JSON object"), (b"{}", "without a list of assets")],
)
def test_a_server_that_is_not_ambientcg(server, tmp_path, monkeypatch, body, message):
    monkeypatch.setattr(server, "answer", lambda path, query: (200, {}, body))
    fails(tmp_path / "out", message, "Rock023")


def test_a_connection_that_breaks(server, tmp_path, monkeypatch):
    server.add("Rock023", zipped("Rock023"))

    def breaks(url, target, size, name):
        with web._opened(url):
            raise ConnectionResetError("reset by peer")

    monkeypatch.setattr(ambientcg, "download", breaks)
    fails(tmp_path / "out", "the connection to .* broke: reset by peer; try again", "Rock023")


def test_unknown_ids(server, tmp_path):
    server.add("Rock023", zipped("Rock023"))
    fails(tmp_path / "out", "AmbientCG has no asset Rock999", "Rock023", "Rock999")
    fails(tmp_path / "out", "'../Rock' is not an AmbientCG id", "../Rock")
    fails(tmp_path / "out", "written such as 1K or 2K, not '1024'", "Rock023", resolution="1024")


def test_words_and_splits_of_fetched_assets():
    assert family_of("PavingStones128") == "PavingStones"
    assert phrase_of("PavingStones128") == "a stone pavement"
    assert phrase_of("Unheard001") == "a textured surface"
    splits = [split_of(f"Ground{k:03}") for k in range(1000)]
    assert 150 < splits.count("test") < 250
    assert [split_of(i) for i in ("WoodFloor041", "Ground037", "Bricks076")] == ["train", "train", "train"]
