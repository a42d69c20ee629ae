import os

import pytest

from kinebench.runners.cores import available, cores

SEEN = len(os.sched_getaffinity(0))


def test_workers_share_the_cores():
    mine = os.sched_getaffinity(0)
    places = [cores(place, 2) for place in range(2)]
    assert set().union(*places) <= mine and all(places)
    assert len(mine) < 2 or not places[0] & places[1]
    assert cores(0, 1) == mine
    assert all(cores(place, 64) for place in range(64))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, SEEN),
        ({"cpu.max": "max 100000"}, SEEN),
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "6400000 100000"}, SEEN),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, SEEN),
        ({"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}, 1),
    ],
)
def test_a_containers_quota_counts(tmp_path, files, expected):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert available(tmp_path) == expected
