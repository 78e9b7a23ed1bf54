# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene itself says about its rendering, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from cloud_render.contract.scene import IMAGE_KINDS, MovieSettings, SceneSettings
from cloud_render.inblender import versions
from cloud_render.inblender.versions import Scene

SAMPLES_OF_ENGINE: dict[str, Callable[[Scene], int]] = {
    "CYCLES": lambda scene: scene.cycles.samples,
    "BLENDER_EEVEE": lambda scene: scene.eevee.taa_render_samples,
    "BLENDER_EEVEE_NEXT": lambda scene: scene.eevee.taa_render_samples,
}
"""Where each engine keeps its number of samples; Workbench and others have none to set."""


def settings_of(scene: Scene) -> SceneSettings:
    """The settings of `scene` in this Blender's own identifiers."""
    render = scene.render
    samples = SAMPLES_OF_ENGINE.get(render.engine)
    return SceneSettings(
        name=scene.name,
        frame_start=scene.frame_start,
        frame_end=scene.frame_end,
        frame_step=scene.frame_step,
        frame_current=scene.frame_current,
        fps=frame_rate(render),
        width=render.resolution_x,
        height=render.resolution_y,
        percentage=render.resolution_percentage,
        engine=render.engine,
        samples=samples(scene) if samples else None,
        file_format=image_format(render),
        movie=movie_settings(render),
        camera=scene.camera.name if scene.camera else "",
        cameras=tuple(sorted(item.name for item in scene.objects if item.type == "CAMERA")),
        view_layers=tuple(layer.name for layer in scene.view_layers),
        active_view_layers=tuple(layer.name for layer in scene.view_layers if layer.use),
        has_sound=has_sound(scene),
        multiview=render.use_multiview,
    )


def frame_rate(render: Any) -> Fraction:
    """fps / fps_base, exact: the base is a 32-bit float, so 1.001 arrives as 1.00100004673."""
    return Fraction(render.fps) / Fraction(str(round(render.fps_base, 6)))


def is_movie(render: Any) -> bool:
    return bool(render.is_movie_format)


def image_format(render: Any) -> str:
    """The format of single images; PNG where the output is a movie, or a format we have no row for."""
    chosen = str(render.image_settings.file_format)
    return chosen if not is_movie(render) and chosen in IMAGE_KINDS else "PNG"


def movie_settings(render: Any) -> MovieSettings | None:
    if not is_movie(render):
        return None
    ffmpeg = render.ffmpeg
    return MovieSettings(
        container=ffmpeg.format,
        codec=ffmpeg.codec,
        quality=ffmpeg.constant_rate_factor,
        audio_codec=ffmpeg.audio_codec,
    )


def strips(scene: Scene) -> Iterator[Any]:
    """All strips of the scene's sequencer, those inside meta strips too."""
    editor = scene.sequence_editor
    if editor is None:
        return
    yield from versions.all_strips(editor)


def has_sound(scene: Scene) -> bool:
    """Whether anything in the scene is to be heard: sound strips, speakers, or scene strips with either."""
    return _has_sound(scene, set())


def _has_sound(scene: Scene, seen: set[str]) -> bool:
    if scene.name_full in seen:
        return False
    seen.add(scene.name_full)
    for strip in strips(scene):
        if strip.mute:
            continue
        if strip.type == "SOUND" and strip.sound is not None:
            return True
        if strip.type == "SCENE" and strip.scene is not None and _has_sound(strip.scene, seen):
            return True
    return any(item.type == "SPEAKER" and item.data.sound and not item.data.muted for item in scene.objects)
