# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in all the places and forms that a material can use them in."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
from stage import (
    Stage,
    Tile,
    color_of,
    glow,
    grid,
    nodes_of,
    picture,
    plane,
    relative,
    set_input,
    showing,
    write_png,
    write_sequence,
)


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    for number, (kind, builder) in enumerate(BUILDERS.items()):
        builder(stage, stage.tile(kind, backed=kind != "world image"), number, media)
    stage.light_camera_action(frame_end=4)
    return stage


def still(stage: Stage, tile: Tile, path: Path, number: int, stored: str = "") -> bpy.types.Image:
    """A tile that shows the picture `path`, which the scene knows as `stored`."""
    write_png(path, color_of(number))
    image = bpy.data.images.load(stored or relative(path))
    tile.put(plane(tile.kind, picture(image)))
    return image


def image_relative(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    still(stage, tile, stage.file("tex/wood.png"), number)


def image_absolute(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    path = stage.file("tex/absolute.png")
    still(stage, tile, path, number, str(path))


def image_outside(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    path = stage.project.parent / "elsewhere" / "wood.png"  # the same name as another's
    still(stage, tile, path, number, str(path))


def image_odd_name(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    still(stage, tile, stage.file("tex/ñø æščíí [1] 'x' 100%#.png"), number)


def image_packed(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    path = stage.file("tex/packed.png")
    still(stage, tile, path, number).pack()
    path.unlink()


def image_in_node_group(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    image = bpy.data.images.load(relative(write_png(stage.file("tex/group.png"), color_of(number))))
    inner = bpy.data.node_groups.new("inner", "ShaderNodeTree")
    inner.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    texture = inner.nodes.new("ShaderNodeTexImage")
    texture.image, texture.interpolation = image, "Closest"
    inner.links.new(texture.outputs["Color"], inner.nodes.new("NodeGroupOutput").inputs[0])
    outer = bpy.data.node_groups.new("outer", "ShaderNodeTree")
    outer.interface.new_socket("Color", in_out="OUTPUT", socket_type="NodeSocketColor")
    group = outer.nodes.new("ShaderNodeGroup")
    group.node_tree = inner
    outer.links.new(group.outputs[0], outer.nodes.new("NodeGroupOutput").inputs[0])

    def nested(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
        node = tree.nodes.new("ShaderNodeGroup")
        node.node_tree = outer
        return node.outputs[0]

    tile.put(plane(tile.kind, showing("grouped", nested)))


def world_image(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    image = bpy.data.images.load(relative(write_png(stage.file("tex/world.png"), color_of(number))))
    world = bpy.data.worlds.new("world")
    bpy.context.scene.world = world
    tree = nodes_of(world)
    texture = tree.nodes.new("ShaderNodeTexEnvironment")
    texture.image = image
    background, output = tree.nodes.new("ShaderNodeBackground"), tree.nodes.new("ShaderNodeOutputWorld")
    tree.links.new(texture.outputs["Color"], background.inputs["Color"])
    tree.links.new(background.outputs[0], output.inputs["Surface"])


def image_sequence(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    first = write_sequence(stage.file("seq/walk_%.png"), range(11, 17))[0]
    image = bpy.data.images.load(relative(first))
    image.source = "SEQUENCE"
    tile.put(plane(tile.kind, picture(image, frame_duration=6, frame_start=1, frame_offset=10, use_auto_refresh=True)))


def image_sequence_of_jp2(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    """Its extension ends with a digit, which is no frame number."""
    first = write_sequence(stage.file("seq2/walk_%.jp2"), range(1, 5))[0]
    image = bpy.data.images.load(relative(first))
    image.source = "SEQUENCE"
    tile.put(plane(tile.kind, picture(image, frame_duration=4, frame_start=1, use_auto_refresh=True)))


def image_sequence_cyclic(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    first = write_sequence(stage.file("seq3/n_%_left.png"), range(3))[0]
    image = bpy.data.images.load(relative(first))
    image.source = "SEQUENCE"
    tile.put(plane(tile.kind, picture(image, frame_duration=2, frame_start=1, use_cyclic=True, use_auto_refresh=True)))


def tiled(stage: Stage, tile: Tile, pattern: str, names: tuple[str, str], token: str) -> None:
    for number, name in enumerate(names):
        write_png(stage.file(pattern.replace(token, name)), color_of(number + 2))
    image = bpy.data.images.load(relative(stage.file(pattern.replace(token, names[0]))))
    image.source = "TILED"
    image.tiles.new(1002)
    image.filepath = relative(stage.file(pattern))
    board = plane(tile.kind, picture(image))
    for loop, uv in zip(board.data.uv_layers[0].data, ((0, 0), (2, 0), (2, 1), (0, 1)), strict=True):
        loop.uv = uv
    tile.put(board)


def udim(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    tiled(stage, tile, "udim/u[2].<UDIM>.png", ("1001", "1002"), "<UDIM>")


def uvtile(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    tiled(stage, tile, "uvtile/t_<UVTILE>.png", ("u1_v1", "u2_v1"), "<UVTILE>")


def movie_texture(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    path = shutil.copy(media / "colors.mov", stage.file("film/texture.mov"))
    image = bpy.data.images.load(relative(path))
    tile.put(plane(tile.kind, picture(image, frame_duration=6, frame_start=1, use_auto_refresh=True)))


def exr_image(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    path = stage.file("tex/light.exr")
    made = bpy.data.images.new("made", 4, 4, float_buffer=True)
    made.pixels = [0.1, 0.7, 0.3, 1.0] * 8 + [0.6, 0.2, 0.1, 1.0] * 8
    made.filepath_raw, made.file_format = str(path), "OPEN_EXR"
    made.save()
    bpy.data.images.remove(made)
    tile.put(plane(tile.kind, picture(bpy.data.images.load(relative(path)))))


def displaced_by_texture(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    """The old kind of texture, which only modifiers still use."""
    path = write_png(stage.file("tex/bumps.png"), (200, 200, 200))
    texture = bpy.data.textures.new("bumps", "IMAGE")
    texture.image = bpy.data.images.load(relative(path))
    board = tile.put(grid(tile.kind, glow((0.2, 0.9, 0.4, 1)), 6, size=0.4))
    modifier = board.modifiers.new("displace", "DISPLACE")
    modifier.texture, modifier.texture_coords, modifier.direction = texture, "UV", "X"
    modifier.strength = 0.4


def geometry_nodes_image(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    """An image that a modifier's input names; it moves the points it is bright at."""
    image = bpy.data.images.load(relative(write_png(stage.file("tex/field.png"), (250, 250, 250))))
    tree = bpy.data.node_groups.new("by image", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    socket = tree.interface.new_socket("Image", in_out="INPUT", socket_type="NodeSocketImage")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    inputs, output = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    texture = tree.nodes.new("GeometryNodeImageTexture")
    texture.interpolation = "Closest"
    position, move = tree.nodes.new("GeometryNodeInputPosition"), tree.nodes.new("GeometryNodeSetPosition")
    scale = tree.nodes.new("ShaderNodeVectorMath")
    scale.operation = "MULTIPLY"
    scale.inputs[1].default_value = (0.3, 0.2, 0.0)
    tree.links.new(inputs.outputs["Image"], texture.inputs["Image"])
    tree.links.new(position.outputs[0], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Color"], scale.inputs[0])
    tree.links.new(inputs.outputs["Geometry"], move.inputs["Geometry"])
    tree.links.new(scale.outputs[0], move.inputs["Offset"])
    tree.links.new(move.outputs[0], output.inputs[0])
    board = tile.put(grid(tile.kind, glow((0.9, 0.5, 0.1, 1)), 6, size=0.4))
    modifier = board.modifiers.new("nodes", "NODES")
    modifier.node_group = tree
    set_input(modifier, socket.identifier, image)


def image_of_light(stage: Stage, tile: Tile, number: int, media: Path) -> None:
    image = bpy.data.images.load(relative(write_png(stage.file("tex/gobo.png"), color_of(number))))
    light = bpy.data.lights.new("gobo", "AREA")
    light.size = 0.5
    light.energy = 3
    tree = nodes_of(light)
    texture, emission = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeEmission")
    texture.image = image
    tree.links.new(texture.outputs["Color"], emission.inputs["Color"])
    tree.links.new(emission.outputs[0], tree.nodes.new("ShaderNodeOutputLight").inputs["Surface"])
    tile.put(bpy.data.objects.new("gobo", light), z=0.3)
    matte = bpy.data.materials.new("matte")
    surface = nodes_of(matte)
    diffuse = surface.nodes.new("ShaderNodeBsdfDiffuse")
    surface.links.new(diffuse.outputs[0], surface.nodes.new("ShaderNodeOutputMaterial").inputs["Surface"])
    tile.put(plane(tile.kind, matte))


BUILDERS = {
    "image, relative": image_relative,
    "image, absolute": image_absolute,
    "image outside the project": image_outside,
    "image with an odd name": image_odd_name,
    "image, packed": image_packed,
    "image in a node group": image_in_node_group,
    "world image": world_image,
    "image sequence": image_sequence,
    "image sequence of .jp2": image_sequence_of_jp2,
    "image sequence, cyclic": image_sequence_cyclic,
    "UDIM": udim,
    "UVTILE": uvtile,
    "movie texture": movie_texture,
    "EXR image": exr_image,
    "texture of a modifier": displaced_by_texture,
    "image of geometry nodes": geometry_nodes_image,
    "image of a light": image_of_light,
}
