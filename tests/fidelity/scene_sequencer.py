# SPDX-License-Identifier: GPL-3.0-or-later
"""Strips of the sequencer, each drawn in a tile of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy
from stage import (
    COLUMNS,
    PIXELS,
    Stage,
    Tile,
    color_of,
    picture,
    plane,
    relative,
    render_settings,
    write_png,
    write_sequence,
)


def build(stage: Stage, media: Path, blend: Path) -> Stage:
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    for number, (kind, builder) in enumerate(BUILDERS.items()):
        tile = stage.tile(kind, backed=False)
        strip = builder(stage, tile, strips, number + 1, media)
        draw_in(strip, tile)
    width, height = COLUMNS * PIXELS, -(-len(stage.tiles) // COLUMNS) * PIXELS
    render_settings(scene, width, height, frame_end=4)
    place(stage, strips, width, height)
    return stage


def draw_in(strip: Any, tile: Tile) -> None:
    strip.blend_type = "ALPHA_OVER"
    strip.name = tile.kind


def place(stage: Stage, strips: Any, width: int, height: int) -> None:
    """Each strip in the middle of its tile, at its own size."""
    for tile in stage.tiles:
        strip = strips[tile.kind]
        left, top, right, bottom = tile.box
        x, y = (left + right) / 2 - width / 2, height / 2 - (top + bottom) / 2
        if strip.type == "TEXT":
            strip.location = ((left + right) / 2 / width, 1 - (top + bottom) / 2 / height)
            continue
        strip.transform.offset_x, strip.transform.offset_y = x, y
        strip.transform.filter = "NEAREST"
        if strip.type in SCALED:
            strip.transform.scale_x = strip.transform.scale_y = 0.1


SCALED = ("SCENE", "META")
"""As large as the picture, so they are drawn small."""


def length(strip: Any, frames: int = 4) -> Any:
    strip.frame_final_duration = frames
    return strip


def image(stage: Stage, tile: Tile, strips: Any, channel: int, media: Path) -> Any:
    path = write_png(stage.file("vse/card.png"), color_of(channel))
    return length(strips.new_image(tile.kind, relative(path), channel, 1, fit_method="ORIGINAL"))


def image_sequence(stage: Stage, tile: Tile, strips: Any, channel: int, media: Path) -> Any:
    paths = write_sequence(stage.file("vse/run/run_%.png"), range(1, 5))
    strip = strips.new_image(tile.kind, relative(paths[0]), channel, 1, fit_method="ORIGINAL")
    for path in paths[1:]:
        strip.elements.append(path.name)
    strip.frame_final_duration = 4
    return strip


def movie(stage: Stage, tile: Tile, strips: Any, channel: int, media: Path) -> Any:
    path = shutil.copy(media / "colors.mov", stage.file("vse/film.mov"))
    return length(strips.new_movie(tile.kind, relative(Path(path)), channel, 1, fit_method="ORIGINAL"))


def clip(stage: Stage, tile: Tile, strips: Any, channel: int, media: Path) -> Any:
    path = shutil.copy(media / "colors.mov", stage.file("vse/clip.mov"))
    loaded = bpy.data.movieclips.load(str(path))
    loaded.filepath = relative(Path(path))
    return length(strips.new_clip(tile.kind, loaded, channel, 1))


def clip_sequence(stage: Stage, tile: Tile, strips: Any, channel: int, media: Path) -> Any:
    paths = write_sequence(stage.file("vse/plate/plate_%.png"), range(1, 5))
    loaded = bpy.data.movieclips.load(str(paths[0]))
    loaded.filepath = relative(paths[0])
    return length(strips.new_clip(tile.kind, loaded, channel, 1))


def text(stage: Stage, tile: Tile, strips: Any, channel: int, media: Path) -> Any:
    mono_by_default = bpy.app.version < (4, 5) or bpy.app.version >= (5, 2)
    unlike_the_default = "Inter.woff2" if mono_by_default else "DejaVuSansMono.woff2"
    bundled = Path(bpy.utils.system_resource("DATAFILES")) / "fonts" / unlike_the_default
    own = Path(shutil.copy(bundled, stage.file("fonts/Strip.woff2")))
    arguments = {"frame_end": 6} if bpy.app.version < (5, 0) else {"length": 5}
    strip = strips.new_effect(tile.kind, "TEXT", channel, 1, **arguments)
    strip.text, strip.font_size = "mi", 9
    for name in ("align_x", "anchor_x"):
        if hasattr(strip, name):
            setattr(strip, name, "CENTER")
    for name in ("align_y", "anchor_y"):
        if hasattr(strip, name):
            setattr(strip, name, "CENTER")
    strip.font = bpy.data.fonts.load(relative(own))
    return strip


def scene_strip(stage: Stage, tile: Tile, strips: Any, channel: int, media: Path) -> Any:
    """Another scene of the file, with a texture of its own."""
    other = bpy.data.scenes.new("other")
    texture = bpy.data.images.load(relative(write_png(stage.file("vse/other.png"), color_of(channel))))
    other.collection.objects.link(plane("board", picture(texture), 4))
    camera = bpy.data.objects.new("other camera", bpy.data.cameras.new("other camera"))
    camera.location.z = 3
    other.collection.objects.link(camera)
    other.camera = camera
    render_settings(other, COLUMNS * PIXELS, PIXELS, 4)
    return length(strips.new_scene(tile.kind, other, channel, 1))


def meta(stage: Stage, tile: Tile, strips: Any, channel: int, media: Path) -> Any:
    """A picture inside a meta strip."""
    path = write_png(stage.file("vse/inside.png"), color_of(channel), size=96)
    strip = strips.new_meta(tile.kind, channel, 1)
    inside = strip.strips if hasattr(strip, "strips") else strip.sequences
    length(inside.new_image("inside", relative(path), 1, 1, fit_method="FIT"))
    strip.frame_final_duration = 4
    return strip


BUILDERS = {
    # Films first: in 4.2 they are opaque outside their picture too.
    "movie strip": movie,
    "clip strip": clip,
    "clip strip of a sequence": clip_sequence,
    "image strip": image,
    "image sequence strip": image_sequence,
    "text strip's font": text,
    "scene strip": scene_strip,
    "meta strip": meta,
}
