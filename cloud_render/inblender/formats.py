# SPDX-License-Identifier: GPL-3.0-or-later
"""Image formats of a scene: choosing one, and saving the finished render in another for a moment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from cloud_render.contract.errors import BadArguments, BlenderFailed
from cloud_render.inblender.versions import Scene

MULTILAYER = "OPEN_EXR_MULTILAYER"


def choose(settings: Any, file_format: str) -> None:
    """Set the format of images; what is chosen already stays as it is, depth and all. Raises BadArguments."""
    if settings.file_format == file_format:
        return
    try:
        if hasattr(settings, "media_type"):  # 5.0: must be right before a format of its kind can be set
            settings.media_type = "MULTI_LAYER_IMAGE" if file_format == MULTILAYER else "IMAGE"
        settings.file_format = file_format
    except TypeError as error:
        raise BadArguments(
            f"Blender {bpy.app.version_string} can't write {file_format}.", "Choose another --format."
        ) from error


def save_display(scene: Scene, path: Path) -> None:
    """The finished render as a PNG of 8 bits through the scene's view transform."""
    alpha = scene.render.image_settings.color_mode == "RGBA"
    with _borrowed(scene.render.image_settings) as settings:
        choose(settings, "PNG")
        settings.color_mode = "RGBA" if alpha else "RGB"
        settings.color_depth = "8"
        settings.color_management = "FOLLOW_SCENE"
        settings.views_format = "INDIVIDUAL"
        _save(scene, path)


def save_layers(scene: Scene, path: Path) -> None:
    """The finished render with all layers and passes as one EXR."""
    with _borrowed(scene.render.image_settings) as settings:
        choose(settings, MULTILAYER)
        settings.views_format = "MULTIVIEW" if scene.render.use_multiview else "INDIVIDUAL"
        _save(scene, path)


def _save(scene: Scene, path: Path) -> None:
    """Raises BlenderFailed where no file came of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        bpy.data.images["Render Result"].save_render(str(path), scene=scene)
    except RuntimeError as error:
        # Views in files of their own (0001_L.png, 0001_R.png) are written, then Blender (4.2 to 5.2) misses 0001.png.
        if not any(written.stem.startswith(path.stem) for written in path.parent.iterdir()):
            raise BlenderFailed(f"Blender could not write {path.name}: {str(error).strip()}") from error


@contextlib.contextmanager
def _borrowed(settings: Any) -> Iterator[Any]:
    """The settings to change at will; afterwards they are as before."""
    first = [name for name in ("media_type", "file_format") if hasattr(settings, name)]
    others = [
        prop.identifier
        for prop in settings.bl_rna.properties
        if not prop.is_readonly and prop.type != "POINTER" and prop.identifier not in first
    ]
    before = {name: getattr(settings, name) for name in (*first, *others)}
    try:
        yield settings
    finally:
        for name, value in before.items():
            if getattr(settings, name) != value:
                setattr(settings, name, value)
