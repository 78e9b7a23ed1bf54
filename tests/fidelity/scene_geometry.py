# SPDX-License-Identifier: GPL-3.0-or-later
"""Fonts, volumes, and geometry that comes from files: Alembic, USD, MDD, PC2, displacements, import nodes."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import bpy
from smoke import write_smoke
from stage import Stage, Tile, color_of, glow, grid, nodes_of, plane, relative, set_input


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    for number, (kind, builder) in enumerate(BUILDERS.items()):
        if SINCE.get(kind, (4, 2)) <= bpy.app.version[:2]:
            builder(stage, stage.tile(kind), number)
    stage.light_camera_action(frame_end=4)
    return stage


def colored(number: int) -> bpy.types.Material:
    return glow([part / 255 for part in color_of(number)] + [1], f"glow {number}")


def font(stage: Stage, tile: Tile, number: int) -> None:
    """DejaVu Sans Mono, which comes with Blender, as the artist's own font."""
    bundled = Path(bpy.utils.system_resource("DATAFILES")) / "fonts" / "DejaVuSansMono.woff2"
    own = shutil.copy(bundled, stage.file("fonts/Mono.woff2"))
    text = bpy.data.curves.new("text", "FONT")
    text.body, text.size, text.align_x, text.align_y = "mi", 0.6, "CENTER", "CENTER"
    text.font = bpy.data.fonts.load(relative(own))
    text.materials.append(colored(number))
    tile.put(bpy.data.objects.new("text", text))


def smoke_material() -> bpy.types.Material:
    material = bpy.data.materials.new("smoke")
    tree = nodes_of(material)
    density, emission = tree.nodes.new("ShaderNodeAttribute"), tree.nodes.new("ShaderNodeEmission")
    density.attribute_name = "density"
    emission.inputs["Color"].default_value = (0.2, 0.8, 0.5, 1)
    tree.links.new(density.outputs["Fac"], emission.inputs["Strength"])
    tree.links.new(emission.outputs[0], tree.nodes.new("ShaderNodeOutputMaterial").inputs["Volume"])
    return material


def volume_from(tile: Tile, path: Path) -> bpy.types.Volume:
    volume = bpy.data.volumes.new("smoke")
    volume.filepath = relative(path)
    volume.materials.append(smoke_material())
    thing = tile.put(bpy.data.objects.new("smoke", volume))
    thing.location.x -= 0.32
    thing.location.y -= 0.32
    return volume


def volume(stage: Stage, tile: Tile, number: int) -> None:
    volume_from(tile, write_smoke(stage.file("vdb/still.vdb"), 2))


def volume_sequence(stage: Stage, tile: Tile, number: int) -> None:
    for frame in range(1, 5):
        write_smoke(stage.file(f"vdb/smoke_{frame:04d}.vdb"), frame)
    sequence = volume_from(tile, stage.file("vdb/smoke_0001.vdb"))
    sequence.is_sequence, sequence.frame_start, sequence.frame_duration = True, 1, 4


def select_only(thing: bpy.types.Object) -> None:
    bpy.context.view_layer.update()  # what was only just linked could not be selected
    for other in bpy.context.view_layer.objects:
        other.select_set(other == thing)
    bpy.context.view_layer.objects.active = thing


def export(path: Path, width: float, number: int, frames: tuple[int, int], moving: bool = True) -> None:
    """A square `width` wide as Alembic or USD, that moves from frame to frame when `moving`."""
    source = plane("source", None, width)
    bpy.context.scene.collection.objects.link(source)
    if moving:
        push = source.modifiers.new("push", "DISPLACE")
        push.direction, push.mid_level = "Y", 0
        for frame in (1, 4):
            push.strength = frame * 0.07
            push.keyframe_insert("strength", frame=frame)
    select_only(source)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = frames
    if path.suffix == ".abc":
        bpy.ops.wm.alembic_export(
            filepath=str(path), selected=True, start=frames[0], end=frames[1], as_background_job=False
        )
    else:
        bpy.ops.wm.usd_export(filepath=str(path), selected_objects_only=True, export_animation=True)
    bpy.data.meshes.remove(source.data)  # and the object with it: the next one's names must be the same


