# SPDX-License-Identifier: GPL-3.0-or-later
"""Relative paths with more steps up than there are folders: of a picture, and of a library with such a picture."""

from __future__ import annotations

from pathlib import Path

import bpy
from stage import Stage, color_of, empty_file, picture, plane, write_png


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    library = stage.file("kit/kit.blend")
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    material = shown(stage.file("kit/inner.png"), 1)
    material.name, material.use_fake_user = "linked", True
    bpy.ops.wm.save_as_mainfile(filepath=str(library), relative_remap=False)
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.materials = ["linked"]
    wanted.materials[0].library.filepath = climbing(library)
    for material in (shown(stage.file("tex/own.png"), 0), wanted.materials[0]):
        tile = stage.tile(material.name)
        tile.put(plane(tile.kind, material))
    stage.light_camera_action(frame_end=4)
    return stage


def climbing(path: Path) -> str:
    return "//" + "../" * 40 + str(path).lstrip("/")


def shown(path: Path, number: int) -> bpy.types.Material:
    image = bpy.data.images.load(str(write_png(path, color_of(number))))
    image.filepath = climbing(path)
    return picture(image)
