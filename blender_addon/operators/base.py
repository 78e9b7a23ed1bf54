# SPDX-License-Identifier: GPL-3.0-or-later
"""What our operators share: pressed, they start a task and return; called by a script, they wait for its end."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from cloud_render.contract.errors import CloudRenderError

from .. import pump
from ..background import BACKGROUND, Task
from ..model import MODEL
from ..names import Outcome
from ..words import say

OFFLINE = "Blender may not use the internet: allow it in the preferences, System, Network"
OFFLINE_FORCED = "Blender was started with --offline-mode"


def online(operator: type[bpy.types.Operator]) -> bool:
    """Whether Blender may use the network; says why not."""
    if bpy.app.online_access:
        return True
    operator.poll_message_set(say(OFFLINE_FORCED if bpy.app.online_access_override else OFFLINE))
    return False


class TaskOperator(bpy.types.Operator):
    """Subclasses say what is to be done, as a Task."""

    bl_options = {"INTERNAL"}  # neither undo nor redo may run it again

    pressed: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: Any) -> bool:
        return online(cls)

    def invoke(self, context: Any, event: Any) -> Outcome:
        self.pressed = True
        return self.asked(context, event)

    def asked(self, context: Any, _event: Any) -> Outcome:
        """Where something dangerous asks first."""
        return self.execute(context)

    def execute(self, context: Any) -> Outcome:
        try:
            task = self.task(context)
            if self.pressed:
                return self._started(task)
            BACKGROUND.run(task)
            pump.catch_up(context)
        except CloudRenderError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def task(self, context: Any) -> Task:
        """Raises CloudRenderError for what can't be done."""
        raise NotImplementedError

    def _started(self, task: Task) -> Outcome:
        if BACKGROUND.start(task):
            return {"FINISHED"}
        self.report({"WARNING"}, "This is going on already")
        return {"CANCELLED"}


class JobOperator(TaskOperator):
    """Does something with one job: the selected one, unless told which."""

    job_id: StringProperty(name="Job", description="The job's id; empty: the selected one", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: Any) -> bool:
        return super().poll(context)

    @property
    def job(self) -> str:
        """Raises CloudRenderError where there is none."""
        return job_or_selected(self.job_id)


def job_or_selected(job_id: str) -> str:
    """Raises CloudRenderError where neither is."""
    if not (job_id or MODEL.active):
        raise CloudRenderError(say("No job is selected."), say("Select one in the list, or give its job_id."))
    return job_id or MODEL.active


def selected_state() -> Any:
    """The last look at the selected job; None before there was one."""
    return MODEL.states.get(MODEL.active)
