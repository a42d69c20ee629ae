"""What holds for every meter of the catalogue."""

import numpy as np
import pytest

from kinebench.metrics.catalogue import METERS, Setup, meter

LONG = 17


@pytest.fixture(scope="module")
def clips(flat):
    """Truths with little in them: nothing, an object at rest, one that leaves, one that comes in, one pushed."""

    def clip(*paths):
        frames = np.random.default_rng(0).integers(90, 110, (LONG, 40, 64, 3), dtype=np.uint8)
        truth = flat(frames, *paths)
        for id in range(1, len(paths) + 1):
            frames[truth.instances == id] = (200, 30 * id, 20)
        return truth

    rest = [(30, 20)] * LONG
    pushed = [(22, 10)] * 6 + [(22 + 2 * k, 10) for k in range(LONG - 6)]
    return {
        "nothing": clip(),
        "rest": clip(rest),
        "leaves": clip([(40 + 4 * k, 10) for k in range(LONG)]),
        "comes in": clip([(-40 + 5 * k, 10) for k in range(LONG)], rest),
        "pushed": clip([(min(2 * k, 14), 10) for k in range(LONG)], pushed),
    }


def videos(truth):
    noise = np.random.default_rng(1).integers(0, 256, truth.frames.shape, dtype=np.uint8)
    still = np.repeat(truth.frames[:1], LONG, axis=0)
    return truth.frames, still, truth.frames[::-1], noise, 255 - truth.frames, np.zeros_like(noise)


@pytest.mark.parametrize("name", METERS)
def test_every_metric_has_what_its_scope_asks_for(name, clips):
    one = meter(name, Setup())
    names = {scope: {metric.name for metric in one.metrics if metric.scope == scope} for scope in ("clip", "set")}
    assert set(one.distances) == names["set"]
    for truth in clips.values():
        assert set(one.worst(truth)) == names["clip"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("clip", ["nothing", "rest", "leaves", "comes in", "pushed"])
@pytest.mark.parametrize("name", ["pixel", "flow", "fvmd_lk"])
def test_a_missing_prediction_is_no_better_than_any_video(name, clip, clips):
    one, truth = meter(name, Setup()), clips[clip]
    worst = one.worst(truth)
    for frames in videos(truth):
        reading = one.read(truth, frames)
        assert all(np.isfinite(array).all() for array in reading.arrays.values())
        for metric in one.metrics:
            value = reading.values.get(metric.name)
            if value is not None:
                sign = 1 if metric.better == "lower" else -1
                assert np.isfinite(value) and sign * value <= sign * worst[metric.name] + 1e-9, metric.name
