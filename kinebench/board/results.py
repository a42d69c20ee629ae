"""The store of results: one folder of JSON files, read and written here alone.

<method>/<revision>/<dataset@version>/submission.json              the statement, as it was submitted
<method>/<revision>/<dataset@version>/withdrawn.json               {"reason": ...}, if it is no longer ranked
<method>/<revision>/<dataset@version>/metrics@<n>/seed-<n>.json    scores
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kinebench import schema
from kinebench.board import submission
from kinebench.board.result import KIND, SCHEMA_VERSION, Result, place
from kinebench.board.submission import STATEMENT
from kinebench.errors import KineBenchError
from kinebench.methods import strict_json
from kinebench.scoring import scorecard
from kinebench.shards.files import disk_room, write_atomic

SCHEMA_PATH = Path(__file__).with_name("result.schema.json")
WITHDRAWN = "withdrawn.json"
RESULTS = "metrics@*/seed-*.json"


def read(folder: Path) -> tuple[Result, ...]:
    """Every result below a folder, by method, revision, dataset, version of the metrics and seed.

    Raises KineBenchError, naming the file and what to do, for a file that is none of the three kinds, is not what its
    place says, or breaks its schema.
    """
    if not folder.is_dir():
        raise KineBenchError(f"there is no store of results {folder}; kinebench board score makes one")
    found = [result for home in _homes(folder) for result in _read_home(folder, home)]
    order = sorted(found, key=lambda one: (one.method, one.revision, one.dataset, one.metrics_version, one.seed))
    return tuple(order)


def kept(folder: Path, statement: Mapping[str, Any], submission_sha256: str, metrics_version: int) -> dict[int, Result]:
    """The results of a submission that are there, by seed.

    Raises KineBenchError if those of another submission are there under the same revision.
    """
    method, dataset = statement["method"], statement["dataset"]
    home = folder / method["name"] / method["version"] / f"{dataset['name']}@{dataset['version']}"
    found = list(_read_home(folder, home)) if any(home.glob(RESULTS)) else []
    if any(result.submission_sha256 != submission_sha256 for result in found):
        raise KineBenchError(
            f"{home} has results of another submission of {method['name']} {method['version']}, and results are never "
            "replaced; raise the version in the statement (method.version), and pack again"
        )
    return {result.seed: result for result in found if result.metrics_version == metrics_version}


def write(folder: Path, result: Result) -> bool:
    """File a result with its statement, whole or not at all; False if it is there already.

    One that lacks metrics is replaced by one that lacks fewer. Raises KineBenchError as `kept` does, and if it cannot
    be written.
    """
    path = place(folder, result)
    there = kept(folder, result.statement, result.submission_sha256, result.metrics_version).get(result.seed)
    if there and not there.card["unavailable"].keys() > result.card["unavailable"].keys():
        return False
    content = {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "method": result.method,
        "revision": result.revision,
        "submission_sha256": result.submission_sha256,
        "metrics_version": result.metrics_version,
        "seed": result.seed,
        "scores": result.card,
    }
    _check_place(folder, path, result, _checked(content, str(path)))
    data, said = _dump(content), submission.dump(result.statement)
    home = path.parent.parent
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with disk_room("writing the result", folder, len(data) + len(said)):
            if not any(home.glob(RESULTS)):
                write_atomic(home / STATEMENT, said)
            write_atomic(path, data)
    except OSError as error:
        raise KineBenchError(f"cannot write {path}: {error.strerror}; name another --results") from error
    return True


def _homes(folder: Path) -> list[Path]:
    """The folders of a dataset's results. Raises KineBenchError for files that lie elsewhere."""
    homes = set()
    for path in sorted(folder.rglob("*.json")):
        parts = path.relative_to(folder).parts
        if len(parts) == 4 and parts[-1] in (STATEMENT, WITHDRAWN):
            homes.add(path.parent)
        elif len(parts) == 5:
            homes.add(path.parent.parent)
        else:
            raise KineBenchError(
                f"{path} is no result: those are METHOD/REVISION/DATASET@VERSION/metrics@N/seed-N.json, with "
                f"{STATEMENT} and perhaps {WITHDRAWN} in the dataset's folder; move it there, or away"
            )
    return sorted(homes)


