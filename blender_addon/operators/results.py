# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import IntProperty

from cloud_render.contract.errors import CloudRenderError

from .. import local, results, tasks
from ..account import account, job_folder
from ..background import Task
from ..mirror import title_of
from ..model import MODEL
from ..names import Outcome
from ..words import say
from .base import JobOperator


class CLOUD_RENDER_OT_show_frame(JobOperator):
    """Show this frame in full size in an Image Editor"""

    bl_idname = "cloud_render.show_frame"
    bl_label = "Show Frame"

    frame: IntProperty(name="Frame", description="Its number", options={"SKIP_SAVE"})

    def task(self, context: Any) -> Task:
        folder = job_folder(context, self.job)
        results.make_room(context, "IMAGE_EDITOR")
        return tasks.show_frame(account(context), self.job, self.frame, folder, results.show_picture)


class _Local(bpy.types.Operator):
    """Needs no network: works with the files that were downloaded."""

    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if MODEL.active not in MODEL.downloaded:
            cls.poll_message_set(say("Nothing of this job is on this computer yet: download it first"))
            return False
        return True

    def _open(self, path: Path) -> Outcome:
        """With what this computer opens such files with."""
        if not path.exists():
            local.look(MODEL.active, MODEL.downloaded[MODEL.active])
            self.report({"ERROR"}, say("{path} is not there any more", path=path))
            return {"CANCELLED"}
        answer: Outcome = bpy.ops.wm.path_open(filepath=str(path))
        return answer


class CLOUD_RENDER_OT_open_video(_Local):
    """Play the video with this computer's own player"""

    bl_idname = "cloud_render.open_video"
    bl_label = "Open Video"

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not super().poll(context):
            return False
        if MODEL.active not in MODEL.videos:
            cls.poll_message_set(say("The video is not on this computer yet: download it first"))
            return False
        return True

    def execute(self, _context: Any) -> Outcome:
        return self._open(MODEL.videos[MODEL.active])


class CLOUD_RENDER_OT_open_folder(_Local):
    """Open the folder with the job's files"""

    bl_idname = "cloud_render.open_folder"
    bl_label = "Open Folder"

    def execute(self, _context: Any) -> Outcome:
        return self._open(MODEL.downloaded[MODEL.active])


class CLOUD_RENDER_OT_load_strip(_Local):
    """Add the finished frames to the Video Sequencer as an image strip"""

    bl_idname = "cloud_render.load_strip"
    bl_label = "Load as Strip"
    bl_options = {"INTERNAL", "UNDO"}

    def execute(self, context: Any) -> Outcome:
        try:
            scene = results.edited_scene(context)
            results.add_strip(scene, MODEL.downloaded[MODEL.active], title_of(MODEL.active))
            results.show_strips(scene)
        except CloudRenderError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (
    CLOUD_RENDER_OT_show_frame,
    CLOUD_RENDER_OT_open_video,
    CLOUD_RENDER_OT_open_folder,
    CLOUD_RENDER_OT_load_strip,
)
