"""Check the submissions that a pull request adds: python .ci/submission.py --pull NUMBER --base COMMIT --report FILE.md

The pull request is data. Its commits are fetched and never checked out; of its files, those below SUBMISSIONS are read
as blobs, plain ones of a sane size and name, into a folder elsewhere. Tars that are not in it are loaded from the
address that the statement gives, by https alone. Then `kinebench submit check`, of the base's code, looks at them.
"""

import argparse
import hashlib
import http.client
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinebench.board import submission
from kinebench.board.markdown import code
from kinebench.errors import KineBenchError
from kinebench.shards import manifest as manifests

SUBMISSIONS = "leaderboard/submissions"
NAME = re.compile(
    rf"{SUBMISSIONS}/([^/]+/[^/]+/[^/]+)/(submission\.json|SHA256SUMS|videos/run\.json|videos/[a-z0-9-]+\.tar)"
)
MOST_BLOB_BYTES = 100_000_000
MOST_SUBMISSIONS = 5
MOST_TAR_BYTES = 2_000_000_000
MOST_BYTES = 10_000_000_000
"""Of all tars of a submission: what the disk of such a machine holds."""
SILENT_S = 60
MOST_REPORT = 60_000
"""Characters; GitHub takes 65,536 in a comment."""
_BLOCK = 1 << 20


class Refused(Exception):
    """Why a pull request or a submission is looked at no further."""


@dataclass(frozen=True)
class Change:
    """A file that a pull request adds, changes or takes away."""

    mode: str
    blob: str
    status: str
    path: str


def main() -> int:
    """Write the report; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pull", type=int, required=True, help="number of the pull request")
    parser.add_argument("--base", required=True, help="commit that it is to be merged into")
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--remote", default="origin")
    parser.add_argument("--data-url", default="", help="where datasets are: https://.../{name}/.../{version}")
    given = parser.parse_args()
    if not re.fullmatch("[0-9a-f]{40}", given.base):
        parser.error("--base is no commit")
    parts = list(_reports(given.pull, given.base, given.remote, given.data_url))
    text = "\n".join(part for part, _ in parts)
    given.report.write_text(
        text if len(text) <= MOST_REPORT else text[:MOST_REPORT].rpartition("\n")[0] + "\n\nand more\n"
    )
    return int(any(failed for _, failed in parts))


def _reports(pull: int, base: str, remote: str, data_url: str) -> Iterator[tuple[str, bool]]:
    """A part of the report for the pull request, if there is something to say, and for each submission in it."""
    try:
        head = _fetched(pull, remote)
        changes = _changes(base, head)
        found, odd = _sorted(changes)
        if odd:
            yield "\n".join(_odd(odd)), True
        if len(found) > MOST_SUBMISSIONS:
            raise Refused(f"It adds {len(found)} submissions; at most {MOST_SUBMISSIONS} are looked at at once.")
        if not found and not odd:
            raise Refused(f"It adds nothing below {code(SUBMISSIONS)}.")
    except Refused as why:
        yield f"### This pull request\n\n{why}\n", True
        return
    for name, files in found.items():
        yield _checked(name, files, data_url)


def _git(*arguments: str, limit: int = 1 << 26) -> bytes:
    """What git says. It runs no hook, and no program that a repository names."""
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", *arguments]
    done = subprocess.run(command, capture_output=True, timeout=600, check=False)
    if done.returncode or len(done.stdout) > limit:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["too much"]
        raise Refused(f"git {arguments[0]} failed: {code(said[0])}")
    return done.stdout


def _fetched(pull: int, remote: str) -> str:
    """The pull request's last commit, whose files stay where git keeps them."""
    ref = f"refs/kinebench/pull-{pull}"
    _git("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", remote, f"+refs/pull/{pull}/head:{ref}")
    return _git("rev-parse", "--verify", f"{ref}^{{commit}}").decode().strip()


def _changes(base: str, head: str) -> list[Change]:
    """What it changes, since it left the base."""
    try:
        start = _git("merge-base", base, head).decode().strip()
    except Refused:
        raise Refused("It has no commit in common with the branch that it is to be merged into.") from None
    raw = _git("diff-tree", "-r", "--raw", "--no-renames", "--no-abbrev", "-z", start, head)
    fields = raw.decode("utf-8", "surrogateescape").split("\0")
    return [
        Change(about.split()[1], about.split()[3], about.split()[4], path)
        for about, path in zip(fields[0:-1:2], fields[1::2], strict=True)
    ]


def _sorted(changes: Sequence[Change]) -> tuple[dict[str, dict[str, Change]], dict[str, list[str]]]:
    """Files of each new submission, by its folder; and what has no place in one, by why."""
    found: dict[str, dict[str, Change]] = {}
    odd: dict[str, list[str]] = {}
    for change in changes:
        name = NAME.fullmatch(change.path)
        if not change.path.startswith(f"{SUBMISSIONS}/"):
            why = "is no submission: a pull request that adds one changes nothing else, and none of it was looked at"
        elif change.status != "A":
            why = "is there already, and a submission never changes: submit with a new method.version"
        elif change.mode != "100644":
            why = "is a link, a program or a repository: a submission holds plain files"
        elif name is None:
            why = "is not <method>/<version>/<dataset>@<version>/, and there submission.json, SHA256SUMS or in videos/"
        else:
            found.setdefault(name[1], {})[name[2]] = change
            continue
        odd.setdefault(why, []).append(change.path)
    return found, odd


