import pytest
import typer
from typer.testing import CliRunner

from kinebench.cli.preview import preview
from kinebench.cli.stats import stats
from kinebench.cli.verify import verify


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    for command in (verify, stats, preview):
        app.command()(command)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_verify_of_a_sound_folder(run, dataset):
    done = run("verify", dataset)
    assert done.exit_code == 0
    assert "8 samples in 10 files are sound, 8 decoded" in done.output


def test_verify_exits_with_1_and_names_fault_and_remedy(run, dataset):
    path = dataset / "toys-train-000001.tar"
    path.write_bytes(path.read_bytes()[:9000])
    done = run("verify", dataset, "--sample", 1)
    assert done.exit_code == 1
    for words in ("toys-train-000001.tar", "toys_train_000003", "cut short", "run the same kinebench generate"):
        assert words in done.output.replace("\n", " ")


def test_stats(run, packed):
    done = run("stats", packed)
    assert done.exit_code == 0
    for words in ("samples", "test", "train", "80%", "planks_a 3", "velocity.mkv"):
        assert words in done.output


def test_preview_says_where_the_page_is(run, dataset, tmp_path):
    done = run("preview", dataset, "--limit", 1, "--out", tmp_path / "page.html")
    assert done.output.replace("\n", "") == str(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
