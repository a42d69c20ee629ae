"""From `kinebench run` to a checked submission, by the command line alone."""

import json
import re

import pytest
from typer.testing import CliRunner

from kinebench.cli.main import app
from kinebench.errors import Interrupted, KineBenchError


@pytest.fixture
def kinebench():
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def ran(tmp_path_factory, packed):
    folder = tmp_path_factory.mktemp("ran") / "discs"
    done = CliRunner().invoke(app, ["run", "friction_discs", "--data", str(packed), "--out", str(folder)])
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def filled(tmp_path, ran, packed, kinebench):
    """about.toml of an anchor, as its author fills it in."""
    about = tmp_path / "about.toml"
    asked = kinebench("submit", "pack", ran, "--data", packed, "--about", about, "--out", tmp_path / "mine")
    assert "a form with what KineBench knows filled in" in str(asked.exception)
    form = about.read_text()
    for name, value in {
        "authors": '["KineBench"]',
        "contact": '"https://kinebench.org"',
        "hardware": '"one core"',
    }.items():
        form = re.sub(rf"^{name} = \S+", f"{name} = {value}", form, flags=re.M)
    about.write_text(re.sub(r'= "\?"', '= ""', form))
    return about


def test_from_a_run_to_a_submission(tmp_path, ran, packed, kinebench, filled):
    out = tmp_path / "mine"
    done = kinebench("submit", "pack", ran, "--data", packed, "--about", filled, "--out", out)
    assert done.exit_code == 0, (done.output, done.exception)
    last = done.output.splitlines()[-1]
    assert last.endswith("friction_discs 1.0.0 on toys 1.0.0, test: it can be submitted: no errors; 3 videos looked at")
    said = json.loads((out / "submission.json").read_text())
    assert (said["method"]["kind"], said["method"]["title"]) == ("anchor", "Friction and discs")
    assert (said["model"]["weights"], said["inference"]["best_of"]) == ([], {"n": 1, "selector": None})
    assert kinebench("submit", "check", out, "--data", packed).exit_code == 0
    scored = kinebench("score", out / "videos", "--data", packed, "--metrics", "mse", "--out", tmp_path / "scores.json")
    assert scored.exit_code == 0


def test_check_groups_what_it_prints_and_reports_all(tmp_path, ran, packed, kinebench, filled):
    out, report = tmp_path / "mine", tmp_path / "report.md"
    kinebench("submit", "pack", ran, "--data", packed, "--about", filled, "--out", out)
    said = json.loads((out / "submission.json").read_text())
    said["inference"]["seeds"] = [*range(6)]
    (out / "submission.json").write_text(json.dumps(said))
    (out / "a\x1b[31mb").write_bytes(b"")
    done = kinebench("submit", "check", out, "--data", packed, "--report", report)
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert "error: submission.json was changed: its sha256 is" in done.output
    assert [line for line in lines if line.startswith("error: seed ")] == [
        f"error: seed {n} has no videos" for n in (1, 2, 3)
    ]
    assert "    and 2 more" in lines
    assert "\x1b" not in done.output
    assert lines[-1].endswith("7 errors; 3 videos looked at")
    text = report.read_text()
    assert text.startswith(
        "### Submission `friction_discs 1.0.0 on toys 1.0.0, test`\n\n**7 errors; 3 videos looked at**\n"
    )
    assert "- `seed 5` `has no videos`" in text
    missing = kinebench("submit", "check", tmp_path / "nothing")
    assert missing.exit_code == 1
    assert "error: nothing is no folder\n" in missing.output


def test_long_lists_are_cut_when_printed(tmp_path, kinebench, packed, ran, filled):
    out = tmp_path / "mine"
    kinebench("submit", "pack", ran, "--data", packed, "--about", filled, "--out", out)
    for number in range(9):
        (out / f"extra-{number}").write_bytes(b"")
    lines = kinebench("submit", "check", out).output.splitlines()
    assert sum("is not in SHA256SUMS" in line for line in lines) == 3
    assert lines.count("    and 6 more") == 2
    assert any(line.endswith("18 errors, 1 notice; 3 videos looked at") for line in lines)


def test_mistakes_of_the_command_line(tmp_path, kinebench, packed, ran, filled):
    for arguments, words in {
        ("check", tmp_path, "--report", tmp_path / "no" / "report.md"): "there is no folder",
        ("check", ran, "--data", tmp_path / "no"): "is no packed dataset",
        (
            "pack",
            tmp_path / "no",
            "--data",
            packed,
            "--about",
            filled,
            "--out",
            tmp_path / "x",
        ): "is no folder and no tar",
        (
            "pack",
            ran,
            "--data",
            packed,
            "--about",
            tmp_path / "no" / "a.toml",
            "--out",
            tmp_path / "x",
        ): "there is no folder",
    }.items():
        done = kinebench("submit", *arguments)
        assert isinstance(done.exception, KineBenchError), (arguments, done.output)
        assert words in str(done.exception)
    (filled.parent / "bad.toml").write_text("[method\n")
    done = kinebench(
        "submit", "pack", ran, "--data", packed, "--about", filled.parent / "bad.toml", "--out", tmp_path / "x"
    )
    assert "not valid TOML" in str(done.exception)


def test_interrupted(tmp_path, kinebench, packed, ran, filled, monkeypatch):
    from kinebench.board import packing

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(packing.tar, "add", stop)
    done = kinebench("submit", "pack", ran, "--data", packed, "--about", filled, "--out", tmp_path / "mine")
    assert isinstance(done.exception, Interrupted)
    assert "whole, or as it was before; run the same command again" in str(done.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["about.toml"]
