# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing something about what stands in the way."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import IntProperty

from cloud_render.inblender import culprit

from .. import results
from ..model import MODEL
from ..names import Outcome
from ..words import say


class CLOUD_RENDER_OT_dismiss(bpy.types.Operator):
    """Don't show this any more"""

    bl_idname = "cloud_render.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Any) -> Outcome:
        MODEL.problem = None
        MODEL.changes += 1
        return {"FINISHED"}


class CLOUD_RENDER_OT_select_culprit(bpy.types.Operator):
    """Select the objects that need this file, and show the image that does"""

    bl_idname = "cloud_render.select_culprit"
    bl_label = "Select What Needs It"
    bl_options = {"INTERNAL", "UNDO"}

    index: IntProperty(name="Index", description="Of the missing file", min=0, options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if MODEL.submit is None or not MODEL.submit.missing:
            cls.poll_message_set(say("Nothing is missing"))
            return False
        return True

    def execute(self, context: Any) -> Outcome:
        assert MODEL.submit is not None
        file = MODEL.submit.missing[min(self.index, len(MODEL.submit.missing) - 1)]
        block = culprit.block_asking_for(file.path)
        if block is None:
            self.report({"WARNING"}, say("Nothing asks for {path} any more", path=file.path))
            return {"CANCELLED"}
        selected = _select(context, culprit.objects_using(block))
        if block.id_type == "IMAGE":
            results.make_room(context, "IMAGE_EDITOR")
            results.show_image(block)
        users = ", ".join(selected) or say("no object of this scene uses it")
        self.report({"INFO"}, f"{file.owner}: {users}")
        return {"FINISHED"}


def _select(context: Any, objects: list[Any]) -> list[str]:
    """Those of them that are in the scene; the first becomes the active one."""
    here = [one for one in objects if context.view_layer.objects.get(one.name) == one]
    for each in context.view_layer.objects:
        each.select_set(each in here)
    if here:
        context.view_layer.objects.active = here[0]
    return [one.name for one in here]


CLASSES = (CLOUD_RENDER_OT_dismiss, CLOUD_RENDER_OT_select_culprit)
