# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between versions and builds of Blender, each behind one name."""

from __future__ import annotations

import os
from typing import Any

import bpy

Scene = Any
"""A bpy.types.Scene. Add-ons (`scene.cycles`) and versions (`scene.node_tree`) give and take its properties, so no type
stub knows them all."""

Strips = Any
"""The collection that makes and holds the strips of a sequencer."""


def version_text(version: Any) -> str:
    return ".".join(str(part) for part in tuple(version)[:3])


def release_text(version: Any) -> str:
    """major.minor."""
    return version_text(tuple(version)[:2])


def this_version() -> str:
    return version_text(bpy.app.version)


def active_scene() -> Scene:
    return bpy.context.scene


def make_active(scene: Scene) -> None:
    window: Any = bpy.context.window
    window.scene = scene


def has_audio() -> bool:
    """Not the 4.2 wheel."""
    return bool(_build_options().audaspace)


def has_denoiser() -> bool:
    """Not Debian's packages."""
    import _cycles  # type: ignore[import-not-found]

    return bool(getattr(_cycles, "with_openimagedenoise", True))


def _build_options() -> Any:
    return bpy.app.build_options


def bundled_files() -> str:
    """The folder of Blender's own brushes, fonts and studio lights."""
    paths: Any = bpy.utils
    return os.path.normpath(str(paths.system_resource("DATAFILES")))


def top_strips(editor: Any) -> Strips:
    """Those of the sequencer's first level. 4.2, 4.3: `sequences`; 4.4, 4.5: both; from 5.0 on `strips`."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def all_strips(editor: Any) -> Strips:
    """Those inside meta strips too."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
