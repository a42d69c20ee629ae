"""The study's server over real HTTP and real SQLite: what it serves, what it takes, what survives."""

import contextlib
import http.client
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from kinebench.board.study import ledger, server
from kinebench.errors import KineBenchError


def better(films, question):
    return films[0] if question != "physics" else None


@pytest.fixture
def serving(made, tmp_path):
    """`url`, and the `db` behind it."""
    table = server.desk(made.folder, tmp_path / "answers.sqlite")
    with server.opened(table, "127.0.0.1", 0) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield SimpleNamespace(url=server.address(listening), db=tmp_path / "answers.sqlite")
        listening.shutdown()
        thread.join(10)
    table.ledger.close()


def ask(url, path="", body=None, **headers):
    """Status, kind and bytes of an answer."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def post(url, body, **headers):
    status, _, data = ask(url, "answers", body, **({"Content_Type": "application/json"} | headers))
    return status, json.loads(data)


def test_every_public_file_is_served_and_the_page_is_told_that_answers_are_collected(serving, made):
    public = made.folder / "public"
    for path in (each for each in public.rglob("*") if each.is_file() and each.name != "index.html"):
        status, _, data = ask(serving.url, path.relative_to(public).as_posix())
        assert status == 200 and data == path.read_bytes()
    status, kind, data = ask(serving.url)
    assert status == 200 and kind.startswith("text/html") and b'name="collects" content="yes"' in data
    assert b'name="collects" content="no"' in (public / "index.html").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/key.json",
        "/../key.json",
        "/films/../../key.json",
        "/%2e%2e/key.json",
        "/..%2fkey.json",
        "/films/%2e%2e/%2e%2e/key.json",
        "/films/..%5c..%5ckey.json",
        "//etc/passwd",
        "/public/index.html",
        "/films/",
        "/films",
        "/answers",
        "/study.css%00.html",
        "/./study.css",
        "http://elsewhere/key.json",
    ],
)
def test_nothing_else_is_served(serving, made, path):
    """The path goes over the wire as it is: no client tidies it up."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(serving.url).port, timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", "127.0.0.1")
    connection.endheaders()
    answer = connection.getresponse()
    data = answer.read()
    assert answer.status == 404 and made.key.secret.encode() not in data
    connection.close()


def test_a_link_in_the_public_folder_is_not_followed(tmp_path, made):
    import shutil

    folder = shutil.copytree(made.folder, tmp_path / "study")
    (folder / "public" / "leak.html").symlink_to(folder / "key.json")
    table = server.desk(folder, tmp_path / "db")
    assert "/leak.html" not in table.files and "/study.js" in table.files
    table.ledger.close()


def test_answers_are_kept_once_and_a_second_opinion_is_refused(serving, made, answering, exported):
    given = answering(made.design, "ann", better)
    body = exported(made.design, "ann", given)
    assert post(serving.url, body) == (200, {"kept": 15})
    assert post(serving.url, body) == (200, {"kept": 15})
    assert ledger.read(serving.db, made.design.study) == tuple(sorted(given, key=lambda each: each.place))
    changed = [each if row else type(each)(*each.place, "same") for row, each in enumerate(given)]
    assert given[0].answer != "same"
    status, told = post(serving.url, exported(made.design, "ann", changed))
    assert status == 409 and told["refused"] == [{"trial": given[0].trial, "question": given[0].question}]
    assert ledger.read(serving.db, made.design.study) == tuple(sorted(given, key=lambda each: each.place))


def test_new_answers_beside_a_refused_one_are_kept(serving, made, answering, exported):
    given = answering(made.design, "ben", better)
    post(serving.url, exported(made.design, "ben", given[:3]))
    other = type(given[0])(*given[0].place, "same")
    assert post(serving.url, exported(made.design, "ben", [other, *given[3:]]))[0] == 409
    assert set(ledger.read(serving.db, made.design.study)) == set(given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"participant": "../ann"}, "participant"),
        ({"participant": "a" * 65}, "participant"),
        ({"participant": "ann\n"}, "participant"),
        ({"participant": 7}, "participant"),
        ({"study": "0" * 12}, "it is of study 000000000000"),
        ({"kind": "votes"}, "kind"),
        ({"name": "Ann"}, "unknown key 'name'"),
        ({"answers": [{"trial": "0" * 12, "question": "physics", "answer": "left"}]}, "is no trial that ann is asked"),
        ({"answers": "many"}, "answers"),
    ],
)
def test_what_is_no_answer_is_refused_with_a_reason(serving, made, exported, change, message):
    status, told = post(serving.url, exported(made.design, "ann", [], **change))
    assert status == 400 and message in told["error"]
    assert ledger.read(serving.db, made.design.study) == ()


