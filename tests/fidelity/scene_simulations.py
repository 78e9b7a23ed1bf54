# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulations whose result lies in caches on the disk. Things fall along the picture, so that it shows."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
from stage import Stage, Tile, color_of, glow, grid, plane


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 4
    scene.gravity = (0, -50, 0)
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    tiles = {kind: stage.tile(kind) for kind in BUILDERS}
    for number, (kind, builder) in enumerate(BUILDERS.items()):
        builder(stage, tiles[kind], number)
    stage.light_camera_action(frame_end=4)
    bpy.context.view_layer.update()
    bpy.ops.ptcache.bake_all(bake=True)
    for bake in BAKES:
        bake()
    make_external()
    return stage


def colored(number: int) -> bpy.types.Material:
    return glow([part / 255 for part in color_of(number)] + [1], f"glow {number}")


def on_disk(cache: bpy.types.PointCache, name: str) -> None:
    cache.frame_start, cache.frame_end = 1, 4
    cache.use_disk_cache, cache.name = True, name


def cloth(stage: Stage, tile: Tile, number: int) -> None:
    board = tile.put(grid(tile.kind, colored(number), 3, size=0.3))
    on_disk(board.modifiers.new("cloth", "CLOTH").point_cache, "my cloth")


def cloth_external(stage: Stage, tile: Tile, number: int) -> None:
    """Baked as the others; then its files are moved and the cache told where: see make_external."""
    cloth(stage, tile, number)
    bpy.data.objects[tile.kind].modifiers["cloth"].point_cache.name = "moved"


def make_external() -> None:
    folder = Path(bpy.data.filepath).parent
    target = folder.parent / "elsewhere caches"
    target.mkdir()
    for file in (folder / "blendcache_shot").glob("moved_*"):
        file.rename(target / file.name)
    cache = bpy.data.objects["cloth, external cache"].modifiers["cloth"].point_cache
    cache.use_external = True
    cache.filepath = "//../elsewhere caches"
    cache.name = "moved"


def soft_body(stage: Stage, tile: Tile, number: int) -> None:
    board = tile.put(grid(tile.kind, colored(number), 3, size=0.3))
    modifier = board.modifiers.new("soft", "SOFT_BODY")
    modifier.settings.use_goal = False
    on_disk(modifier.point_cache, "soft")


def particles(stage: Stage, tile: Tile, number: int) -> None:
    dot = plane("dot", colored(number), 0.12)
    bpy.context.scene.collection.objects.link(dot)
    dot.location = (-20, 0, 0)
    board = tile.put(plane(tile.kind, None, 0.3))
    board.show_instancer_for_render = False
    board.modifiers.new("particles", "PARTICLE_SYSTEM")
    system = board.particle_systems[0]
    settings = system.settings
    settings.count, settings.frame_start, settings.frame_end, settings.lifetime = 6, 1, 1, 10
    settings.render_type, settings.instance_object, settings.particle_size = "OBJECT", dot, 1
    settings.normal_factor = 0
    on_disk(system.point_cache, "")


def hair_dynamics(stage: Stage, tile: Tile, number: int) -> None:
    board = tile.put(plane(tile.kind, colored(number), 0.25), z=-0.5)
    board.modifiers.new("hair", "PARTICLE_SYSTEM")
    system = board.particle_systems[0]
    settings = system.settings
    settings.type, settings.count, settings.hair_length, settings.hair_step = "HAIR", 12, 0.4, 3
    settings.root_radius = settings.tip_radius = 1
    settings.radius_scale = 0.08
    system.use_hair_dynamics = True
    system.cloth.settings.bending_stiffness = 0.01
    on_disk(system.point_cache, "hair")

    def bake() -> None:
        with bpy.context.temp_override(point_cache=system.point_cache, object=board, active_object=board):
            bpy.ops.ptcache.bake(bake=True)  # what bakes all leaves hair out

    BAKES.append(bake)


def dynamic_paint(stage: Stage, tile: Tile, number: int) -> None:
    """A wall seen from above, dented where the brush is."""
    wall = tile.put(grid(tile.kind, colored(number), 8, size=0.7))
    wall.rotation_euler.x = math.pi / 2
    modifier = wall.modifiers.new("paint", "DYNAMIC_PAINT")
    modifier.ui_type = "CANVAS"
    bpy.context.view_layer.update()
    with bpy.context.temp_override(object=wall, active_object=wall, selected_objects=[wall]):
        bpy.ops.dpaint.type_toggle(type="CANVAS")
    surface = modifier.canvas_settings.canvas_surfaces[0]
    surface.surface_type, surface.frame_start, surface.frame_end = "DISPLACE", 1, 4
    surface.depth_clamp, surface.displace_factor = 0, 1
    on_disk(surface.point_cache, "dents")
    brush = tile.put(plane("brush", None, 0.4))
    brush.rotation_euler.x = math.pi / 2
    brush.hide_render = True
    solid = brush.modifiers.new("solid", "SOLIDIFY")
    solid.thickness, solid.offset = 0.4, 0
    paint = brush.modifiers.new("paint", "DYNAMIC_PAINT")
    paint.ui_type = "BRUSH"
    with bpy.context.temp_override(object=brush, active_object=brush, selected_objects=[brush]):
        bpy.ops.dpaint.type_toggle(type="BRUSH")


