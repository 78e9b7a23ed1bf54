# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene as a job wants it: scene, camera, layers and overrides, each checked by name before the first frame."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from cloud_render.contract.errors import BadArguments
from cloud_render.contract.job import RenderJob
from cloud_render.inblender import devices, formats, versions
from cloud_render.inblender.versions import Scene

SAME_ENGINE = {
    "BLENDER_EEVEE": "BLENDER_EEVEE_NEXT",
    "BLENDER_EEVEE_NEXT": "BLENDER_EEVEE",
    "EEVEE": "BLENDER_EEVEE",
    "WORKBENCH": "BLENDER_WORKBENCH",
}
"""EEVEE was called NEXT in 4.2 to 4.5; people leave the prefix out."""


def scene_of(job: RenderJob) -> Scene:
    """The job's scene, made the active one and set as the job says. Raises BadArguments, listing what there is."""
    own: dict[str, Scene] = {scene.name: scene for scene in bpy.data.scenes if scene.library is None}
    if job.scene not in own:
        raise BadArguments(f"There is no scene {job.scene!r}.", f"It has {_listed(own)}.")
    scene = own[job.scene]
    versions.make_active(scene)
    _choose_camera(scene, job.camera)
    _choose_layers(scene, job.view_layers)
    _override(scene, job)
    _write_images_only(scene, job)
    scene.render.threads_mode = "AUTO"  # what suits the artist's computer says nothing about this one
    return scene


def _choose_camera(scene: Scene, name: str) -> None:
    if not name:
        return
    cameras = {thing.name: thing for thing in scene.objects if thing.type == "CAMERA"}
    if name not in cameras:
        raise BadArguments(f"There is no camera {name!r} in scene {scene.name!r}.", f"It has {_listed(cameras)}.")
    scene.camera = cameras[name]
    for marker in scene.timeline_markers:
        marker.camera = None  # else the markers would switch to theirs


def _choose_layers(scene: Scene, names: tuple[str, ...]) -> None:
    there = {layer.name: layer for layer in scene.view_layers}
    for name in names:
        if name not in there:
            raise BadArguments(f"There is no view layer {name!r} in scene {scene.name!r}.", f"It has {_listed(there)}.")
    if names:
        for layer in scene.view_layers:
            layer.use = layer.name in names


def _override(scene: Scene, job: RenderJob) -> None:
    render, wanted = scene.render, job.overrides
    if wanted.engine:
        _choose_engine(scene, wanted.engine)
    if wanted.width and wanted.height:
        render.resolution_x, render.resolution_y = wanted.width, wanted.height
    if wanted.percentage:
        render.resolution_percentage = wanted.percentage
    if wanted.samples:
        _choose_samples(scene, wanted.samples)


def _choose_engine(scene: Scene, name: str) -> None:
    for candidate in (name, SAME_ENGINE.get(name, name), SAME_ENGINE.get(SAME_ENGINE.get(name, name), name)):
        try:
            scene.render.engine = candidate
        except TypeError:
            continue
        return
    raise BadArguments(
        f"Blender {bpy.app.version_string} has no render engine {name!r}.",
        "Try CYCLES, BLENDER_EEVEE or BLENDER_WORKBENCH.",
    )


def _choose_samples(scene: Scene, samples: int) -> None:
    if scene.render.engine == "CYCLES":
        scene.cycles.samples = samples
        for layer in scene.view_layers:
            layer.samples = 0  # else a layer's own number would win
    elif scene.render.engine in devices.RASTERISERS and scene.render.engine != "BLENDER_WORKBENCH":
        scene.eevee.taa_render_samples = samples


def _write_images_only(scene: Scene, job: RenderJob) -> None:
    render = scene.render
    formats.choose(render.image_settings, job.file_format)
    render.image_settings.use_preview = False  # a JPEG beside each EXR, which nobody asked the cloud for
    render.use_file_extension = True
    render.use_overwrite = True
    render.use_placeholder = False
    render.use_render_cache = False  # would write next to the artist's own output


def without_missing_denoiser() -> list[str]:
    """Warnings: where this build can't denoise, Cycles might write no frame (3.4, 4.3), so it is switched off."""
    if versions.has_denoiser():
        return []
    scenes: list[Scene] = list(bpy.data.scenes)
    asked = [scene for scene in scenes if scene.cycles.use_denoising]
    for scene in asked:
        scene.cycles.use_denoising = False
    return [f"Scene {scene.name!r} is rendered without denoising: this Blender is built without it." for scene in asked]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