def cache_file(path: Path) -> bpy.types.CacheFile:
    bpy.ops.cachefile.open(filepath=str(path))
    opened = next(cache for cache in bpy.data.cache_files if Path(cache.filepath) == path)
    opened.filepath = relative(path)
    opened.scale = 1  # opened without a window it is 0
    return opened


def reads(tile: Tile, number: int, cache: bpy.types.CacheFile, object_path: str) -> None:
    """A square that takes its shape from the cache."""
    board = tile.put(plane(tile.kind, colored(number), 0.2))
    modifier = board.modifiers.new("cache", "MESH_SEQUENCE_CACHE")
    modifier.cache_file = cache
    modifier.object_path = object_path


def alembic(stage: Stage, tile: Tile, number: int) -> None:
    path = stage.file("caches/shape.abc")
    export(path, 0.4, number, (1, 4))
    reads(tile, number, cache_file(path), "/source/source")


def alembic_sequence(stage: Stage, tile: Tile, number: int) -> None:
    for frame in range(1, 5):
        export(stage.file(f"caches/shapes_{frame:04d}.abc"), 0.2 + 0.1 * frame, number, (1, 1), moving=False)
    cache = cache_file(stage.file("caches/shapes_0001.abc"))
    cache.is_sequence = True
    reads(tile, number, cache, "/source/source")


def alembic_layer(stage: Stage, tile: Tile, number: int) -> None:
    """A second Alembic file that overrides the first."""
    export(stage.file("caches/base.abc"), 0.3, number, (1, 1), moving=False)
    export(stage.file("caches/over.abc"), 0.8, number, (1, 1), moving=False)
    cache = cache_file(stage.file("caches/base.abc"))
    cache.layers.new(filepath=relative(stage.file("caches/over.abc")))
    reads(tile, number, cache, "/source/source")


def usd(stage: Stage, tile: Tile, number: int) -> None:
    path = stage.file("caches/shape.usdc")
    export(path, 0.4, number, (1, 4))
    reads(tile, number, cache_file(path), "/root/source/source")


def usd_of_layers(stage: Stage, tile: Tile, number: int) -> None:
    """A USD file that says nothing itself: all comes from a layer below, in another folder."""
    export(stage.file("caches/layers/body.usda"), 0.5, number, (1, 4))
    top = stage.file("caches/top.usda")
    top.write_text('#usda 1.0\n(\n    subLayers = [\n        @./layers/body.usda@\n    ]\n    upAxis = "Z"\n)\n')
    reads(tile, number, cache_file(top), "/root/source/source")


def transform_cache(stage: Stage, tile: Tile, number: int) -> None:
    """A constraint that takes the place from the cache."""
    path = stage.file("caches/moved.abc")
    mover = tile.put(plane("mover", None, 0.3))
    mover.keyframe_insert("location", frame=1)
    mover.location.x += 0.25
    mover.keyframe_insert("location", frame=4)
    select_only(mover)
    bpy.context.scene.frame_set(1)
    bpy.ops.wm.alembic_export(filepath=str(path), selected=True, start=1, end=4, as_background_job=False)
    bpy.data.meshes.remove(mover.data)
    board = tile.put(plane(tile.kind, colored(number), 0.3))
    board.location.y += 0.3
    constraint = board.constraints.new("TRANSFORM_CACHE")
    constraint.cache_file = cache_file(path)
    constraint.object_path = "/mover/mover"


def points_by_frame(board: bpy.types.Object) -> list[list[float]]:
    base = [tuple(vertex.co) for vertex in board.data.vertices]
    return [[part for x, y, z in base for part in (x * (1 + 0.2 * step), y, z)] for step in range(4)]


def mdd(stage: Stage, tile: Tile, number: int) -> None:
    board = tile.put(grid(tile.kind, colored(number), 2, size=0.4))
    frames = points_by_frame(board)
    points = len(board.data.vertices)
    path = stage.file("caches/shape.mdd")
    times = [step / 24 for step in range(4)]
    path.write_bytes(
        struct.pack(">2i4f", 4, points, *times) + b"".join(struct.pack(f">{points * 3}f", *co) for co in frames)
    )
    cached(board, path, "MDD")


