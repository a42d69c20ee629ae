import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from kinebench import recipe as recipes
from kinebench.errors import KineBenchError
from kinebench.metrics import catalogue
from kinebench.metrics.catalogue import Setup
from kinebench.scene.variant import variant_of
from kinebench.scoring import scorecard, scorer
from kinebench.scoring.groups import Group, whole_groups
from kinebench.scoring.scorer import score

KEYS = [f"toys_test_{i:06d}" for i in range(6)]
GROUPS = (
    Group("000000", "speed", ((KEYS[0], 0.5), (KEYS[1], 1.0))),
    Group("000001", "mass", ((KEYS[2], 1.0), (KEYS[3], 4.0))),
)


def inverted(frames):
    return 255 - frames


@pytest.fixture
def card(counted, predict, data, tmp_path):
    return score(predict(tmp_path / "mine"), data)


def test_it_says_everything_and_in_the_schema(card, data):
    jsonschema.validate(card, scorecard.schema())
    assert json.loads(scorecard.dump(card)) == card == scorecard.parse(scorecard.dump(card), "x")
    assert card["dataset"]["clips"] == 6
    assert (card["dataset"]["reference"], card["dataset"]["seed"], card["dataset"]["split"]) == ("lossless", 7, "test")
    assert list(card["clips"]) == KEYS
    assert list(card["meters"]) == ["pixel", "counting"]
    assert card["meters"]["counting"] == {"option": 0}
    assert card["metrics"]["spread"] == {
        "meter": "counting",
        "version": 1,
        "what": "of all clips",
        "unit": "",
        "better": "lower",
        "best": 0,
        "scope": "set",
        "headline": True,
    }
    assert (card["unavailable"], card["unusable"]) == ({}, [])


def test_a_summary_is_the_mean_of_its_clips(card, clips):
    values = {key: one["predictions"]["0"]["values"] for key, one in card["clips"].items()}
    for key, frames in clips.items():
        assert values[key]["darkness"] == 255 - frames[:1].mean()
    found = card["summaries"]["darkness"]
    assert found["value"] == pytest.approx(np.mean([one["darkness"] for one in values.values()]))
    assert found["ceiling"] == pytest.approx(np.mean([255 - frames.mean() for frames in clips.values()]))
    assert found["low"] < found["value"] < found["high"]
    assert card["summaries"]["moving"]["n"] == 5, "one clip has nothing to measure"
    assert values[KEYS[1]]["moving"] is None


def test_the_same_inputs_give_the_same_bytes(counted, predict, data, tmp_path, cache):
    folder = predict(tmp_path / "mine")
    one = scorecard.dump(score(folder, data, workers=1))
    assert scorecard.dump(score(folder, data)) == one, "from the store"
    shutil.rmtree(cache)
    assert scorecard.dump(score(folder, data, workers=2)) == one, "anew, by more workers"
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copytree(folder, tmp_path / "elsewhere" / "mine")
    assert scorecard.dump(score(moved, shutil.copytree(data, tmp_path / "data"))) == one, "in another place"
    for name in ("mine", "data", "elsewhere"):
        assert str(tmp_path / name).encode() not in one


def test_a_tar_scores_as_the_folder_does(counted, predict, data, tmp_path):
    folder = predict(tmp_path / "mine")
    shutil.make_archive(str(tmp_path / "mine"), "tar", folder)
    assert score(tmp_path / "mine.tar", data) == score(folder, data)


def test_seeds_are_scored_each_and_averaged(counted, predict, data, tmp_path):
    folder = predict(predict(tmp_path / "mine", seed=0), inverted, seed=4)
    found = score(folder, data)
    assert found["predictions"]["seeds"] == [0, 4]
    cells = [[one["predictions"][seed]["values"]["darkness"] for seed in "04"] for one in found["clips"].values()]
    assert found["summaries"]["darkness"]["value"] == pytest.approx(np.mean(cells))
    assert found["summaries"]["darkness"]["n"] == 6
    spread = found["sets"]["spread"]
    assert found["summaries"]["spread"]["value"] == pytest.approx(np.mean(list(spread["values"].values())))
    alone = score(predict(tmp_path / "one", inverted), data)
    assert alone["sets"]["spread"]["values"]["0"] == spread["values"]["4"]


