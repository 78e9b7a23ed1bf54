# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a frame's files go: the primary image, and what File Output nodes write, all below one folder a frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from cloud_render.inblender.versions import Scene

RESERVED = ("display", "layers", "views")
"""Folders below `outputs/` that are ours."""


def literal(path: str) -> str:
    """`path` as Blender must be told it: from 4.5 on, braces are templates and doubled ones stand for themselves."""
    return path.replace("{", "{{").replace("}", "}}") if bpy.app.version >= (4, 5) else path


def kept_folder(path: str) -> str:
    """The relative folder that stands for a File Output node's folder `path`.

    What lies beside the .blend keeps its name (`//renders/depth/` → `renders/depth`); of an absolute folder the last
    part is left. Nothing climbs: `..` is dropped.
    """
    forward = path.replace("\\", "/")
    parts = [part for part in forward.split("/") if part not in ("", ".", "..")]
    is_absolute = (forward.startswith("/") and not forward.startswith("//")) or re.match(r"[A-Za-z]:", forward)
    if is_absolute or path.startswith("\\\\"):
        parts = [part for part in parts[-1:] if not part.endswith(":")]
    if parts and parts[0] in RESERVED:
        parts[0] += "_"
    return "/".join(parts)


def kept_name(name: str) -> str:
    """A slot's name without anything that climbs out of its folder."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))


def numbered(name: str) -> str:
    """`name` with a place for the frame's number, where Blender puts it when it renders an animation."""
    return name if "#" in name.rpartition("/")[2] else f"{name}####"


@dataclass(frozen=True)
class FileOutput:
    """A File Output node and the relative folder for its files."""

    node: Any
    folder: str
    prefix: str = ""
    """Of a multilayer file up to 4.5, where the node's path is a folder and the start of a name in one."""

    def send_to(self, top: Path) -> None:
        place = literal(str(top / self.folder))
        if hasattr(self.node, "directory"):
            self.node.directory = place
        else:
            self.node.base_path = f"{place}/{self.prefix}" if self.prefix else place


def file_outputs() -> list[FileOutput]:
    """All File Output nodes, made ready: their names carry the frame's number and stay in their folder."""
    taken: dict[str, str] = {}
    return [
        _from_5_0(node, taken) if hasattr(node, "file_output_items") else _up_to_4_5(node, taken) for node in _nodes()
    ]


def apart(path: str, taken: dict[str, str]) -> str:
    """The kept folder for `path`, another one where a different path has it already: /a/masks and /b/masks stay two."""
    wanted = folder = kept_folder(path)
    number = 2
    while taken.setdefault(folder, path) != path:
        folder = f"{wanted or 'outputs'}_{number}"
        number += 1
    return folder


def _nodes() -> Iterator[Any]:
    trees: list[Any] = list(bpy.data.node_groups)
    scenes: list[Scene] = list(bpy.data.scenes)
    trees += [scene.node_tree for scene in scenes if getattr(scene, "node_tree", None)]  # up to 4.5
    for tree in trees:
        yield from (node for node in tree.nodes if node.bl_idname == "CompositorNodeOutputFile")


def _from_5_0(node: Any, taken: dict[str, str]) -> FileOutput:
    node.file_name = kept_name(node.file_name)
    if node.format.media_type == "MULTI_LAYER_IMAGE":
        node.file_name = numbered(node.file_name)
    else:
        for item in node.file_output_items:
            item.name = kept_name(item.name)
            if "#" not in node.file_name + item.name:
                item.name = numbered(item.name)
    return FileOutput(node, apart(node.directory, taken))


def _up_to_4_5(node: Any, taken: dict[str, str]) -> FileOutput:
    if node.format.file_format == "OPEN_EXR_MULTILAYER":
        folder, _, prefix = node.base_path.replace("\\", "/").rpartition("/")
        return FileOutput(node, apart(folder + "/", taken), prefix or numbered(""))
    for slot in node.file_slots:
        slot.path = kept_name(slot.path)
    return FileOutput(node, apart(node.base_path, taken))
