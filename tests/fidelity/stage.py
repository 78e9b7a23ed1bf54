# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of tiles seen from above: each kind of file has a tile of its own, so its loss shows there and nowhere else.

Runs inside Blender. Everything glows by itself (emission), one sample, fixed seed: two renders of the same scene are
equal to the last bit.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

PIXELS = 12
"""Of a tile, each way."""
COLUMNS = 8
GAP = 0.06
"""Kept free around a tile's content, so that a filter's width never reaches the neighbour."""


@dataclass(frozen=True)
class Tile:
    """Where one kind is seen."""

    kind: str
    number: int

    @property
    def x(self) -> float:
        return self.number % COLUMNS + 0.5

    @property
    def y(self) -> float:
        return -(self.number // COLUMNS) - 0.5

    @property
    def box(self) -> list[int]:
        """left, top, right, bottom in pixels."""
        left, top = self.number % COLUMNS * PIXELS, self.number // COLUMNS * PIXELS
        return [left + 1, top + 1, left + PIXELS - 1, top + PIXELS - 1]

    def put(self, thing: bpy.types.Object, z: float = 0.0) -> bpy.types.Object:
        thing.location = (self.x, self.y, z)
        if thing.name not in bpy.context.scene.collection.all_objects:
            bpy.context.scene.collection.objects.link(thing)
        return thing


class Stage:
    """The open scene, being set."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.tiles: list[Tile] = []

    def tile(self, kind: str, backed: bool = True) -> Tile:
        """The next free tile; `backed` by a black plane, so that the world is not seen through it."""
        tile = Tile(kind, len(self.tiles))
        self.tiles.append(tile)
        if backed:
            tile.put(plane(f"back of {kind}", glow((0, 0, 0, 1)), 1.0), z=-3)
        return tile

    def file(self, relative: str) -> Path:
        """A place in the project, its folder made."""
        path = self.project / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def light_camera_action(self, frame_end: int) -> None:
        """Camera, engine and size, for all tiles there are."""
        scene = bpy.context.scene
        rows = -(-len(self.tiles) // COLUMNS)
        camera = bpy.data.cameras.new("camera")
        camera.type = "ORTHO"
        camera.ortho_scale = max(COLUMNS, rows)
        seen = bpy.data.objects.new("camera", camera)
        seen.location = (COLUMNS / 2, -rows / 2, 10)
        scene.collection.objects.link(seen)
        scene.camera = seen
        render_settings(scene, COLUMNS * PIXELS, rows * PIXELS, frame_end)


def render_settings(scene: bpy.types.Scene, width: int, height: int, frame_end: int) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = 1
    scene.cycles.seed = 7
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.pixel_filter_type = "BOX"
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100
    scene.render.dither_intensity = 0
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.frame_start, scene.frame_end = 1, frame_end
    scene.frame_set(1)


def empty_file() -> bpy.types.Scene:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    return bpy.context.scene


def plane(name: str, material: bpy.types.Material | None, size: float = 1 - 2 * GAP) -> bpy.types.Object:
    """A square with UVs, its middle at the origin."""
    half = size / 2
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    for corner, uv in enumerate(((0, 0), (1, 0), (1, 1), (0, 1))):
        layer.data[corner].uv = uv
    if material:
        mesh.materials.append(material)
    return bpy.data.objects.new(name, mesh)


def grid(name: str, material: bpy.types.Material | None, cells: int, size: float = 0.6) -> bpy.types.Object:
    """A square of `cells` × `cells`, for what deforms."""
    line = np.linspace(-size / 2, size / 2, cells + 1)
    corners = [(x, y, 0.0) for y in line for x in line]
    row = cells + 1
    faces = [
        (r * row + c, r * row + c + 1, (r + 1) * row + c + 1, (r + 1) * row + c)
        for r in range(cells)
        for c in range(cells)
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], faces)
    layer = mesh.uv_layers.new(name="UVMap")
    for loop in mesh.loops:
        x, y, _ = mesh.vertices[loop.vertex_index].co
        layer.data[loop.index].uv = (x / size + 0.5, y / size + 0.5)
    if material:
        mesh.materials.append(material)
    return bpy.data.objects.new(name, mesh)


def nodes_of(block) -> bpy.types.NodeTree:
    """The node tree of a material, world or light, with nothing in it."""
    if block.node_tree is None:  # new materials and worlds have one from 5.0 on, lights still don't
        block.use_nodes = True
    block.node_tree.nodes.clear()
    return block.node_tree


def glow(color: Iterable[float], name: str = "glow") -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    tree = nodes_of(material)
    emission = tree.nodes.new("ShaderNodeEmission")
    emission.inputs["Color"].default_value = tuple(color)
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    return material


def showing(name: str, node: Callable[[bpy.types.NodeTree], bpy.types.NodeSocket]) -> bpy.types.Material:
    """A material that glows in the colour of the socket that `node` makes."""
    material = bpy.data.materials.new(name)
    tree = nodes_of(material)
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(node(tree), emission.inputs["Color"])
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    return material


def picture(image: bpy.types.Image, **user: object) -> bpy.types.Material:
    """A material that glows in the image's colours; `user` are the settings of its ImageUser."""

    def texture(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
        node = tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        node.interpolation = "Closest"
        for name, value in user.items():
            setattr(node.image_user, name, value)
        return node.outputs["Color"]

    return showing(image.name, texture)


def relative(path: Path) -> str:
    """As the .blend stores it beside its project: `//…`. The stage's .blend lies in project/scenes."""
    scenes = next(parent for parent in path.parents if parent.name == "project") / "scenes"
    import os

    return "//" + os.path.relpath(path, scenes).replace(os.sep, "/")


def write_png(path: Path, color: tuple[int, int, int], size: int = 8) -> Path:
    """A picture with `color` in one half and a pattern of its own in the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((size, size, 3), np.uint8)
    pixels[:] = color
    mark = zlib.crc32(path.name.encode())
    for bit in range(size * size // 2):
        if mark >> (bit % 32) & 1:
            pixels[bit // size, bit % size] = (255 - color[0], color[1], 255 - color[2])
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
            for name, body in chunks
        )
    )
    return path


def set_input(modifier: bpy.types.NodesModifier, identifier: str, value: object) -> None:
    """What a geometry-nodes modifier gives its group."""
    if bpy.app.version >= (5, 2):
        getattr(modifier.properties.inputs, identifier).value = value
    else:
        modifier[identifier] = value


COLORS = ((230, 40, 40), (40, 200, 60), (50, 80, 230), (220, 200, 40), (200, 60, 210), (40, 200, 210))


def color_of(number: int) -> tuple[int, int, int]:
    return COLORS[number % len(COLORS)]


def write_sequence(pattern: Path, numbers: Iterable[int]) -> list[Path]:
    """`pattern` has one `%`, which stands for the four-digit number."""
    return [
        write_png(pattern.with_name(pattern.name.replace("%", f"{number:04d}")), color_of(number)) for number in numbers
    ]
