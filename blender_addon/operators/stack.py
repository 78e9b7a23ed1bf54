# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the cloud in the artist's AWS account, bringing it up to date, and taking it away."""

from __future__ import annotations

from typing import Any

from bpy.props import StringProperty

from cloud_render.contract.errors import BadArguments

from .. import tasks
from ..account import account
from ..background import Task
from ..names import Outcome
from ..words import say
from .base import TaskOperator


class CLOUD_RENDER_OT_set_up(TaskOperator):
    """Make the cloud in your AWS account, or bring it up to date: network, queues, rights, and the worker's image"""

    bl_idname = "cloud_render.set_up"
    bl_label = "Set Up or Update Cloud"

    def asked(self, context: Any, event: Any) -> Outcome:
        answer: Outcome = context.window_manager.invoke_confirm(
            self,
            event,
            title="Set up the cloud in this account?",
            message="It takes some ten minutes. While nothing renders, it costs only what is stored in it.",
            confirm_text="Set Up",
        )
        return answer

    def task(self, context: Any) -> Task:
        return tasks.set_up(account(context))


class CLOUD_RENDER_OT_remove(TaskOperator):
    """End all jobs, and delete all frames, videos and scenes in the cloud, and the cloud itself"""

    bl_idname = "cloud_render.remove"
    bl_label = "Remove Cloud"

    typed: StringProperty(
        name="Stack's Name", description="Type it, to show that you mean this one", options={"SKIP_SAVE"}
    )

    def asked(self, context: Any, _event: Any) -> Outcome:
        answer: Outcome = context.window_manager.invoke_props_dialog(
            self, width=420, title="Remove the Cloud", confirm_text="Remove"
        )
        return answer

    def draw(self, _context: Any) -> None:
        layout: Any = self.layout
        layout.label(text="All jobs end; all frames, videos and scenes in the cloud are deleted for good.")
        layout.prop(self, "typed")

    def task(self, context: Any) -> Task:
        chosen = account(context)
        if self.typed != chosen.stack:
            raise BadArguments(say("Nothing was removed: type {name} to remove it.", name=chosen.stack))
        return tasks.remove(chosen)


CLASSES = (CLOUD_RENDER_OT_set_up, CLOUD_RENDER_OT_remove)
