# SPDX-License-Identifier: GPL-3.0-or-later
"""Action `examine`: what a .blend is, needs and lacks. The file is opened and never saved."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy

from cloud_render.contract import frames, values
from cloud_render.contract.scene import Examination, SceneFile, scene_path
from cloud_render.inblender import loading, snapshot, versions
from cloud_render.inblender.collect import collect
from cloud_render.inblender.events import Events
from cloud_render.inblender.versions import Scene


def run(request: dict[str, Any], events: Events) -> None:
    loading.open_blend(request["blend"], use_scripts=bool(request.get("use_scripts", False)))
    events.send("examined", **values.to_plain(examination(request.get("frames"))))


def examination(frame_text: str | None = None, copy: Path | None = None, scene: Scene | None = None) -> Examination:
    """Of the open .blend; `frame_text` are the frames to be rendered, the scene's range where None.

    `copy` is what travels in the .blend's place, as it stands unsaved; `scene` is the active one where None.

    Raises BadFrames.
    """
    scene = scene or versions.active_scene()
    chosen = frames.parse(frame_text) if frame_text else _range(scene)
    collection = collect(chosen)
    return Examination(
        blender=versions.this_version(),
        saved_by=versions.release_text(bpy.data.version),
        blend=_blend(copy),
        scene=scene.name,
        scenes=tuple(snapshot.settings_of(each) for each in bpy.data.scenes if each.library is None),
        files=collection.files,
        missing=collection.missing,
        warnings=collection.warnings,
        scripts=collection.scripts,
    )


def _range(scene: Scene) -> tuple[int, ...]:
    return frames.of_scene(scene.frame_start, scene.frame_end, scene.frame_step)


def _blend(copy: Path | None) -> SceneFile:
    path = os.path.normpath(bpy.data.filepath)
    content = copy or Path(path)
    return SceneFile(str(content), scene_path(path), content.stat().st_size, "blend", "the scene itself")
