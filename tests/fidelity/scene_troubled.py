# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist should hear about before anything is sent. Only examined, never rendered."""

from __future__ import annotations

from pathlib import Path

import bpy
from stage import Stage, color_of, grid, picture, plane, relative, write_png, write_sequence


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    stage.tile("nothing")
    gap(stage)
    lost(stage)
    other_machine(stage)
    unbaked()
    add_on_node(stage)
    stage.light_camera_action(frame_end=4)
    return stage


def gap(stage: Stage) -> None:
    """Frame 3 uses number 3, which is not there; number 7 is not there either, and nobody asks for it."""
    first = write_sequence(stage.file("seq/walk_%.png"), (1, 2, 4, 5, 6, 8, 9))[0]
    image = bpy.data.images.load(relative(first))
    image.source = "SEQUENCE"
    shown = plane("gap", picture(image, frame_duration=9, frame_start=1, use_auto_refresh=True))
    bpy.context.scene.collection.objects.link(shown)


def lost(stage: Stage) -> None:
    path = write_png(stage.file("tex/lost.png"), color_of(1))
    image = bpy.data.images.load(relative(path))
    image.name, image.use_fake_user = "lost", True
    path.unlink()


def other_machine(stage: Stage) -> None:
    image = bpy.data.images.load(relative(write_png(stage.file("tex/here.png"), color_of(1))))
    image.use_fake_user, image.filepath = True, "D:\\textures\\there.png"


def unbaked() -> None:
    board = grid("flag", None, 2)
    bpy.context.scene.collection.objects.link(board)
    board.modifiers.new("cloth", "CLOTH")


class ToonNode(bpy.types.ShaderNodeCustomGroup):
    """As an add-on makes them."""

    bl_idname, bl_label = "ToonNode", "Toon"


def add_on_node(stage: Stage) -> None:
    bpy.utils.register_class(ToonNode)
    image = bpy.data.images.load(relative(write_png(stage.file("tex/toon.png"), color_of(1))))
    material = picture(image)
    material.name, material.use_fake_user = "toon", True
    material.node_tree.nodes.new("ToonNode")
