import copy
import json

import numpy as np
import pytest

from kinebench.shards import record as records


def test_bytes_and_back(samples):
    record = samples[0].record
    data = records.dump(record)
    assert records.parse(data) == record
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_is_refused_both_ways(samples, value):
    record = copy.deepcopy(samples[0].record)
    record["objects"][0]["mass_kg"] = value
    with pytest.raises(ValueError):
        records.dump(record)
    with pytest.raises(ValueError, match="no JSON number"):
        records.parse(json.dumps(record).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe"])
def test_what_is_no_object_is_refused(data):
    with pytest.raises(ValueError):
        records.parse(data)


def test_the_schema_is_closed_and_described():
    def objects(node, path):
        if isinstance(node, dict):
            if node.get("type") == "object":
                yield path, node
            for name, child in node.items():
                yield from objects(child, (*path, name))

    found = dict(objects(records.schema(), ()))
    assert len(found) >= 10
    for path, node in found.items():
        assert node["additionalProperties"] is False, path
        assert set(node["required"]) <= set(node["properties"]), path
    vlm = set(found[("properties", "captions")]["properties"]) - set(found[("properties", "captions")]["required"])
    assert vlm == {"vlm"}


def test_names_with_units_say_them_in_words():
    """Every number whose name ends in a unit has a description, its own or that of what holds it."""
    units = ("_m", "_mps", "_px", "_kg", "_rad", "_radps", "_s", "_ns", "strength", "fps")

    def check(properties):
        for name, node in properties.items():
            if name.endswith(units):
                inner = node.get("items", {})
                assert node.get("description") or (isinstance(inner, dict) and inner.get("description")), name
            for child in (node, node.get("items", {})):
                if isinstance(child, dict) and "properties" in child:
                    check(child["properties"])

    check(records.schema()["properties"])


def test_faults_say_where_and_are_short(samples):
    record = copy.deepcopy(samples[0].record)
    record["objects"][1]["positions_m"][3] = [0.0, 1.0]
    record["video"]["fps"] = "many" * 200
    del record["light"]
    faults = records.schema_faults(record)
    assert [fault.split(":")[0] for fault in faults] == ["record", "objects.1.positions_m.3", "video.fps"]
    assert all(len(fault) < 260 for fault in faults)


def test_camera_and_rollout_have_the_records_numbers(samples):
    record = samples[1].record
    camera, rollout = records.camera(record), records.rollout(record)
    assert (camera.width_px, camera.height_px) == (96, 64)
    assert np.array(camera.rotation).tolist() == record["camera"]["rotation"]
    assert rollout.positions_m.shape == rollout.velocities_mps.shape == (9, 3, 3)
    assert rollout.quaternions_wxyz.shape == (9, 3, 4)
    assert rollout.velocities_mps[4, 1].tolist() == record["objects"][1]["velocities_mps"][4]
    assert (rollout.events[0].a, rollout.events[0].b) == (1, 2)
