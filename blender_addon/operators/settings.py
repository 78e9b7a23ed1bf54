# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the settings where a property alone does not do: extra files, presets, images that need saving."""

from __future__ import annotations

from typing import Any

import bpy
from bl_operators.presets import AddPresetBase
from bpy.props import CollectionProperty, StringProperty

from ..names import PREFIX, Outcome
from ..settings import PRESET_VALUES, settings_of
from ..words import say


class CLOUD_RENDER_OT_extra_add(bpy.types.Operator):
    """Take files or a folder along that the scene does not name itself"""

    bl_idname = "cloud_render.extra_add"
    bl_label = "Add Files"
    bl_options = {"INTERNAL", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: Any, _event: Any) -> Outcome:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> Outcome:
        settings = settings_of(context.scene)
        for name in [file.name for file in self.files] or [""]:
            settings.extra.add().path = self.directory + name
        settings.extra_index = len(settings.extra) - 1
        return {"FINISHED"}


class CLOUD_RENDER_OT_extra_remove(bpy.types.Operator):
    """Don't take the selected file along"""

    bl_idname = "cloud_render.extra_remove"
    bl_label = "Remove File"
    bl_options = {"INTERNAL", "UNDO"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        settings = settings_of(context.scene)
        if not 0 <= settings.extra_index < len(settings.extra):
            cls.poll_message_set(say("No file is selected"))
            return False
        return True

    def execute(self, context: Any) -> Outcome:
        settings = settings_of(context.scene)
        settings.extra.remove(settings.extra_index)
        settings.extra_index = min(settings.extra_index, len(settings.extra) - 1)
        return {"FINISHED"}


class CLOUD_RENDER_MT_presets(bpy.types.Menu):
    """Settings of the cloud that were kept under a name"""

    bl_label = "Cloud Render Presets"
    preset_subdir = PREFIX
    preset_operator = "script.execute_preset"
    draw = bpy.types.Menu.draw_preset  # type: ignore[assignment]


class CLOUD_RENDER_OT_preset_add(AddPresetBase, bpy.types.Operator):  # type: ignore[misc]
    """Keep these settings under a name, or remove them"""

    bl_idname = "cloud_render.preset_add"
    bl_label = "Add Cloud Render Preset"
    preset_menu = "CLOUD_RENDER_MT_presets"
    preset_defines = (f"settings = bpy.context.scene.{PREFIX}",)
    preset_values = PRESET_VALUES
    preset_subdir = PREFIX


CLASSES = (
    CLOUD_RENDER_OT_extra_add,
    CLOUD_RENDER_OT_extra_remove,
    CLOUD_RENDER_MT_presets,
    CLOUD_RENDER_OT_preset_add,
)