def pc2(stage: Stage, tile: Tile, number: int) -> None:
    board = tile.put(grid(tile.kind, colored(number), 2, size=0.4))
    frames = points_by_frame(board)
    points = len(board.data.vertices)
    path = stage.file("caches/shape.pc2")
    path.write_bytes(
        struct.pack("<12siiffi", b"POINTCACHE2\0", 1, points, 1.0, 1.0, 4)
        + b"".join(struct.pack(f"<{points * 3}f", *co) for co in frames)
    )
    cached(board, path, "PC2")


def cached(board: bpy.types.Object, path: Path, kind: str) -> None:
    modifier = board.modifiers.new("cache", "MESH_CACHE")
    modifier.cache_format, modifier.filepath = kind, relative(path)
    modifier.frame_start = 1


def multires_external(stage: Stage, tile: Tile, number: int) -> None:
    """Sculpted displacement, kept in a file of its own."""
    board = tile.put(grid(tile.kind, colored(number), 2, size=0.3))
    select_only(board)
    modifier = board.modifiers.new("multires", "MULTIRES")
    bpy.ops.object.multires_subdivide(modifier="multires", mode="SIMPLE")
    target = grid("target", None, 4, size=0.7)
    bpy.context.scene.collection.objects.link(target)
    target.location = board.location
    target.select_set(True)
    bpy.ops.object.multires_reshape(modifier="multires")
    bpy.data.objects.remove(target)
    path = stage.file("sculpt/shape.btx")
    bpy.ops.object.multires_external_save(modifier="multires", filepath=str(path))
    modifier.filepath = relative(path)


OBJ = "v -0.3 -0.2 0\nv 0.3 -0.2 0\nv 0.3 0.2 0\nv -0.3 0.2 0\nf 1 2 3 4\n"
PLY = (
    "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    "element face 1\nproperty list uchar int vertex_indices\nend_header\n-0.3 -0.3 0\n0.3 -0.3 0\n0 0.3 0\n3 0 1 2\n"
)
STL = (
    "solid a\nfacet normal 0 0 1\nouter loop\nvertex -0.3 -0.3 0\nvertex 0.3 -0.3 0\nvertex 0.3 0.3 0\n"
    "endloop\nendfacet\nendsolid a\n"
)


