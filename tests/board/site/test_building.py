"""What is written, and what is left alone."""

import csv
import importlib.util
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kinebench.board import site
from kinebench.board.site import naming
from kinebench.board.site.script import script
from kinebench.board.standing import Board
from kinebench.cli.main import app
from kinebench.errors import KineBenchError

NAME = "toys@1.0.0-test-metrics-1"


def quiet(stage, done, whole):
    pass


def everything(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_bytes_again(built, board, films, tmp_path):
    noted = []
    again = site.build(board, films, tmp_path / "site", lambda *each: noted.append(each))
    assert everything(tmp_path / "site") == everything(built.index.parent)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert {stage: (done, whole) for stage, done, whole in noted} == {
        "tables": (10, 10),
        "films": (again.films, again.films),
    }


def test_only_films_that_are_there_under_their_names(built, films):
    brought = built.index.parent / "films"
    assert everything(brought) == everything(films)
    assert built.films == len(everything(films))
    clips, rows, seeds = 6, 7, 2
    assert built.films + built.lacking == 2 * clips + rows * seeds * clips - 1  # of one there is no video


def test_a_build_that_fails_leaves_the_site_as_it_is(board, films, tmp_path):
    out = tmp_path / "site"
    site.build(board, films, out, quiet)
    before = everything(out)
    standing = board.standings[0]
    for name in ("../../etc", "a/b", "", ".hidden", "a" * 200):
        bad = replace(standing, rows=(*standing.rows, replace(standing.rows[0], method=name)))
        with pytest.raises(KineBenchError, match="cannot name a file"):
            site.build(Board((bad,)), films, out, quiet)
    with pytest.raises(KineBenchError, match="no table"):
        site.build(Board(()), films, out, quiet)

    def interrupt(stage, done, whole):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.build(board, films, out, interrupt)
    assert everything(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    site.build(Board(board.standings[1:]), films, out, quiet)
    assert not (out / "data" / NAME).exists()  # nothing of the old site is left


def test_what_is_no_site_is_not_replaced(board, films, tmp_path):
    (tmp_path / "empty").mkdir()
    site.build(board, films, tmp_path / "empty", quiet)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/thesis.tex").write_text("ten years")
    with pytest.raises(KineBenchError, match="other files than a site"):
        site.build(board, films, tmp_path / "other", quiet)
    with pytest.raises(KineBenchError, match="no folder"):
        site.build(board, films, tmp_path / "other/thesis.tex", quiet)
    assert everything(tmp_path / "other") == {"thesis.tex": b"ten years"}


def lines(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(), newline="")))


def test_downloads_say_what_the_board_says(built, board):
    folder, standing = built.index.parent / "tables", board.standings[0]
    told = json.loads((folder / f"{NAME}.json").read_bytes())
    assert (told["dataset"], told["version"], told["metrics_version"]) == ("toys", "1.0.0", 1)
    table = lines(folder / f"{NAME}.csv")
    for one, said, line in zip(standing.rows, told["rows"], table, strict=True):
        assert (said["method"], said["title"], said["withdrawn"]) == (one.method, one.title, one.withdrawn)
        assert said["statement"] == one.statement
        for name, number in one.numbers.items():
            assert said["numbers"][name]["value"] == number.value
            assert line[name] == ("" if number.value is None else repr(number.value))
            assert line[f"{name}_low"] == ("" if number.low is None else repr(number.low))
            assert line[f"{name}_n"] == str(number.n)
    assert table[-1]["backbone"] == "'=HYPERLINK(hacked)"  # a spreadsheet would run it
    assert [
        (each["first"], each["second"], float(each["difference"])) for each in lines(folder / f"{NAME}-pairs.csv")
    ] == [
        ("gamma@1.0.0", "alpha@1.0.0", 80.5),
        ("alpha@1.0.0", "few@1.0.0", -120.0),
    ]
    clips = lines(folder / NAME / "alpha@1.0.0.csv")
    assert [each["clip"] for each in clips] == list(standing.clips)
    assert tuple(float(each["mse"]) for each in clips) == standing.rows[1].samples["mse"]


def test_tables_of_one_title_have_names_of_their_own(board):
    first, second, printed = board.standings
    assert naming.tables((printed, printed, first, second)) == (
        "paper-table-1-training",
        "paper-table-1-training~2",
        NAME,
        "toys@2.0.0-test-metrics-1",
    )


def test_scripts_hold_nothing_that_a_page_would_obey():
    text = script("it's", {"a": "</script><!--\u202e", "b": "line\u2028\\'\n", "<": "\x00"}).decode("ascii")
    assert "<" not in text and "\n" not in text[:-1] and "202e" not in text and "\\u0000" not in text


def test_the_command_builds_what_was_scored(tmp_path):
    spec = importlib.util.spec_from_file_location("boards", Path(__file__).parents[1] / "boards.py")
    boards = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(boards)
    boards.store(tmp_path / "results", boards.results(3, 4, 2, np.random.default_rng(0)))
    places = ("--results", tmp_path / "results", "--films", tmp_path / "films", "--out", tmp_path / "site")
    done = CliRunner().invoke(app, ["board", "build", *map(str, places)])
    assert done.exit_code == 0, done.output
    assert "7 tables, 21 rows, 0 films (32 are not there" in done.output  # of the paper: six tables, 18 rows
    assert len(list((tmp_path / "site/m").iterdir())) == 3
