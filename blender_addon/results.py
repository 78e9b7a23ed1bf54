# SPDX-License-Identifier: GPL-3.0-or-later
"""Results in Blender's own editors: pictures, logs, strips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from cloud_render.contract import keys
from cloud_render.contract.errors import CloudRenderError
from cloud_render.inblender import versions

from .words import say


def show_picture(path: Path) -> None:
    """In an Image Editor, if one is open."""
    own = set(bpy.data.images)
    image = bpy.data.images.load(str(path), check_existing=True)
    if image in own:
        image.reload()
    else:
        # Else it is saved into the artist's file, and the next submit takes it along. A reload would have Blender look
        # at all node trees again, which may leave other bytes in an unchanged scene.
        image.is_runtime_data = True
    show_image(image)


def show_image(image: Any) -> None:
    area = _area("IMAGE_EDITOR")
    if area is not None:
        area.spaces.active.image = image


def show_text(name: str, content: str) -> None:
    text: Any = bpy.data.texts.get(name) or bpy.data.texts.new(name)
    text.from_string(content)
    area = _area("TEXT_EDITOR")
    if area is not None:
        area.spaces.active.text = text
        area.spaces.active.top = max(len(text.lines) - area.height // 24, 0)


def add_strip(scene: Any, folder: Path, name: str) -> Any:
    """The frames in `folder`/frames as one image strip, on the first free channel, where they belong in time.

    Raises CloudRenderError where there are none.
    """
    frames = numbered(folder / "frames")
    if not frames:
        raise CloudRenderError(say("There are no frames on this computer yet."), say("Download them first."))
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = versions.top_strips(editor)
    channel = 1 + max((strip.channel for strip in strips), default=0)
    first = min(frames)
    strip = strips.new_image(name, str(frames[first]), min(channel, 128), first)
    for number in range(first + 1, max(frames) + 1):
        strip.elements.append(_held(frames, number).name)
    return strip


def edited_scene(context: Any) -> Any:
    """The scene whose strips a Sequencer shows. From 5.0 on a workspace has one of its own, none at first."""
    return getattr(context.workspace, "sequencer_scene", None) or context.scene


def show_strips(scene: Any) -> None:
    """In all Sequencers that show no scene yet; before 5.0 they show the window's."""
    for workspace in bpy.data.workspaces:
        if getattr(workspace, "sequencer_scene", scene) is None:
            workspace.sequencer_scene = scene


def numbered(folder: Path) -> dict[int, Path]:
    """Frame files by their numbers."""
    found = {keys.frame_of_name(path.name): path for path in sorted(folder.glob("*.*"))}
    return {number: path for number, path in found.items() if number is not None}


def _held(frames: dict[int, Path], number: int) -> Path:
    """The frame, or the last one before it: a strip has no gaps."""
    return frames[max(there for there in frames if there <= number)]


def make_room(context: Any, kind: str) -> None:
    """Open an editor of that kind in a window of its own, unless one is open.

    For buttons, before what they are to show is there: what comes later comes in a timer, which has no window to open
    another one from, and must not put itself into one (operators.submit.CLOUD_RENDER_OT_ask says why).
    """
    if bpy.app.background or context.window is None or _area(kind) is not None:
        return
    before = set(context.window_manager.windows)
    # A new window is as large as this one; that of the preferences is small, unless it is open already.
    if _area("PREFERENCES") is not None:
        bpy.ops.wm.window_new()
    else:
        bpy.ops.screen.userpref_show()
    (window,) = set(context.window_manager.windows) - before
    window.screen.areas[0].type = kind


def _area(kind: str) -> Any:
    """An editor of that kind that is open; None where there is none."""
    manager: Any = bpy.context.window_manager
    areas: Iterator[Any] = (area for window in manager.windows for area in window.screen.areas)
    return next((area for area in areas if area.type == kind), None)
