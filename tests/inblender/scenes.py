# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside Blender: `… scenes.py -- FOLDER` writes every scene of this folder's tests to FOLDER/<name>/<name>.blend.

Each is tiny (64×36, one sample) and lit by emission alone, so that a colour in the picture says what was rendered.
"""

from __future__ import annotations

import struct
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import bpy

BUILDERS: list[Callable[[Path], None]] = []
RED, GREEN, BLUE, WHITE, BLACK = (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1), (0, 0, 0)


def scene_of_tests(build: Callable[[Path], None]) -> Callable[[Path], None]:
    BUILDERS.append(build)
    return build


# --- what the builders are made of ------------------------------------------------------------------------------


def base(background: tuple[float, float, float] = BLUE) -> bpy.types.Scene:
    """A camera in front of nothing, on a background of one colour."""
    scene = bpy.context.scene
    render = scene.render
    render.engine = "CYCLES"
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    render.resolution_x, render.resolution_y, render.resolution_percentage = 64, 36, 100
    render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"
    scene.frame_start, scene.frame_end = 1, 5
    scene.world = world(background)
    scene.camera = camera("Camera", (0, 0, 5))
    return scene


def world(colour: tuple[float, float, float]) -> bpy.types.World:
    made = bpy.data.worlds.new("World")
    made.use_nodes = True
    made.node_tree.nodes.clear()
    background = made.node_tree.nodes.new("ShaderNodeBackground")
    background.inputs["Color"].default_value = (*colour, 1)
    output = made.node_tree.nodes.new("ShaderNodeOutputWorld")
    made.node_tree.links.new(background.outputs[0], output.inputs[0])
    return made


def camera(name: str, place: tuple[float, float, float]) -> bpy.types.Object:
    """Looks down."""
    eye = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    eye.location = place
    bpy.context.scene.collection.objects.link(eye)
    return eye


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


def plane(name: str, look: bpy.types.Material, x: float = 0, size: float = 1.0) -> bpy.types.Object:
    bpy.ops.mesh.primitive_plane_add(size=size, location=(x, 0, 0))
    thing = bpy.context.object
    thing.name = name
    thing.data.materials.append(look)
    return thing


def picture(path: Path, colour: tuple[float, float, float]) -> None:
    """A PNG of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = bpy.data.images.new("picture", 4, 4)
    image.pixels[:] = [*colour, 1] * 16
    image.filepath_raw = str(path)
    image.file_format = "PNG"
    image.save()
    bpy.data.images.remove(image)


def tone(path: Path, seconds: float = 1.0) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        samples = int(8000 * seconds)
        file.writeframes(
            struct.pack(f"<{samples}h", *((9000 if number % 20 < 10 else -9000) for number in range(samples)))
        )


def strips(scene: bpy.types.Scene) -> object:
    editor = scene.sequence_editor_create()
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def compositor(scene: bpy.types.Scene) -> bpy.types.NodeTree:
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = bpy.data.node_groups.new("Compositor", "CompositorNodeTree")
        return scene.compositing_node_group
    scene.use_nodes = True
    scene.node_tree.nodes.clear()
    return scene.node_tree


def passing_on(tree: bpy.types.NodeTree) -> bpy.types.Node:
    """The rendered image goes to the compositor's output; comes back as the node it leaves from."""
    layers = tree.nodes.new("CompositorNodeRLayers")
    if hasattr(bpy.context.scene, "compositing_node_group"):
        tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
        output = tree.nodes.new("NodeGroupOutput")
    else:
        output = tree.nodes.new("CompositorNodeComposite")
    tree.links.new(layers.outputs["Image"], output.inputs[0])
    return layers


def file_output(
    tree: bpy.types.NodeTree, source: bpy.types.Node, folder: str, names: list[str], file_format: str
) -> None:
    """A File Output node as the artist would have made it in this version."""
    node = tree.nodes.new("CompositorNodeOutputFile")
    multilayer = file_format == "OPEN_EXR_MULTILAYER"
    if hasattr(node, "file_output_items"):
        node.format.media_type = "MULTI_LAYER_IMAGE" if multilayer else "IMAGE"
        node.format.file_format = file_format
        node.directory, node.file_name = folder, ""
        if multilayer:
            node.directory, _, node.file_name = folder.rpartition("/")
        for name in names:
            node.file_output_items.new("RGBA", name)
        sockets = [socket for socket in node.inputs if socket.name]
    else:
        node.format.file_format = file_format
        node.base_path = folder
        node.file_slots.clear()
        for name in names:
            node.file_slots.new(name) if not multilayer else node.layer_slots.new(name)
        sockets = list(node.inputs)
    for socket in sockets:
        tree.links.new(source.outputs["Image"], socket)