def test_a_set_with_an_unusable_clip_has_no_number(counted, predict, data, tmp_path):
    folder = predict(tmp_path / "mine")
    whole = score(folder, data)
    (folder / f"{KEYS[4]}.mkv").unlink()
    found = score(folder, data)
    assert "spread" not in found["summaries"]
    assert found["unavailable"]["spread"].startswith("1 of 6 predictions are unusable, and a distance between sets has")
    assert found["unusable"] == [
        {"key": KEYS[4], "seed": 0, "reason": "is missing", "remedy": f"add {KEYS[4]}.mp4"},
    ]
    assert found["clips"][KEYS[4]]["predictions"]["0"] == {
        "status": "unusable",
        "sha256": None,
        "values": {
            "mse": 65025.0,
            "psnr": 0.0,
            "ssim": -1.0,
            "mse_moving": 65025.0,
            "mse_background": 65025.0,
            "darkness": 255.0,
            "moving": 0.0,
        },
    }
    assert found["summaries"]["darkness"]["n"] == 6
    assert found["summaries"]["darkness"]["value"] > whole["summaries"]["darkness"]["value"]
    jsonschema.validate(found, scorecard.schema())


def test_a_worst_case_never_beats_a_prediction(counted, predict, data, tmp_path):
    folder = predict(tmp_path / "mine", inverted)
    whole = score(folder, data, names=("pixel",))["summaries"]
    for key in KEYS[:3]:
        (folder / f"{key}.mkv").unlink()
    partly = score(folder, data, names=("pixel",))["summaries"]
    for name, worse in (("mse", 1), ("mse_moving", 1), ("mse_background", 1), ("psnr", -1), ("ssim", -1)):
        assert worse * partly[name]["value"] > worse * whole[name]["value"]


def test_distances_are_kept_too(counted, predict, data, tmp_path, monkeypatch):
    folder = predict(tmp_path / "mine")
    one, stages = score(folder, data), []
    assert score(folder, data, note=lambda stage, done, whole: stages.append(stage)) == one
    assert set(stages) == {"hashing"}


def test_the_floor_of_another_seed(counted, predict, data, tmp_path, clips):
    folder = predict(tmp_path / "mine")
    assert {key: score(folder, data)["summaries"]["spread"][key] for key in ("floor_n", "floor_of")} == {
        "floor_n": 3,
        "floor_of": "halves",
    }
    other = shutil.copytree(data, tmp_path / "other")
    with pytest.raises(KineBenchError, match=r"it has seed 7, as .*generate it with another"):
        score(folder, data, floor=other)
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "seed": 8}))
    found = score(folder, data, floor=other)["summaries"]["spread"]
    assert (found["floor"], found["floor_n"], found["floor_of"]) == (0.0, 6, "another seed"), "the same clips"
    index = [json.loads(line) for line in (other / "index.jsonl").read_text().splitlines()]
    for row in index:
        row["members"].pop("rgb.mkv", None)
    (other / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in index))
    counted()
    with pytest.raises(KineBenchError, match=r"its test split has mp4 frames, that of --data has lossless; generate"):
        score(predict(tmp_path / "new", lambda frames: frames), data, floor=other)
    assert counted() == [], "it is said before anything is read"
    (other / "manifest.json").write_text(json.dumps({**manifest, "recipe_sha256": "0" * 64}))
    with pytest.raises(KineBenchError, match="is of another recipe"):
        score(folder, data, floor=other)


def test_groups_are_answered_as_wholes(counted, predict, data, tmp_path, monkeypatch):
    monkeypatch.setattr(scorer, "whole_groups", lambda shards, split: GROUPS)
    folder = predict(tmp_path / "mine")
    found = score(folder, data)
    assert list(found["groups"]) == ["000000", "000001"]
    assert found["groups"]["000001"]["factor"] == "mass"
    assert found["groups"]["000001"]["ceiling"] == {"answer": 1.0}
    answers = [group["predictions"]["0"]["answer"] for group in found["groups"].values()]
    assert found["summaries"]["answer"]["value"] == pytest.approx(np.mean(answers))
    assert (found["summaries"]["answer"]["n"], found["summaries"]["answer"]["ceiling"]) == (2, 1.0)
    (folder / f"{KEYS[0]}.mkv").unlink()
    found = score(folder, data)
    assert found["groups"]["000000"]["predictions"]["0"] == {"answer": 0.0}
    jsonschema.validate(found, scorecard.schema())


