import hashlib
import json
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from kinebench.errors import KineBenchError
from kinebench.weights import locate
from kinebench.weights.fetch import adopt, fetch, partial


def data(site):
    return site.files["/net.pt"]


def quiet(stage, done, whole):
    pass


def is_whole(entry, cache, site):
    """Exactly the published file is there, and nothing partial."""
    left = {path.name for path in cache.iterdir()}
    return (cache / entry.file).read_bytes() == data(site) and left == {
        entry.file,
        f".{entry.file}.json",
        f".{entry.file}.lock",
    }


def begun(entry, left, site, stamp='"one"'):
    """What an interrupted download leaves."""
    partial(entry).parent.mkdir(parents=True)
    partial(entry).write_bytes(left)
    partial(entry).with_name(partial(entry).name + ".json").write_text(
        json.dumps({"url": f"{site.url}/net.pt", "stamp": stamp})
    )


def test_a_file_is_fetched_once_and_checked(serve, published, cache):
    site, heard = serve(), []
    entry = published("net", f"{site.url}/net.pt")
    done = fetch(entry, lambda *note: heard.append(note))
    assert (done.path, done.fresh) == (cache / "net.pt", True)
    assert is_whole(entry, cache, site)
    assert heard[-1] == ("net", len(data(site)), len(data(site)))
    assert [done for _, done, _ in heard] == sorted(done for _, done, _ in heard)
    assert not fetch(entry, quiet).fresh
    assert site.asked == [("/net.pt", "")]
    assert locate("net") == cache / "net.pt"


@pytest.mark.parametrize("faults", [{}, {"chunked": True}, {"etag": None}])
def test_nothing_need_be_known_of_the_size(serve, published, cache, faults):
    site = serve(**faults)
    entry = published("net", f"{site.url}/net.pt", bytes=None)
    fetch(entry, quiet)
    assert is_whole(entry, cache, site)


def test_a_cut_connection_is_taken_up_again(serve, published, cache):
    site = serve(cut_after=1_200_000, cuts=2)
    entry = published("net", f"{site.url}/net.pt")
    fetch(entry, quiet)
    assert is_whole(entry, cache, site)
    assert [span for _, span in site.asked] == ["", "bytes=1200000-", "bytes=2400000-"]


def test_what_an_earlier_run_left_is_gone_on_with(serve, published, cache):
    site = serve()
    entry = published("net", f"{site.url}/net.pt")
    begun(entry, data(site)[:2_000_000], site)
    fetch(entry, quiet)
    assert is_whole(entry, cache, site)
    assert site.asked == [("/net.pt", "bytes=1999999-")]


def test_all_had_arrived_but_was_not_yet_checked(serve, published, cache):
    site = serve()
    entry = published("net", f"{site.url}/net.pt", bytes=None)
    begun(entry, data(site), site)
    fetch(entry, quiet)
    assert is_whole(entry, cache, site)


@pytest.mark.parametrize(
    ("faults", "stamp"),
    [
        ({}, '"zero"'),  # another version on the server
        ({"etag": None}, '"one"'),  # the server no longer says which version it has
        ({"etag": None}, None),  # it never said so
        ({"ranges": False}, '"one"'),  # it sends the whole file whatever is asked
    ],
)
def test_bytes_of_another_version_are_not_gone_on_with(serve, published, cache, faults, stamp):
    site = serve(**faults)
    entry = published("net", f"{site.url}/net.pt")
    old = data(site)[:1_000_000] if faults == {"ranges": False} else bytes(1_000_000)
    begun(entry, old, site, stamp)
    fetch(entry, quiet)
    assert is_whole(entry, cache, site)


def test_a_partial_file_longer_than_the_servers_is_thrown_away(serve, published, cache):
    site = serve()
    entry = published("net", f"{site.url}/net.pt")
    begun(entry, data(site) + b"more", site)
    fetch(entry, quiet)
    assert is_whole(entry, cache, site)
    assert [span for _, span in site.asked] == ["bytes=3000003-", ""]


def test_a_file_that_changes_while_it_is_read_is_read_anew(serve, published, cache):
    site = serve(cut_after=1_500_000)
    site.files["/net.pt"], whole = bytes(3_000_000), data(site)
    entry = published("net", f"{site.url}/net.pt")

    def swap(stage, done, size):
        site.files["/net.pt"], site.etag = whole, '"two"'

    fetch(entry, swap)
    assert is_whole(entry, cache, site)
    assert [span for _, span in site.asked] == ["", "bytes=1500000-", ""]


