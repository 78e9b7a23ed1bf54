# SPDX-License-Identifier: GPL-3.0-or-later
"""One library by two spellings, `props` and `Props`, as a .blend from Windows or macOS has it: there they are the same.

Here both are made; the test lets only the first one travel.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from stage import Stage, color_of, empty_file, picture, plane, write_png


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    for folder in ("props", "Props"):
        build_props(stage.file(f"{folder}/props.blend"))
    build_kit(stage.file("kit/kit.blend"))
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    linked("//../props/props.blend", "table").location = stage.tile("linked by us").x, -0.5, 0
    chair = linked("//../kit/kit.blend", "kit")
    chair.location = stage.tile("linked by a library").x, -0.5, 0
    stage.light_camera_action(frame_end=4)
    return stage


def build_props(blend: Path) -> None:
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    for number, name in enumerate(("table", "chair")):
        write_png(blend.parent / "tex" / f"{name}.png", color_of(number))
        collection = bpy.data.collections.new(name)
        collection.objects.link(plane(name, picture(bpy.data.images.load(f"//tex/{name}.png"))))
        bpy.context.scene.collection.children.link(collection)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))


def build_kit(blend: Path) -> None:
    """A library that uses the other spelling."""
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    collection = bpy.data.collections.new("kit")
    collection.objects.link(linked("//../Props/props.blend", "chair"))
    bpy.context.scene.collection.children.link(collection)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))


def linked(library: str, name: str) -> bpy.types.Object:
    """An empty that shows the library's collection `name`."""
    with bpy.data.libraries.load(library, link=True, relative=True) as (_, wanted):
        wanted.collections = [name]
    empty = bpy.data.objects.new(name, None)
    empty.instance_type, empty.instance_collection = "COLLECTION", wanted.collections[0]
    bpy.context.scene.collection.objects.link(empty)
    return empty
