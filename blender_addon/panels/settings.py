# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist may choose for the render."""

from __future__ import annotations

from typing import Any

import bpy
from bl_ui.utils import PresetPanel

from ..names import PREFIX
from ..settings import DEADLINE_SUCH_AS, settings_of
from ..words import say


def draw_render(layout: Any, context: Any) -> None:
    scene, chosen = context.scene, settings_of(context.scene)
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.prop(chosen, "frames")
    if chosen.frames == "CUSTOM":
        layout.prop(chosen, "frame_text")
    layout.prop(chosen, "camera", icon="CAMERA_DATA")
    layout.prop_search(chosen, "view_layer", scene, "view_layers", icon="RENDERLAYERS")
    _override(layout, chosen, "use_samples", "Samples", ("samples",))
    _override(layout, chosen, "use_percentage", "Scale", ("percentage",))
    _override(layout, chosen, "use_resolution", "Resolution", ("width", "height"))
    layout.prop(chosen, "frames_per_job")
    layout.prop(chosen, "device")
    layout.prop(chosen, "machine")
    layout.prop(chosen, "limit_usd")
    layout.prop(chosen, "deadline", placeholder=DEADLINE_SUCH_AS)
    switches = layout.column()
    switches.use_property_split = False  # their words need the whole width
    switches.prop(chosen, "use_scripts")
    switches.prop(chosen, "download")


def _override(layout: Any, chosen: Any, switch: str, heading: str, names: tuple[str, ...]) -> None:
    column = layout.column(heading=say(heading), translate=False)
    row = column.row(align=True)
    row.prop(chosen, switch, text="")
    values = row.row(align=True)
    values.active = getattr(chosen, switch)
    for name in names:
        values.prop(chosen, name, text="")


def draw_video(layout: Any, context: Any) -> None:
    chosen = settings_of(context.scene)
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.prop(chosen, "video")
    column = layout.column()
    column.active = chosen.video != "NO"
    for name in ("container", "codec", "quality", "sound"):
        column.prop(chosen, name)


def draw_files(layout: Any, context: Any) -> None:
    chosen = settings_of(context.scene)
    row = layout.row()
    row.template_list("UI_UL_list", "cloud_render_extra", chosen, "extra", chosen, "extra_index", rows=2)
    buttons = row.column(align=True)
    buttons.operator("cloud_render.extra_add", text="", icon="ADD")
    buttons.operator("cloud_render.extra_remove", text="", icon="REMOVE")
    layout.use_property_split = True
    layout.use_property_decorate = False
    layout.prop(chosen, "pre_hook")
    layout.prop(chosen, "post_hook")


class CLOUD_RENDER_PT_presets(PresetPanel, bpy.types.Panel):
    """Settings of the cloud that were kept under a name"""

    bl_label = "Cloud Render Presets"
    bl_space_type = "PROPERTIES"
    bl_region_type = "HEADER"
    preset_subdir = PREFIX
    preset_operator = "script.execute_preset"
    preset_add_operator = "cloud_render.preset_add"
