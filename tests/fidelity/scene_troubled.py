# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist should hear about before anything is sent. Only examined, never rendered."""

from __future__ import annotations

from pathlib import Path

import bpy
from stage import Stage, color_of, empty_file, grid, picture, plane, relative, write_png, write_sequence

GIB = 1024**3


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    build_library(stage.file("props/props.blend"))
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    stage.tile("nothing")
    for trouble in TROUBLES:
        trouble(stage)
    stage.light_camera_action(frame_end=4)
    return stage


def build_library(blend: Path) -> None:
    """Its material shows a picture that is not there."""
    empty_file()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    path = write_png(blend.parent / "wood.png", color_of(1))
    image = bpy.data.images.load("//wood.png")
    image.name = "wood"
    material = picture(image)
    material.name, material.use_fake_user = "Table", True
    path.unlink()
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))


def linked(stage: Stage) -> None:
    with bpy.data.libraries.load("//../props/props.blend", link=True, relative=True) as (_, wanted):
        wanted.materials = ["Table"]
    shown(plane("table", wanted.materials[0]))


def gap(stage: Stage) -> None:
    """Frame 3 uses number 3, which is not there; number 7 is not there either, and nobody asks for it."""
    first = write_sequence(stage.file("seq/walk_%.png"), (1, 2, 4, 5, 6, 8, 9))[0]
    image = bpy.data.images.load(relative(first))
    image.source = "SEQUENCE"
    shown(plane("gap", picture(image, frame_duration=9, frame_start=1, use_auto_refresh=True)))


def lost(stage: Stage) -> None:
    path = write_png(stage.file("tex/lost.png"), color_of(1))
    image = bpy.data.images.load(relative(path))
    image.name, image.use_fake_user = "lost", True
    path.unlink()


def other_machines(stage: Stage) -> None:
    """Two of a Windows computer, which are told together, and one of a Mac."""
    for name, path in (("one", "D:\\textures\\1.png"), ("two", "\\\\srv\\tex\\2.png"), ("mac", "/Users/ann/3.png")):
        image = bpy.data.images.load(relative(write_png(stage.file(f"tex/{name}.png"), color_of(1))))
        image.name, image.use_fake_user, image.filepath = name, True, path


def private(stage: Stage) -> None:
    """What a stranger's .blend might ask for."""
    image = bpy.data.images.load(relative(write_png(stage.file("tex/stolen.png"), color_of(1))))
    image.name, image.use_fake_user, image.filepath = "stolen", True, "/etc/passwd"


def huge(stage: Stage) -> None:
    path = stage.file("vdb/huge.vdb")
    with path.open("wb") as file:
        file.truncate(11 * GIB)  # takes no room on the disk
    volume = bpy.data.volumes.new("huge")
    volume.filepath, volume.use_fake_user = relative(path), True


def unbaked_cloth(stage: Stage) -> None:
    shown(grid("flag", None, 2)).modifiers.new("cloth", "CLOTH")


def unbaked_fluid(stage: Stage) -> None:
    modifier = shown(grid("water", None, 2)).modifiers.new("fluid", "FLUID")
    modifier.fluid_type = "DOMAIN"
    modifier.domain_settings.cache_directory = "//../never baked"


def unbaked_zones(stage: Stage) -> None:
    """One keeps its bake in a folder, where Blender has that; the other in the .blend, where nobody can look."""
    tree = bpy.data.node_groups.new("zone", "GeometryNodeTree")
    entry, end = tree.nodes.new("GeometryNodeSimulationInput"), tree.nodes.new("GeometryNodeSimulationOutput")
    entry.pair_with_output(end)
    for name, target in (("zone on disk", "DISK"), ("zone inside", "PACKED")):
        modifier = shown(grid(name, None, 2)).modifiers.new("nodes", "NODES")
        modifier.node_group = tree
        if hasattr(modifier, "bake_target"):
            modifier.bake_target = target


def no_simulation(stage: Stage) -> None:
    """Hair that stands still, cloth that is switched off, a world of rigid bodies without any."""
    hair = shown(grid("hair", None, 2)).modifiers.new("hair", "PARTICLE_SYSTEM")
    hair.particle_system.settings.type = "HAIR"
    shown(grid("off", None, 2)).modifiers.new("cloth", "CLOTH").show_render = False
    bpy.ops.rigidbody.world_add()


def shown(thing: bpy.types.Object) -> bpy.types.Object:
    bpy.context.scene.collection.objects.link(thing)
    bpy.context.view_layer.update()
    return thing


class ToonNode(bpy.types.ShaderNodeCustomGroup):
    """As an add-on makes them."""

    bl_idname, bl_label = "ToonNode", "Toon"


def add_on_node(stage: Stage) -> None:
    bpy.utils.register_class(ToonNode)
    image = bpy.data.images.load(relative(write_png(stage.file("tex/toon.png"), color_of(1))))
    material = picture(image)
    material.name, material.use_fake_user = "toon", True
    material.node_tree.nodes.new("ToonNode")


def texture_cache(stage: Stage) -> None:
    """What Blender 5.2 makes of textures on request."""
    stage.file("tex/blender_tx/toon.png.tx").write_bytes(b"tiles")


TROUBLES = (
    linked,
    gap,
    lost,
    other_machines,
    private,
    huge,
    unbaked_cloth,
    unbaked_fluid,
    unbaked_zones,
    no_simulation,
    add_on_node,
    texture_cache,
)