# ------------------------------------------------------------------ what goes wrong


def fails(entry, *says):
    with pytest.raises(KineBenchError) as caught:
        fetch(entry, quiet)
    message = str(caught.value)
    assert message.startswith(f"cannot fetch {entry.name}: ")
    assert message.endswith("If you have the file: kinebench weights fetch net --from PATH")
    for say in says:
        assert say in message
    return message


def test_another_file_is_removed_and_both_hashes_are_shown(serve, published, cache):
    site = serve()
    site.files["/net.pt"], whole = bytes(3_000_000), data(site)
    entry = published("net", f"{site.url}/net.pt")
    found, wanted = (hashlib.sha256(content).hexdigest() for content in (bytes(3_000_000), whole))
    fails(entry, "is another file, and was removed", f"sha256 {found} instead of sha256 {wanted}")
    assert [path.name for path in cache.iterdir()] == [".net.pt.lock"]


def test_a_truncated_file_is_seen_before_it_is_fetched(serve, published, cache):
    site = serve()
    site.files["/net.pt"] = data(site)[:2_999_999]
    fails(published("net", f"{site.url}/net.pt"), "is another file: it has 2999999 bytes instead of 3000000")
    assert [path.name for path in cache.iterdir()] == [".net.pt.lock"]


def test_a_truncated_file_of_unknown_size_has_another_hash(serve, published, cache):
    site = serve()
    site.files["/net.pt"] = data(site)[:2_999_999]
    fails(published("net", f"{site.url}/net.pt", bytes=None), "was removed: sha256 ")
    assert [path.name for path in cache.iterdir()] == [".net.pt.lock"]


def test_a_server_that_ends_early_is_noticed_and_what_came_is_kept(serve, published, cache):
    """Without a length in the answer, only the catalogue's size tells."""
    site = serve(chunked=True)
    site.files["/net.pt"] = data(site)[:2_000_000]
    entry = published("net", f"{site.url}/net.pt")
    fails(entry, "ended after 2000000 of 3000000 bytes")
    assert partial(entry).stat().st_size == 2_000_000


def test_a_page_instead_of_a_file(serve, published, cache):
    fails(published("net", f"{serve(page=True).url}/net.pt"), "answered with a web page instead of the file")
    assert [path.name for path in cache.iterdir()] == [".net.pt.lock"]


def test_an_address_that_is_gone_and_no_network(serve, published):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    site = serve()
    entry = published("net", f"{site.url}/gone.pt", f"http://127.0.0.1:{port}/net.pt")
    message = fails(entry, "/gone.pt answered 404 Not Found", "refused; gave up after 5 tries")
    assert len(message.splitlines()) == 1


def test_the_next_address_is_tried(serve, published, cache):
    gone, page, wrong, good = serve(files={}), serve(page=True), serve(files={"/net.pt": bytes(3_000_000)}), serve()
    entry = published("net", *(f"{site.url}/net.pt" for site in (gone, page, wrong, good)))
    assert fetch(entry, quiet).fresh
    assert is_whole(entry, cache, good)
    assert [len(site.asked) for site in (gone, page, wrong, good)] == [1, 1, 1, 1]


def test_bytes_of_one_address_are_not_gone_on_with_at_another(serve, published, cache):
    first, second = serve(files={}), serve()
    entry = published("net", f"{first.url}/net.pt", f"{second.url}/net.pt")
    begun(entry, bytes(2_000_000), first)
    fetch(entry, quiet)
    assert second.asked == [("/net.pt", "")]
    assert is_whole(entry, cache, second)


def test_a_server_of_ones_own_is_asked_instead(serve, published, cache, monkeypatch):
    theirs, own = serve(), serve()
    own.files["/mirror/net.pt"] = data(own)
    entry = published("net", f"{theirs.url}/elsewhere.pt")
    monkeypatch.setenv("KINEBENCH_WEIGHTS_URL", f"{own.url}/mirror/")
    fetch(entry, quiet)
    assert is_whole(entry, cache, own)
    assert theirs.asked == []


