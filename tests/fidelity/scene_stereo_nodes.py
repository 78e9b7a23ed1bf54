# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in pairs that the compositor reads, in a scene that renders two views."""

from __future__ import annotations

from pathlib import Path

import bpy
from scene_compositor import compositor_of, finish
from stage import PIXELS, Stage, color_of, relative, write_png, write_sequence


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "INDIVIDUAL"
    tree = compositor_of(scene)
    tiles = [stage.tile(kind) for kind in KINDS]
    stage.light_camera_action(frame_end=4)
    below = None
    for tile in tiles:
        node = tree.nodes.new("CompositorNodeImage")
        node.image = KINDS[tile.kind](stage)
        node.image.use_multiview, node.image.views_format = True, "INDIVIDUAL"
        if node.image.source == "SEQUENCE":
            node.frame_duration, node.frame_start, node.use_auto_refresh = 4, 1, True
        left, top, right, bottom = tile.box
        move = tree.nodes.new("CompositorNodeTranslate")
        move.inputs["X"].default_value = (left + right - scene.render.resolution_x) / 2
        move.inputs["Y"].default_value = (scene.render.resolution_y - top - bottom) / 2
        tree.links.new(node.outputs["Image"], move.inputs["Image"])
        over = tree.nodes.new("CompositorNodeAlphaOver")
        images = [socket for socket in over.inputs if socket.type == "RGBA"]
        tree.links.new(below or tree.nodes.new("CompositorNodeRLayers").outputs["Image"], images[0])
        tree.links.new(move.outputs[0], images[1])
        below = over.outputs[0]
    finish(tree, below)
    return stage


def pair(stage: Stage) -> bpy.types.Image:
    for number, eye in enumerate("LR"):
        write_png(stage.file(f"eyes/node_{eye}.png"), color_of(number), PIXELS - 4)
    return bpy.data.images.load(relative(stage.file("eyes/node_L.png")))


def pairs(stage: Stage) -> bpy.types.Image:
    left = write_sequence(stage.file("eyes/nodes/%_L.png"), range(1, 5))
    for number in range(1, 5):
        write_png(stage.file(f"eyes/nodes/{number:04d}_R.png"), color_of(number + 1))
    image = bpy.data.images.load(relative(left[0]))
    image.source = "SEQUENCE"
    return image


KINDS = {"stereo image node": pair, "stereo sequence node": pairs}
