import copy

import pytest

from kinebench.verify.twins import Register, identify

STEPS = {"speed": (1.0, 1.2), "direction": (0, 45), "presence": (0, 1), "mass": (0.5, 1.0), "friction": (0.1, 0.2)}


def group(record, factor):
    """Two records that differ in one factor."""
    pair = [copy.deepcopy(record) for _ in range(2)]
    for number, (one, value) in enumerate(zip(pair, STEPS[factor], strict=True)):
        one |= {"index": number, "key": f"toys_train_{number:06d}"}
        one["counterfactual"] = {"group": "000004", "factor": factor, "value": value}
    second = pair[1]
    if factor in ("speed", "direction"):
        second["objects"][0]["velocities_mps"][0] = [0.1, 0.2, 0.0]
    elif factor == "mass":
        second["objects"][-1]["mass_kg"] = 0.9
    elif factor == "friction":
        second["ground"]["friction"] = 0.2
    else:
        del pair[0]["objects"][-1]
    return pair


def facts(records):
    register = Register()
    return [fact for record in records for fact in register.facts(record["key"], identify(record))]


@pytest.mark.parametrize("factor", STEPS)
def test_a_group_that_differs_in_its_factor_alone_is_sound(samples, factor):
    assert facts(group(samples[1].record, factor)) == []


@pytest.mark.parametrize("factor", STEPS)
@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        (("light", "sun_strength"), 2.5, "light.sun_strength"),
        (("camera", "focal_px"), 99.0, "camera.focal_px"),
        (("objects", 0, "mass_kg"), 0.41, "objects.1.mass_kg"),
        (("objects", 1, "size_m"), [0.2, 0.2, 0.2], "objects.2.size_m"),
        (("provenance", "attempt"), 9, "attempt"),
    ],
)
def test_whatever_else_differs_in_a_group_is_named(samples, factor, path, value, name):
    pair = group(samples[1].record, factor)
    part = pair[1]
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    [fact] = facts(pair)
    assert fact.startswith(f"its {name} is ")
    assert fact.partition(", and in ")[2].startswith("toys_train_000000 of the same group it is ")


def test_two_factors_in_a_group_are_named(samples):
    one, other = group(samples[1].record, "speed")
    other["counterfactual"]["factor"] = "mass"
    assert any("of the same group" in fact for fact in facts([one, other]))


def test_one_stream_for_two_samples_is_named(samples):
    record = copy.deepcopy(samples[1].record)
    record["light"]["sun_strength"] = 2.5
    register = Register()
    assert list(register.facts("a", identify(samples[1].record))) == []
    assert list(register.facts("b", identify(record))) == [
        "it is drawn from the same random numbers as a: seed 7, split train, index 1, attempt 1"
    ]
    assert register.twins == 1
