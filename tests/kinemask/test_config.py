"""The configuration: the paper's schedule by default, and one message for each mistake."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from kinebench.errors import KineBenchError
from kinebench.kinemask.config import (
    SCHEMA_PATH,
    Backbone,
    Branch,
    Config,
    Data,
    Pretraining,
    Saving,
    Stage,
    Training,
    load,
    parse,
)

LEAST = {"backbone": {"family": "cogvideox"}, "data": {"folder": "data/interactions"}}
PAGE = Path(__file__).parents[2] / "docs" / "train.md"


def changed(**rows):
    return {name: LEAST.get(name, {}) | rows.get(name, {}) for name in {*LEAST, *rows}}


def test_the_papers_schedule_is_the_default():
    config = parse(LEAST, "a.toml")
    assert (config.training.total_batch, config.training.betas) == (40, (0.9, 0.95))
    assert (config.training.max_grad_norm, config.training.precision) == (1.0, "bfloat16")
    for stage in (config.stage1, config.stage2):
        assert (stage.steps, stage.learning_rate, stage.restarts) == (1000, 1e-4, 1)
    assert (config.stage1.truncation, config.stage2.truncation) == ("full", "early")
    assert (config.stage1.start, config.stage2.start) == ("backbone", "stage1")
    assert (config.branch.layers, config.branch.weight, config.saving.every) == (8, 0.5, 250)


def test_a_row_keeps_the_other_defaults():
    config = parse(changed(stage2={"steps": 2000}, training={"betas": [0.9, 0.99]}), "a.toml")
    assert config.stage2 == Stage("early", steps=2000, start="stage1")
    assert config.training.betas == (0.9, 0.99)


def test_schema_and_classes_name_the_same_keys():
    import json

    schema = json.loads(SCHEMA_PATH.read_text())["properties"]
    for name, kind in (
        ("backbone", Backbone),
        ("branch", Branch),
        ("data", Data),
        ("pretraining", Pretraining),
        ("stage2", Stage),
        ("training", Training),
        ("saving", Saving),
    ):
        assert set(schema[name]["properties"]) == {each.name for each in dataclasses.fields(kind)}, name
    assert set(schema) == {each.name for each in dataclasses.fields(Config)} - {"source"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"training": {"total_bach": 4}}, r"training: unknown key 'total_bach' \(did you mean 'total_batch'\?\)"),
        ({"backbone": {"family": "hunyuan"}}, r"backbone.family: .*expected: cogvideox, wan or small"),
        ({"stage1": {"steps": 0}}, r"stage1.steps: 0 is less than the minimum"),
        ({"stage1": {"start": "stage1"}}, r"stage1: unknown key 'start'"),
        ({"stage2": {"warmup_steps": 1000}}, r"stage2.warmup_steps: 1000 leave nothing of 1000 steps"),
        ({"training": {"sharding": True, "optimizer": "muon"}}, r"training.sharding: Muon turns whole matrices"),
        ({"pretraining": {"architecture": "wan2"}}, r"pretraining.architecture: .*expected: cogvideox or wan"),
        ({"pretraining": {"patch_px": 4}}, r"pretraining.channels: 64 are more than the 48 values of a patch of 4x4"),
        ({"training": {"device_batch": 3}}, r"training.device_batch: 40 clips cannot be shared out by 3"),
        ({"data": {"caption_dropout": 1.5}}, r"data.caption_dropout: 1.5 is greater"),
        ({"branch": {"mask_channels": 7}}, r"branch.mask_channels: .*an even number"),
        (
            {"backbone": {"family": "wan"}, "data": {"image_noise": True}},
            r"data.image_noise: this is of CogVideoX alone",
        ),
        (
            {"backbone": {"family": "wan"}, "branch": {"image_latents": False}},
            r"branch.image_latents: .*hold the first",
        ),
        (
            {"backbone": {"family": "small"}},
            r"backbone.weights: name the folder of your small backbone; kinebench train backbone makes it",
        ),
    ],
)
def test_a_mistake_is_named(rows, said):
    with pytest.raises(KineBenchError, match=rf"a\.toml: {said}"):
        parse(changed(**rows), "a.toml")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(KineBenchError, match=r"there is no file .*none.toml; docs/train.md"):
        load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[backbone")
    with pytest.raises(KineBenchError, match=r"bad.toml: not valid TOML"):
        load(tmp_path / "bad.toml")


def test_what_decides_weights_is_not_where_things_lie():
    base = parse(LEAST, "a.toml").decides("stage1")
    elsewhere = changed(
        data={"folder": "other", "cache": "there"},
        backbone={"weights": "here"},
        training={"device_batch": 8, "workers": 0, "checkpointing": False, "compile": True, "sharding": True},
        saving={"every": 10},
        stage2={"steps": 7, "warmup_steps": 1},
    )
    assert parse(elsewhere, "b.toml").decides("stage1") == base
    for rows in ({"stage1": {"steps": 999}}, {"training": {"seed": 1}}, {"data": {"caption": "c0"}}):
        assert parse(changed(**rows), "a.toml").decides("stage1") != base


def test_the_pages_configuration_is_the_default():
    """docs/train.md shows every key with its default."""
    text = PAGE.read_text().split("```toml")[1].split("```")[0]
    table = tomllib.loads(text)
    config = parse(table, "page")
    assert config == parse({"backbone": table["backbone"], "data": {"folder": table["data"]["folder"]}}, "page")
    shown = {(part, name) for part, row in table.items() for name in row}
    every = {(part, name) for part, row in config.record.items() for name in row}
    optional = {("backbone", "weights"), ("data", "size"), ("data", "cache"), ("stage1", "start")}
    assert every - shown == optional
