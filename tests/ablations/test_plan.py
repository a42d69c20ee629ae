import copy
import tomllib

import pytest

from kinebench.ablations import scale, table
from kinebench.ablations.plan import plan
from kinebench.kinemask import config as kinemask
from kinebench.methods import method


def ids(kind, name="tiny", **config):
    content = copy.deepcopy(dict(scale.load(name).content))
    for section, values in config.items():
        content["config"][section] |= values
    work = plan([table.load("table3")], scale.parse(content, "mine", "mine.toml"))
    return {task.id for task in work.tasks if task.kind == kind}


def test_what_decides_latents_is_in_their_id():
    latents, stages = ids("latents", "paper"), ids("stage1", "paper")
    assert latents == ids("latents", "paper", training={"weight_decay": 0.5})
    assert latents.isdisjoint(ids("latents", "paper", training={"precision": "float32"}))
    assert latents.isdisjoint(ids("latents", "paper", data={"mirror": True}))
    assert stages.isdisjoint(ids("stage1", "paper", training={"weight_decay": 0.5}))
    assert latents and stages and ids("data") == ids("data", training={"precision": "float32"})


def test_latents_of_other_captions_come_after_those_that_they_share():
    work = plan([table.load("table3"), table.load("table5a")], scale.load("tiny"))
    first, second = (task for task in work.tasks if task.kind == "latents")
    assert second.after == (first.id,) and not first.after and second.id not in second.after
    alone = plan([table.load("table5a")], scale.load("tiny"))
    (same,) = (task for task in alone.tasks if task.kind == "latents")
    assert same.id == second.id and not same.after and same.seconds == first.seconds


def test_another_version_of_a_method_makes_other_videos(monkeypatch):
    before = ids("videos")
    found = method.find("kinemask_small")
    newer = type(found)(**{**vars(found), "version": "1.1.0"})
    monkeypatch.setattr(method, "find", lambda name: newer if name == "kinemask_small" else found)
    assert ids("videos").isdisjoint(before)


def test_other_published_weights_make_other_latents_and_videos(monkeypatch):
    before = {kind: ids(kind, "paper") for kind in ("data", "latents", "videos")}
    found = {name: method.find(name) for name in ("cogvideox", "kinemask")}
    other = method.Weights("", hub="a/b", revision="another")
    newer = {name: type(each)(**{**vars(each), "weights": {"model": other}}) for name, each in found.items()}
    monkeypatch.setattr(method, "find", newer.__getitem__)
    now = {kind: ids(kind, "paper") for kind in before}
    assert now["data"] == before["data"]
    assert now["latents"].isdisjoint(before["latents"]) and now["videos"].isdisjoint(before["videos"])


@pytest.mark.parametrize("name", ["tiny", "paper"])
def test_the_order_of_keys_in_a_scale_does_not_matter(name):
    content = copy.deepcopy(dict(scale.load(name).content))

    def turned(value):
        return {key: turned(each) for key, each in reversed(value.items())} if isinstance(value, dict) else value

    work = [plan([table.load("table1")], scale.parse(each, "s", "s.toml")) for each in (content, turned(content))]
    assert {task.id for task in work[0].tasks} == {task.id for task in work[1].tasks}


@pytest.mark.parametrize("name", ["tiny", "paper"])
def test_a_second_stage_knows_how_long_the_first_was(name):
    found = plan([table.load("table1"), table.load("table5b")], scale.load(name))
    tasks = {task.id: task for task in found.tasks}
    begun = 0
    for task in tasks.values():
        if task.kind == "stage2" and "--start" in task.command:
            config = kinemask.parse(tomllib.loads(task.files[task.command[2]]), "config.toml")
            (first,) = (tasks[need] for need in task.needs if tasks[need].kind == "stage1")
            assert config.stage1.steps == first.units and config.stage2.start == "stage1"
            assert task.command[-1] == f"{first.made}/stage1"
            begun += 1
    assert begun == 12
