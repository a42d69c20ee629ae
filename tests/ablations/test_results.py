"""A table's numbers from real scorecards, changed where a test says so."""

import copy
import dataclasses
import json

import numpy as np
import pytest
from scipy import stats

from kinebench.ablations import plan as plans
from kinebench.ablations import scale, stamp, table
from kinebench.ablations.answer import answer
from kinebench.ablations.folder import Written
from kinebench.ablations.results import Difference, plain, results
from kinebench.ablations.stamp import Stamp
from kinebench.cli.ablate_results import print_results
from kinebench.errors import KineBenchError
from kinebench.metrics import catalogue
from kinebench.metrics.catalogue import Setup
from kinebench.metrics.resampling import Jackknife, paired_jackknife
from kinebench.scoring import scorecard, truths
from kinebench.scoring.scorer import score
from kinebench.shards import video

CLIPS, METRICS = 8, ("mse", "iou_flow", "velocity_error", "fvmd_lk")
TABLE = table.load("table1")
SHIFTS = {"no_control_c": 100, "no_control": 90, "second_alone": 40, "second_alone_longer": 20, "two_stages": 20}


@pytest.fixture(scope="module")
def card(tmp_path_factory, synthetic, make):
    """Of frozen first frames, scored for real: eight clips, seed 0."""
    data, videos = tmp_path_factory.mktemp("table") / "toys", tmp_path_factory.mktemp("videos")
    make(data, [synthetic.sample("test", i, companions=("lossless",)) for i in range(CLIPS)], samples_per_shard=8)
    shards = truths.open_truths(data, "test")
    (videos / "seed-0").mkdir()
    for key in shards.keys("test"):
        frames = video.decode_rgb(shards.member(key, "rgb.mkv"))
        still = np.repeat(frames[:1], len(frames), axis=0)
        (videos / "seed-0" / f"{key}.mkv").write_bytes(video.encode_lossless_rgb(still, 12))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        found = score(videos, data, names=METRICS)
    assert "16 frames" in found["unavailable"].pop("fvmd_lk"), "these clips are too short: a distance is made up"
    found["meters"]["fvmd_lk"] = catalogue.meter("fvmd_lk", Setup()).configuration
    left_out = [400 + 10 * place for place in range(CLIPS)]
    found["sets"]["fvmd_lk"] = {"values": {"0": 430.0}, "jackknife": left_out}
    floor = {"floor": None, "floor_n": 4, "floor_of": "halves"}
    found["summaries"]["fvmd_lk"] = {"value": 430.0, "low": None, "high": None, "n": CLIPS, **floor}
    return found


@pytest.fixture(scope="module")
def plan():
    tiny = scale.load("tiny")
    return plans.plan([TABLE], dataclasses.replace(tiny, metrics=METRICS))


@pytest.fixture
def cards(card, plan, tmp_path):
    """Scorecards of all cells, written by `write(change)`; `change(card, row, seed)` may change each before."""

    def write(change=None):
        spread(card, plan, tmp_path, change)
        return tmp_path

    return write


def spread(card, plan, out, change=None):
    """One scorecard for each cell: the row's MSE is shifted, and has a bit of noise."""
    for cell in plan.cells:
        made = reseeded(card, cell.seed)
        rng = np.random.default_rng([cell.seed, len(cell.row)])
        for clip in made["clips"].values():
            clip["predictions"][str(cell.seed)]["values"]["mse"] += SHIFTS.get(cell.row, 0) + rng.normal()
        if change:
            change(made, cell.row, cell.seed)
        place = out / plan.task(cell.scores).made
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(scorecard.dump(made))


@pytest.fixture(scope="module")
def pair(card, plan, tmp_path_factory):
    """The first pair, and its columns by name."""
    out = tmp_path_factory.mktemp("out")
    spread(card, plan, out)
    found = results(plan, TABLE, out)
    return found.pairs[0], {column.name: column for column in found.columns}


def reseeded(card, seed):
    """The same videos, as if made with another seed."""
    made = copy.deepcopy(card)
    made["predictions"]["seeds"] = [seed]
    for part in (*made["clips"].values(), *made["groups"].values()):
        part["predictions"] = {str(seed): part["predictions"]["0"]}
    for kept in made["sets"].values():
        kept["values"] = {str(seed): kept["values"]["0"]}
    return made


def values(out, plan, row, metric):
    """(C, S), read by hand."""
    cells = [cell for cell in plan.cells if cell.row == row]
    found = [json.loads((out / plan.task(cell.scores).made).read_bytes())["clips"] for cell in cells]
    return np.array(
        [
            [
                clips[key]["predictions"][str(cell.seed)]["values"][metric]
                for clips, cell in zip(found, cells, strict=True)
            ]
            for key in found[0]
        ],
        dtype=float,
    )