def _odd(odd: dict[str, list[str]]) -> Iterator[str]:
    yield "### This pull request\n"
    for why, paths in odd.items():
        shown = ", ".join(code(path) for path in paths[:5])
        yield f"- {shown}{f' and {len(paths) - 5} more' if len(paths) > 5 else ''}: {code(why)}"
    yield ""


def _checked(name: str, files: dict[str, Change], data_url: str) -> tuple[str, bool]:
    """The report of one submission."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, report = Path(scratch, "submission"), Path(scratch, "report.md")
        try:
            (folder / "videos").mkdir(parents=True)
            for file, change in files.items():
                (folder / file).write_bytes(_blob(change))
            statement = submission.read(folder).statement
            _check_name(name, statement)
            _load_videos(folder, statement)
            data = _load_data(Path(scratch, "data"), statement, data_url) if data_url else None
        except (Refused, KineBenchError) as why:
            lines = [
                f"- {line if isinstance(why, Refused) else code(line)}"
                for line in str(why).replace(scratch, "").splitlines()
            ]
            return "\n".join([f"### Submission {code(name)}\n", *lines, ""]), True
        command = [sys.executable, "-P", "-m", "kinebench.cli.main", "submit", "check", str(folder)]
        command += ["--report", str(report), *(["--data", str(data)] if data else [])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if report.is_file():
            return report.read_text(), bool(done.returncode)
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1].replace(scratch, "")
        return f"### Submission {code(name)}\n\nThe check itself failed, with {done.returncode}: {code(last)}\n", True


def _blob(change: Change) -> bytes:
    """A file's content, whose size is asked first."""
    size = int(_git("cat-file", "-s", change.blob))
    if size > MOST_BLOB_BYTES:
        raise Refused(f"{code(change.path)} has {size:,} bytes; the most is {MOST_BLOB_BYTES:,}")
    return _git("cat-file", "blob", change.blob, limit=MOST_BLOB_BYTES)


def _check_name(name: str, statement: Any) -> None:
    method, dataset = statement["method"], statement["dataset"]
    right = f"{method['name']}/{method['version']}/{dataset['name']}@{dataset['version']}"
    if name != right:
        raise Refused(f"It lies in {code(name)}; by its statement it belongs into {code(f'{SUBMISSIONS}/{right}')}")


def _load_videos(folder: Path, statement: Any) -> None:
    """The tars that are not in the pull request, each no longer than the statement says."""
    files = [each for each in statement["videos"]["files"] if not (folder / "videos" / each["name"]).exists()]
    if not files:
        return
    url = statement["videos"]["url"]
    if url is None:
        raise Refused(f"{code(files[0]['name'])} is not here, and {code('videos.url')} does not say where it is")
    if sum(each["bytes"] for each in files) > MOST_BYTES or max(each["bytes"] for each in files) > MOST_TAR_BYTES:
        raise Refused(
            f"Its tars have more than {MOST_BYTES:,} bytes, or one more than {MOST_TAR_BYTES:,}: ask a maintainer"
        )
    for each in files:
        load(f"{url.rstrip('/')}/{each['name']}", folder / "videos" / each["name"], each["bytes"])


def _load_data(root: Path, statement: Any, pattern: str) -> Path | None:
    """What of the dataset a check reads, each file by its hash; None if it is not published."""
    said = statement["dataset"]
    url = pattern.format(name=said["name"], version=said["version"]).rstrip("/")
    root.mkdir()
    try:
        for name in (manifests.NAME, "index.jsonl"):
            load(f"{url}/{name}", root / name, MOST_BLOB_BYTES)
    except Refused:
        return None
    split = manifests.read(root).splits.get(said["split"])
    for shard in (split.companions.get("lossless") or split.shards) if split else ():
        load(f"{url}/{shard.name}", root / shard.name, shard.bytes)
        if hashlib.sha256((root / shard.name).read_bytes()).hexdigest() != shard.sha256:
            raise Refused(f"{code(shard.name)} of the dataset is damaged where it is published")
    return root


def load(url: str, path: Path, most_bytes: int) -> None:
    """A file by https and nothing else, wherever it is redirected to. Raises Refused if it is longer, or not there."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    count = 0
    try:
        with opener.open(url, timeout=SILENT_S) as answer, path.open("xb") as file:
            while block := answer.read(_BLOCK):
                if (count := count + len(block)) > most_bytes:
                    raise Refused(f"{code(url)} is longer than the {most_bytes:,} bytes that it should have")
                file.write(block)
    except (http.client.HTTPException, OSError, ValueError) as error:  # URLError is an OSError
        raise Refused(f"{code(url)} cannot be loaded: {code(str(error))}") from error


if __name__ == "__main__":
    sys.exit(main())
