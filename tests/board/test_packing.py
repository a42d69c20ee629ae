import io
import json
import os
import shutil
import tarfile

import pytest

from kinebench.board import packing, submission
from kinebench.board.packing import Order, pack
from kinebench.errors import KineBenchError
from kinebench.methods import export
from kinebench.methods.source import open_source


def quiet(stage, done, whole):
    pass


@pytest.fixture
def order(tmp_path, predicted, packed, about_text):
    (tmp_path / "about.toml").write_text(about_text)
    return Order(predicted, packed, tmp_path / "about.toml", tmp_path / "out")


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_input_gives_the_same_bytes_from_a_folder_and_from_tars(tmp_path, order, predicted):
    pack(order, quiet)
    tarred = tmp_path / "tarred"
    tarred.mkdir()
    with tarfile.open(tarred / "all.tar", "w") as tar:  # other owners, times and order
        for path in sorted(predicted.rglob("*.*"), reverse=True):
            if path.parent != predicted:
                tar.add(path, path.relative_to(predicted))
    shutil.copy(predicted / "run.json", tarred)
    pack(Order(tarred, order.data, order.about, tmp_path / "again"), quiet)
    assert content(order.out) == content(tmp_path / "again")


def test_what_is_in_a_submission(order, predicted, packed):
    report = pack(order, quiet)
    assert not report.faults
    assert set(content(order.out)) == {
        "submission.json",
        "SHA256SUMS",
        "videos/run.json",
        "videos/seed-0-000000.tar",
        "videos/seed-3-000000.tar",
    }
    with tarfile.open(order.out / "videos" / "seed-3-000000.tar", "r:") as tar:
        rows = [(each.name, each.mtime, each.uid, each.mode) for each in tar]
        assert rows[:2] == [
            ("seed-3/toys_test_000000.mkv", 0, 0, 0o644),
            ("seed-3/toys_test_000000.json", 0, 0, 0o644),
        ]
        data = tar.extractfile("seed-3/toys_test_000002.mkv").read()
        assert data == (predicted / "seed-3" / "toys_test_000002.mkv").read_bytes()
    said = submission.read(order.out).statement
    assert said["inference"]["seeds"] == [0, 3]
    assert said["inference"]["steps"] == 4  # an option of the run
    assert said["inference"]["native"] == {"width": 96, "height": 64, "frames": 9, "fps": None}
    assert said["cost"]["seconds_per_sample"] == 1.5
    assert said["environment"]["packages"] == {"kinebench": "0.7.0", "numpy": "1.26.4", "torch": "2.13.0"}
    assert (
        said["dataset"]["manifest_sha256"]
        == submission.hashlib.sha256((packed / "manifest.json").read_bytes()).hexdigest()
    )


def test_tars_are_split_where_they_would_be_too_long(order, monkeypatch):
    monkeypatch.setattr(packing, "SHARD_BYTES", 220_000)
    assert not pack(order, quiet).faults
    tars = sorted((order.out / "videos").glob("*.tar"))
    assert len(tars) > 2
    assert tars[1].name == "seed-0-000001.tar"
    assert all(path.stat().st_size <= 220_000 for path in tars)


def test_a_form_is_written_and_every_open_line_is_named(order):
    order.about.unlink()
    with pytest.raises(KineBenchError, match=r"about\.toml was not there, and is now"):
        pack(order, quiet)
    form = order.about.read_text()
    assert 'contact = "?"  # an e-mail address' in form
    assert 'name = "boxes"' in form  # known from the sidecars, the author's to change
    assert "seeds" not in form
    assert "prompt =" not in form  # known from run.json
    with pytest.raises(KineBenchError) as error:
        pack(order, quiet)
    lines = str(error.value).splitlines()
    assert len(lines) == form.count('"?"') + 1
    assert any(line.startswith("  cost.hardware: is still open: that one video was made on") for line in lines)
    assert not order.out.exists()


def test_all_problems_of_about_at_once(order, about_text):
    text = about_text.replace('name = "boxes"', 'name = "My Boxes!"').replace("best_of.n = 1", "best_of.n = 8")
    text = text.replace('split = "train"', 'split = "test"').replace('contact = "https://example.org/boxes"', "")
    text = text.replace('version = "1.2.0"', 'version = "../../1"').replace(
        "[cost]", "prompt = 'c'\nsteppes = 3\n[cost]"
    )
    order.about.write_text(text.replace('"https://example.org/boxes/code"', '"javascript:alert(1)"'))
    with pytest.raises(KineBenchError) as error:
        pack(order, quiet)
    said = str(error.value)
    for words in (
        "method.name: 'My Boxes!' does not match",
        "method: missing 'contact'",
        "method.version: '../../1' does not match",
        "method.code: 'javascript:alert(1)' does not match",
        'inference.best_of.selector: cannot be "": who or what picked one of n',
        "inference: unknown key 'steppes' (did you mean 'steps'?)",
        'inference.prompt: is known to be "c_infer"; take the line away',
    ):
        assert words in said
    order.about.write_text(about_text.replace('split = "train"', 'split = "test"'))
    with pytest.raises(KineBenchError, match="it was trained on test, on which it would be scored"):
        pack(order, quiet)
    order.about.write_text(about_text.replace('title = "Boxes"', 'title = "Boxes\\n# of doom"'))
    with pytest.raises(KineBenchError, match=r"method\.title.*is not one line of text"):
        pack(order, quiet)


