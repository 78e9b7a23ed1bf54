# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures in pairs, one file for each eye, in a scene that renders two views."""

from __future__ import annotations

from pathlib import Path

import bpy
import scene_sequencer
from stage import COLUMNS, PIXELS, Stage, color_of, relative, render_settings, write_png, write_sequence


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "INDIVIDUAL"
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    for number, kind in enumerate(KINDS):
        tile = stage.tile(kind, backed=False)
        strip = STRIPS[kind](stage, strips, number + 1, tile.kind)
        strip.use_multiview = True
        strip.views_format = "INDIVIDUAL"
        strip.frame_final_duration = 4
        scene_sequencer.draw_in(strip, tile)
    width, height = COLUMNS * PIXELS, PIXELS
    render_settings(scene, width, height, frame_end=4)
    scene_sequencer.place(stage, strips, width, height)
    return stage


def pair(stage: Stage, strips, channel: int, name: str):
    for number, eye in enumerate("LR"):
        write_png(stage.file(f"eyes/card_{eye}.png"), color_of(number))
    path = relative(stage.file("eyes/card_L.png"))
    return strips.new_image(name, path, channel, 1, fit_method="ORIGINAL")


def pairs(stage: Stage, strips, channel: int, name: str):
    left = write_sequence(stage.file("eyes/run/run_%_L.png"), range(1, 5))
    for number in range(1, 5):
        write_png(stage.file(f"eyes/run/run_{number:04d}_R.png"), color_of(number + 1))
    strip = strips.new_image(name, relative(left[0]), channel, 1, fit_method="ORIGINAL")
    for path in left[1:]:
        strip.elements.append(path.name)
    return strip


STRIPS = {"stereo strip": pair, "stereo strip of a sequence": pairs}
KINDS = tuple(STRIPS)
