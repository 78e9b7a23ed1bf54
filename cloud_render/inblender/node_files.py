# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that geometry nodes read files from: in import nodes, in what feeds them, and in modifiers' inputs.

Blender's path iterator names an import node's own path from 5.0 on, in 4.5 none, and in no version what a modifier
hands to its group. Paths that nodes put together while they run can't be known: `--extra` brings their files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from cloud_render.inblender.slot import ItemSlot, Slot

IMPORT = "GeometryNodeImport"
"""How the types of all import nodes start (4.5 and later: OBJ, PLY, STL, CSV, VDB, text)."""


def slots() -> Iterator[Slot]:
    """Each text that can become an import node's path. It belongs to the tree: relative paths start at its .blend."""
    importers = _importers()
    if not importers:
        return
    for tree in importers:
        yield from _in_tree(tree)
    objects: Any = bpy.data.objects
    for thing in objects:
        for modifier in thing.modifiers:
            if modifier.type == "NODES" and modifier.node_group in importers:
                yield from _inputs(modifier)


def _importers() -> set[Any]:
    """The trees that import files, themselves or through groups in them."""
    trees = [tree for tree in bpy.data.node_groups if tree.bl_idname == "GeometryNodeTree"]
    found = {tree for tree in trees if any(node.bl_idname.startswith(IMPORT) for node in tree.nodes)}
    while more := {tree for tree in trees if tree not in found and any(_group(node) in found for node in tree.nodes)}:
        found |= more
    return found


def _group(node: Any) -> Any:
    return getattr(node, "node_tree", None)


def _in_tree(tree: Any) -> Iterator[Slot]:
    for node in tree.nodes:
        if node.bl_idname == "FunctionNodeInputString":
            yield Slot(tree, node, "string", is_path=False)
        elif node.bl_idname.startswith(IMPORT) or _group(node):
            texts = (socket for socket in node.inputs if socket.type == "STRING" and not socket.is_linked)
            for socket in texts:
                yield Slot(tree, socket, "default_value", is_path=socket.bl_idname == "NodeSocketStringFilePath")


def _inputs(modifier: Any) -> Iterator[Slot]:
    """The texts among what the modifier gives its group."""
    tree = modifier.node_group
    for item in tree.interface.items_tree:
        if item.item_type != "SOCKET" or item.in_out != "INPUT" or item.bl_socket_idname[:16] != "NodeSocketString":
            continue
        is_path = item.subtype == "FILE_PATH"
        if hasattr(modifier, "properties"):  # 5.2
            yield Slot(tree, getattr(modifier.properties.inputs, item.identifier), "value", is_path)
        elif isinstance(modifier.get(item.identifier), str):
            yield ItemSlot(tree, modifier, item.identifier, is_path)
