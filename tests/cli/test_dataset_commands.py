import copy
import json

import pytest
import typer
from typer.testing import CliRunner

from kinebench.cli.preview import preview
from kinebench.cli.publish import publish
from kinebench.cli.stats import stats
from kinebench.cli.verify import verify
from kinebench.errors import KineBenchError
from kinebench.stats.summary import load


@pytest.fixture(scope="module")
def run():
    app = typer.Typer()
    for command in (verify, stats, preview, publish):
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
    lines = done.output.splitlines()
    assert lines[0].startswith("first fault: toys-train-000001.tar: sha256 is ")
    assert any(line.startswith("fault 2: toys-train-000001.tar: has 9000 bytes") for line in lines)
    assert any("toys_train_000003: is cut short" in line for line in lines)
    assert any("toys_train_000003" in line and line.startswith("to do about toys-train-000001.tar") for line in lines)
    assert lines[-1] == f"{dataset}: 5 faults in 8 samples in 10 files, 1 decoded"


def test_verify_prints_20_faults_and_writes_all(run, tmp_path, samples, synthetic, make):
    record = copy.deepcopy(samples[1].record)
    for body in record["objects"]:
        body |= {"mass_kg": 3.0, "friction": 3.0, "restitution": 1.0, "roughness": 0.0}
    record["light"] |= {"sun_strength": 9.0, "sky_strength": 9.0, "sun_angle_rad": 1.0}
    record["ground"] |= {"friction": 3.0, "restitution": 1.0}
    record["quality"] |= {"interaction": False, "moved": [1], "rejected": 9}
    record["velocity"]["v_max_mps"] = 3.0
    make(tmp_path / "toys", [synthetic.change(samples[1], json=record)])
    done = run("verify", tmp_path / "toys", "--workers", 1, "--json", tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert done.exit_code == 1
    assert not found["sound"]
    assert len(found["faults"]) > 20
    lines = done.output.splitlines()
    assert lines[0] == f"first fault: {samples[1].key}: {found['faults'][0]['fact']}"
    assert lines[19].startswith("fault 20: ")
    assert not any(line.startswith("fault 21: ") for line in lines)
    assert f"{len(found['faults']) - 20} more faults are not shown; --json PATH writes them all" in lines


def test_verify_says_at_once_where_it_cannot_write(run, dataset, tmp_path):
    done = run("verify", dataset, "--json", tmp_path / "nowhere" / "report.json")
    assert "there is no folder" in str(done.exception)


def test_stats(run, packed):
    done = run("stats", packed)
    assert done.exit_code == 0
    for words in ("samples", "test", "train", "80%", "planks_a 3", "velocity.mkv"):
        assert words in done.output


def test_stats_draws_and_writes(run, packed, tmp_path):
    done = run("stats", packed, "--figures", tmp_path / "pictures", "--json", tmp_path / "new" / "stats.json")
    assert done.exit_code == 0
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert "speed.png" in names
    assert all(name in done.output.replace("\n", "") for name in names)
    assert load(tmp_path / "new" / "stats.json").dataset == "toys"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("DATA", "--count", 3), "--split, --count and --seed go with a recipe only"),
        (("interaction",), "did you mean 'interactions'"),
        (("interactions", "--split", "valid"), "there is no split 'valid'"),
        (("interactions", "--count", 0), "expected at least 1 clip"),
    ],
)
def test_stats_tells_what_is_wrong(run, packed, options, words):
    done = run("stats", *(packed if option == "DATA" else option for option in options))
    assert isinstance(done.exception, KineBenchError)
    assert words in str(done.exception)


@pytest.mark.parametrize("options", [("--private",), ("--revision", "v1")])
def test_publish_options_of_a_push_need_one(run, packed, options):
    done = run("publish", packed, *options)
    assert "go with --push OWNER/NAME" in str(done.exception)


def test_preview_says_where_the_page_is(run, dataset, tmp_path):
    done = run("preview", dataset, "--limit", 1, "--out", tmp_path / "page.html")
    assert done.output.replace("\n", "") == str(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
