"""A folder made ready to publish: whole, sound, the same every time."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from kinebench.errors import KineBenchError
from kinebench.publish import licence
from kinebench.publish.publication import prepare
from kinebench.shards import staging
from kinebench.stats.digest import quantities
from kinebench.stats.summary import stats
from kinebench.verify.folder import verify

pytest.importorskip("matplotlib")


def publish(folder):
    return prepare(folder, 1, lambda stage, done, whole: None)


def content(folder):
    """Every file but the spool's lock."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".spool" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def published(packed, tmp_path_factory):
    import shutil

    folder = tmp_path_factory.mktemp("published") / "toys"
    shutil.copytree(packed, folder)
    publish(folder)
    return folder


def test_it_is_still_sound_and_every_file_is_named(dataset):
    before = content(dataset)
    ready = publish(dataset)
    assert verify(dataset).sound
    assert set(ready.files) == set(content(dataset))
    assert ready.bytes == sum(map(len, content(dataset).values()))
    added = {"LICENSE", "CITATION.cff"} | {name for name in ready.files if name.startswith("previews/")}
    assert set(ready.files) - set(before) == added
    unchanged = set(before) - {"README.md", "SHA256SUMS"}
    assert {name: before[name] for name in unchanged} == {name: content(dataset)[name] for name in unchanged}
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=dataset, capture_output=True, text=True)
    assert checked.returncode == 0
    assert {"LICENSE: OK", "CITATION.cff: OK", "toys-test-lossless-000000.tar: OK"} <= set(checked.stdout.splitlines())


def test_publishing_again_changes_nothing(published):
    before = content(published)
    publish(published)
    assert content(published) == before


def test_the_card_has_the_numbers_and_shows_the_pictures(published):
    text = (published / "README.md").read_text()
    for split in stats(published).splits:
        for name, number in quantities(split).items():
            row = next(
                line for line in text.splitlines() if line.startswith(f"| {name.replace('  ', '&nbsp;&nbsp;')} |")
            )
            assert f" {number} " in row
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert set(pictures) == {name for name in content(published) if name.startswith("previews/")}
    for section in ("Motivation", "Composition", "Collection", "Preprocessing", "Uses", "Limitations", "Ethics"):
        assert re.search(rf"^### {section}", text, re.MULTILINE)
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "cc-by-4.0"


def test_licence_and_citation(published):
    text = (published / "LICENSE").read_text()
    assert licence.TEXT.read_text() in text
    assert text.startswith("Toy boxes: a test 1.0.0, made with KineBench, is licensed under CC-BY-4.0")
    assert "answers for the right to show them: moss_a, planks_a, planks_b." in text
    cited = yaml.safe_load((published / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors", "type", "license"} <= set(cited)
    assert (cited["type"], cited["license"]) == ("dataset", "CC-BY-4.0")
    assert cited["references"][0]["authors"][0] == {"given-names": "David", "family-names": "Romero"}


def test_grounds_are_sorted_by_origin(tmp_path, monkeypatch):
    monkeypatch.setenv("KINEBENCH_CACHE", str(tmp_path))
    (licence.fetched_folder() / "WoodFloor051").mkdir(parents=True)
    found = licence.grounds(["mine", "WoodFloor051", "marble_01", "grass_02", "marble_01"])
    assert found == licence.Grounds(("grass_02", "marble_01"), ("WoodFloor051",), ("mine",))
    notes = " ".join(licence.ground_notes(found))
    assert "2 grounds are drawn by KineBench" in notes
    assert "AmbientCG (ambientcg.com) are CC0-1.0: WoodFloor051." in notes


def test_an_unsound_folder_is_refused_and_left_alone(dataset):
    path = dataset / "toys-train-000001.tar"
    path.write_bytes(path.read_bytes()[:9000])
    before = content(dataset)
    wanted = r"is not sound, so it is not published: \d+ faults, the first: toys-train-000001.tar"
    with pytest.raises(KineBenchError, match=wanted):
        publish(dataset)
    assert content(dataset) == before


def test_no_dataset_is_told(tmp_path):
    with pytest.raises(KineBenchError, match="no packed dataset"):
        publish(tmp_path)


@pytest.mark.parametrize("moved", range(1, 5))
def test_killed_while_files_are_replaced_it_ends_the_same(dataset, published, monkeypatch, moved):
    real, seen = Path.replace, []

    def replace(self, target):
        if Path(target).parent == dataset and self.parent.name == staging.FOLDER:
            seen.append(target)
            if len(seen) > moved:
                raise KeyboardInterrupt
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        with pytest.raises(KeyboardInterrupt):
            publish(dataset)
    assert staging.interrupted(dataset)
    publish(dataset)
    assert content(dataset) == content(published)


def test_clips_can_be_added_afterwards(published, tmp_path, make, samples, synthetic):
    make(tmp_path / "toys", samples)
    publish(tmp_path / "toys")
    make(tmp_path / "toys", [synthetic.sample("train", 5)])
    assert verify(tmp_path / "toys").sound
    publish(tmp_path / "toys")
    assert verify(tmp_path / "toys").sound
    assert "| samples | 3 | 6 |" in (tmp_path / "toys" / "README.md").read_text()
