# SPDX-License-Identifier: GPL-3.0-or-later
"""Absolute paths of the artist's computer, moved in memory below the job's root. No file is rewritten."""

from __future__ import annotations

import os
import re
from typing import Any

import bpy

from cloud_render.contract.errors import BadArguments
from cloud_render.contract.scene import scene_path
from cloud_render.inblender import paths, versions

MAX_ROUNDS = 32
"""Libraries of libraries: each round reloads one level more. Deeper nesting than this is a circle."""


def below(root: str, raw: str) -> str:
    """Where the file that Blender asks for as `raw` lies below `root`; relative paths and those below it stay."""
    is_windows = re.match(r"[A-Za-z]:[\\/]|\\\\", raw) is not None
    if not is_windows and (raw.startswith("//") or not raw.startswith("/")):
        return raw
    if not is_windows and is_inside(raw, root):
        return raw
    if not is_windows and is_inside(raw, versions.bundled_files()):
        return raw
    try:
        place = scene_path(raw)
    except BadArguments:
        place = "nowhere"  # `/`, or a name no job can hold: it must not stay as it is, and it is reported as missing
    end = "/" if raw.endswith(("/", "\\")) else ""
    return os.path.join(root, *place.split("/")) + end  # noqa: PTH118 - a pattern or a folder with its slash


def is_inside(path: str, folder: str) -> bool:
    """Whether `path`, with its `..` resolved, lies in `folder`."""
    clean, top = os.path.normpath(path), os.path.normpath(folder)
    return clean == top or clean.startswith(top.rstrip(os.sep) + os.sep)


def move_below(root: str) -> None:
    """Move every absolute path below `root`, in linked libraries too, and load what lies there."""
    _move_libraries(root)
    move_paths(root)


def move_paths(root: str) -> None:
    """As move_below, libraries left where they are."""
    for slot in paths.slots():
        moved = below(root, slot.raw)
        if moved != slot.raw and (slot.is_path or os.path.isfile(moved)):  # noqa: PTH113
            slot.set(moved)
    if hasattr(bpy.data, "file_path_foreach"):
        # What no row of ours knows; Blender's own iterator knows its paths from 5.0 on.
        bpy.data.file_path_foreach(lambda block, path, *_: _moved(root, block, path))


def _moved(root: str, block: Any, path: str) -> str | None:
    """The new path; None leaves it. Libraries have to be loaded again, so they are left to _move_libraries."""
    moved = below(root, path)
    return moved if moved != path and block.id_type != "LIBRARY" else None


def _move_libraries(root: str) -> None:
    """Libraries first, level by level: what one links becomes known when it was loaded from its new place."""
    for _ in range(MAX_ROUNDS):
        moved = [library for library in bpy.data.libraries if below(root, library.filepath) != library.filepath]
        if not moved:
            return
        # One at a time: reloading one may replace or remove the others.
        library = moved[0]
        library.filepath = below(root, library.filepath)
        if os.path.isfile(library.filepath):  # noqa: PTH113
            library.reload()
