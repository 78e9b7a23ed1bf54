# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloud Render in Blender: what an artist sees. Everything that isn't Blender's UI is cloud_render's."""

from __future__ import annotations

from typing import Any

import bpy

from . import mirror, operators, preferences, pump, settings, thumbnails, translations
from .panels import spaces

CLASSES: tuple[Any, ...] = (*preferences.CLASSES, *operators.CLASSES, *spaces.CLASSES)
PARTS = (translations, settings, mirror, thumbnails, spaces, pump)
"""What has more to register than classes, in this order."""


def register() -> None:
    for each in CLASSES:
        bpy.utils.register_class(each)
    for part in PARTS:
        part.register()


def unregister() -> None:
    for part in reversed(PARTS):
        part.unregister()
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