def test_without_groups_there_is_nothing_to_answer(card):
    assert card["groups"] == {}
    assert card["summaries"]["answer"] == {"value": None, "low": None, "high": None, "n": 0, "ceiling": None}


class Records:
    """As much of a dataset as groups are made of."""

    folder = "here"

    def __init__(self, recipe, clips):
        self.manifest = type("Manifest", (), {"recipe": recipe.record})
        self._variants = {f"k{i:06d}": variant_of(recipe.counterfactual, i) for i in range(clips)}

    def keys(self, split):
        return tuple(self._variants)

    def record(self, key):
        one = self._variants[key]
        return {"counterfactual": {"group": f"{one.group:06d}", "factor": one.factor, "value": one.value}}


@pytest.mark.parametrize(("clips", "groups"), [(23, 5), (22, 4), (24, 5), (46, 10)])
def test_only_whole_groups_count(counterfactual, clips, groups):
    found = whole_groups(Records(counterfactual, clips), "test")
    assert [group.name for group in found] == [f"{i:06d}" for i in range(groups)]
    assert [group.factor for group in found[:5]] == ["speed", "direction", "presence", "mass", "friction"][:groups]
    assert [len(group.clips) for group in found[:4]] == [5, 8, 2, 4]
    assert isinstance(counterfactual, recipes.Recipe)


def test_names_of_metrics_and_of_meters(counted, predict, data, tmp_path):
    folder = predict(tmp_path / "mine")
    found = score(folder, data, names=("darkness", "pixel"))
    assert list(found["metrics"]) == ["mse", "psnr", "ssim", "mse_moving", "mse_background", "darkness"]
    assert list(found["summaries"]) == list(found["metrics"])
    assert list(score(folder, data, names=("spread",))["clips"][KEYS[0]]["ceiling"]) == []
    with pytest.raises(KineBenchError, match="there is no metric or meter 'darknes'; did you mean 'darkness'"):
        score(folder, data, names=("darknes",))


def test_a_metric_named_as_its_meter_is_that_metric():
    meters, wanted = catalogue.choose(("fvd",), Setup())
    assert ([meter.name for meter in meters], wanted) == (["fvd"], {"fvd"})
    everything = catalogue.choose((), Setup())
    assert [meter.name for meter in everything[0]] == list(catalogue.METERS)
    assert "kvd" in everything[1]


def test_absent_weights_leave_the_other_columns(predict, data, tmp_path):
    found = score(predict(tmp_path / "mine"), data, names=("mse", "fvd", "kvd", "fvmd", "iou_sam2"))
    assert list(found["summaries"]) == ["mse"]
    assert list(found["unavailable"]) == ["fvd", "kvd", "fvmd", "iou_sam2"]
    for reason in found["unavailable"].values():
        assert "kinebench weights fetch" in reason
    assert (found["device"], list(found["meters"])) == ("cpu", ["pixel"])


def test_a_file_that_is_no_scorecard_is_not_overwritten(card, tmp_path):
    place = tmp_path / "scores.json"
    scorecard.write(card, place)
    scorecard.write(card, place)
    assert scorecard.load(place) == card
    for content in (b"{}", b"mine", b"[1]"):
        place.write_bytes(content)
        with pytest.raises(KineBenchError, match="is there already and is no scorecard"):
            scorecard.write(card, place)
        assert place.read_bytes() == content
        with pytest.raises(KineBenchError, match="is no scorecard"):
            scorecard.load(place)
    with pytest.raises(KineBenchError, match="there is no folder"):
        scorecard.check_place(tmp_path / "nowhere" / "scores.json")
    with pytest.raises(KineBenchError, match="cannot read"):
        scorecard.load(tmp_path / "absent.json")
    with pytest.raises(KineBenchError, match="File name too long; name another file"):
        scorecard.check_place(tmp_path / f"{'s' * 300}.json")
    with pytest.raises(KineBenchError, match=r"--out /proc/scores\.json: .*; name another file"):
        scorecard.write(card, Path("/proc/scores.json"))  # where nothing can be written, whoever tries


def test_other_versions_and_damaged_cards_are_refused(card):
    with pytest.raises(KineBenchError, match="has schema version 1, this KineBench reads 2; score again"):
        scorecard.parse(scorecard.dump({**card, "schema_version": 1}), "x")
    with pytest.raises(KineBenchError, match=r"x: \$\.device: 3 is not of type 'string'"):
        scorecard.parse(scorecard.dump({**card, "device": 3}), "x")
