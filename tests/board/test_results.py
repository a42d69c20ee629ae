"""The store is read as it was written, and nothing that is wrong in it passes for a result."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from kinebench.board import results as stores
from kinebench.board.result import place
from kinebench.errors import KineBenchError


@pytest.fixture
def two(boards):
    """One method with two seeds."""
    return boards.results(1, 3, 2, np.random.default_rng(0))


@pytest.fixture
def store(tmp_path, boards, two):
    boards.store(tmp_path / "results", two)
    return tmp_path / "results"


def test_what_is_written_is_read(tmp_path, boards):
    given = boards.results(3, 3, 2, np.random.default_rng(1))
    boards.store(tmp_path, given[::-1])
    assert stores.read(tmp_path) == tuple(given)
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files[:3] == [
        "method-000/1.0.0/interactions@1.0.0/metrics@1/seed-0.json",
        "method-000/1.0.0/interactions@1.0.0/metrics@1/seed-1.json",
        "method-000/1.0.0/interactions@1.0.0/submission.json",
    ]


def test_what_is_there_is_kept(store, two):
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*.json")}
    assert not any(stores.write(store, each) for each in two)
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*.json")} == before


def test_a_result_that_lacks_a_metric_is_completed(tmp_path, two):
    short = json.loads(json.dumps(two[0].card))
    short["unavailable"] = {"fvd": "the weights are not here"}
    assert stores.write(tmp_path, replace(two[0], card=short))
    assert stores.write(tmp_path, two[0])
    assert not stores.write(tmp_path, replace(two[0], card=short)), "and never the other way"
    assert stores.read(tmp_path) == (two[0],)


def test_another_submission_needs_another_version(store, two, boards):
    other = replace(two[0], seed=7, submission_sha256="0" * 64)
    with pytest.raises(KineBenchError, match=r"another submission of method-000 1\.0\.0.*raise the version"):
        stores.write(store, other)
    said = boards.statement("method-000", version="1.1.0")
    assert stores.write(store, replace(two[0], statement=said, submission_sha256="0" * 64))
    assert len(stores.read(store)) == 3


def test_versions_of_the_metrics_lie_side_by_side(store, two):
    assert stores.write(store, replace(two[0], metrics_version=2))
    assert [(one.metrics_version, one.seed) for one in stores.read(store)] == [(1, 0), (1, 1), (2, 0)]


def test_withdrawn_results_stay_and_say_why(store, two):
    home = place(store, two[0]).parent.parent
    (home / "withdrawn.json").write_text('{"reason": "made with the test split"}')
    assert [one.withdrawn for one in stores.read(store)] == ["made with the test split"] * 2
    for bad in ('{"reason": " "}', '{"why": "no"}', "[]", "{"):
        (home / "withdrawn.json").write_text(bad)
        with pytest.raises(KineBenchError, match=r'withdrawn.json.*write \{"reason"'):
            stores.read(store)


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.update(seed=5), "seed 5 has scores of seeds \\[0\\]; score it again"),
        (lambda file: file.update(metrics_version=3), "holds what belongs in .*metrics@3/seed-0.json; move it there"),
        (lambda file: file.update(method="other"), "is of other 1.0.0, and submission.json beside it of method-000"),
        (lambda file: file.update(submission_sha256="0" * 64), "of two submissions under one revision"),
        (lambda file: file.update(submission_sha256="no"), "submission_sha256.*score the submission again"),
        (lambda file: file.update(rank=1), "unknown key 'rank'"),
        (lambda file: file.update(schema_version=9), "has schema version 9, this KineBench reads 1"),
        (lambda file: file["scores"].pop("clips"), "'clips' is a required property"),
        (lambda file: file["scores"]["dataset"].update(version="2.0.0"), "has scores on interactions@2.0.0, and its"),
        (
            lambda file: file["scores"]["clips"]["interactions_test_000001"]["predictions"]["0"].update(status="good"),
            "'good' is not one of",
        ),
    ],
)
def test_a_file_that_is_not_what_its_place_says_is_refused(store, two, change, said):
    path = place(store, two[0])
    edit(path, change)
    with pytest.raises(KineBenchError, match=said) as error:
        stores.read(store)
    assert "seed-" in str(error.value)


def test_files_elsewhere_are_refused(store, two):
    path = place(store, two[0])
    for wrong in (store / "seed-0.json", path.parent / "deeper" / "seed-0.json", path.parent.parent / "scores.json"):
        wrong.parent.mkdir(exist_ok=True)
        shutil.copy(path, wrong)
        with pytest.raises(KineBenchError, match=f"{wrong} is no result"):
            stores.read(store)
        wrong.unlink()
    moved = path.with_name("seed-4.json")
    path.rename(moved)
    with pytest.raises(KineBenchError, match=f"{moved} holds what belongs in {path}"):
        stores.read(store)
    moved.rename(path)
    assert len(stores.read(store)) == 2


def test_what_is_half_there_is_refused(store, two):
    home = place(store, two[0]).parent.parent
    edit(home / "submission.json", lambda said: said["method"].pop("licence"))
    with pytest.raises(KineBenchError, match=r"submission.json: method: missing 'licence'; put back"):
        stores.read(store)
    (home / "submission.json").unlink()
    with pytest.raises(KineBenchError, match=r"cannot read .*submission\.json"):
        stores.read(store)
    shutil.rmtree(home)
    home.mkdir()
    (home / "submission.json").write_text("{}")
    with pytest.raises(KineBenchError, match=r"submission\.json"):
        stores.read(store)
    path = place(store, two[0])
    path.parent.mkdir()
    path.write_text('{"seed": NaN}')
    with pytest.raises(KineBenchError):
        stores.read(store)


def test_a_statement_without_results_is_no_row(store, two):
    shutil.rmtree(place(store, two[0]).parent)
    with pytest.raises(KineBenchError, match="holds a statement and no result"):
        stores.read(store)
    assert stores.write(store, replace(two[0], submission_sha256="0" * 64)), "nothing was filed: the version is free"


def test_there_must_be_a_store(tmp_path):
    with pytest.raises(KineBenchError, match="there is no store of results"):
        stores.read(tmp_path / "none")
    assert stores.read(tmp_path) == ()
