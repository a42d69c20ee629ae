"""What may be compared stands in one table, as `kinebench score` says it, and nothing else does."""

import copy
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from kinebench.ablations.reported import reported
from kinebench.ablations.significance import holm
from kinebench.board import reference
from kinebench.board.standings import standings
from kinebench.errors import KineBenchError
from kinebench.scoring.summary import estimate, mean


def made(boards, rows=4, clips=12, seeds=2, seed=0):
    return boards.results(rows, clips, seeds, np.random.default_rng(seed))


def measured(results):
    """The only table that is not of the paper."""
    (found,) = [one for one in standings(results).standings if one.metrics_version is not None]
    return found


def row(table, method):
    return next(each for each in table.rows if each.method == method)


def changed(result, change):
    card = copy.deepcopy(result.card)
    change(card)
    return replace(result, card=card)


def as_anchor(result):
    method = {**result.statement["method"], "kind": "anchor"}
    return replace(result, statement={**result.statement, "method": method})


def test_values_are_means_over_clips_of_means_over_seeds(boards):
    results = made(boards, seeds=3)
    table = measured(results)
    assert len(table.rows) == 4 and len(table.columns) == 12
    for name in boards.CLIP_METRICS:
        cards = [result.card for result in results if result.method == "method-001"]
        rows = [
            [card["clips"][key]["predictions"][str(seed)]["values"][name] for seed, card in enumerate(cards)]
            for key in table.clips
        ]
        number = row(table, "method-001").numbers[name]
        said = estimate(rows, "any")
        assert number.value == mean(rows) == said.value
        assert number.n == said.n == (8 if name in boards.SPARSE else 12)
        assert (number.low, number.high) == pytest.approx((said.low, said.high), abs=0.08 * (said.high - said.low))
        samples = [value for value in row(table, "method-001").samples[name] if value is not None]
        assert np.mean(samples) == pytest.approx(number.value)


def test_distances_are_means_over_seeds_with_the_jackknife_of_the_mean(boards):
    table = measured(made(boards, seeds=2))
    results = [result.card["sets"]["fvd"] for result in made(boards, seeds=2) if result.method == "method-002"]
    number = row(table, "method-002").numbers["fvd"]
    values = [one["values"][str(seed)] for seed, one in enumerate(results)]
    assert number.value == pytest.approx(np.mean(values))
    left_out = np.mean([one["jackknife"] for one in results], axis=0)
    error = np.sqrt(11 / 12 * np.square(left_out - left_out.mean()).sum())  # of twelve clips, one a group
    assert number.high - number.value == pytest.approx(stats.t.ppf(0.975, 11) * error)


def test_all_pairs_are_tested(boards):
    table = measured(made(boards, rows=5, clips=40))
    tested = {}
    for one in range(5):
        for two in range(one + 1, 5):
            values = [np.array(table.rows[place].samples["mse"]) for place in (one, two)]
            tested[one, two] = max(stats.ttest_rel(*values).pvalue, 2.0**-39)  # what forty signs can say at most
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    shown = [pair for pair in table.pairs if pair.column == "mse"]
    assert len(shown) == 10
    for pair in shown:
        first, second = (table.rows[place].numbers["mse"].value for place in (pair.first, pair.second))
        assert pair.difference == pytest.approx(first - second) and pair.difference < 0, "the better one is first"
        assert pair.p == pytest.approx(corrected[min(pair.first, pair.second), max(pair.first, pair.second)])
        assert pair.low < pair.difference < pair.high


def test_higher_is_better_where_it_is(boards):
    table = measured(made(boards, rows=5, clips=60))
    for name in ("mse", "iou_flow"):
        best = row(table, "method-000").numbers[name]
        assert best.rank[0] == 1 and best.group == 1, name
        assert row(table, "method-004").numbers[name].rank[1] == 5, name
        assert row(table, "method-004").numbers[name].group > 1, name


def test_the_order_of_results_changes_nothing(boards):
    results = made(boards, rows=6)
    assert standings(results) == standings(results[::-1])


def test_tracks_are_ranked_apart(boards):
    results = made(boards, rows=5)
    told = [
        changed(one, lambda card: card["method"].update(privileged=True)) if one.method == "method-000" else one
        for one in results
    ]
    table = measured(told)
    assert row(table, "method-000").track == "privileged", "what ran says so, if its statement does not"
    assert row(table, "method-000").numbers["mse"].rank == (1, 1)
    assert row(table, "method-001").numbers["mse"].rank[1] <= 4
    assert not any(table.rows[pair.first].track != table.rows[pair.second].track for pair in table.pairs)


def alike(one, two):
    """Whether two rows have the same numbers; sums over tables of another shape differ in their last digit."""
    return one.numbers.keys() == two.numbers.keys() and all(
        value == (pytest.approx(other, rel=1e-12) if isinstance(value, float) else other)
        for name, number in one.numbers.items()
        for value, other in zip(vars(number).values(), vars(two.numbers[name]).values(), strict=True)
    )


