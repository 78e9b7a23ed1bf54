# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene that renders with the engine of an add-on, which the Blender that looks at it does not have."""

from __future__ import annotations

from pathlib import Path

import bpy
from stage import Stage


class Foreign(bpy.types.RenderEngine):
    bl_idname, bl_label = "FOREIGN", "Foreign"


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.utils.register_class(Foreign)
    stage.tile("nothing")
    stage.light_camera_action(frame_end=4)
    bpy.context.scene.render.engine = "FOREIGN"
    return stage
