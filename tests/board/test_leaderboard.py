"""What is in leaderboard/results: it is read, ranked, and of the metrics of today."""

from kinebench.board import results
from kinebench.board.standings import standings
from kinebench.board.suite import METRICS_VERSION
from kinebench.content import content

ANCHORS = {"static", "constant_velocity", "friction_discs", "codec", "reversed", "shuffled", "oracle"}
DATASETS = {"simple_motion", "interactions", "small_simple_motion", "small_interactions"}


def test_the_results_that_come_with_kinebench_are_sound():
    found = results.read(content("leaderboard") / "results")
    assert {one.metrics_version for one in found} == {METRICS_VERSION}
    measured = [table for table in standings(found).standings if table.metrics_version is not None]
    assert {table.dataset for table in measured} == DATASETS
    for table in measured:
        mse = {row.method: row.numbers["mse"] for row in table.rows}
        assert mse.keys() >= ANCHORS and len(table.clips) == 100
        assert mse["oracle"].value == 0 and mse["friction_discs"].value < mse["static"].value
        assert all(mse[name].rank is None for name in ANCHORS)