def importing(tile: Tile, number: int, node_type: str, path: Path, by_modifier: bool = False) -> None:
    """An object whose geometry an import node reads; the path in the node, or given by the modifier."""
    tree = bpy.data.node_groups.new(node_type, "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    node = tree.nodes.new(node_type)
    material = tree.nodes.new("GeometryNodeSetMaterial")
    material.inputs["Material"].default_value = (
        smoke_material() if node_type == "GeometryNodeImportVDB" else colored(number)
    )
    geometry = node.outputs[0]
    if node_type == "GeometryNodeImportOBJ":
        realize = tree.nodes.new("GeometryNodeRealizeInstances")
        tree.links.new(geometry, realize.inputs[0])
        geometry = realize.outputs[0]
    tree.links.new(geometry, material.inputs["Geometry"])
    tree.links.new(material.outputs[0], tree.nodes.new("NodeGroupOutput").inputs[0])
    board = tile.put(plane(tile.kind, None))
    modifier = board.modifiers.new("nodes", "NODES")
    if by_modifier:
        socket = tree.interface.new_socket("Path", in_out="INPUT", socket_type="NodeSocketString")
        socket.subtype = "FILE_PATH"
        tree.links.new(tree.nodes.new("NodeGroupInput").outputs["Path"], node.inputs["Path"])
        modifier.node_group = tree
        set_input(modifier, socket.identifier, relative(path))
    else:
        node.inputs["Path"].default_value = relative(path)
        modifier.node_group = tree


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def import_obj(stage: Stage, tile: Tile, number: int) -> None:
    importing(tile, number, "GeometryNodeImportOBJ", written(stage.file("models/flat.obj"), OBJ))


def import_ply(stage: Stage, tile: Tile, number: int) -> None:
    importing(tile, number, "GeometryNodeImportPLY", written(stage.file("models/flat.ply"), PLY))


def import_stl(stage: Stage, tile: Tile, number: int) -> None:
    importing(tile, number, "GeometryNodeImportSTL", written(stage.file("models/flat.stl"), STL))


def import_csv(stage: Stage, tile: Tile, number: int) -> None:
    """Points where the table says, each a small circle."""
    path = written(stage.file("models/points.csv"), "x,y\n-0.2,-0.2\n0.2,0.1\n")
    tree = bpy.data.node_groups.new("table", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    table, place = tree.nodes.new("GeometryNodeImportCSV"), tree.nodes.new("ShaderNodeCombineXYZ")
    for axis in "xy":
        column = tree.nodes.new("GeometryNodeInputNamedAttribute")
        column.data_type = "FLOAT"
        column.inputs["Name"].default_value = axis
        tree.links.new(column.outputs["Attribute"], place.inputs[axis.upper()])
    move, circle = tree.nodes.new("GeometryNodeSetPosition"), tree.nodes.new("GeometryNodeMeshCircle")
    circle.fill_type, circle.inputs["Radius"].default_value = "NGON", 0.15
    dots, material = tree.nodes.new("GeometryNodeInstanceOnPoints"), tree.nodes.new("GeometryNodeSetMaterial")
    material.inputs["Material"].default_value = colored(number)
    tree.links.new(table.outputs[0], move.inputs["Geometry"])
    tree.links.new(place.outputs[0], move.inputs["Position"])
    tree.links.new(circle.outputs[0], material.inputs["Geometry"])
    tree.links.new(move.outputs[0], dots.inputs["Points"])
    tree.links.new(material.outputs[0], dots.inputs["Instance"])
    tree.links.new(dots.outputs[0], tree.nodes.new("NodeGroupOutput").inputs[0])
    table.inputs["Path"].default_value = relative(path)
    tile.put(plane(tile.kind, None)).modifiers.new("nodes", "NODES").node_group = tree


def import_text(stage: Stage, tile: Tile, number: int) -> None:
    """The words that the file holds, as curves."""
    path = written(stage.file("models/words.txt"), "mi")
    tree = bpy.data.node_groups.new("words", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    text, curves = tree.nodes.new("GeometryNodeImportText"), tree.nodes.new("GeometryNodeStringToCurves")
    curves.inputs["Size"].default_value = 0.5
    fill, material = tree.nodes.new("GeometryNodeFillCurve"), tree.nodes.new("GeometryNodeSetMaterial")
    material.inputs["Material"].default_value = colored(number)
    tree.links.new(text.outputs["String"], curves.inputs["String"])
    tree.links.new(curves.outputs[0], fill.inputs[0])
    tree.links.new(fill.outputs[0], material.inputs["Geometry"])
    tree.links.new(material.outputs[0], tree.nodes.new("NodeGroupOutput").inputs[0])
    text.inputs["Path"].default_value = relative(path)
    tile.put(plane(tile.kind, None)).modifiers.new("nodes", "NODES").node_group = tree


def import_stl_by_modifier(stage: Stage, tile: Tile, number: int) -> None:
    path = written(stage.file("models/input.stl"), STL)
    importing(tile, number, "GeometryNodeImportSTL", path, by_modifier=True)


def import_vdb(stage: Stage, tile: Tile, number: int) -> None:
    importing(tile, number, "GeometryNodeImportVDB", write_smoke(stage.file("models/smoke.vdb"), 4))


BUILDERS = {
    "font": font,
    "volume": volume,
    "volume sequence": volume_sequence,
    "Alembic": alembic,
    "Alembic sequence": alembic_sequence,
    "Alembic layer": alembic_layer,
    "USD": usd,
    "USD of several layers": usd_of_layers,
    "transform cache": transform_cache,
    "MDD": mdd,
    "PC2": pc2,
    "multires in a file": multires_external,
    "import node, OBJ": import_obj,
    "import node, PLY": import_ply,
    "import node, STL": import_stl,
    "import node, CSV": import_csv,
    "import node, text": import_text,
    "import node, path from the modifier": import_stl_by_modifier,
    "import node, VDB": import_vdb,
}
SINCE = {kind: (4, 5) for kind in BUILDERS if kind.startswith("import node")}
