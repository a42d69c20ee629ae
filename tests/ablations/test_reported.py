"""The paper's numbers, and that every table of it is declared."""

import re

import pytest

from kinebench.ablations import reported, table
from kinebench.errors import KineBenchError

TABLES = {name: table.load(name) for name in table.built_in()}


@pytest.mark.parametrize(
    ("place", "numbers"),
    [
        (("table1_training", "stage1_stage2"), {"mse": 47.2, "fvd": 160.3, "fvmd": 199.8, "iou": 0.367}),
        (("table2_data", "kinemask_interactions"), {"mse": 158.7, "fvd": 250.7, "fvmd": 143.8, "iou": 0.355}),
        (("table3_captions", "c0_cinfer"), {"mse": 174.4, "fvd": 238.8, "fvmd": 161.3, "iou": 0.356}),
        (("table4_backbones", "wan_kinemask"), {"mse": 211.0, "fvd": 475.6, "fvmd": 968.4, "iou": 0.257}),
    ],
)
def test_numbers_are_the_papers(place, numbers):
    assert reported.reported(*place) == numbers


def test_what_the_paper_does_not_have_is_named():
    with pytest.raises(
        KineBenchError, match=r"no table 'table2-data', it has table1_training, .*did you mean 'table2_data'"
    ):
        reported.reported("table2-data", "cogvideox")
    with pytest.raises(KineBenchError, match=r"no row of table1_training 'stage2', it has cogvideox, stage2_only"):
        reported.reported("table1_training", "stage2")


def test_every_table_of_the_paper_is_declared_with_all_its_rows():
    declared = {each.reported: [row.reported for row in each.rows if row.reported] for each in TABLES.values()}
    assert {name: sorted(rows) for name, rows in declared.items()} == {
        name: sorted(rows) for name, rows in reported.tables().items()
    }


@pytest.mark.parametrize("name", TABLES)
def test_rows_that_are_one_experiment_have_one_number(name):
    """Two rows of the paper that are the same training, told the same, must not differ: one id would be wrong."""
    experiments = {}
    for each in TABLES.values():
        for row in each.rows:
            if row.reported:
                training = each.trainings[row.training] if row.training else None
                what = training and (training.data, training.caption, training.encoding, *training.stages)
                key = (each.test, each.backbone(row), what, row.prompt, row.stage, row.told)
                experiments.setdefault(key, []).append((each.name, reported.reported(each.reported, row.reported)))
    mine = [found for found in experiments.values() if any(where == name for where, _ in found)]
    assert mine
    for found in mine:
        assert all(numbers == found[0][1] for _, numbers in found), found


def test_a_table_that_names_what_the_paper_lacks_is_refused():
    content = TABLES["table2"].content
    with pytest.raises(KineBenchError, match=re.escape("mine.toml: reported: the paper has no table 'table9'")):
        table.parse({**content, "reported": "table9"}, "mine", "mine.toml")
    rows = [{**content["rows"][0], "reported": "kinemask"}, *content["rows"][1:]]
    with pytest.raises(KineBenchError, match=r"rows.no_control: reported: there is no row 'kinemask'; table2_data of"):
        table.parse({**content, "rows": rows}, "mine", "mine.toml")
    without = {key: value for key, value in content.items() if key != "reported"}
    with pytest.raises(KineBenchError, match="it names no table of the paper"):
        table.parse(without, "mine", "mine.toml")
