# SPDX-License-Identifier: GPL-3.0-or-later
"""What the compositor reads: images, sequences, clips, also in groups. Each is drawn in a tile of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
from stage import Stage, color_of, relative, write_png, write_sequence


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    tree = compositor_of(scene)
    tiles = [stage.tile(kind) for kind in BUILDERS]
    stage.light_camera_action(frame_end=4)
    width, height = scene.render.resolution_x, scene.render.resolution_y
    below = tree.nodes.new("CompositorNodeRLayers").outputs["Image"]
    for number, tile in enumerate(tiles):
        left, top, right, bottom = tile.box
        move = tree.nodes.new("CompositorNodeTranslate")
        move.inputs["X"].default_value = (left + right) / 2 - width / 2
        move.inputs["Y"].default_value = height / 2 - (top + bottom) / 2
        tree.links.new(BUILDERS[tile.kind](stage, tree, number, media), move.inputs["Image"])
        over = tree.nodes.new("CompositorNodeAlphaOver")
        images = [socket for socket in over.inputs if socket.type == "RGBA"]
        tree.links.new(below, images[0])
        tree.links.new(move.outputs[0], images[1])
        below = over.outputs[0]
    finish(tree, below)
    return stage


def compositor_of(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    if bpy.app.version >= (5, 0):
        tree = bpy.data.node_groups.new("compositor", "CompositorNodeTree")
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        scene.compositing_node_group = tree
        return tree
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    return scene.node_tree


def finish(tree: bpy.types.NodeTree, result: bpy.types.NodeSocket) -> None:
    kind = "NodeGroupOutput" if bpy.app.version >= (5, 0) else "CompositorNodeComposite"
    tree.links.new(result, tree.nodes.new(kind).inputs[0])


def image_node(tree: bpy.types.NodeTree, image: bpy.types.Image) -> bpy.types.NodeSocket:
    node = tree.nodes.new("CompositorNodeImage")
    node.image = image
    if image.source != "FILE":
        node.frame_duration, node.frame_start, node.use_auto_refresh = 4, 1, True
    return node.outputs["Image"]


def image(stage: Stage, tree: bpy.types.NodeTree, number: int, media: Path) -> bpy.types.NodeSocket:
    path = write_png(stage.file("comp/card.png"), color_of(number))
    return image_node(tree, bpy.data.images.load(relative(path)))


def sequence(stage: Stage, tree: bpy.types.NodeTree, number: int, media: Path) -> bpy.types.NodeSocket:
    path = write_sequence(stage.file("comp/run/run_%.png"), range(1, 9))[0]
    loaded = bpy.data.images.load(relative(path))
    loaded.source = "SEQUENCE"
    return image_node(tree, loaded)


def clip(stage: Stage, tree: bpy.types.NodeTree, number: int, media: Path) -> bpy.types.NodeSocket:
    path = Path(shutil.copy(media / "colors.mov", stage.file("comp/clip.mov")))
    return clip_node(tree, path)


def clip_sequence(stage: Stage, tree: bpy.types.NodeTree, number: int, media: Path) -> bpy.types.NodeSocket:
    return clip_node(tree, write_sequence(stage.file("comp/plate/plate_%.png"), range(1, 5))[0])


def clip_node(tree: bpy.types.NodeTree, path: Path) -> bpy.types.NodeSocket:
    loaded = bpy.data.movieclips.load(str(path))
    loaded.filepath = relative(path)
    node = tree.nodes.new("CompositorNodeMovieClip")
    node.clip = loaded
    return node.outputs["Image"]


def grouped(stage: Stage, tree: bpy.types.NodeTree, number: int, media: Path) -> bpy.types.NodeSocket:
    inner = bpy.data.node_groups.new("inner", "CompositorNodeTree")
    inner.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    path = write_png(stage.file("comp/grouped.png"), color_of(number))
    inner.links.new(
        image_node(inner, bpy.data.images.load(relative(path))), inner.nodes.new("NodeGroupOutput").inputs[0]
    )
    group = tree.nodes.new("CompositorNodeGroup")
    group.node_tree = inner
    return group.outputs[0]


BUILDERS = {
    "image node": image,
    "image sequence node": sequence,
    "clip node": clip,
    "clip node of a sequence": clip_sequence,
    "image node in a group": grouped,
}
