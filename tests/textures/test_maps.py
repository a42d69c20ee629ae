import numpy as np
import pytest

from kinebench.textures.canvas import Canvas, Surface
from kinebench.textures.maps import maps, normals, occlusion

N, TILE_M = 64, 1.0


def waves():
    x, y = Canvas(N, TILE_M, "maps").coordinates()
    height = 0.01 * np.sin(2 * np.pi * x / TILE_M) + 0.02 * np.sin(2 * np.pi * y / TILE_M)
    return x, y, height.astype(np.float32)


def test_normals_of_a_known_surface():
    x, y, height = waves()
    normal = normals(height, TILE_M / N)
    slope_x = 0.01 * 2 * np.pi * np.cos(2 * np.pi * x)
    slope_down = 0.02 * 2 * np.pi * np.cos(2 * np.pi * y)
    expected = np.stack([-slope_x, slope_down, np.ones_like(x)], axis=-1)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    assert np.abs(normal - expected).max() < 1e-3


def test_opengl_sign_a_slope_that_rises_to_the_right_and_up_faces_left_and_down():
    height = np.zeros((N, N), np.float32)
    height[20:40, 20:40] = 0.001 * (np.arange(20) - np.arange(20)[:, None])  # rises rightwards and towards row 0
    pictures = maps(Surface(np.full((N, N, 3), 0.5, np.float32), height, np.full((N, N), 0.7, np.float32)), TILE_M)
    red, green, blue = pictures.normal[30, 30]
    assert red < 128
    assert green < 128
    assert blue > 128


def test_normal_map_agrees_with_the_displacement_map():
    _, _, height = waves()
    pictures = maps(Surface(np.full((N, N, 3), 0.5, np.float32), height, np.full((N, N), 0.7, np.float32)), TILE_M)
    shown = pictures.displacement.astype(float)
    right = np.roll(shown, -2, 1) - np.roll(shown, 2, 1)
    up = np.roll(shown, 2, 0) - np.roll(shown, -2, 0)
    assert np.corrcoef(right.ravel(), pictures.normal[..., 0].ravel().astype(float))[0, 1] < -0.95
    assert np.corrcoef(up.ravel(), pictures.normal[..., 1].ravel().astype(float))[0, 1] < -0.95


def test_pits_are_occluded_and_planes_are_not():
    height = np.zeros((N, N), np.float32)
    assert np.allclose(occlusion(height, TILE_M / N), 1, atol=1e-4)
    height[30:34, 30:34] = -0.02
    shaded = occlusion(height, TILE_M / N)
    assert shaded[32, 32] < 0.85
    assert shaded[5, 5] == pytest.approx(1, abs=0.02)


def test_roughness_never_leaves_its_range():
    rough = np.linspace(-1, 2, N * N, dtype=np.float32).reshape(N, N)
    pictures = maps(Surface(np.zeros((N, N, 3), np.float32), np.zeros((N, N), np.float32), rough), TILE_M)
    assert pictures.roughness.min() / 255 >= 0.45
    assert pictures.roughness.max() < 255
