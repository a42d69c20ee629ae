"""`kinebench board study` as it is typed: made, answered, reported."""

import json
from pathlib import Path

from typer.testing import CliRunner

from kinebench.board.study import key, ledger
from kinebench.cli.main import app


def better(films, question):
    return films[0]


def test_a_study_from_videos_to_a_report(tmp_path, packed, methods, answering, exported):
    run, study = CliRunner(), tmp_path / "study"
    given = [part for name, where in methods.items() for part in ("--method", f"{name}={where}")]
    made = run.invoke(
        app, ["board", "study", "new", "--data", str(packed), *given, "--groups", "1", "--out", str(study)]
    )
    assert made.exit_code == 0 and "each participant sees 6 pairs, 3 of them to catch" in made.output
    design = key.read(study).design
    people = {name: answering(design, name, better) for name in ("ann", "ben")}
    book = ledger.Ledger(tmp_path / "answers.sqlite", design.study)
    book.add(people["ann"])
    book.close()
    paths = [tmp_path / f"{name}.json" for name in people]  # ann both sent and exported
    for path, (name, answers) in zip(paths, people.items(), strict=True):
        path.write_bytes(exported(design, name, answers))
    out = tmp_path / "study.json"
    told = run.invoke(
        app, ["board", "study", "report", str(study), *map(str, paths), "--db", str(book.path), "--out", str(out)]
    )
    assert told.exit_code == 0 and "2 participants are counted" in told.output
    assert json.loads(out.read_text())["answers"] == 2 * 3 * 3
    assert "backwards" in told.output and Path(out).name in told.output


def test_the_report_says_which_file_is_no_answer(tmp_path, made, answering, exported):
    good, other = tmp_path / "good.json", tmp_path / "other.json"
    good.write_bytes(exported(made.design, "ann", answering(made.design, "ann", better)))
    for content, message in ((b"[]", "holds no answers"), (b"{", "is no JSON"), (b"{}", "missing 'kind'")):
        other.write_bytes(content)
        result = CliRunner().invoke(app, ["board", "study", "report", str(made.folder), str(good), str(other)])
        assert result.exit_code == 1 and message in str(result.exception) and "other.json" in str(result.exception)
