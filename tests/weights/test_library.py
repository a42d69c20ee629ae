import hashlib
import os
import re

import pytest

from kinebench.errors import KineBenchError, Unavailable
from kinebench.weights import catalogue, library, locate, sha256
from kinebench.weights.catalogue import find
from kinebench.weights.library import holdings, inspect

DATA = b"weights" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()
GIT_BLOB = hashlib.sha1(b"blob 7000\0" + DATA).hexdigest()


@pytest.fixture
def here(published, cache):
    """A file of the catalogue, in its place."""
    published("net", bytes=len(DATA), sha256=SHA256)
    cache.mkdir(parents=True)
    (cache / "net.pt").write_bytes(DATA)
    return cache / "net.pt"


@pytest.fixture
def hashings(monkeypatch):
    """How often a file was hashed."""
    counted, real = [], library.hashed
    monkeypatch.setattr(library, "hashed", lambda file: counted.append(file) or real(file))
    return counted


def test_a_file_is_hashed_once(here, hashings):
    assert locate("net") == locate("net") == here
    assert len(hashings) == 1
    assert [holding.state for holding in holdings()] == ["sound"]
    assert len(hashings) == 1


def test_a_file_that_changed_is_hashed_again(here, hashings):
    locate("net")
    os.utime(here, ns=(1, 1))
    assert locate("net") == here
    assert len(hashings) == 2
    here.write_bytes(DATA[:-1] + b"X")
    with pytest.raises(Unavailable, match=f"net are damaged: sha256 [0-9a-f]+ instead of sha256 {SHA256}; run: .* net"):
        locate("net")
    here.write_bytes(DATA + b"X")
    with pytest.raises(Unavailable, match="7001 bytes instead of 7000"):
        locate("net")


@pytest.mark.parametrize("note", [b"", b"{}", b"[1]", b'{"bytes": 7000, "mtime_ns": 1}'])
def test_a_broken_note_is_written_anew(here, hashings, note):
    (here.parent / ".net.pt.json").write_bytes(note)
    assert [locate("net"), locate("net")] == [here, here]
    assert len(hashings) == 1


def test_a_cache_that_only_others_may_write_is_read(here, hashings, monkeypatch):
    def refuse(path, data):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(library, "write_atomic", refuse)
    assert [locate("net"), locate("net")] == [here, here]
    assert len(hashings) == 2


def test_absent_and_unknown_weights(published):
    published("net")
    for ask in (locate, lambda name: inspect(find(name)).fault or locate(name)):
        with pytest.raises(Unavailable, match="the weights net are not here; run: kinebench weights fetch net"):
            ask("net")
    with pytest.raises(KineBenchError, match="no weights are called 'nett'; did you mean net"):
        locate("nett")
    with pytest.raises(KineBenchError, match="no weights are called 'qqq'; there are net"):
        sha256("qqq")


def test_the_hash_of_a_file_that_was_published_without_one(published, cache):
    published("net", bytes=None, sha256=None, git_blob=GIT_BLOB)
    with pytest.raises(Unavailable, match="fetch net"):
        sha256("net")
    cache.mkdir(parents=True)
    (cache / "net.pt").write_bytes(DATA)
    assert sha256("net") == SHA256
    (cache / "net.pt").write_bytes(DATA[1:])
    with pytest.raises(Unavailable, match=f"instead of git sha-1 {GIT_BLOB}"):
        sha256("net")


def test_check_hashes_even_what_a_note_vouches_for(here, hashings):
    locate("net")
    stamp = here.stat().st_mtime_ns
    here.write_bytes(DATA[:-1] + b"X")
    os.utime(here, ns=(stamp, stamp))
    assert locate("net") == here  # same size and time: what the note is for
    assert inspect(find("net")).state == "wrong"
    with pytest.raises(Unavailable):
        locate("net")


# ------------------------------------------------------------------ the catalogue that is shipped


def test_the_catalogue_is_complete():
    sizes = ("tiny", "small", "base-plus", "large")
    assert set(catalogue.catalogue()) == {
        "i3d-torchscript",
        "i3d-state-dict",
        "pips2",
        *(f"sam2.1-hiera-{size}" for size in sizes),
    }
    entries = catalogue.catalogue().values()
    assert len({entry.file for entry in entries}) == len(entries)
    for entry in entries:
        assert re.fullmatch("sha256 [0-9a-f]{64}", entry.hash) or re.fullmatch("git sha-1 [0-9a-f]{40}", entry.hash)
        assert entry.urls
        assert all(url.startswith("https://") for url in (*entry.urls, entry.source))
        assert entry.licence
        assert entry.confirmed
        assert entry.purpose
        assert "/" not in entry.file


# ------------------------------------------------------------------ the command


def finished(process):
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    return process.returncode, out, err


def test_list_says_what_is_here(here, published, command):
    published("other", file="other.pt", bytes=None, sha256=None, git_blob=GIT_BLOB)
    code, out, _ = finished(command("list"))
    assert code == 0
    assert re.search(r"net +│ fvd +│ +0\.0 │ yes +│ free", out)
    assert re.search(r"other +│ fvd +│ +not told │ no +│", out)
    assert f"net: here\n    sha256 {SHA256}\n    confirmed: nobody\n" in out
    assert f"    git sha-1 {GIT_BLOB}\n" in out
    assert f"They lie in {here.parent}" in out.replace("\n", "")


def test_check_tells_sound_from_damaged_by_its_exit_code(here, command):
    assert finished(command("check")) == (0, f"net: sound, sha256 {SHA256}\n", "")
    here.write_bytes(b"half")
    code, out, _ = finished(command("check"))
    assert code == 1
    assert re.match(
        r"net: .*net.pt is damaged: sha256 .* 4 bytes instead of 7000; run: kinebench weights fetch net", out
    )
    here.unlink()
    assert finished(command("check")) == (0, f"no weights are in {here.parent}\n", "")


def test_fetch_all_goes_on_after_a_failure_and_says_which(serve, published, command, cache):
    site = serve()
    published("gone", f"{site.url}/gone.pt", file="gone.pt")
    published("net", f"{site.url}/net.pt")
    code, out, err = finished(command("fetch", "all"))
    assert (code, out) == (1, f"net: fetched into {cache / 'net.pt'}\n")
    assert "kinebench: cannot fetch gone: " in err
    assert finished(command("fetch", "net", "net"))[:2] == (0, f"net: already in {cache / 'net.pt'}\n")


def test_fetch_from_a_file(published, command, cache, tmp_path):
    published("net", bytes=len(DATA), sha256=SHA256)
    published("other", file="other.pt")
    (tmp_path / "mine").write_bytes(DATA)
    mine = ("--from", str(tmp_path / "mine"))
    assert finished(command("fetch", "net", *mine))[:2] == (0, f"net: fetched into {cache / 'net.pt'}\n")
    code, _, err = finished(command("fetch", "other", *mine))
    assert code == 1
    assert "mine is not other: sha256" in err
    code, _, err = finished(command("fetch", "all", *mine))
    assert code == 1
    assert "--from is one file: name the weights that it holds" in err
    code, _, err = finished(command("fetch", "nett"))
    assert (code, err) == (1, "kinebench: no weights are called 'nett'; did you mean net?\n")
