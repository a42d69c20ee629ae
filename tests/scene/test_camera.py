import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinebench.scene.camera import look_at
from kinebench.scene.pose import rotation_matrix, to_body, to_world, yaw_quaternion


@pytest.fixture
def camera():
    return look_at(
        np.array([0.0, -3.0, 2.0]), np.zeros(3), width_px=720, height_px=480, field_of_view_rad=np.deg2rad(50)
    )


def test_signs_are_opencv(camera):
    middle, depth = camera.project(np.zeros(3))
    assert middle == pytest.approx([360, 240])
    assert depth == pytest.approx(np.sqrt(13))
    right, _ = camera.project(np.array([0.5, 0, 0]))
    up, _ = camera.project(np.array([0, 0, 0.5]))
    away, far = camera.project(np.array([0, 0.5, 0]))
    assert right[0] > 360 and right[1] == pytest.approx(240)
    assert up[1] < 240 and up[0] == pytest.approx(360)
    assert away[1] < 240 and far > depth


def test_field_of_view_is_horizontal(camera):
    edge = camera.rays(np.array([0.0]), np.array([240.0]))[0]
    middle = camera.rays(np.array([360.0]), np.array([240.0]))[0]
    cosine = edge @ middle / np.linalg.norm(edge) / np.linalg.norm(middle)
    assert np.degrees(np.arccos(cosine)) == pytest.approx(25)


def test_ground_frame_is_right_away_up(camera):
    assert camera.ground_axes == pytest.approx(np.eye(3), abs=1e-12)  # this camera looks along +y


def test_behind_the_camera_is_nan(camera):
    px, depth = camera.project(np.array([0.0, -9.0, 2.0]))
    assert np.isnan(px).all() and depth < 0


@given(
    st.floats(0, 2 * np.pi),
    st.floats(0.15, 1.4),
    st.floats(1, 8),
    st.floats(0, 720),
    st.floats(0, 480),
    st.floats(1, 9),
)
def test_projection_inverts_rays(azimuth, elevation, distance, x, y, depth):
    away = np.array([np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)])
    camera = look_at(away * distance, np.zeros(3), width_px=720, height_px=480, field_of_view_rad=0.9)
    px, z = camera.project(camera.position_m + depth * camera.rays(np.array(x), np.array(y)))
    assert px == pytest.approx([x, y], abs=1e-6) and z == pytest.approx(depth)
    axes = camera.ground_axes
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-12) and np.linalg.det(axes) == pytest.approx(1)
    assert axes[1] @ away < 0  # y points away from the camera


@given(st.floats(-4, 4))
def test_poses_invert(yaw):
    quaternion = yaw_quaternion(yaw)
    points = np.arange(12.0).reshape(4, 3)
    there = to_world(points, np.array([1.0, 2.0, 3.0]), quaternion)
    assert to_body(there, np.array([1.0, 2.0, 3.0]), quaternion) == pytest.approx(points)
    assert rotation_matrix(quaternion)[:2, 0] == pytest.approx([np.cos(yaw), np.sin(yaw)])
