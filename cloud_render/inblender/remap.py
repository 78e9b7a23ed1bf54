# SPDX-License-Identifier: GPL-3.0-or-later
"""Absolute paths of the artist's computer, moved in memory below the job's root. No file is rewritten."""

from __future__ import annotations

import os
from typing import Any

import bpy

from cloud_render.contract.errors import BadArguments
from cloud_render.contract.scene import scene_path
from cloud_render.inblender import paths, versions
from cloud_render.inblender.other_systems import is_of_windows, spelled
from cloud_render.inblender.references import blend_paths_of, resolve


def below(root: str, raw: str, blend: str) -> str:
    """Where the file that the .blend `blend` asks for as `raw` lies below `root`; what leads there already stays."""
    if not is_of_windows(raw):
        if raw.startswith("//"):
            return _not_above(root, raw, os.path.dirname(blend))  # noqa: PTH120
        if not raw.startswith("/") or is_inside(raw, root) or is_inside(raw, versions.bundled_files()):
            return raw
    try:
        place = scene_path(raw)
    except BadArguments:
        place = "nowhere"  # `/`, or a name no job can hold: it must not stay as it is, and it is reported as missing
    end = "/" if raw.endswith(("/", "\\")) else ""
    return os.path.join(root, *place.split("/")) + end  # noqa: PTH118 - a pattern or a folder with its slash


def _not_above(root: str, raw: str, folder: str) -> str:
    """`raw`, relative to `folder`; where it has more `..` than lead to the root, they end there as they do at `/`."""
    forward = raw[2:].replace("\\", "/")
    there = os.path.normpath(os.path.join(folder, forward))  # noqa: PTH118
    if is_inside(there, root) or not is_inside(folder, root):
        return raw
    ends_at_root = root + os.path.normpath("/" + os.path.relpath(folder, root) + "/" + forward)
    # Of a library Blender keeps only where the steps led on this machine: past its top, that is the artist's own path.
    past_the_top = root + there
    return past_the_top if os.path.exists(past_the_top) else ends_at_root  # noqa: PTH110


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
        moved = below(root, slot.raw, blend_paths_of(slot.owner))
        if moved != slot.raw and (slot.is_path or os.path.isfile(moved)):  # noqa: PTH113
            slot.set(moved)
    if hasattr(bpy.data, "file_path_foreach"):
        # What no row of ours knows; Blender's own iterator knows its paths from 5.0 on.
        bpy.data.file_path_foreach(lambda block, path, *_: _moved(root, block, path))


def _moved(root: str, block: Any, path: str) -> str | None:
    """The new path; None leaves it. Libraries have to be loaded again, so they are left to _move_libraries."""
    if block.id_type == "LIBRARY":
        return None
    moved = below(root, path, blend_paths_of(block))
    return moved if moved != path else None


def _move_libraries(root: str) -> None:
    """One at a time, because loading one again may replace or remove others, and brings what it links itself."""
    moved: set[tuple[int, str]] = set()
    while True:
        waiting = ((library, _place_of(root, library)) for library in bpy.data.libraries)
        library, place = next(
            ((one, place) for one, place in waiting if place != one.filepath and (one.session_uid, place) not in moved),
            (None, ""),
        )
        if library is None:
            return
        moved.add((library.session_uid, place))
        library.filepath = place
        if os.path.isfile(place):  # noqa: PTH113
            library.reload()


def _place_of(root: str, library: Any) -> str:
    """Windows and macOS know one library by several spellings, of which one is below the root."""
    place = below(root, library.filepath, str(bpy.data.filepath))
    return place if library.packed_file else _as_spelled(root, place)


def _as_spelled(root: str, place: str) -> str:
    there = resolve(place, None)
    found = spelled(there, root)
    return found if found != there and os.path.isfile(found) else place  # noqa: PTH113