def test_a_damaged_file_is_fetched_anew(serve, published, cache):
    site = serve()
    entry = published("net", f"{site.url}/net.pt")
    cache.mkdir(parents=True)
    (cache / "net.pt").write_bytes(b"half")
    assert fetch(entry, quiet).fresh
    assert is_whole(entry, cache, site)


def test_a_cache_that_cannot_be_is_named(serve, published, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(KineBenchError, match=r"cannot keep weights in .*Not a directory; set KINEBENCH_CACHE"):
        fetch(published("net", serve().url), quiet)


# ------------------------------------------------------------------ files of the user's own


def test_a_file_of_ones_own_is_copied_if_it_is_the_published_one(serve, published, cache, tmp_path):
    site = serve()
    entry = published("net")
    with pytest.raises(KineBenchError, match=f"there is no file {tmp_path}"):
        adopt(entry, tmp_path, quiet)
    mine = tmp_path / "mine.pt"
    mine.write_bytes(data(site)[1:])
    with pytest.raises(KineBenchError, match=r"mine.pt is not net: sha256 .* instead of sha256 .*, 2999999 bytes"):
        adopt(entry, mine, quiet)
    assert not cache.exists()
    mine.write_bytes(data(site))
    assert adopt(entry, mine, quiet).fresh
    assert is_whole(entry, cache, site)
    mine.write_bytes(b"")
    assert locate("net").read_bytes() == data(site)


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
def test_a_git_hash_is_that_of_git(serve, published, tmp_path):
    mine = tmp_path / "mine.pt"
    mine.write_bytes(data(serve()))
    told = subprocess.run(["git", "hash-object", str(mine)], capture_output=True, text=True, check=True).stdout.strip()
    assert adopt(published("net", sha256=None, bytes=None, git_blob=told), mine, quiet).fresh
    mine.write_bytes(b"other")
    with pytest.raises(KineBenchError, match=f"git sha-1 [0-9a-f]{{40}} instead of git sha-1 {told}"):
        adopt(published("net2", file="net2.pt", sha256=None, git_blob=told), mine, quiet)


# ------------------------------------------------------------------ real processes


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_can_be_stopped_and_gone_on_with(serve, published, command, cache, number, code):
    site = serve(pause_s=0.05)
    entry = published("net", f"{site.url}/net.pt")
    process = command("fetch", "net")
    wait_for(lambda: partial(entry).exists() and partial(entry).stat().st_size)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (code, "")
    kept = partial(entry).stat().st_size
    assert 0 < kept < len(data(site))
    assert re.search(r"stopped; [0-9.]+ MB of net are kept: run the same command again to go on", err)
    assert "Traceback" not in err
    site.pause_s = 0
    process = command("fetch", "net")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, f"net: fetched into {cache / 'net.pt'}\n"), err
    assert site.asked[-1] == ("/net.pt", f"bytes={kept - 1}-")
    assert is_whole(entry, cache, site)


def test_two_at_once_fetch_it_once(serve, published, command, cache):
    site = serve(pause_s=0.03)
    entry = published("net", f"{site.url}/net.pt")
    both = [command("fetch", "net") for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0].split(" in")[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said == ["net: already", "net: fetched"]
    assert len(site.asked) == 1
    assert is_whole(entry, cache, site)


def test_a_full_disk_is_one_message(serve, published, cache, tmp_path):
    """A limit on the size of files looks to a program as a full disk does."""
    site = serve()
    entry = published("net", f"{site.url}/net.pt")
    code = (
        "import sys, pathlib, kinebench.weights.catalogue as c\n"
        "c.FILE = pathlib.Path(sys.argv[1])\n"
        "from kinebench.weights.fetch import fetch\n"
        "try: fetch(c.find('net'), lambda *note: None)\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    limit = (2_000_000, resource.RLIM_INFINITY)
    out = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "catalogue.toml")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert re.match(r"KineBenchError no larger file fits while fetching net in .*: it needs 3.0 MB", out)
    assert "What was finished before is kept" in out
    kept = partial(entry).stat().st_size
    assert 0 < kept <= 2_000_000
    fetch(entry, quiet)
    assert is_whole(entry, cache, site)
    assert site.asked[-1] == ("/net.pt", f"bytes={kept - 1}-")
