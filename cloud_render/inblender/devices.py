# SPDX-License-Identifier: GPL-3.0-or-later
"""What renders: the GPU policy of a job. Blender itself falls back to the CPU without a word; here that is an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from cloud_render.contract.errors import NoUsableGpu
from cloud_render.contract.scene import Device
from cloud_render.inblender import versions
from cloud_render.inblender.versions import Scene

CYCLES_KINDS = ("OPTIX", "CUDA", "HIP", "METAL", "ONEAPI")
"""In the order they are tried: OptiX is faster than CUDA on every card that has both."""

RASTERISERS = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH")
"""Engines that draw through OpenGL or Vulkan."""


@dataclass(frozen=True)
class Renderer:
    """What will really render."""

    device: str
    """OPTIX, CUDA …, CPU; the graphics driver's own name for EEVEE and Workbench."""
    names: tuple[str, ...]
    """Of the devices in use."""


def choose(scene: Scene, policy: Device) -> Renderer:
    """Make `scene` render as `policy` asks. Raises NoUsableGpu where a GPU is required and none would be used."""
    engine = scene.render.engine
    if engine == "CYCLES":
        return _cycles(policy)
    if engine in RASTERISERS:
        return _rasteriser(engine, policy)
    return Renderer(engine, ())


def _cycles(policy: Device) -> Renderer:
    kind, names = _enable_gpu() if policy != "cpu" else ("", ())
    if policy == "gpu" and not names:
        raise NoUsableGpu(
            f"A GPU is required, and Cycles in Blender {bpy.app.version_string} finds none it could use.",
            "Check the driver and that this build of Blender supports the card, or submit with --device any or cpu.",
        )
    scenes: list[Scene] = list(bpy.data.scenes)  # all: strips and compositor layers render other scenes too
    for scene in scenes:
        scene.cycles.device = "GPU" if names else "CPU"
        if not names and scene.render.compositor_device == "GPU":
            scene.render.compositor_device = "CPU"  # without a graphics driver its GPU would end the process
    return Renderer(kind if names else "CPU", names)


def _enable_gpu() -> tuple[str, tuple[str, ...]]:
    """The kind and the names of the GPUs that Cycles will use from now on; none: ("", ())."""
    preferences = _cycles_preferences()
    for kind in CYCLES_KINDS:
        try:
            preferences.compute_device_type = kind
        except TypeError:
            continue  # this build can't do it
        preferences.refresh_devices()
        for device in preferences.devices:
            device.use = device.type == kind
        if names := tuple(device.name for device in preferences.devices if device.use):
            return kind, names
    preferences.compute_device_type = "NONE"
    return "", ()


def _cycles_preferences() -> Any:
    preferences: Any = bpy.context.preferences
    return preferences.addons["cycles"].preferences


def _rasteriser(engine: str, policy: Device) -> Renderer:
    platform = _graphics_platform()
    name = platform.renderer_get()
    if policy == "gpu" and platform.device_type_get() == "SOFTWARE":
        raise NoUsableGpu(
            f"A GPU is required, and {engine} would be drawn by software ({name}).",
            "Check the graphics driver (EGL), or submit with --device any or cpu.",
        )
    return Renderer(name, (name,))


def _graphics_platform() -> Any:
    """Blender's word on its graphics driver, which it opens only when it has to draw."""
    import gpu

    if hasattr(gpu, "init"):  # 5.2
        gpu.init()
    else:
        _draw_something()
    return gpu.platform


def _draw_something() -> None:
    """Four by four pixels of nothing, in a scene that is gone afterwards: 0.3 s."""
    before = versions.active_scene()
    probe: Scene = bpy.data.scenes.new("Cloud Render probe")
    camera = bpy.data.cameras.new("Cloud Render probe")
    eye = bpy.data.objects.new("Cloud Render probe", camera)
    try:
        probe.collection.objects.link(eye)
        probe.camera = eye
        probe.render.engine = "BLENDER_WORKBENCH"
        probe.render.resolution_x = probe.render.resolution_y = 4
        probe.render.use_compositing = probe.render.use_sequencer = False
        versions.make_active(probe)
        bpy.ops.render.render()
    finally:
        versions.make_active(before)
        bpy.data.scenes.remove(probe)
        bpy.data.objects.remove(eye)
        bpy.data.cameras.remove(camera)
