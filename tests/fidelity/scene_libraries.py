# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries, libraries of libraries and overrides, each with files of its own beside it."""

from __future__ import annotations

from pathlib import Path

import bpy
from smoke import write_smoke
from stage import Stage, Tile, color_of, empty_file, grid, nodes_of, picture, plane, write_png, write_sequence


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    deep = stage.file("vendor/deep/deep.blend")
    props = stage.file("props/props.blend")
    build_deep(deep)
    build_props(props, deep)
    empty_file()
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 4
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    with bpy.data.libraries.load("//../props/props.blend", link=True, relative=True) as (there, wanted):
        wanted.objects = [name for name in there.objects if name != "packable"]
        wanted.collections = ["set", "override me"]
        wanted.images = ["linked alone"]
        wanted.materials = ["kept for later"]
    for kind in KINDS:
        if bpy.app.version < SINCE.get(kind, (4, 2)):
            continue
        tile = stage.tile(kind)
        SHOW[kind](tile)
    stage.light_camera_action(frame_end=4)
    return stage


def saved_beside(path: Path, **settings: object) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(path), **settings)


def own_texture(blend: Path, name: str, number: int) -> bpy.types.Material:
    """A picture in the folder `tex` beside the library: the same relative path as another library's."""
    write_png(blend.parent / "tex" / name, color_of(number))
    return picture(bpy.data.images.load(f"//tex/{name}"))


def build_deep(blend: Path) -> None:
    """A library that another library uses."""
    empty_file()
    saved_beside(blend)
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = 1, 4
    inner = plane("inner", own_texture(blend, "wood.png", 4))
    bpy.context.scene.collection.objects.link(inner)
    deep = grid("deep cloth", own_texture(blend, "cloth.png", 5), 3, size=0.3)
    bpy.context.scene.collection.objects.link(deep)
    bpy.context.scene.gravity = (0, -50, 0)
    cache = deep.modifiers.new("cloth", "CLOTH").point_cache
    cache.frame_start, cache.frame_end, cache.use_disk_cache, cache.name = 1, 4, True, "deep"
    bpy.context.view_layer.update()
    bpy.ops.ptcache.bake_all(bake=True)
    saved_beside(blend)


def build_props(blend: Path, deep: Path) -> None:
    empty_file()
    saved_beside(blend)
    scene = bpy.context.scene
    with bpy.data.libraries.load("//../vendor/deep/deep.blend", link=True, relative=True) as (_, wanted):
        wanted.objects = ["inner", "deep cloth"]
    put = scene.collection.objects.link
    put(plane("packable", own_texture(blend, "packable.png", 5)))
    put(plane("textured", own_texture(blend, "wood.png", 0)))
    numbers = write_sequence(blend.parent / "tex" / "run_%.png", range(1, 5))
    moving = bpy.data.images.load(f"//tex/{numbers[0].name}")
    moving.source = "SEQUENCE"
    put(plane("moving", picture(moving, frame_duration=4, frame_start=1, use_auto_refresh=True)))
    inner = bpy.data.collections.new("set")
    for thing in wanted.objects:
        inner.objects.link(thing)
    scene.collection.children.link(inner)
    volume = bpy.data.volumes.new("smoke")
    write_smoke(blend.parent / "vdb" / "smoke.vdb", 2)
    volume.filepath = "//vdb/smoke.vdb"
    material = bpy.data.materials.new("smoke")
    tree = nodes_of(material)
    emission = tree.nodes.new("ShaderNodeEmission")
    density = tree.nodes.new("ShaderNodeAttribute")
    density.attribute_name = "density"
    tree.links.new(density.outputs["Fac"], emission.inputs["Strength"])
    tree.links.new(emission.outputs[0], tree.nodes.new("ShaderNodeOutputMaterial").inputs["Volume"])
    volume.materials.append(material)
    put(bpy.data.objects.new("cloud", volume))
    changed = plane("overridden", own_texture(blend, "metal.png", 2))
    overridable = bpy.data.collections.new("override me")
    overridable.objects.link(changed)
    scene.collection.children.link(overridable)
    alone = bpy.data.images.load(str(write_png(blend.parent / "tex" / "alone.png", color_of(3))))
    alone.name, alone.filepath, alone.use_fake_user = "linked alone", "//tex/alone.png", True
    own_texture(blend, "later.png", 1).name = "kept for later"
    bpy.data.materials["kept for later"].use_fake_user = True
    saved_beside(blend)


def show_object(name: str):
    def show(tile: Tile) -> None:
        """An empty of ours carries the linked object, which can't be moved itself."""
        collection = bpy.data.collections.new(f"only {name}")
        collection.objects.link(bpy.data.objects[name])
        carry(tile, collection)

    return show


def carry(tile: Tile, collection: bpy.types.Collection) -> bpy.types.Object:
    empty = bpy.data.objects.new(tile.kind, None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    return tile.put(empty)


def show_cloud(tile: Tile) -> None:
    show_object("cloud")(tile)
    empty = bpy.data.objects[tile.kind]
    empty.location.x -= 0.32
    empty.location.y -= 0.32


def show_linked_image(tile: Tile) -> None:
    tile.put(plane(tile.kind, picture(bpy.data.images["linked alone"])))


def show_linked_material(tile: Tile) -> None:
    tile.put(plane(tile.kind, bpy.data.materials["kept for later"]))


def show_override(tile: Tile) -> None:
    source = bpy.data.collections["override me"]
    scene = bpy.context.scene
    made = source.override_hierarchy_create(scene, bpy.context.view_layer)
    made = made or bpy.data.collections["override me.001"]
    thing = made.objects[0]
    thing.location = (tile.x, tile.y, 0)
    thing.scale = (0.6, 1, 1)


def show_override_with_own_texture(tile: Tile) -> None:
    """The override's material slot holds a material of ours, which uses the linked image."""
    linked = bpy.data.objects["textured"]
    made = linked.override_create()
    bpy.context.scene.collection.objects.link(made)
    made.location = (tile.x, tile.y, 0)
    material = picture(bpy.data.images["linked alone"])
    made.material_slots[0].link = "OBJECT"
    made.material_slots[0].material = material


def show_packed(tile: Tile) -> None:
    """The library's object lies in our .blend, its picture still outside."""
    path = "//../props/props.blend"
    with bpy.data.libraries.load(path, link=True, relative=True, pack=True) as (_, wanted):
        wanted.objects = ["packable"]
    collection = bpy.data.collections.new("only packable")
    collection.objects.link(wanted.objects[0])
    carry(tile, collection)


SHOW = {
    "texture of a library": show_object("textured"),
    "sequence of a library": show_object("moving"),
    "volume of a library": show_cloud,
    "library of a library": show_object("inner"),
    "cache of a library of a library": show_object("deep cloth"),
    "linked image": show_linked_image,
    "linked material": show_linked_material,
    "library override": show_override,
    "override with a linked image": show_override_with_own_texture,
    "packed linked data": show_packed,
}
KINDS = tuple(SHOW)
SINCE = {"packed linked data": (5, 0)}