# --- the scenes -------------------------------------------------------------------------------------------------


@scene_of_tests
def plain(folder: Path) -> None:
    """A white plane that moves right, one width a frame, on blue; negative frames too."""
    scene = base()
    thing = plane("Marker", glowing("White", WHITE), size=0.4)
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    for frame in (-10, 10):
        thing.location.x = frame * 0.15
        thing.keyframe_insert("location", frame=frame)
    scene.render.fps, scene.render.fps_base = 24, 1.001


@scene_of_tests
def cameras(folder: Path) -> None:
    """Left sees red, Right sees green; markers switch from Left to Right at frame 3."""
    scene = base()
    plane("Red", glowing("Red", RED), x=-20, size=8)
    plane("Green", glowing("Green", GREEN), x=20, size=8)
    left, right = camera("Left", (-20, 0, 5)), camera("Right", (20, 0, 5))
    scene.timeline_markers.new("left", frame=1).camera = left
    scene.timeline_markers.new("right", frame=3).camera = right


@scene_of_tests
def no_camera(folder: Path) -> None:
    base().camera = None


@scene_of_tests
def layers(folder: Path) -> None:
    """View layer First shows red, Second green, Off is switched off."""
    scene = base()
    first = scene.view_layers[0]
    first.name = "First"
    for name, colour in (("Red", RED), ("Green", GREEN)):
        collection = bpy.data.collections.new(name)
        scene.collection.children.link(collection)
        thing = plane(name, glowing(name, colour), size=20)
        scene.collection.objects.unlink(thing)
        collection.objects.link(thing)
    second = scene.view_layers.new("Second")
    first.layer_collection.children["Green"].exclude = True
    second.layer_collection.children["Red"].exclude = True
    scene.view_layers.new("Off").use = False


@scene_of_tests
def layer_samples(folder: Path) -> None:
    """The only view layer asks for 7 samples of its own."""
    base().view_layers[0].samples = 7


@scene_of_tests
def file_outputs(folder: Path) -> None:
    """File Output nodes beside the .blend, at an absolute place, and climbing out of the project."""
    scene = base()
    tree = compositor(scene)
    image = passing_on(tree)
    file_output(tree, image, "//renders/beauty/", ["colour_", "numbered_##_x"], "PNG")
    file_output(tree, image, str(folder.parent / "forbidden") + "/", ["absolute_"], "PNG")
    file_output(tree, image, str(folder.parent / "other" / "forbidden") + "/", ["absolute_"], "PNG")
    file_output(tree, image, "//../../climbing/", ["../../up_"], "JPEG")
    file_output(tree, image, "//renders/multi_", ["a", "b"], "OPEN_EXR_MULTILAYER")


@scene_of_tests
def movie_output(folder: Path) -> None:
    settings = base().render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    bpy.context.scene.render.ffmpeg.format = "MKV"
    bpy.context.scene.render.ffmpeg.codec = "FFV1"


@scene_of_tests
def deep(folder: Path) -> None:
    """16 bits a channel, as RGBA, with a transparent background."""
    scene = base()
    scene.render.film_transparent = True
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.image_settings.color_depth = "16"


@scene_of_tests
def stereo(folder: Path) -> None:
    scene = base()
    plane("Marker", glowing("White", WHITE), size=0.4)
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "INDIVIDUAL"


@scene_of_tests
def edited(folder: Path) -> None:
    """Only the sequencer makes the picture: green, and there is no camera."""
    scene = base()
    scene.camera = None
    made = strips(scene)
    try:
        strip = made.new_effect("Green", "COLOR", channel=1, frame_start=1, frame_end=10)
    except TypeError:  # 5.0
        strip = made.new_effect("Green", "COLOR", channel=1, frame_start=1, length=10)
    strip.color = GREEN


