"""The workflow's commands on a bare repository with pull requests, good, bad and hostile; and what its file allows."""

import http.server
import importlib.util
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "submission.yml").read_text())
PLACE = "leaderboard/submissions/boxes/1.2.0/toys@1.0.0"


def git(folder, *arguments, **options):
    identity = {f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = os.environ | identity | {"GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(
        ["git", "-C", folder, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A bare repository, a clone of it as the workflow has one, and a fork: `repository.pull(number, change)`."""

    class Repository:
        bare, base, fork = (tmp_path / name for name in ("bare.git", "base", "fork"))

        def __init__(self):
            self.bare.mkdir()
            git(self.bare, "init", "--quiet", "--bare", "--initial-branch=main")
            git(tmp_path, "clone", "--quiet", self.bare, self.fork)
            (self.fork / "kinebench.py").write_text("raise SystemExit('the base')\n")
            there = self.fork / "leaderboard" / "submissions" / "old" / "1.0.0" / "toys@1.0.0"
            there.mkdir(parents=True)
            (there / "submission.json").write_text("{}\n")
            self.commit()
            git(self.fork, "push", "--quiet", "origin", "main")
            git(tmp_path, "clone", "--quiet", self.bare, self.base)
            (self.base / ".ci").mkdir()
            shutil.copy(ROOT / ".ci" / "submission.py", self.base / ".ci")

        def commit(self):
            git(self.fork, "add", "--all")
            git(self.fork, "commit", "--quiet", "--message", "x")

        def pull(self, number, change):
            git(self.fork, "checkout", "--quiet", "-B", f"pull-{number}", "origin/main")
            change(self.fork)
            self.commit()
            git(self.fork, "push", "--quiet", "--force", "origin", f"HEAD:refs/pull/{number}/head")

    return Repository()


@pytest.fixture
def checked(repository, tmp_path):
    """Run the workflow's own command for a pull request: exit code and report."""
    (step,) = [each for each in WORKFLOW["jobs"]["check"]["steps"] if each.get("name") == "check"]

    def run(number, **more):
        environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
        base = git(repository.base, "rev-parse", "HEAD")
        values = {"PULL": str(number), "BASE": base, "DATA_URL": ""} | more
        assert set(values) >= set(step["env"])
        command = ["bash", "-e", "-c", step["run"]]
        done = subprocess.run(
            command, cwd=repository.base, env=environment | values, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert git(repository.base, "status", "--porcelain").splitlines() == ["?? .ci/", "?? report.md"]
        report = (repository.base / "report.md").read_text()
        (repository.base / "report.md").unlink()
        return done.returncode, report

    return run


def put(folder, fork, names, place=PLACE):
    """Add a submission to a fork."""
    for name in names:
        (fork / place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / name, fork / place / name)


STATED = ("submission.json", "SHA256SUMS", "videos/run.json")
ALL = (*STATED, "videos/seed-0-000000.tar", "videos/seed-3-000000.tar")


def test_a_good_submission_and_one_with_a_fault(repository, checked, whole, submitted, rewrite):
    def newer(statement):
        statement["method"]["version"] = "1.3.0"
        return statement

    rewrite(submitted, {"seed-3/toys_test_000001.mkv": b"@everyone <script>"}, newer)

    def both(fork):
        put(whole, fork, ALL)
        put(submitted, fork, ALL, PLACE.replace("1.2.0", "1.3.0"))
        put(submitted, fork, ALL, PLACE.replace("1.2.0", "9.9.9"))

    repository.pull(7, both)
    code, report = checked(7)
    good, bad, elsewhere = report.split("### Submission ")[1:]
    assert code == 1
    assert good.startswith("`boxes 1.2.0 on toys 1.0.0, test`\n\n**it can be submitted: no errors, 1 notice;")
    assert "- `seed 3, toys_test_000001` `is no video of a known kind" in bad
    assert f"belongs into `{PLACE.replace('1.2.0', '1.3.0')}`" in elsewhere


def hostile_files(fork):
    """Code, a workflow, a link, a program, names with markup, and a change of somebody else's submission."""
    (fork / "kinebench.py").write_text("import os; os.system('touch owned')\n")
    (fork / ".github" / "workflows").mkdir(parents=True)
    (fork / ".github" / "workflows" / "submission.yml").write_text("on: push\n")
    (fork / ".gitattributes").write_text("* filter=evil diff=evil\n")
    there = fork / PLACE
    there.mkdir(parents=True)
    (there / "submission.json").symlink_to("/etc/passwd")
    (there / "SHA256SUMS").write_text("{}")
    (there / "SHA256SUMS").chmod(0o755)
    for name in ("@everyone", "a\n### ![x](http:evil)", "<img src=x>", "`` ` x"):
        (there / name).write_text("x")
    (fork / "leaderboard" / "submissions" / "old" / "1.0.0" / "toys@1.0.0" / "submission.json").write_text('{"a": 1}\n')


def hostile_statement(fork):
    (fork / PLACE).mkdir(parents=True)
    (fork / PLACE / "SHA256SUMS").write_text("")
    (fork / PLACE / "submission.json").write_text('{"kind": "@everyone [x](http://evil.example) `"}')


def hostile_history(fork):
    git(fork, "checkout", "--quiet", "--orphan", "alone")
    hostile_statement(fork)


HOSTILE = {
    hostile_files: (
        "`.gitattributes`, `.github/workflows/submission.yml`, `kinebench.py`: `is no submission",
        "is a link, a program or a repository",
        "is not <method>/<version>/<dataset>@<version>/",
        "is there already, and a submission never changes",
    ),
    hostile_statement: ("the file: missing 'schema_version'", "kind: "),
    hostile_history: ("It has no commit in common",),
}


def test_hostile_pull_requests(repository, checked):
    for number, (change, words) in enumerate(HOSTILE.items(), 20):
        repository.pull(number, change)
        code, report = checked(number)
        assert (code, [each for each in words if each not in report]) == (1, []), report
        outside = "".join(part for line in report.splitlines() for part in line.split("`")[0::2])
        assert not re.search(r"[@<\[]|http|!\[", outside), report
    assert not list(repository.base.rglob("owned"))


@pytest.fixture
def https(tmp_path):
    """A server of a folder by https, with a certificate of its own: its address, and its log."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    pair = (tmp_path / "key.pem", tmp_path / "cert.pem")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", pair[0], "-out", pair[1]], capture_output=True, check=True)
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def do_GET(self):
            if "/away/" in self.path:
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{self.server.server_port}/")
                self.end_headers()
            elif "/endless/" in self.path:
                self.send_response(200)
                self.end_headers()
                while self.wfile.write(bytes(1 << 20)):
                    pass
            elif self.path.startswith("/garbled"):
                self.wfile.write(b"what is this\r\n\r\n")
            else:
                super().do_GET()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("localhost", 0), Handler)
    server.handle_error = lambda *arguments: None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair[1], pair[0])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}", folder, {"SSL_CERT_FILE": str(pair[1])}
    server.shutdown()


def test_tars_and_dataset_from_elsewhere(repository, checked, submitted, seal, https, packed):
    url, folder, trust = https
    shutil.copytree(submitted / "videos", folder / "mine")
    shutil.copytree(packed, folder / "toys" / "1.0.0")

    def there(statement):
        statement["videos"]["url"] = f"{url}/mine"
        return statement

    seal(submitted, there)
    repository.pull(1, lambda fork: put(submitted, fork, STATED))
    code, report = checked(1, DATA_URL=f"{url}/{{name}}/{{version}}", **trust)
    assert code == 0, report
    assert "**it can be submitted: no errors; 6 videos looked at**" in report  # no notice: it was compared


def test_loading(https, tmp_path, monkeypatch):
    url, folder, trust = https
    spec = importlib.util.spec_from_file_location("ci_submission", ROOT / ".ci" / "submission.py")
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "ci_submission", script)
    spec.loader.exec_module(script)
    (folder / "a.tar").write_bytes(b"tar")
    with pytest.raises(script.Refused, match="certificate verify failed"):
        script.load(f"{url}/a.tar", tmp_path / "a.tar", 3)
    monkeypatch.setenv("SSL_CERT_FILE", trust["SSL_CERT_FILE"])
    script.load(f"{url}/a.tar", tmp_path / "a.tar", 3)
    assert (tmp_path / "a.tar").read_bytes() == b"tar"
    for number, (where, words) in enumerate(
        {
            f"{url}/a.tar": "is longer than the 2 bytes that it should have",
            f"{url}/endless/a.tar": "is longer than the 2 bytes",
            f"{url}/away/a.tar": "unknown url type: http",
            f"{url}/nothing.tar": "HTTP Error 404",
            f"{url}/garbled/a.tar": "cannot be loaded",
            url.replace("https", "http"): "unknown url type: http",
            "file:///etc/passwd": "unknown url type: file",
            "https://localhost:1/a.tar": "Connection refused",
        }.items()
    ):
        with pytest.raises(script.Refused, match=words):
            script.load(where, tmp_path / str(number), 2)
    with pytest.raises(script.Refused, match=r"does not say where it is"):
        script._load_videos(tmp_path, {"videos": {"url": None, "files": [{"name": "x.tar", "bytes": 1}]}})
    huge = {"url": url, "files": [{"name": f"{number}.tar", "bytes": 1_900_000_000} for number in range(9)]}
    with pytest.raises(script.Refused, match=r"more than 10,000,000,000 bytes"):
        script._load_videos(tmp_path, {"videos": huge})


def test_what_the_workflow_allows():
    assert WORKFLOW["permissions"] == {}
    assert WORKFLOW[True] == {"pull_request_target": {"paths": ["leaderboard/submissions/**"]}}  # YAML's `on`
    jobs = WORKFLOW["jobs"]
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "check": {"contents": "read"},
        "report": {"pull-requests": "write"},
    }
    steps = [step for job in jobs.values() for step in job["steps"]]
    for step in steps:
        assert "${{" not in step.get("run", ""), "a value that others choose would be a program"
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
    (checkout,) = [step["with"] for step in steps if "checkout" in step.get("uses", "")]
    assert checkout["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert checkout["persist-credentials"] is False
    assert not any("checkout" in step.get("uses", "") for step in jobs["report"]["steps"])
    assert all(job["timeout-minutes"] <= 60 for job in jobs.values())
    assert "secrets" not in json.dumps(WORKFLOW)
