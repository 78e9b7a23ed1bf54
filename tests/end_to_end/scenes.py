# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: `… scenes.py -- FOLDER` writes the scenes of the end-to-end tests to FOLDER/<name>/<name>.blend.

In each a bright marker in the upper half steps one place (4 pixels) to the right a frame, from place 0 at the scene's
first frame, as `video.marker_of` reads it. Lit by emission alone, one sample.
"""

from __future__ import annotations

import math
import struct
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import bpy

BUILDERS: dict[str, Callable[[bpy.types.Scene, Path], None]] = {}
SIZES = {"odd": (63, 47)}
FRAMES = {"start101": (101, 110), "step3": (1, 31), "negative": (0, 4), "one": (7, 7)}
FIRST_MARKER = {"negative": -3}
"""Where the marker starts if not at the scene's first frame: Blender's own range can't start below 0."""


def scene_of_tests(build: Callable[[bpy.types.Scene, Path], None]) -> Callable[[bpy.types.Scene, Path], None]:
    BUILDERS[build.__name__] = build
    return build


@scene_of_tests
def start101(scene: bpy.types.Scene, folder: Path) -> None:
    """Frames 101-110 at 30000/1001, with a tone from frame 104 on."""
    scene.render.fps, scene.render.fps_base = 30, 1.001
    sound(scene, folder, 104)


@scene_of_tests
def step3(scene: bpy.types.Scene, folder: Path) -> None:
    """Every third frame; it has a sound, which can't fit."""
    scene.frame_step = 3
    sound(scene, folder, 1)


@scene_of_tests
def negative(scene: bpy.types.Scene, folder: Path) -> None:
    """The marker steps from frame -3 on."""


@scene_of_tests
def one(scene: bpy.types.Scene, folder: Path) -> None:
    """A still."""


@scene_of_tests
def odd(scene: bpy.types.Scene, folder: Path) -> None:
    """63x47 pixels."""


@scene_of_tests
def movie(scene: bpy.types.Scene, folder: Path) -> None:
    """The artist's output is a WebM with VP9, and it has a sound."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format, scene.render.ffmpeg.codec = "WEBM", "WEBM"
    scene.render.ffmpeg.constant_rate_factor = "MEDIUM"
    sound(scene, folder, 1)


@scene_of_tests
def exr(scene: bpy.types.Scene, folder: Path) -> None:
    """Half-float EXR through a view transform that darkens: exposure -1."""
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.view_settings.exposure = -1


@scene_of_tests
def layers(scene: bpy.types.Scene, folder: Path) -> None:
    """View layer Marker holds the marker, Floor a green floor in the lower half."""
    first = scene.view_layers[0]
    first.name = "Marker"
    floor = bpy.data.collections.new("Floor")
    scene.collection.children.link(floor)
    thing = plane(scene, "Floor", glowing("Green", (0, 0.5, 0)), (0, -scene.camera.data.ortho_scale, 0), (400, 1, 1))
    thing.scale.y = 2 * scene.camera.data.ortho_scale
    scene.collection.objects.unlink(thing)
    floor.objects.link(thing)
    second = scene.view_layers.new("Floor")
    second.layer_collection.exclude = False
    first.layer_collection.children["Floor"].exclude = True


@scene_of_tests
def library(scene: bpy.types.Scene, folder: Path) -> None:
    """A panel in the lower half comes from a library in another folder, which has a texture of its own: orange."""
    link_panel(scene, folder / "props" / "panel.blend")


def main(top: Path) -> None:
    for name, build in BUILDERS.items():
        folder = top / name
        folder.mkdir(parents=True)
        if name == "library":
            save_panel(folder / "props" / "panel.blend")
        bpy.ops.wm.read_factory_settings(use_empty=True)
        build(marked(name), folder)
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / f"{name}.blend"), relative_remap=False)


# --- what the builders are made of ------------------------------------------------------------------------------


def marked(name: str) -> bpy.types.Scene:
    """The scene that all have in common."""
    scene = bpy.context.scene
    width, height = SIZES.get(name, (128, 36))
    first, last = FRAMES.get(name, (1, 6))
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = 1, False, False
    scene.cycles.filter_width = 0.01
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = width, height, 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.fps, scene.render.fps_base = 24, 1
    scene.view_settings.view_transform = "Standard"
    scene.frame_start, scene.frame_end = first, last
    eye = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    eye.data.type, eye.data.ortho_scale, eye.location = "ORTHO", width / 4, (0, 0, 5)
    scene.collection.objects.link(eye)
    scene.camera = eye
    marker = plane(scene, "Marker", glowing("White", (0.9, 0.9, 0.9)), (0, height / 4 / 4, 0), (1, height / 4 / 2, 1))
    step(marker, FIRST_MARKER.get(name, first), width)
    return scene


def step(marker: bpy.types.Object, first: int, width: int) -> None:
    """A key on every frame, so that no version's way of easing between keys matters."""
    for place in range(width // 4):
        marker.location.x = -width / 8 + 0.5 + place
        marker.keyframe_insert("location", frame=first + place)


def glowing(name: str, colour: tuple[float, float, float], image: bpy.types.Image | None = None) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    light = tree.nodes.new("ShaderNodeEmission")
    light.inputs["Color"].default_value = (*colour, 1)
    if image:
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = image
        tree.links.new(texture.outputs["Color"], light.inputs["Color"])
    tree.links.new(light.outputs[0], tree.nodes.new("ShaderNodeOutputMaterial").inputs[0])
    return made


def plane(
    scene: bpy.types.Scene,
    name: str,
    look: bpy.types.Material,
    place: tuple[float, float, float],
    size: tuple[float, float, float],
) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    corners = [(-0.5, -0.5, 0), (0.5, -0.5, 0), (0.5, 0.5, 0), (-0.5, 0.5, 0)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new()
    for corner, uv in zip(layer.data, [(0, 0), (1, 0), (1, 1), (0, 1)], strict=True):
        corner.uv = uv
    mesh.materials.append(look)
    made = bpy.data.objects.new(name, mesh)
    made.location, made.scale = place, size
    scene.collection.objects.link(made)
    return made


def sound(scene: bpy.types.Scene, folder: Path, start: int) -> None:
    """A tone from frame `start` on, where this Blender has audio."""
    path = folder / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        samples = (int(9000 * math.sin(number / 17)) for number in range(48000))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    if bpy.app.build_options.audaspace:
        editor = scene.sequence_editor_create()
        strips = editor.strips if hasattr(editor, "strips") else editor.sequences
        strips.new_sound("Tone", str(path), 1, start)


def save_panel(path: Path) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    (path.parent / "textures").mkdir(parents=True)
    image = bpy.data.images.new("orange", 8, 8)
    image.pixels = [1.0, 0.5, 0.0, 1.0] * 64
    image.filepath_raw, image.file_format = str(path.parent / "textures" / "orange.png"), "PNG"
    image.save()
    image.filepath = "//textures/orange.png"
    # Below the picture's middle: the marker above it stays alone.
    plane(bpy.context.scene, "Panel", glowing("Orange", (1, 1, 1), image), (0, -3.2, 0), (20, 2, 1))
    bpy.ops.wm.save_as_mainfile(filepath=str(path), relative_remap=False)


def link_panel(scene: bpy.types.Scene, path: Path) -> None:
    with bpy.data.libraries.load(str(path), link=True, relative=False) as (_, into):
        into.objects = ["Panel"]
    scene.collection.objects.link(into.objects[0])
    bpy.data.libraries[0].filepath = "//props/panel.blend"


if __name__ == "__main__":
    main(Path(sys.argv[sys.argv.index("--") + 1]))