def _read_home(folder: Path, home: Path) -> Iterator[Result]:
    """The results of one submission."""
    said, reason = _statement(home / STATEMENT), _withdrawn(home / WITHDRAWN)
    first: tuple[Path, str] | None = None
    for path in sorted(home.glob("*/*.json")):
        content = _content(path)
        card = scorecard.checked(content["scores"], str(path))
        result = Result(said, content["submission_sha256"], content["metrics_version"], content["seed"], card, reason)
        _check_place(folder, path, result, content)
        first = first or (path, result.submission_sha256)
        if first[1] != result.submission_sha256:
            raise KineBenchError(
                f"{first[0]} and {path} are of two submissions under one revision; "
                "take the later one away, raise its version, and score it again"
            )
        yield result
    if first is None:
        raise KineBenchError(f"{home} holds a statement and no result; score the submission, or take the folder away")


def _check_place(folder: Path, path: Path, result: Result, content: Mapping[str, Any]) -> None:
    """Raises KineBenchError unless file, statement, scores and place say the same."""
    if content["method"] != result.method or content["revision"] != result.revision:
        raise KineBenchError(
            f"{path} is of {content['method']} {content['revision']}, and {STATEMENT} beside it of {result.method} "
            f"{result.revision}; put back the one that was submitted"
        )
    if result.card["predictions"]["seeds"] != [result.seed]:
        raise KineBenchError(
            f"{path}: seed {result.seed} has scores of seeds {result.card['predictions']['seeds']}; score it again"
        )
    dataset = f"{result.statement['dataset']['name']}@{result.statement['dataset']['version']}"
    if dataset != result.dataset:
        raise KineBenchError(
            f"{path} has scores on {result.dataset}, and its statement is of {dataset}; score it again"
        )
    if path != (wanted := place(folder, result)):
        raise KineBenchError(f"{path} holds what belongs in {wanted}; move it there, or score the submission again")


def _statement(path: Path) -> Mapping[str, Any]:
    said = _json(path, "score the submission again, or put back its statement")
    if faults := submission.faults(said):
        raise KineBenchError(f"{path}: {faults[0]}; put back the statement that was submitted")
    return said


def _withdrawn(path: Path) -> str | None:
    if not path.exists():
        return None
    said = _json(path, 'write {"reason": "why it is no longer ranked"}')
    reason = said.get("reason")
    if said.keys() != {"reason"} or not isinstance(reason, str) or not reason.strip():
        raise KineBenchError(f'{path}: write {{"reason": "why it is no longer ranked"}}')
    return reason


def _content(path: Path) -> dict[str, Any]:
    """A file of the store. Raises KineBenchError; its scores are not yet looked at."""
    found = _json(path, "put it back as it was, or take it away and score the submission again")
    return _checked(found, str(path))


def _checked(content: dict[str, Any], where: str) -> dict[str, Any]:
    if (version := content.get("schema_version")) != SCHEMA_VERSION and content.get("kind") == KIND:
        raise KineBenchError(f"{where} has schema version {version}, this KineBench reads {SCHEMA_VERSION}")
    if faults := schema.faults(content, SCHEMA_PATH):
        raise KineBenchError(f"{where}: {faults[0]}; score the submission again")
    return content


def _json(path: Path, remedy: str) -> dict[str, Any]:
    try:
        found = strict_json.loads(path.read_bytes())
    except OSError as error:
        raise KineBenchError(f"cannot read {path}: {error.strerror}; {remedy}") from error
    except ValueError as error:
        raise KineBenchError(f"{path} is no JSON: {error}; {remedy}") from error
    if not isinstance(found, dict):
        raise KineBenchError(f"{path} holds no object; {remedy}")
    return found


def _dump(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