def test_one_bad_answer_keeps_all_of_them_out(serving, made, answering, exported):
    plain = json.loads(exported(made.design, "ann", answering(made.design, "ann", better)))
    for name, value in (("question", "taste"), ("answer", "both"), ("trial", "x")):
        worse = plain | {"answers": [*plain["answers"][:-1], plain["answers"][-1] | {name: value}]}
        assert post(serving.url, json.dumps(worse).encode())[0] == 400
    assert ledger.read(serving.db, made.design.study) == ()


def test_other_sites_forms_and_large_bodies_are_refused(serving, made, exported):
    body = exported(made.design, "ann", [])
    assert post(serving.url, body, Origin="http://elsewhere.example")[0] == 403
    assert post(serving.url, body, Origin="null")[0] == 403
    assert post(serving.url, body, Origin=serving.url.rstrip("/"))[0] == 200
    assert post(serving.url, body, Content_Type="text/plain")[0] == 415
    assert post(serving.url, b"{")[0] == 400 and post(serving.url, b"[" * 100_000)[0] == 400
    assert post(serving.url, b" " * (server.POST_BYTES + 1))[0] == 413
    assert ask(serving.url, "elsewhere", body, Content_Type="application/json")[0] == 404


def test_many_at_once_lose_nothing(serving, made, answering, exported):
    people = {f"p{n}": answering(made.design, f"p{n}", better) for n in range(8)}

    def send(name):
        for each in people[name]:
            assert post(serving.url, exported(made.design, name, [each]))[0] == 200

    threads = [threading.Thread(target=send, args=(name,)) for name in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    expected = sorted((each for answers in people.values() for each in answers), key=lambda each: each.place)
    assert ledger.read(serving.db, made.design.study) == tuple(expected)


@pytest.mark.slow
def test_what_was_confirmed_survives_a_kill(made, tmp_path, answering, exported):
    """The real command; killed without warning, started again, stopped by Ctrl-C."""
    db = tmp_path / "answers.sqlite"
    given = answering(made.design, "ann", better)
    command = [sys.executable, "-m", "kinebench.cli.main", "board", "study", "serve", str(made.folder)]
    for part, stop in ((given[:6], signal.SIGKILL), (given, signal.SIGINT)):
        process = subprocess.Popen(
            [*command, "--db", str(db), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        url = process.stdout.readline().split()[1].rstrip(";")
        assert post(url, exported(made.design, "ann", part)) == (200, {"kept": len(part)})
        process.send_signal(stop)
        _, errors = process.communicate(timeout=30)
        assert set(ledger.read(db, made.design.study)) == set(part)
    assert process.returncode == 130 and f"kinebench board study report {made.folder} --db {db}" in errors


def test_a_file_that_is_no_database_and_a_study_that_is_not_whole_are_told(tmp_path, made):
    (tmp_path / "letter.txt").write_text("dear " * 500)
    with pytest.raises(KineBenchError, match=r"letter\.txt: file is not a database"):
        server.desk(made.folder, tmp_path / "letter.txt")
    with pytest.raises(KineBenchError, match="is no study"):
        server.desk(tmp_path, tmp_path / "db")
    with pytest.raises(KineBenchError, match="there is no file"):
        ledger.read(tmp_path / "nowhere", made.design.study)
    sqlite3.connect(tmp_path / "other").close()
    (tmp_path / "other").touch()
    with pytest.raises(KineBenchError, match="no such table"):
        ledger.read(tmp_path / "other", made.design.study)


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_said_to_be_none(made, tmp_path, host):
    """Not the port is blamed."""
    table = server.desk(made.folder, tmp_path / "answers.sqlite")
    with (
        contextlib.closing(table.ledger),
        pytest.raises(KineBenchError, match=f"{host} is no .* name another with --host"),
    ):
        server.opened(table, host, 0)
