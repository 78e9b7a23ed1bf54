# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: `… edits.py -- FOLDER` saves a scene before and after each small edit.

FOLDER/<name>/before.blend and after.blend, in one session, as the extension saves its copies.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import bpy

EDITS: dict[str, Callable[[], None]] = {}


def edit(function: Callable[[], None]) -> Callable[[], None]:
    EDITS[function.__name__] = function
    return function


def thing(name: str = "Cube") -> bpy.types.Object:
    return bpy.data.objects[name]


def scene() -> bpy.types.Scene:
    return bpy.data.scenes["Scene"]


def build() -> None:
    """Meshes with two materials, nodes, modifiers, a driver, animation, a text, properties, a second view layer."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    bpy.ops.mesh.primitive_monkey_add()
    bpy.context.object.name = "Monkey"
    for name, owner in (("Red", "Cube"), ("Blue", "Monkey")):
        material = bpy.data.materials.new(name)
        material.use_nodes = True
        thing(owner).data.materials.clear()
        thing(owner).data.materials.append(material)
    thing("Monkey").modifiers.new("Subdivision", "SUBSURF").levels = 1
    thing("Monkey").modifiers.new("Bevel", "BEVEL")
    thing("Cube").keyframe_insert("location", frame=1)
    thing("Cube")["weight"] = 1.0
    driver = thing("Monkey").driver_add("scale", 0).driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.targets[0].id, variable.targets[0].data_path = thing("Cube"), '["weight"]'
    bpy.data.texts.new("Notes").write("one")
    scene().view_layers.new("Second")


@edit
def nothing() -> None:
    pass


@edit
def look_around() -> None:
    """What an artist does who only looks: other frames and back, other editors, other workspaces."""
    scene().frame_set(7)
    scene().frame_set(1)
    for screen in bpy.data.screens:
        screen.areas[0].type = "CONSOLE"
        screen.show_statusbar = not screen.show_statusbar


@edit
def move() -> None:
    thing("Light").location.x += 0.001


@edit
def colour() -> None:
    tree = bpy.data.materials["Red"].node_tree
    next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED").inputs[0].default_value = (1, 0, 0, 1)


@edit
def swap_materials() -> None:
    """The same blocks, the other way round."""
    cube, monkey = thing("Cube").data.materials, thing("Monkey").data.materials
    cube[0], monkey[0] = monkey[0], cube[0]


@edit
def swap_modifiers() -> None:
    thing("Monkey").modifiers.move(0, 1)


@edit
def vertex() -> None:
    thing("Monkey").data.vertices[100].co.z += 0.01


@edit
def key() -> None:
    thing("Cube").keyframe_insert("location", frame=9)


@edit
def driver() -> None:
    thing("Monkey").animation_data.drivers[0].driver.type = "MAX"


@edit
def custom_property() -> None:
    thing("Cube")["weight"] = 1.5


@edit
def hide() -> None:
    thing("Monkey").hide_render = True


@edit
def link() -> None:
    tree = bpy.data.materials["Red"].node_tree
    tree.links.remove(tree.links[0])


@edit
def parent() -> None:
    thing("Monkey").parent = thing("Cube")


@edit
def samples() -> None:
    scene().cycles.samples += 1


@edit
def exposure() -> None:
    scene().view_settings.exposure = 0.1


@edit
def view_layer() -> None:
    scene().view_layers["Second"].use = False


@edit
def text() -> None:
    bpy.data.texts["Notes"].lines[0].body = "two"


@edit
def rename() -> None:
    thing("Cube").name = "Dice"


@edit
def one_more() -> None:
    bpy.data.lights.new("Spare", "POINT").use_fake_user = True


def save(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, relative_remap=False, compress=False)


def main(folder: Path) -> None:
    for name, change in EDITS.items():
        build()
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / "scene.blend"))
        save(folder / name / "before.blend")
        change()
        save(folder / name / "after.blend")


if __name__ == "__main__":
    main(Path(sys.argv[sys.argv.index("--") + 1]))