def rigid_body(stage: Stage, tile: Tile, number: int) -> None:
    scene = bpy.context.scene
    board = tile.put(plane(tile.kind, colored(number), 0.3))
    solid = board.modifiers.new("solid", "SOLIDIFY")
    solid.thickness = 0.1
    bpy.context.view_layer.update()
    with bpy.context.temp_override(object=board, active_object=board, selected_objects=[board]):
        bpy.ops.rigidbody.object_add(type="ACTIVE")
    cache = scene.rigidbody_world.point_cache  # switching its disk cache on crashes Blender (4.2 to 5.2)
    cache.frame_start, cache.frame_end = 1, 4


def moving_tree(name: str) -> bpy.types.NodeTree:
    """Geometry nodes that move their geometry a little more each frame."""
    tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    tree.nodes.new("NodeGroupInput")
    tree.nodes.new("NodeGroupOutput")
    return tree


def simulation_zone(stage: Stage, tile: Tile, number: int) -> None:
    tree = moving_tree("simulation")
    entry, end = tree.nodes.new("GeometryNodeSimulationInput"), tree.nodes.new("GeometryNodeSimulationOutput")
    entry.pair_with_output(end)
    move = tree.nodes.new("GeometryNodeSetPosition")
    move.inputs["Offset"].default_value = (0.05, 0.08, 0)
    tree.links.new(tree.nodes["Group Input"].outputs[0], entry.inputs[0])
    tree.links.new(entry.outputs["Geometry"], move.inputs["Geometry"])
    tree.links.new(move.outputs[0], end.inputs["Geometry"])
    tree.links.new(end.outputs["Geometry"], tree.nodes["Group Output"].inputs[0])
    bakes_into(tile, number, tree, end, "//../nodes/zone", False, move.inputs["Offset"])


def bake_node(stage: Stage, tile: Tile, number: int) -> None:
    """A bake with a folder of its own."""
    tree = moving_tree("bake")
    bake, time = tree.nodes.new("GeometryNodeBake"), tree.nodes.new("GeometryNodeInputSceneTime")
    if not bake.bake_items:  # 5.0 starts with none
        bake.bake_items.new("GEOMETRY", "Geometry")
    move, away = tree.nodes.new("GeometryNodeSetPosition"), tree.nodes.new("ShaderNodeVectorMath")
    away.operation, away.inputs[1].default_value = "MULTIPLY", (1, 0, 0)
    tree.links.new(time.outputs["Seconds"], away.inputs[0])
    tree.links.new(tree.nodes["Group Input"].outputs[0], move.inputs["Geometry"])
    tree.links.new(away.outputs[0], move.inputs["Offset"])
    tree.links.new(move.outputs[0], bake.inputs["Geometry"])
    after = tree.nodes.new("GeometryNodeSetMaterial")  # a bake keeps its materials only by name
    after.inputs["Material"].default_value = colored(number)
    tree.links.new(bake.outputs["Geometry"], after.inputs["Geometry"])
    tree.links.new(after.outputs[0], tree.nodes["Group Output"].inputs[0])
    bakes_into(tile, number, tree, bake, "//../nodes/node", True, away.inputs[1])


def bakes_into(
    tile: Tile,
    number: int,
    tree: bpy.types.NodeTree,
    node: bpy.types.Node,
    folder: str,
    own: bool,
    changed: bpy.types.NodeSocket,
) -> None:
    board = tile.put(grid(tile.kind, colored(number), 2, size=0.3))
    modifier = board.modifiers.new("nodes", "NODES")
    modifier.node_group = tree
    bpy.context.view_layer.update()
    if hasattr(modifier, "bake_target"):
        modifier.bake_target = "DISK"
    bake_settings = modifier.bakes[0]
    if own:
        bake_settings.use_custom_path, bake_settings.directory = True, folder
        bake_settings.bake_mode = "ANIMATION"
    else:
        modifier.bake_directory = folder

    def bake() -> None:
        with bpy.context.temp_override(object=board, active_object=board, selected_objects=[board]):
            bpy.ops.object.geometry_node_bake_single(
                session_uid=board.session_uid, modifier_name="nodes", bake_id=bake_settings.bake_id
            )
        # What the bake took in is changed: only the bake itself still shows the right thing.
        changed.default_value = (-0.3, -0.3, 0)

    BAKES.append(bake)


BAKES: list = []
"""To be run when the scene is complete."""
BUILDERS = {
    "cloth": cloth,
    "cloth, external cache": cloth_external,
    "soft body": soft_body,
    "particles": particles,
    "hair dynamics": hair_dynamics,
    "dynamic paint": dynamic_paint,
    "rigid body": rigid_body,
    "simulation zone": simulation_zone,
    "bake node": bake_node,
}