def by_id(found):
    return {each.row.id: each for each in found.rows}


def test_rows_are_means_over_clips_and_seeds(cards, plan):
    out = cards()
    found = results(plan, TABLE, out)
    assert (found.table, found.clips, found.seeds) == ("table1", CLIPS, (0, 1, 2))
    assert [row.row.id for row in found.rows] == [row.id for row in TABLE.rows]
    for row in found.rows:
        table = values(out, plan, row.row.id, "mse")
        value = row.values["mse"]
        assert value.mean == pytest.approx(table.mean())
        assert list(value.by_seed.values()) == pytest.approx(list(table.mean(axis=0)))
        assert value.low < value.mean < value.high
    steps = {row.row.id: row.steps for row in found.rows}
    assert steps == {
        "no_control_c": 0, "no_control": 0, "second_alone": 500, "second_alone_longer": 1000, "two_stages": 1000,
        "full_masks": 500,
    }  # fmt: skip


def test_columns_say_what_stands_beside_the_papers(cards, plan):
    found = results(plan, TABLE, cards())
    columns = {column.name: (column.reported, column.same, column.better, column.scope) for column in found.columns}
    assert columns == {
        "mse": ("mse", True, "lower", "clip"),
        "iou_flow": ("iou", False, "higher", "clip"),
        "velocity_error": (None, False, "lower", "clip"),
        "fvmd_lk": ("fvmd", False, "lower", "set"),
    }
    assert tuple(columns) == METRICS, "in the scale's order"
    rows = by_id(found)
    assert rows["two_stages"].reported == {"mse": 47.2, "iou_flow": 0.367, "fvmd_lk": 199.8}
    assert rows["no_control"].reported == {}, "the paper has no such row"


def test_pairs_are_paired_by_clip_and_seed(cards, plan):
    """Clips differ by hundreds, the two rows by 20 and a bit of noise on every one: that is clear all the same."""
    out = cards()
    found = results(plan, TABLE, out)
    pairs = {(pair.pair.first, pair.pair.second): pair for pair in found.pairs}
    clear = pairs["two_stages", "second_alone"]
    apart = values(out, plan, "two_stages", "mse") - values(out, plan, "second_alone", "mse")
    assert clear.differences["mse"].mean == pytest.approx(apart.mean())
    assert clear.differences["mse"].high < 0
    assert (clear.differences["mse"].better, clear.same_steps) == ("first", False)
    assert clear.reported["mse"] == pytest.approx(47.2 - 86.3)
    even = pairs["two_stages", "second_alone_longer"]
    assert (even.differences["mse"].better, even.same_steps, even.reported) == ("not clear", True, {})
    assert even.differences["mse"].p > 0.05
    same = even.differences["iou_flow"]
    assert (same.mean, same.low, same.high, same.p, same.better) == (0, 0, 0, 1, "not clear"), "the same videos"
    ordered = sorted((pair.differences["mse"] for pair in found.pairs), key=lambda one: one.p)
    assert ordered[0].p_holm == pytest.approx(4 * ordered[0].p), "of four pairs"
    assert all(one.p_holm >= one.p for one in ordered)


def test_higher_is_better_for_overlaps(cards, plan):
    def change(card, row, seed):
        if row == "two_stages":
            for place, clip in enumerate(card["clips"].values()):
                clip["predictions"][str(seed)]["values"]["iou_flow"] = 0.9 + 0.001 * place
            card["summaries"]["iou_flow"]["value"] = 0.9

    found = results(plan, TABLE, cards(change))
    assert found.pairs[1].differences["iou_flow"].better == "first"
    assert found.pairs[3].differences["iou_flow"].better == "second"


def test_a_clip_without_a_value_is_left_out_of_all_that_need_it(cards, plan, card):
    hidden = next(iter(card["clips"]))

    def change(card, row, seed):
        if (row, seed) == ("two_stages", 1):
            card["clips"][hidden]["predictions"]["1"]["values"]["mse"] = None

    out = cards(change)
    found = results(plan, TABLE, out)
    row = by_id(found)["two_stages"].values["mse"]
    assert (row.left_out, by_id(found)["second_alone"].values["mse"].left_out) == (1, 0)
    assert row.mean == pytest.approx(values(out, plan, "two_stages", "mse")[1:].mean())
    assert [pair.differences["mse"].left_out for pair in found.pairs] == [0, 1, 1, 1]


