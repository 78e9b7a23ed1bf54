# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that lie packed in the .blend, and what they leave outside: a library's own pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
from stage import Stage, Tile, color_of, empty_file, glow, picture, plane, relative, write_png


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    library = stage.file("kit/kit.blend")
    build_library(library)
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    library_texture(stage.tile("texture of a packed library"))
    font(stage, stage.tile("font, packed"))
    stage.light_camera_action(frame_end=4)
    bpy.ops.file.pack_libraries()
    library.unlink()
    return stage


def build_library(blend: Path) -> None:
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    write_png(blend.parent / "tex" / "inner.png", color_of(2))
    material = picture(bpy.data.images.load("//tex/inner.png"))
    material.name, material.use_fake_user = "shown", True
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))


def library_texture(tile: Tile) -> None:
    with bpy.data.libraries.load("//../kit/kit.blend", link=True, relative=True) as (_, wanted):
        wanted.materials = ["shown"]
    tile.put(plane(tile.kind, wanted.materials[0]))


def font(stage: Stage, tile: Tile) -> None:
    bundled = Path(bpy.utils.system_resource("DATAFILES")) / "fonts" / "DejaVuSansMono.woff2"
    own = Path(shutil.copy(bundled, stage.file("fonts/Packed.woff2")))
    text = bpy.data.curves.new("text", "FONT")
    text.body, text.size, text.align_x, text.align_y = "mi", 0.6, "CENTER", "CENTER"
    text.font = bpy.data.fonts.load(relative(own))
    text.font.pack()
    own.unlink()
    text.materials.append(glow((0.3, 0.9, 0.5, 1)))
    tile.put(bpy.data.objects.new("text", text))
