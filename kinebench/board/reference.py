"""The paper's tables as tables of their own: printed numbers, whose videos nobody here has scored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinebench.ablations import reported
from kinebench.board.standing import Column, Number, Row, Standing

DATASETS = {"simple_motion": "Simple Motion", "interactions": "Interactions"}
FRAMES = 49

COLUMNS = (
    Column("mse", "mean squared error of 0-255 RGB, as printed", "", "lower", 0, "clip", True),
    Column("fvd", "Fréchet video distance, as printed", "", "lower", 0, "set", True),
    Column("fvmd", "Fréchet video motion distance, as printed", "", "lower", 0, "set", True),
    Column("iou", "overlap of masks by SAM2, as printed", "", "higher", 0, "clip", True),
)


@dataclass(frozen=True)
class Printed:
    """How the paper calls a table and its rows."""

    number: str
    title: str
    rows: Mapping[str, str]  # titles by the row's id


TABLES = {
    "table1_training": Printed(
        "Table 1",
        "Ablation on training",
        {
            "cogvideox": "CogVideoX",
            "stage2_only": "2nd stage only",
            "stage1_stage2": "Ours (1st + 2nd stage)",
            "stage1_full_masks": "1st stage w/ masks",
        },
    ),
    "table2_data": Printed(
        "Table 2",
        "Effects of data",
        {
            "cogvideox": "CogVideoX",
            "kinemask_simple": "KineMask, trained on Simple Motion",
            "kinemask_interactions": "KineMask, trained on Interactions",
        },
    ),
    "table3_captions": Printed(
        "Table 3",
        "Ablation on captions",
        {
            "c0_c0": "trained with c0, prompt c0",
            "c0_cinfer": "trained with c0, prompt c_infer",
            "c_cinfer": "trained with c, prompt c_infer",
        },
    ),
    "table4_backbones": Printed(
        "Table 4",
        "Comparison of different model backbones",
        {
            "wan_baseline": "Wan, baseline",
            "wan_kinemask": "Wan, KineMask",
            "cogvideox_baseline": "CogVideoX, baseline",
            "cogvideox_kinemask": "CogVideoX, KineMask",
        },
    ),
    "table5a_velocity_encoding": Printed("Table 5a", "Velocity encoding", {"v0": "v_0", "vt": "v_t (ours)"}),
    "table5b_dropout_sampling": Printed(
        "Table 5b", "Non-uniform sampling", {"uniform": "Uniform", "non_uniform": "Non-uniform (ours)"}
    ),
}
"""In the words of the paper. Its study, Figure 4, prints no number."""


def standings() -> tuple[Standing, ...]:
    """Tables 1 to 5b: no interval, no rank, no version, and no clip to look at."""
    return tuple(_standing(name) for name in TABLES)


def _standing(name: str) -> Standing:
    printed, content = TABLES[name], reported.printed(name)
    return Standing(
        dataset=DATASETS[content["test_set"]],
        version="",
        split="test",
        metrics_version=None,
        columns=COLUMNS,
        rows=tuple(_row(name, each["id"]) for each in content["rows"]),
        clips=(),
        truths=(),
        fps=0.0,
        frames=FRAMES,
        title=f"{printed.number}: {printed.title}",
    )


def _row(table: str, row: str) -> Row:
    said: dict[str, Any] = {"source": reported.source(), "table": TABLES[table].number}
    return Row(
        method=row.replace("_", "-"),
        revision="",
        track="reported",
        title=TABLES[table].rows[row],
        seeds=(),
        numbers={name: Number(value, None, None, 0) for name, value in reported.reported(table, row).items()},
        statement=said,
        samples={},
        films={},
    )