@scene_of_tests
def textured(folder: Path) -> None:
    """A relative and an absolute image side by side, and the image of a library with an absolute path."""
    picture(folder / "textures" / "red.png", RED)
    picture(folder / "elsewhere" / "green.png", GREEN)
    picture(folder / "library" / "maps" / "white.png", WHITE)
    base()
    library = folder / "library" / "props.blend"
    plane("Prop", glowing("White", WHITE, bpy.data.images.load(str(folder / "library" / "maps" / "white.png"))), x=1.2)
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.data.images["white.png"].filepath = "//maps/white.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(library), relative_remap=False)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = base()
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "textured.blend"))
    plane("Red", glowing("Red", RED, bpy.data.images.load("//textures/red.png")), x=-1.2)
    plane("Green", glowing("Green", GREEN, bpy.data.images.load(str(folder / "elsewhere" / "green.png"))))
    with bpy.data.libraries.load(str(library), link=True) as (_, wanted):
        wanted.objects = ["Prop"]
    scene.collection.objects.link(wanted.objects[0])


@scene_of_tests
def broken(folder: Path) -> None:
    """Asks for an image that is not there."""
    base()
    picture(folder / "gone.png", RED)
    plane("Red", glowing("Red", RED, bpy.data.images.load(str(folder / "gone.png"))))
    (folder / "gone.png").unlink()


@scene_of_tests
def scripted(folder: Path) -> None:
    """A registered text makes the world green, a driver script-only moves nothing."""
    base(RED)
    text = bpy.data.texts.new("turn_green.py")
    text.write(
        "import bpy\n"
        "node = bpy.data.worlds['World'].node_tree.nodes['Background']\n"
        "node.inputs['Color'].default_value = (0, 1, 0, 1)\n"
    )
    text.use_module = True


@scene_of_tests
def failing_handler(folder: Path) -> None:
    """A registered text adds a handler that raises at frame 2."""
    base()
    text = bpy.data.texts.new("handler.py")
    text.write(
        "import bpy\n"
        "@bpy.app.handlers.persistent\n"
        "def trouble(scene, *_):\n"
        "    if scene.frame_current == 2:\n"
        "        raise ValueError('trouble at two')\n"
        "bpy.app.handlers.frame_change_pre.append(trouble)\n"
    )
    text.use_module = True


@scene_of_tests
def graded(folder: Path) -> None:
    """A bright plane seen through a view transform, a look and an exposure, and another transform for saved files."""
    scene = base((0.2, 0.3, 0.1))
    plane("Bright", glowing("Bright", (4.0, 1.5, 0.3)))
    scene.view_settings.view_transform = "AgX"
    scene.view_settings.look = "AgX - High Contrast"
    scene.view_settings.exposure = 0.7


@scene_of_tests
def unwritable(folder: Path) -> None:
    """A registered text puts a folder where the image should go."""
    base()
    text = bpy.data.texts.new("in_the_way.py")
    text.write(
        "import bpy, os\n"
        "@bpy.app.handlers.persistent\n"
        "def in_the_way(scene, *_):\n"
        "    os.makedirs(scene.render.filepath + '.png', exist_ok=True)\n"
        "bpy.app.handlers.render_pre.append(in_the_way)\n"
    )
    text.use_module = True


@scene_of_tests
def workbench(folder: Path) -> None:
    base().render.engine = "BLENDER_WORKBENCH"
    plane("White", glowing("White", WHITE))


@scene_of_tests
def two_scenes(folder: Path) -> None:
    """Scene is blue, Other is green and active."""
    base()
    bpy.context.window.scene = bpy.data.scenes.new("Other")
    base(GREEN)


@scene_of_tests
def heard(folder: Path) -> None:
    """A second of tone from frame 3 on, where this Blender has audio."""
    scene = base()
    tone(folder / "tone.wav")
    if bpy.app.build_options.audaspace:
        strips(scene).new_sound("Tone", str(folder / "tone.wav"), 1, 3)


def main(top: Path) -> None:
    for build in BUILDERS:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        folder = top / build.__name__
        folder.mkdir(parents=True)
        build(folder)
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / f"{build.__name__}.blend"), relative_remap=False)


if __name__ == "__main__":
    main(Path(sys.argv[sys.argv.index("--") + 1]))