def test_a_distance_of_sets_has_the_jackknifes_interval(cards, plan):
    """With one seed it is that of `kinebench compare`; here all three seeds have one value, and it is no wider."""

    def change(card, row, seed):
        if row == "two_stages":
            rng = np.random.default_rng(1)
            kept = card["sets"]["fvmd_lk"]
            kept["values"][str(seed)] -= 50
            kept["jackknife"] = [value - 50 + rng.normal() for value in kept["jackknife"]]

    out = cards(change)
    found = results(plan, TABLE, out)
    cells = {cell.row: json.loads((out / plan.task(cell.scores).made).read_bytes()) for cell in plan.cells}
    kept = [cells[row]["sets"]["fvmd_lk"] for row in ("two_stages", "second_alone")]
    one, two = (Jackknife(*each["values"].values(), tuple(each["jackknife"]), CLIPS) for each in kept)
    assert len(one.left_out) == CLIPS
    expected, difference = paired_jackknife(one, two).interval, found.pairs[1].differences["fvmd_lk"]
    assert difference.mean == pytest.approx(-50)
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
    assert difference.better == "first"
    assert by_id(found)["two_stages"].values["fvmd_lk"].mean == pytest.approx(next(iter(kept[0]["values"].values())))


def test_one_seed_says_clips_alone(cards, plan):
    out = cards()
    tiny = dataclasses.replace(plan.scale, seeds=(0,))
    found = results(plans.plan([TABLE], tiny), TABLE, out)
    value = by_id(found)["second_alone"].values["mse"]
    expected = stats.ttest_1samp(values(out, plan, "second_alone", "mse")[:, 0], 0).confidence_interval()
    assert (value.low, value.high) == pytest.approx(expected)


def test_times_are_measured_where_there_are_stamps(cards, plan):
    out = cards()
    foreseen = by_id(results(plan, TABLE, out))["two_stages"]
    tasks = {task.id: task for task in plan.tasks}
    cell = next(cell for cell in plan.cells if (cell.row, cell.seed) == ("two_stages", 0))
    last = next(tasks[name] for name in tasks[cell.videos].needs if tasks[name].kind == "stage2")
    stages = [next(tasks[name] for name in last.needs if tasks[name].kind == "stage1"), last]
    assert foreseen.train_s == pytest.approx(sum(task.seconds for task in stages))
    for task, seconds in zip((*stages, tasks[cell.videos]), (100.0, 200.0, 96.0), strict=True):
        stamp.write(out, Stamp(task.id, True, seconds, seconds, 1.0, 1, {}, {}))
    measured = by_id(results(plan, TABLE, out))["two_stages"]
    assert measured.train_s == pytest.approx((300 + 2 * foreseen.train_s) / 3), "on average over seeds"
    assert measured.video_s == pytest.approx((96 / tasks[cell.videos].units + 2 * foreseen.video_s) / 3)


def test_what_is_missing_is_named(cards, plan):
    out = cards()
    cell = next(cell for cell in plan.cells if (cell.row, cell.seed) == ("full_masks", 2))
    (out / plan.task(cell.scores).made).unlink()
    with pytest.raises(KineBenchError, match=r"table1: scores are missing; run .*\n  row full_masks, seed 2: .*json"):
        results(plan, TABLE, out)
    with pytest.raises(KineBenchError, match="the plan has no table table2"):
        results(plan, table.load("table2"), out)


def other_truth(card):
    next(iter(card["clips"].values()))["truth"] = "0" * 64


def fewer_clips(card):
    card["clips"].popitem()


def other_seed(card):
    card["predictions"]["seeds"] = [7]


def no_distance(card):
    del card["summaries"]["fvmd_lk"]
    card["unavailable"]["fvmd_lk"] = "1 of 8 predictions are unusable"


def other_options(card):
    card["meters"]["flow"]["opencv"] = "3.0"


def other_frames(card):
    card["sampling"]["truth_frames"] = card["sampling"]["truth_frames"][::2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_truth, "ground truth: 1 of 8 clips differ"),
        (fewer_clips, "it is of other clips than row no_control_c, seed 0"),
        (other_seed, r"it has scores of the seeds \[7\]"),
        (no_distance, "no fvmd_lk: 1 of 8 predictions are unusable"),
        (other_options, "flow, opencv: 3.0 and"),
        (other_frames, "it shows other frames of the clips than row no_control_c, seed 0"),
    ],
)
def test_cards_that_cannot_stand_side_by_side_are_refused(cards, plan, change, said):
    out = cards(lambda card, row, seed: change(card) if (row, seed) == ("two_stages", 1) else None)
    with pytest.raises(
        KineBenchError, match=f"table1: there is no table .*\n  row two_stages, seed 1: .*(.|\n)*{said}"
    ):
        results(plan, TABLE, out)


