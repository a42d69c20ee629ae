import math

import numpy as np
import pytest

from kinebench.verify.folder import verify
from kinebench.verify.plausibility import uniform_p


def test_the_report_of_the_toys(packed, samples, synthetic):
    report = verify(packed, sample=1).plausibility
    found = {quantity.name: quantity for quantity in report.quantities}
    speeds = [np.linalg.norm(s.record["objects"][0]["velocities_mps"][0]) for s in samples]
    speed = found["speed of driven objects at frame 0, m/s"]
    assert (speed.count, speed.wanted) == (8, (0.9, 1.3))
    assert (speed.low, speed.median, speed.high) == pytest.approx((min(speeds), np.median(speeds), max(speeds)))
    braking = found["deceleration before contact / (mu g)"]
    assert braking.low == pytest.approx(1, abs=1e-3)
    assert braking.high == pytest.approx(1, abs=1e-3)
    assert found["deepest overlap in a clip, mm"].high == pytest.approx(0.1)
    assert found["energy gained in the worst step of a clip, mJ"].high < 0.01
    assert found["objects in a clip"].count == 8
    said = {statement.name: (statement.wanted, statement.measured) for statement in report.statements}
    assert said["clips with interaction"] == ("6 of 8 (75.0%)", "6 of 8 (75.0%)")
    assert said["near misses"] == ("2 of 8 (25.0%)", "2 of 8 (25.0%)")
    assert said["colours of test"][0] == "3, evenly"
    assert said["grounds of train"] == ("evenly", "2: planks_b 2 to planks_a 3")
    assert said["scenes drawn again from seed"] == ("the same", "0 of 8 (0.0%)")
    assert said["clips, scenes, random streams twice"] == ("0", "0")


def test_the_report_of_simple_motion_speaks_of_contact(tmp_path, synthetic, make):
    make(tmp_path, [synthetic.sample("train", i, rule="forbidden") for i in range(2)], contact="forbidden")
    said = {s.name: (s.wanted, s.measured) for s in verify(tmp_path).plausibility.statements}
    assert said["clips with contact"] == ("0 of 2", "0 of 2 (0.0%)")


def test_uniform_directions_have_uniform_p_values():
    """Against its definition: of uniform draws, a share p has a p-value below p."""
    rng = np.random.default_rng(0)
    values = [uniform_p(rng.multinomial(800, [1 / 8] * 8)) for _ in range(4000)]
    for share in (0.05, 0.25, 0.5, 0.9):
        assert np.mean(np.array(values) < share) == pytest.approx(share, abs=0.025)
    assert uniform_p([100] * 8) == 1
    assert uniform_p([160] + [91] * 6 + [94]) < 1e-4
    assert math.isfinite(uniform_p([800] + [0] * 7))