def test_anchors_have_numbers_and_no_rank_and_change_nobody_s(boards):
    results = made(boards, rows=4)
    lone = measured([one for one in results if one.method != "method-000"])
    with_anchor = measured([as_anchor(one) if one.method == "method-000" else one for one in results])
    anchor = row(with_anchor, "method-000").numbers["mse"]
    assert anchor.value is not None and anchor.low < anchor.value and anchor.rank is None and anchor.group is None
    for each in lone.rows:
        assert alike(row(with_anchor, each.method), each)
    best = min(range(1, 4), key=lambda place: with_anchor.rows[place].numbers["mse"].value)
    beside = {(pair.first, pair.second) for pair in with_anchor.pairs if pair.column == "mse"}
    assert {(0, best)} <= beside, "the best method is shown against it"


def test_withdrawn_rows_are_shown_and_not_ranked(boards):
    results = made(boards, rows=4)
    gone = [replace(one, withdrawn="a wrong seed") if one.method == "method-000" else one for one in results]
    table, without = measured(gone), measured([one for one in results if one.method != "method-000"])
    assert row(table, "method-000").withdrawn == "a wrong seed"
    number = row(table, "method-000").numbers["mse"]
    assert number.value is not None and number.rank is None and number.group is None
    for each in without.rows:
        assert alike(row(table, each.method), each)
    assert not any(0 in (pair.first, pair.second) for pair in table.pairs)


def test_versions_of_the_metrics_have_tables_of_their_own(boards):
    results = made(boards, rows=2)
    newer = [replace(one, metrics_version=2) for one in results if one.method == "method-001"]
    tables = [one for one in standings([*results, *newer]).standings if one.metrics_version is not None]
    assert [one.metrics_version for one in tables] == [2, 1], "the newest first"
    assert [len(one.rows) for one in tables] == [1, 2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card["clips"]["interactions_test_000003"].update(truth="0" * 64), "1 of 12 clips differ"),
        (lambda card: card["dataset"].update(recipe_sha256="0" * 64), "recipe_sha256"),
        (lambda card: card["dataset"].update(reference="mp4"), "reference"),
        (lambda card: card["clips"].pop("interactions_test_000011"), "12 and 11, and interactions_test_000011"),
    ],
)
def test_one_name_for_two_ground_truths_is_refused(boards, change, said):
    results = made(boards, rows=2, seeds=1)
    for version in (1, 2):
        other = replace(changed(results[1], change), metrics_version=version)
        with pytest.raises(KineBenchError, match=f"method-000 1.0.0, seed 0 and method-001.*{said}"):
            standings([results[0], other])


def test_a_metric_computed_otherwise_has_no_number(boards):
    results = made(boards, rows=4, seeds=1)
    odd = changed(results[2], lambda card: card["meters"]["fvd"].update(weights="0" * 64))
    odd = changed(odd, lambda card: card["meters"]["sam2"].update(device="cpu"))
    table = measured([*results[:2], odd, results[3]])
    number = row(table, "method-002").numbers["fvd"]
    assert number.value is None and number.rank is None and number.n == 0
    assert number.reason.startswith("not computed as in this table: fvd, weights: 0000")
    assert row(table, "method-002").numbers["iou_sam2"].reason is None, "devices agree up to rounding"
    assert row(table, "method-001").numbers["fvd"].rank[1] <= 3
    assert row(table, "method-002").numbers["mse"].rank is not None


def test_a_metric_that_was_not_computed_says_why(boards):
    def without(card):
        del card["summaries"]["fvd"], card["sets"]["fvd"], card["meters"]["fvd"]
        card["unavailable"]["fvd"] = "the weights are not here"

    results = made(boards, rows=2, seeds=2)
    table = measured([changed(results[0], without), *results[1:]])
    assert row(table, "method-000").numbers["fvd"].reason == "seed 0: the weights are not here"
    alone = measured([changed(one, without) for one in results])
    assert {each.numbers["fvd"].reason for each in alone.rows} == {"seed 0: the weights are not here"}
    mixed = changed(results[0], lambda card: card["meters"]["flow"].update(opencv="5.0"))
    said = row(measured([mixed, *results[1:]]), "method-000").numbers["iou_flow"].reason
    assert said == "its seeds were computed otherwise: flow, opencv: 5.0 and 4.11.0; score them again"


def test_rows_that_show_fewer_frames_have_no_common_distance(boards):
    """Means are compared, each beside its ceiling; sets of other frames are not, even if most rows are such."""

    def short(card):
        card["sampling"].update(truth_frames=list(range(0, 49, 3)), fps=8 * 16 / 48)

    results = made(boards, rows=3, seeds=1)
    table = measured([changed(results[0], short), changed(results[1], short), results[2]])
    assert (table.frames, table.fps) == (49, 8.0)
    assert row(table, "method-000").shown == tuple(range(0, 49, 3))
    assert "sets of 17 of 49 frames and of all 49 frames" in row(table, "method-000").numbers["fvd"].reason
    assert row(table, "method-002").numbers["fvd"].rank == (1, 1)
    assert row(table, "method-000").numbers["mse"].rank is not None