def test_a_metric_that_nobody_scored_is_no_empty_column(cards, plan):
    wider = dataclasses.replace(plan, scale=dataclasses.replace(plan.scale, metrics=(*METRICS, "psnr")))
    with pytest.raises(KineBenchError, match="row no_control_c, seed 0 and 17 more: no psnr: it was not asked for"):
        results(wider, TABLE, cards())


def test_a_meter_stands_for_its_metrics(cards, plan):
    whole = dataclasses.replace(plan, scale=dataclasses.replace(plan.scale, metrics=("flow", "mse", "iou_flow")))
    assert [each.name for each in results(whole, TABLE, cards()).columns] == ["iou_flow", "velocity_error", "mse"]


def test_they_are_json_and_the_same_each_time(cards, plan):
    out = cards()
    text = json.dumps(plain(results(plan, TABLE, out)), allow_nan=False)
    assert text == json.dumps(plain(results(plan, TABLE, out)), allow_nan=False)
    read = json.loads(text)
    assert read["rows"][2]["values"]["mse"]["by_seed"].keys() == {"0", "1", "2"}
    assert read["pairs"][1]["pair"]["asks"] == TABLE.pairs[1].asks


def difference(mean, low, high, p, better="not clear", p_holm=None):
    return Difference(mean, low, high, p, p if p_holm is None else p_holm, better, 0)


@pytest.mark.parametrize(
    ("metric", "found", "paper", "asks", "said"),
    [
        ("mse", difference(-12.0, -26.0, -2.0, 0.03, "first"), -5, "Is it?",
         "Yes: A is better than B in MSE by 12.00 (2.000 to 26.00), p = 0.030, as in the paper."),
        ("mse", difference(12.0, 2.0, 26.0, 0.03, "second"), -5, "Is it?",
         "No: B is better than A in MSE by 12.00 (2.000 to 26.00), p = 0.030, not as in the paper."),
        ("iou_flow", difference(0.2, 0.1, 0.3, 0.0001, "first"), None, "Does it help?",
         "Yes: A is better than B in IoU by flow by 0.200 (0.100 to 0.300), p < 0.001."),
        ("iou_flow", difference(0.2, 0.1, 0.3, 0.0001, "first"), -0.1, "Which is better?",
         "A is better than B in IoU by flow by 0.200 (0.100 to 0.300), p < 0.001, not as in the paper."),
        ("mse", difference(-3.0, -10.0, 4.0, 0.4), 7, "Which is better?",
         "Not clear: A is ahead of B in MSE by 3.000 (4.000 worse to 10.00 better), p = 0.40; in the paper B"
         " is ahead."),
        ("iou_flow", difference(-3.0, -10.0, 4.0, 0.4), None, "Is it?",
         "Not clear: B is ahead of A in IoU by flow by 3.000 (4.000 worse to 10.00 better), p = 0.40."),
        ("mse", difference(-12.0, -26.0, -2.0, 0.03, p_holm=0.09), None, "Is it?",
         "Not clear: A is ahead of B in MSE by 12.00 (2.000 to 26.00), p = 0.090 after correction."),
        ("mse", difference(0.0, 0.0, 0.0, 1.0), None, "Is it?",
         "Not clear: A and B are equal in MSE (0.000 to 0.000), p = 1.00."),
        ("mse", difference(-3.0, None, None, None), None, "Is it?",
         "Not clear: A is ahead of B in MSE by 3.000, and how sure that is cannot be said of so few clips."),
        ("mse", difference(None, None, None, None), -3, "Is it?", "MSE: there was nothing to measure."),
    ],
)  # fmt: skip
def test_answers_are_sentences(pair, metric, found, paper, asks, said):
    one, columns = pair
    made = dataclasses.replace(
        one,
        pair=dataclasses.replace(one.pair, asks=asks),
        differences={metric: found},
        reported={} if paper is None else {metric: paper},
        labels=("A", "B"),
    )
    assert answer(made, columns[metric]) == said
    quoted = answer(dataclasses.replace(made, labels=("A, longer", "B")), columns[metric])
    assert "“A, longer”" in quoted or found.mean is None


def test_the_terminal_shows_all_in_120_columns(cards, plan, capsys):
    out = cards()
    print_results(TABLE, Written(results(plan, TABLE, out), out / "table1" / "report.html"))
    lines = capsys.readouterr().out.splitlines()
    boxes = [line for line in lines if line[:1] in ("┏", "┃", "┡", "│", "└")]
    assert boxes
    assert max(map(len, boxes)) <= 120
    shown = "\n".join(lines)
    for text in (*(pair.asks for pair in TABLE.pairs), "47.20", "0.367", "±", "Yes: ", "Not clear: ", "paper*"):
        assert text in shown
    assert not any("…" in line for line in boxes), "nothing is cut off"
    assert lines[-1].endswith("report.html")