def test_missing_videos_are_an_error_that_says_why(tmp_path, order, predicted):
    mine = shutil.copytree(predicted, tmp_path / "mine")
    (mine / "seed-3" / "toys_test_000001.mkv").unlink()
    said = {"kind": "oom", "message": "out of memory"}
    (mine / "seed-3" / "toys_test_000001.error.json").write_text(json.dumps(said))
    (mine / "seed-0" / "toys_test_000002.mkv").unlink()
    with pytest.raises(KineBenchError) as error:
        pack(Order(mine, order.data, order.about, order.out), quiet)
    assert "2 of 6 videos are missing, and nothing was packed" in str(error.value)
    assert "\n  seed 3, toys_test_000001: is missing: out of memory (out of memory)" in str(error.value)


def test_videos_of_other_clips_are_refused(tmp_path, order, predicted):
    mine = shutil.copytree(predicted, tmp_path / "mine")
    run = json.loads((mine / "run.json").read_text())
    run["source"]["seed"] = 8
    (mine / "run.json").write_text(json.dumps(run))
    with pytest.raises(KineBenchError, match=r"made for other clips: run\.json says seed 8, not 7"):
        pack(Order(mine, order.data, order.about, order.out), quiet)


def test_a_submission_of_the_same_method_is_replaced_and_nothing_else(tmp_path, order, about_text):
    pack(order, quiet)
    before = content(order.out)
    order.about.write_text(about_text.replace('url = ""', 'url = "https://example.org/tars"'))
    pack(order, quiet)
    after = content(order.out)
    assert {name for name in after if after[name] != before[name]} == {"submission.json", "SHA256SUMS"}
    order.about.write_text(about_text.replace('name = "boxes"', 'name = "crates"'))
    with pytest.raises(KineBenchError, match="holds something else than a submission of crates"):
        pack(order, quiet)
    order.about.write_text(about_text)
    (order.out / "notes.txt").write_text("mine")
    with pytest.raises(KineBenchError, match="holds something else"):
        pack(order, quiet)
    assert {name: data for name, data in content(order.out).items() if name != "notes.txt"} == after
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_places_that_would_lose_something(tmp_path, order):
    for out in (order.predictions / "out", order.predictions.parent, order.data):
        with pytest.raises(KineBenchError, match=r"lie in each other|holds something else"):
            pack(Order(order.predictions, order.data, order.about, out), quiet)
    with pytest.raises(KineBenchError, match="there is no folder"):
        pack(Order(order.predictions, order.data, order.about, tmp_path / "no" / "out"), quiet)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(KineBenchError, match="holds something else"):
        pack(Order(order.predictions, order.data, order.about, tmp_path / "link"), quiet)


def test_an_interrupted_pack_leaves_what_was_there(order, tmp_path, monkeypatch):
    pack(order, quiet)
    before = content(order.out)

    def interrupt(stage, done, whole):
        if stage == "packing" and done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(order, interrupt)
    assert content(order.out) == before
    assert [path.name for path in tmp_path.glob(".*")] == []
    killed = tmp_path / f".out.{os.uname().nodename}.999999999.tmp"  # what a killed pack leaves
    killed.mkdir()
    (tmp_path / ".other.999999999.tmp").mkdir()  # not ours
    pack(order, quiet)
    assert [path.name for path in tmp_path.glob(".*")] == [".other.999999999.tmp"]


def test_exported_conditions_stand_for_the_dataset(tmp_path, order, about_text):
    """Who takes part in a hidden season has nothing else."""
    export.export(open_source(order.data, "test", "c_infer"), tmp_path / "conditions", quiet)
    mine = Order(order.predictions, tmp_path / "conditions", order.about, order.out)
    assert not pack(mine, quiet).faults
    listing = (tmp_path / "conditions" / "conditions.json").read_bytes()
    said = submission.read(order.out).statement["dataset"]
    assert said["manifest_sha256"] == submission.hashlib.sha256(listing).hexdigest()


def test_videos_that_no_run_made(tmp_path, order, predicted, about_text):
    """Nothing is known but the videos: more is asked for, and the rest is the same."""
    mine = tmp_path / "mine"
    mine.mkdir()
    for path in (predicted / "seed-0").glob("*.mkv"):
        shutil.copy(path, mine / path.name)
    order.about.unlink()
    bare = Order(mine, order.data, order.about, order.out)
    with pytest.raises(KineBenchError, match="was not there"):
        pack(bare, quiet)
    form = order.about.read_text()
    for line in ("name = ", "privileged = ", "prompt = ", "width = ", "seconds_per_sample = ", "python = "):
        assert f"\n{line}" in form
    more = {
        "[inference]": '[inference]\nprompt = "c0"\nsteps = ""',
        'native.fps = ""': 'native = {width = 96, height = 64, frames = 9, fps = ""}',
        "[method]": '[method]\nprivileged = false\nkind = "method"',
        "[cost]": "[cost]\nseconds_per_sample = 2.5",
    }
    text = (
        about_text
        + '[environment]\npython = ""\n[environment.packages]\ntorch = "2.6.0"\n[inference.options]\nshift = 5.0\n'
    )
    for old, new in more.items():
        text = text.replace(old, new)
    order.about.write_text(text)
    assert not pack(bare, quiet).faults
    said = submission.read(order.out).statement
    assert (said["inference"]["options"], said["environment"]["packages"]) == ({"shift": 5.0}, {"torch": "2.6.0"})


def test_the_form_is_toml_whatever_the_names_are(order, tmp_path, predicted, monkeypatch):
    import tomllib

    from kinebench.board import about

    text = about.template({}, {"method.title": 'A "quoted" \\ name\n', "model.weights": [{"name": "x"}, {}]})
    said = tomllib.load(io.BytesIO(text.encode()))
    assert said["method"]["title"] == 'A "quoted" \\ name\n'
    assert [row["name"] for row in said["model"]["weights"]] == ["x", "?"]
