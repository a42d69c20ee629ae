"""Blender: the only importer of bpy. One stage holds one scene; it renders windows of the image.

Camera, meshes and light are built from the numbers of `Scene`; nothing is read from a .blend file.
"""

import math
import os
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinebench.errors import require
from kinebench.recipe import RenderSpec
from kinebench.render.window import Window
from kinebench.scene.camera import Camera
from kinebench.scene.pose import Array
from kinebench.scene.scene import Body, Ground, Light, Scene, Vector
from kinebench.textures.library import Texture

CYLINDER_SEGMENTS = 128
"""The polygon leaves the true circle by 0.03 % of its radius: a twentieth of a pixel."""
GROUND_EDGE_M = 80.0
GPU_BACKENDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")
SENSOR_MM = 36.0


@dataclass(frozen=True)
class Denoising:
    """How OpenImageDenoise is set, in Blender's words."""

    quality: str
    prefilter: str


OURS = Denoising("HIGH", "NONE")
"""The prefilter costs a third more time for 0.15 dB; see docs/performance.md."""
BLENDERS = Denoising("HIGH", "ACCURATE")
"""What Blender does unless told otherwise, and so what other generators do."""


@cache
def _engine() -> Any:
    return require("bpy", "render")


class Stage:
    """A scene inside Blender, ready to render. Only one stage may be in use in a process."""

    def __init__(
        self, scene: Scene, texture: Texture, spec: RenderSpec, noise_seed: int = 0, denoising: Denoising = OURS
    ) -> None:
        self.cycles_cpu_s = 0.0
        """Processor time inside Cycles so far."""
        bpy = _engine()
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self._scene = bpy.context.scene
        self.device = _configure(self._scene, spec, noise_seed, denoising)
        self._size = (scene.camera.width_px, scene.camera.height_px)
        _add_camera(self._scene, scene.camera)
        _add_light(self._scene, scene.light)
        _add_ground(self._scene, scene.ground, texture)
        self._objects = [_add_body(self._scene, body, number) for number, body in enumerate(scene.bodies, 1)]

    def place(self, positions_m: Array, quaternions_wxyz: Array) -> None:
        """Put every object at its pose: positions (N, 3), quaternions (N, 4)."""
        for thing, position, quaternion in zip(self._objects, positions_m, quaternions_wxyz, strict=True):
            thing.location = position
            thing.rotation_quaternion = quaternion

    def show(self, ids: Collection[int]) -> None:
        """Show these objects and hide all others."""
        for number, thing in enumerate(self._objects, 1):
            thing.hide_render = number not in ids

    def render(self, window: Window) -> NDArray[np.uint8]:
        """Pixels (h, w, 3) of a window, sRGB."""
        from PIL import Image

        render, (width, height) = self._scene.render, self._size
        # Blender cuts these single-precision shares down to whole pixels: aim a little inside each.
        render.border_min_x, render.border_max_x = (window.x0 + 0.1) / width, (window.x1 + 0.1) / width
        render.border_min_y = (height - window.y1 + 0.1) / height
        render.border_max_y = (height - window.y0 + 0.1) / height
        with tempfile.TemporaryDirectory(prefix="kinebench-") as folder:
            render.filepath = str(Path(folder) / "window.png")
            start_s = time.process_time()
            _engine().ops.render.render(write_still=True)
            self.cycles_cpu_s += time.process_time() - start_s
            with Image.open(render.filepath) as picture:
                pixels = np.asarray(picture.convert("RGB"))
        if pixels.shape[:2] != (window.height, window.width):
            raise RuntimeError(f"Blender rendered {pixels.shape[:2]} pixels for {window}")
        return pixels


def _configure(scene: Any, spec: RenderSpec, noise_seed: int, denoising: Denoising) -> str:
    """Cycles settings; returns the device, "CPU" or a GPU back end of Blender's."""
    scene.render.engine = "CYCLES"
    cycles, render = scene.cycles, scene.render
    device = _gpu()
    cycles.device = "GPU" if device else "CPU"
    cycles.samples = spec.samples
    cycles.seed = noise_seed  # the same in every frame, so that crops and plate share one noise pattern
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = spec.denoiser != "none"
    if cycles.use_denoising:
        cycles.denoiser = spec.denoiser.upper()
        cycles.denoising_quality, cycles.denoising_prefilter = denoising.quality, denoising.prefilter
    cycles.max_bounces = 4
    cycles.diffuse_bounces = 3
    cycles.glossy_bounces = 2
    cycles.transmission_bounces = 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    render.use_persistent_data = True
    render.use_border = render.use_crop_to_border = True
    render.threads_mode, render.threads = "FIXED", _threads()
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.image_settings.compression = 0
    render.dither_intensity = 0
    scene.view_settings.view_transform = "Standard"
    return device or "CPU"


def _threads() -> int:
    """One for each core of this process, but no more than OMP_NUM_THREADS: a container may see cores it may not use."""
    cores = len(os.sched_getaffinity(0))
    return min(cores, int(os.environ.get("OMP_NUM_THREADS") or cores))


@cache
def _gpu() -> str | None:
    """The first GPU back end for which Blender finds a device, switched on; None without one."""
    preferences = _engine().context.preferences.addons["cycles"].preferences
    for backend in GPU_BACKENDS:
        try:
            preferences.compute_device_type = backend
        except TypeError:  # not built into this Blender
            continue
        preferences.refresh_devices()
        found = [device for device in preferences.devices if device.type == backend]
        for device in preferences.devices:
            device.use = device in found
        if found:
            return backend
    return None