@pytest.mark.parametrize(("rows", "clips"), [(1, 1), (1, 5), (3, 1), (2, 2)])
def test_small_tables_do_not_break(boards, rows, clips):
    table = measured(made(boards, rows=rows, clips=clips, seeds=1))
    number = table.rows[0].numbers["mse"]
    assert number.value is not None and (number.low is None) == (clips == 1)
    assert number.rank == (1, rows) and number.group == 1


def test_metrics_of_groups_are_means_over_groups(boards):
    catalogue = boards.metrics()["response_mass"]

    def grouped(card):
        seed = str(card["predictions"]["seeds"][0])
        skill = 0.9 if card["method"]["name"] == "method-000" else 0.3
        card["metrics"]["response_mass"] = {"meter": "flow"} | {
            part: getattr(catalogue, part)
            for part in ("version", "what", "unit", "better", "best", "scope", "headline")
        }
        card["metrics"]["response_speed"] = {**card["metrics"]["response_mass"]}
        values = [skill, skill + 0.1, None, skill - 0.05]
        card["groups"] = {
            f"g{place}": {
                "factor": "mass",
                "clips": [],
                "ceiling": {},
                "predictions": {seed: {"response_mass": value, "response_speed": None}},
            }
            for place, value in enumerate(values)
        }
        card["summaries"] |= {name: {"n": 0} for name in ("response_mass", "response_speed")}

    table = measured([changed(one, grouped) for one in made(boards, rows=2, seeds=2)])
    number = row(table, "method-000").numbers["response_mass"]
    assert (number.value, number.n) == (pytest.approx(0.9 + 0.05 / 3), 3)
    assert number.low < number.value < number.high
    assert "response_speed" not in [column.name for column in table.columns], "no clip has anything to measure"
    assert "response_mass" not in row(table, "method-000").samples


def test_a_seed_of_another_submission_is_refused(boards):
    results = made(boards, rows=1)
    with pytest.raises(KineBenchError, match="of different submissions"):
        standings([results[0], replace(results[1], submission_sha256="0" * 64)])
    with pytest.raises(KineBenchError, match="has a seed twice"):
        standings([results[0], results[0]])


def test_films_are_called_as_they_are_filed(boards):
    results = made(boards, rows=1)
    table = measured(results)
    key = table.clips[3]
    assert table.truths[3] == results[0].card["clips"][key]["truth"]
    assert table.rows[0].films[1][3] == results[1].card["clips"][key]["predictions"]["1"]["sha256"]


def test_the_paper_s_tables_stand_for_themselves(boards):
    board = standings(made(boards, rows=2))
    assert [one.metrics_version for one in board.standings] == [1] + [None] * 6
    papers = board.standings[1:]
    assert papers == reference.standings() == standings([]).standings
    assert [one.title for one in papers][::5] == ["Table 1: Ablation on training", "Table 5b: Non-uniform sampling"]
    ours = next(each for each in papers[0].rows if each.title == "Ours (1st + 2nd stage)")
    assert ours.numbers["mse"].value == reported("table1_training", "stage1_stage2")["mse"] == 47.2
    for table in papers:
        assert {each.track for each in table.rows} == {"reported"}
        assert all(number.rank is None for each in table.rows for number in each.numbers.values())
        assert not (table.pairs or table.clips)
    assert sum(len(table.rows) for table in papers) == 4 + 3 + 3 + 4 + 2 + 2


def test_many_rows_take_a_second(boards):
    results = made(boards, rows=60, clips=100, seeds=1)
    before = time.process_time()
    table = measured(results)
    assert time.process_time() - before < 5, "of one core; it takes less than 1, and 3 of 200 rows"
    assert len(table.rows) == 60 and len(table.pairs) < 12 * 2 * 60


def test_a_season_that_runs_has_means_and_no_scores_of_single_clips(boards):
    ordinary = made(boards)
    hidden = [changed(result, lambda card: card["dataset"].update(seed=None)) for result in ordinary]
    table, open_table = measured(hidden), measured(ordinary)
    assert table.hidden and not open_table.hidden
    assert all(row.samples == {} for row in table.rows) and all(len(row.samples) == 10 for row in open_table.rows)
    assert [row.numbers for row in table.rows] == [row.numbers for row in open_table.rows]
    assert table.pairs == open_table.pairs and table.clips == open_table.clips
    shown = standings(hidden, {ordinary[0].dataset}).standings[0]
    assert shown == open_table
    assert standings(hidden, {"another@1.0.0"}).standings[0] == table
