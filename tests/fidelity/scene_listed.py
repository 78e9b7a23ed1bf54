# SPDX-License-Identifier: GPL-3.0-or-later
"""What no render of a Python wheel can show, and what must not be taken for a file. Only examined, never rendered.

Each builder answers the files of the project that have to be found; beside them nothing may be.
"""

from __future__ import annotations

import json
import math
import struct
import wave
from pathlib import Path

import bpy
from stage import Stage, color_of, plane, relative, write_png


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    expected = {kind: list(map(str, builder(stage) or ())) for kind, builder in BUILDERS.items()}
    (stage.project / "expected.json").write_text(json.dumps(expected))
    stage.tile("nothing")
    stage.light_camera_action(frame_end=4)
    return stage


def fake_user(stage: Stage) -> list[Path]:
    path = write_png(stage.file("tex/kept.png"), color_of(1))
    bpy.data.images.load(relative(path)).use_fake_user = True
    return [path]


def text(stage: Stage) -> list[Path]:
    path = stage.file("texts/notes.txt")
    path.write_text("Remember the milk.")
    bpy.data.texts.load(str(path)).filepath = relative(path)
    return [path]


def tone(path: Path) -> Path:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(step / 3))) for step in range(2000)))
    return path


def sounds(stage: Stage) -> list[Path]:
    """As a strip and as a speaker's; the 4.2 wheel knows no sounds."""
    if not bpy.app.build_options.audaspace:
        return []
    strip, speaker = tone(stage.file("sounds/strip.wav")), tone(stage.file("sounds/speaker.wav"))
    editor = bpy.context.scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_sound("tone", relative(strip), 1, 1)
    made = bpy.data.speakers.new("speaker")
    made.sound = bpy.data.sounds.load(relative(speaker))
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("speaker", made))
    return [strip, speaker]


def fluid(stage: Stage) -> list[Path]:
    """A folder as Mantaflow leaves it; wheels can't run Mantaflow."""
    board = plane("domain", None)
    bpy.context.scene.collection.objects.link(board)
    modifier = board.modifiers.new("fluid", "FLUID")
    modifier.fluid_type = "DOMAIN"
    modifier.domain_settings.cache_directory = "//../fluid cache"
    names = ("config/config_0001.uni", "data/fluid_data_0001.vdb", "mesh/fluid_mesh_0001.bobj.gz")
    paths = [stage.file(f"fluid cache/{name}") for name in names]
    for path in paths:
        path.write_bytes(b"simulated")
    return paths


def ocean(stage: Stage) -> list[Path]:
    """Without a window Blender bakes an ocean, but does not say so in the file, and then does not read it."""
    board = plane("ocean", None)
    bpy.context.scene.collection.objects.link(board)
    board.modifiers.new("ocean", "OCEAN").filepath = "//../ocean"
    path = stage.file("ocean/disp_0001.exr")
    path.write_bytes(b"waves")
    return [path]


def never_baked(stage: Stage) -> None:
    board = plane("never baked", None)
    bpy.context.scene.collection.objects.link(board)
    board.modifiers.new("ocean", "OCEAN").filepath = "//../not there"


def stereo_image(stage: Stage) -> list[Path]:
    paths = [write_png(stage.file(f"eyes/image_{eye}.png"), color_of(2)) for eye in "LR"]
    image = bpy.data.images.load(relative(paths[0]))
    image.use_fake_user, image.use_multiview, image.views_format = True, True, "INDIVIDUAL"
    return paths


def packed(stage: Stage) -> None:
    path = write_png(stage.file("tex/packed.png"), color_of(2))
    image = bpy.data.images.load(relative(path))
    image.use_fake_user = True
    image.pack()
    (stage.project / "kept.txt").write_text("so that the folder is not empty")


def empty_paths(stage: Stage) -> None:
    """An empty path turns into `/` or the top of the disk when Blender makes paths relative or absolute."""
    for number, raw in enumerate(("", "/", "//../../../../../../../../../", str(Path.home()), "//")):
        volume = bpy.data.volumes.new(f"volume {number}")
        volume.use_fake_user, volume.filepath = True, raw
        board = plane(f"cached {number}", None)
        bpy.context.scene.collection.objects.link(board)
        board.modifiers.new("cache", "MESH_CACHE").filepath = raw
        nodes = board.modifiers.new("nodes", "NODES")
        nodes.node_group = bpy.data.node_groups.get("empty") or bpy.data.node_groups.new("empty", "GeometryNodeTree")
        nodes.bake_directory = raw
        fluid = plane(f"domain {number}", None)
        bpy.context.scene.collection.objects.link(fluid)
        modifier = fluid.modifiers.new("fluid", "FLUID")
        modifier.fluid_type = "DOMAIN"
        modifier.domain_settings.cache_directory = raw


def linked_folder(stage: Stage) -> list[Path]:
    """A cache with a link to the whole disk in it: the link is not followed."""
    board = plane("linked", None)
    bpy.context.scene.collection.objects.link(board)
    board.modifiers.new("ocean", "OCEAN").filepath = "//../linked"
    path = stage.file("linked/disp_0001.exr")
    path.write_bytes(b"waves")
    (path.parent / "everything").symlink_to("/")
    return [path]


BUILDERS = {
    "image with a fake user": fake_user,
    "text": text,
    "sounds": sounds,
    "fluid cache": fluid,
    "ocean cache": ocean,
    "cache that was never baked": never_baked,
    "stereo image": stereo_image,
    "packed image": packed,
    "empty paths and whole disks": empty_paths,
    "link to a whole disk": linked_folder,
}