def _add_camera(scene: Any, camera: Camera) -> None:
    bpy, mathutils = _engine(), require("mathutils", "render")
    lens = bpy.data.cameras.new("camera")
    lens.sensor_fit = "HORIZONTAL"
    lens.sensor_width = SENSOR_MM
    lens.lens = camera.focal_px / camera.width_px * SENSOR_MM
    lens.clip_start, lens.clip_end = 0.05, 200.0
    thing = bpy.data.objects.new("camera", lens)
    pose = np.eye(4)
    pose[:3, :3] = camera.rotation_array.T @ np.diag([1.0, -1.0, -1.0])  # Blender's camera: y up, looks along -z
    pose[:3, 3] = camera.position_m
    thing.matrix_world = mathutils.Matrix(pose.tolist())
    scene.collection.objects.link(thing)
    scene.camera = thing
    scene.render.resolution_x, scene.render.resolution_y = camera.width_px, camera.height_px
    scene.render.resolution_percentage = 100


def _add_light(scene: Any, light: Light) -> None:
    bpy, mathutils = _engine(), require("mathutils", "render")
    lamp = bpy.data.lights.new("sun", "SUN")
    lamp.energy, lamp.angle = light.sun_strength, light.sun_angle_rad
    thing = bpy.data.objects.new("sun", lamp)
    thing.rotation_mode = "QUATERNION"
    thing.rotation_quaternion = mathutils.Vector(light.sun_direction).to_track_quat("Z", "Y")  # a sun shines along -z
    scene.collection.objects.link(thing)
    scene.world = bpy.data.worlds.new("sky")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*light.sky_rgb, 1.0)
    background.inputs["Strength"].default_value = light.sky_strength


def _add_body(scene: Any, body: Body, number: int) -> Any:
    bpy = _engine()
    mesh = bpy.data.meshes.new(body.name)
    vertices, faces, smooth = _box(body.size_m) if body.shape == "cube" else _cylinder(body.size_m)
    mesh.from_pydata(vertices, [], faces)
    mesh.polygons.foreach_set("use_smooth", smooth)
    for edge in mesh.edges:  # the rims of a cylinder stay sharp
        edge.use_edge_sharp = len({round(mesh.vertices[i].co.z, 6) for i in edge.vertices}) == 1
    mesh.update()
    material = bpy.data.materials.new(body.name)
    material.use_nodes = True
    surface = material.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*map(_linear, body.rgb), 1.0)
    surface.inputs["Roughness"].default_value = body.roughness
    mesh.materials.append(material)
    thing = bpy.data.objects.new(body.name, mesh)
    thing.pass_index = number
    thing.rotation_mode = "QUATERNION"
    scene.collection.objects.link(thing)
    return thing


def _linear(value: float) -> float:
    """One sRGB channel in 0..1 to linear light."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


Mesh = tuple[list[Vector], list[tuple[int, ...]], list[bool]]


def _box(size_m: Vector) -> Mesh:
    """Vertices, outward faces, and whether each is smooth."""
    x, y, z = (edge / 2 for edge in size_m)
    vertices = [(i, j, k) for k in (-z, z) for j in (-y, y) for i in (-x, x)]
    faces: list[tuple[int, ...]] = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    return vertices, faces, [False] * len(faces)


def _cylinder(size_m: Vector) -> Mesh:
    """Vertices, outward faces, and whether each is smooth."""
    n, radius, half = CYLINDER_SEGMENTS, size_m[0] / 2, size_m[2] / 2
    ring = [(radius * math.cos(a), radius * math.sin(a)) for a in (2 * math.pi * i / n for i in range(n))]
    vertices = [(x, y, z) for z in (-half, half) for x, y in ring]
    sides: list[tuple[int, ...]] = [(i, (i + 1) % n, n + (i + 1) % n, n + i) for i in range(n)]
    caps: list[tuple[int, ...]] = [tuple(reversed(range(n))), tuple(range(n, 2 * n))]
    return vertices, sides + caps, [True] * n + [False, False]


def _add_ground(scene: Any, ground: Ground, texture: Texture) -> None:
    bpy = _engine()
    half = GROUND_EDGE_M / 2
    corners = [(-half, -half, 0.0), (half, -half, 0.0), (half, half, 0.0), (-half, half, 0.0)]
    mesh = bpy.data.meshes.new("ground")
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="uv")
    cos, sin = math.cos(ground.yaw_rad), math.sin(ground.yaw_rad)
    for loop, (x, y, _) in enumerate(corners):
        u, v = cos * x + sin * y - ground.offset_m[0], cos * y - sin * x - ground.offset_m[1]
        layer.data[loop].uv = (u / ground.tile_m, v / ground.tile_m)
    mesh.materials.append(_ground_material(texture))
    scene.collection.objects.link(bpy.data.objects.new("ground", mesh))


def _ground_material(texture: Texture) -> Any:
    material = _engine().data.materials.new("ground")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surface = nodes["Principled BSDF"]

    def image(path: Path, colour: bool) -> Any:
        node = nodes.new("ShaderNodeTexImage")
        node.image = _engine().data.images.load(str(path))
        node.image.colorspace_settings.name = "sRGB" if colour else "Non-Color"
        return node.outputs["Color"]

    albedo = image(texture.colour, True)
    if texture.ambient_occlusion is not None:
        mix = nodes.new("ShaderNodeMix")
        mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
        mix.inputs[0].default_value = 1.0
        links.new(albedo, mix.inputs[6])
        links.new(image(texture.ambient_occlusion, False), mix.inputs[7])
        albedo = mix.outputs[2]
    links.new(albedo, surface.inputs["Base Color"])
    links.new(image(texture.roughness, False), surface.inputs["Roughness"])
    bump = nodes.new("ShaderNodeNormalMap")
    links.new(image(texture.normal, False), bump.inputs["Color"])
    links.new(bump.outputs["Normal"], surface.inputs["Normal"])
    return material
