"""A submission scored, filed and filmed: the numbers are the tool's, and nothing is lost or half done."""

import hashlib
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from kinebench.board import film, results, scoring
from kinebench.board.scoring import Order
from kinebench.board.standings import standings
from kinebench.cli.main import app
from kinebench.errors import Interrupted, KineBenchError
from kinebench.interrupt import stoppable
from kinebench.metrics import catalogue
from kinebench.scoring.scorer import score


def quiet(stage, done, whole):
    pass


@pytest.fixture(scope="module", autouse=True)
def meters(tmp_path_factory):
    """Metrics of pixels, and small ones of clips and sets: nothing that needs weights. Readings serve all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("DIARY", str(tmp_path_factory.mktemp("diary") / "diary"))
        patch.syspath_prepend(str(Path(__file__).parent.parent / "scoring"))
        own = {"pixel": catalogue.METERS["pixel"], "counting": "counting_meters:Counting"}
        patch.setattr(catalogue, "METERS", own)
        yield importlib.import_module("counting_meters")
        sys.modules.pop("counting_meters")


@pytest.fixture
def order(tmp_path, whole, packed):
    """Into empty folders."""
    return Order(whole, packed, "test", tmp_path / "results", tmp_path / "films")


@pytest.fixture(scope="module")
def filed(tmp_path_factory, whole, packed, meters):
    """One that was carried out; leave its folders as they are."""
    folder = tmp_path_factory.mktemp("filed")
    order = Order(whole, packed, "test", folder / "results", folder / "films")
    return order, scoring.score(order, quiet)


def files(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_board_prints_what_the_tool_prints(filed):
    order, done = filed
    assert [path.name for path in done.filed] == ["seed-0.json", "seed-3.json"]
    tool = score(order.submission / "videos", order.data)
    stored = results.read(order.results)
    for result in stored:
        seed = str(result.seed)
        assert result.card["predictions"]["seeds"] == [result.seed]
        for key, clip in tool["clips"].items():
            assert result.card["clips"][key]["predictions"][seed] == clip["predictions"][seed]
        assert result.card["sets"]["spread"]["values"] == {seed: tool["sets"]["spread"]["values"][seed]}
    table = standings(stored).standings[0]
    (row,) = table.rows
    assert {column.name for column in table.columns} == {*tool["summaries"]} - {"answer"}, "there are no groups"
    for name in row.numbers:
        number, said = row.numbers[name], tool["summaries"][name]
        assert (number.value, number.n) == (pytest.approx(said["value"], rel=1e-12), said["n"])
        if tool["metrics"][name]["scope"] == "set":
            assert (number.low, number.high) == pytest.approx((said["low"], said["high"]))
    assert row.title == "Boxes" and row.seeds == (0, 3)


def test_a_second_time_there_is_nothing_to_do(filed):
    order, _ = filed
    before = files(order.results) | files(order.films)
    again = scoring.score(order, quiet)
    assert again.said == ["2 results of this submission were there already", "nothing to do"]
    assert files(order.results) | files(order.films) == before


def test_films_are_of_predictions_truths_and_conditions(filed):
    order, done = filed
    assert done.films == 3 * (2 + 2) == len(files(order.films))
    card = results.read(order.results)[0].card
    clip = next(iter(card["clips"].values()))
    names = clip["truth"], f"{clip['truth']}-condition", clip["predictions"]["0"]["sha256"]
    truth, condition, made = (np.asarray(Image.open(film.place(order.films, name)).convert("RGB")) for name in names)
    assert truth.shape == made.shape == (2 * 64, film.COLUMNS * 96, 3), "nine frames in two rows"
    assert np.abs(truth[:64, :96].astype(int) - made[:64, :96]).mean() < 4, "both begin with the same frame"
    assert condition.shape[1] == film.COLUMNS * film.WIDTH_PX, "drawn large"


def test_an_interrupted_run_goes_on_where_it_was(filed, order):
    whole = files(filed[0].results) | files(filed[0].films)

    def stop_at(wanted, count):
        def note(stage, done, whole):
            if (stage, done) == (wanted, count):
                raise KeyboardInterrupt

        return note

    for stage, count in (("seeds", 1), ("films", 5)):
        with pytest.raises(Interrupted), stoppable(lambda: "stopped"):
            scoring.score(order, stop_at(stage, count))
        assert files(order.results).items() <= whole.items() and files(order.films).items() <= whole.items()
    assert scoring.score(order, quiet).films == 12 - 5
    assert files(order.results) | files(order.films) == whole


def test_a_fault_keeps_it_out_and_nothing_is_written(order, submitted, rewrite, members):
    keys = sorted(members(submitted))
    rewrite(submitted, {keys[0]: None, keys[1]: None, keys[3]: b"no video"})
    with pytest.raises(KineBenchError, match=r"was not scored, .* errors") as error:
        scoring.score(Order(submitted, order.data, "test", order.results, order.films), quiet)
    said = str(error.value)
    assert "is missing: seed 0, toys_test_000000" in said and "to do: " in said
    assert "toys_test_000001" in said, "all of them at once"
    assert not order.results.exists() and not order.films.exists()


def test_other_videos_need_another_version(filed, submitted, seal):
    order, _ = filed
    before = files(order.results)
    changed = Order(submitted, order.data, "test", order.results, order.films)
    seal(submitted, lambda said: said | {"cost": {**said["cost"], "hardware": "another core"}})
    with pytest.raises(
        KineBenchError, match=r"another submission of boxes 1\.2\.0, and results are never replaced; raise"
    ):
        scoring.score(changed, quiet)
    assert files(order.results) == before


def test_numbers_in_a_submission_are_not_looked_at(order, submitted, seal):
    """Nothing but the description comes from the statement, and there is no place for a score in it."""
    seal(submitted, lambda said: said | {"scores": {"mse": 0.0}})
    with pytest.raises(KineBenchError, match="scores"):
        scoring.score(Order(submitted, order.data, "test", order.results, order.films), quiet)


def test_another_split_is_asked_for_by_name(order):
    with pytest.raises(KineBenchError, match="is of split test; give --split test"):
        scoring.score(Order(order.submission, order.data, "train", order.results, order.films), quiet)


def test_a_result_is_completed_when_weights_have_come(order, meters, monkeypatch):
    monkeypatch.setattr(catalogue, "NETWORKS", ("counting",))
    monkeypatch.setattr(catalogue.Setup, "options", lambda self, meter: {})
    here = meters.Counting.configuration
    monkeypatch.setattr(meters.Counting, "configuration", meters.Absent.configuration)
    first = scoring.score(order, quiet)
    assert "not computed: spread: the weights are not here; run: kinebench weights fetch them" in first.said
    assert scoring.score(order, quiet).filed == (), "they are still not here"
    monkeypatch.setattr(meters.Counting, "configuration", here)
    assert len(scoring.score(order, quiet).filed) == 2
    assert standings(results.read(order.results)).standings[0].rows[0].numbers["spread"].value is not None


def test_the_command(order):
    options = ["--results", order.results, "--films", order.films, "--workers", "1", "--device", "cpu"]
    found = CliRunner().invoke(app, ["board", "score", *map(str, (order.submission, "--data", order.data, *options))])
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    home = order.results / "boxes" / "1.2.0" / "toys@1.0.0"
    assert lines == [*(f"filed {home}/metrics@1/seed-{seed}.json" for seed in (0, 3)), "12 films written"]
    said = json.loads((home / "submission.json").read_text())
    assert said == json.loads((order.submission / "submission.json").read_text())
