from dataclasses import replace

import numpy as np
import pytest

from kinebench.methods.condition import Condition, DrivenObject, OtherObject
from kinebench.methods.path import Nominal
from kinebench.methods.placement import SAME
from kinebench.scene.camera import look_at


def box(left, top, right, bottom, size=(72, 48)):
    mask = np.zeros(size[::-1], bool)
    mask[top:bottom, left:right] = True
    return mask


def line(start, end, frames=9):
    return np.linspace(start, end, frames)


@pytest.fixture
def condition():
    camera = look_at(np.array([0, -2.5, 1.6]), np.zeros(3), width_px=72, height_px=48, field_of_view_rad=0.8)
    return Condition(
        key="toys_test_000000",
        first_frame=np.random.default_rng(0).integers(0, 256, (48, 72, 3), dtype=np.uint8),
        prompt="A box moves.",
        frames=9,
        fps=12.0,
        driven=(
            DrivenObject(3, box(10, 10, 20, 20), (0.5, 0.1, 0.0), line((15.5, 15.5), (30, 15.5))),
            DrivenObject(1, box(40, 30, 52, 40), (0.2, 0.0, 0.0), line((46.5, 35.5), (50, 35.5))),
        ),
        others=(OtherObject(2, box(60, 5, 70, 15)),),
        camera=camera,
        nominal=Nominal(0.1, 0.2, 0.1),
    )


def changed_driven(**changes):
    return lambda c: replace(c, driven=(replace(c.driven[0], **changes), c.driven[1]))


CHANGES = {
    "key": lambda c: replace(c, key="toys_test_000001"),
    "prompt": lambda c: replace(c, prompt="a box moves."),
    "frames": lambda c: replace(c, frames=10),
    "fps": lambda c: replace(c, fps=12.5),
    "pixel": lambda c: replace(c, first_frame=c.first_frame ^ np.eye(48, 72, dtype=np.uint8)[..., None]),
    "shape": lambda c: replace(c, first_frame=c.first_frame.reshape(72, 48, 3)),
    "driven mask": changed_driven(mask=box(10, 10, 20, 21)),
    "velocity": changed_driven(velocity_mps=(0.5, 0.1, 1e-6)),
    "no velocity": changed_driven(velocity_mps=None),
    "path": changed_driven(path_px=line((15.5, 15.5), (30, 15.501))),
    "id": changed_driven(id=4),
    "order": lambda c: replace(c, driven=c.driven[::-1]),
    "other mask": lambda c: replace(c, others=(OtherObject(2, box(60, 5, 70, 16)),)),
    "no other": lambda c: replace(c, others=()),
    "no camera": lambda c: replace(c, camera=None),
    "camera": lambda c: replace(c, camera=replace(c.camera, focal_px=c.camera.focal_px + 1e-9)),
    "no nominal": lambda c: replace(c, nominal=None),
    "nominal": lambda c: replace(c, nominal=Nominal(0.1, 0.2, 0.11)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_differs_the_hash_differs(condition, change):
    assert CHANGES[change](condition).sha256 != condition.sha256


def test_equal_conditions_have_equal_hashes(condition):
    assert replace(condition, first_frame=condition.first_frame.copy()).sha256 == condition.sha256
    flipped = condition.first_frame[:, ::-1]
    assert replace(condition, first_frame=flipped).sha256 == replace(condition, first_frame=flipped.copy()).sha256


def test_its_own_size_changes_nothing(condition):
    same, place = condition.fitted((72, 48))
    assert same is condition and place == SAME


@pytest.mark.parametrize("native", [(144, 96), (64, 40), (30, 60), (7, 5)])
def test_at_another_size_everything_moves_together(condition, native):
    """What is at a native pixel is at `place` of it in the original: masks, paths, and the camera's rays."""
    small, place = condition.fitted(native)
    assert small.size == native and small.first_frame.shape == (native[1], native[0], 3)
    for before, after in zip(condition.driven, small.driven, strict=True):
        np.testing.assert_allclose(place.points(after.path_px), before.path_px, atol=1e-3 * max(1, place.scale))
        y, x = np.nonzero(after.mask)
        centre = place.points(np.array([x.mean() + 0.5, y.mean() + 0.5]))
        y, x = np.nonzero(before.mask)
        np.testing.assert_allclose(centre, (x.mean() + 0.5, y.mean() + 0.5), atol=max(1, 0.6 * place.scale))
    world = np.array([[0.2, 0.3, 0.1], [-0.4, 0.1, 0.0]])
    np.testing.assert_allclose(place.points(small.camera.project(world)[0]), condition.camera.project(world)[0])
    assert (small.key, small.prompt, small.fps, small.nominal) == (
        condition.key,
        condition.prompt,
        condition.fps,
        condition.nominal,
    )


def test_without_a_camera_it_is_fitted_too(condition):
    assert replace(condition, camera=None).fitted((64, 40))[0].camera is None


def test_fewer_driven_objects_are_those_of_the_longest_paths(condition):
    assert condition.limited(2) is condition
    one = condition.limited(1)
    assert [each.id for each in one.driven] == [3] and [each.id for each in one.others] == [1, 2]
    assert one.others[0].mask is condition.driven[1].mask
    assert [each.id for each in condition.limited(0).others] == [1, 2, 3]
    assert one.sha256 != condition.sha256


def test_objects_are_in_order_of_their_ids(condition):
    assert [each.id for each in condition.objects] == [1, 2, 3]


def test_numbers_count_by_their_value(condition):
    """A condition in whole numbers is the one that is read again in fractions."""
    first = condition.driven[0]
    whole = replace(
        condition,
        fps=12,
        driven=(replace(first, velocity_mps=(1, 0, 0), path_px=first.path_px.astype(np.float32)),),
        nominal=Nominal(0, 1, 2),
    )
    path = whole.driven[0].path_px.astype(np.float64)
    broken = replace(whole.driven[0], velocity_mps=(1.0, 0.0, 0.0), path_px=path)
    assert whole.sha256 == replace(whole, fps=12.0, driven=(broken,), nominal=Nominal(0.0, 1.0, 2.0)).sha256
