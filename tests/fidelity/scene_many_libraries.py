# SPDX-License-Identifier: GPL-3.0-or-later
"""More libraries than anyone opens by hand, each with a picture, all by absolute paths."""

from __future__ import annotations

from pathlib import Path

import bpy
from stage import Stage, color_of, empty_file, picture, plane, write_png

LIBRARIES = 40


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    libraries = [build_library(stage.file(f"kit {number}/kit.blend"), number) for number in range(LIBRARIES)]
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    for number, library in enumerate(libraries):
        with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
            wanted.materials = ["shown"]
        tile = stage.tile(f"library {number}", backed=False)
        tile.put(plane(tile.kind, wanted.materials[0]))
    stage.light_camera_action(frame_end=4)
    return stage


def build_library(blend: Path, number: int) -> Path:
    empty_file()
    material = picture(bpy.data.images.load(str(write_png(blend.parent / f"{number}.png", color_of(number)))))
    material.name, material.use_fake_user = "shown", True
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    return blend
