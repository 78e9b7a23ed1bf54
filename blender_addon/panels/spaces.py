# SPDX-License-Identifier: GPL-3.0-or-later
"""The same panels in the three places where artists look: 3D View, Image Editor, Output properties; and the menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bpy

from . import jobs, main, settings


@dataclass(frozen=True)
class Space:
    """Where panels are shown."""

    suffix: str
    """Of the panels' names."""
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A panel, whatever its space."""

    name: str
    label: str
    draw: Callable[[Any, Any], None]
    parent: str = ""
    closed: bool = False
    presets: bool = False


SPACES = (
    Space("view3d", {"bl_space_type": "VIEW_3D", "bl_region_type": "UI", "bl_category": "Cloud"}),
    Space("image", {"bl_space_type": "IMAGE_EDITOR", "bl_region_type": "UI", "bl_category": "Cloud"}),
    Space("output", {"bl_space_type": "PROPERTIES", "bl_region_type": "WINDOW", "bl_context": "output"}),
)
SECTIONS = (
    Section("main", "Cloud Render", main.draw),
    Section("settings", "Settings", settings.draw_render, parent="main", closed=True, presets=True),
    Section("video", "Video", settings.draw_video, parent="settings", closed=True),
    Section("files", "Extra Files", settings.draw_files, parent="settings", closed=True),
    Section("jobs", "Jobs", jobs.draw, parent="main"),
)


def panel(space: Space, section: Section) -> type[bpy.types.Panel]:
    """The class that shows the section in the space."""

    def draw(self: Any, context: Any) -> None:
        section.draw(self.layout, context)

    def draw_presets(self: Any, _context: Any) -> None:
        settings.CLOUD_RENDER_PT_presets.draw_panel_header(self.layout)

    name = f"CLOUD_RENDER_PT_{section.name}_{space.suffix}"
    closed = section.closed or (space.suffix == "output" and not section.parent)
    attributes = {
        **space.attributes,
        "__module__": __name__,
        "bl_idname": name,
        "bl_label": section.label,
        "bl_options": {"DEFAULT_CLOSED"} if closed else set(),
        "draw": draw,
    }
    if section.parent:
        attributes["bl_parent_id"] = f"CLOUD_RENDER_PT_{section.parent}_{space.suffix}"
    if section.presets:
        attributes["draw_header_preset"] = draw_presets
    return type(name, (bpy.types.Panel,), attributes)


PANELS = tuple(panel(space, section) for space in SPACES for section in SECTIONS)
CLASSES = (settings.CLOUD_RENDER_PT_presets, *jobs.CLASSES, *PANELS)


def draw_menu(self: Any, _context: Any) -> None:
    self.layout.separator()
    self.layout.operator("cloud_render.submit", icon="RENDER_ANIMATION")


def _menu() -> Any:
    return bpy.types.TOPBAR_MT_render


def register() -> None:
    _menu().append(draw_menu)


def unregister() -> None:
    _menu().remove(draw_menu)
