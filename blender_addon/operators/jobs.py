# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with a job in the cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from cloud_render.contract import frames
from cloud_render.contract.errors import BadArguments, CloudRenderError

from .. import remembered, results, tasks
from ..account import account, job_folder
from ..background import BACKGROUND, Task
from ..mirror import title_of
from ..model import MODEL
from ..names import SELECTED, Outcome
from ..panels import retry
from ..polling import POLLING
from ..pricing import limit_to_go_on
from ..words import money, say
from .base import JobOperator, TaskOperator, job_or_selected, selected_state
from .submit import can_render, for_script, start, wishes_of

ENDED = {"done", "failed", "cancelled"}


def _phase() -> str:
    state = selected_state()
    if state is not None:
        return str(state.phase)
    job = MODEL.job(MODEL.active)
    return str(job.phase) if job else ""


def _is(operator: type[bpy.types.Operator], context: Any, ended: bool) -> bool:
    """Whether the selected job has, or has not, ended; says why not. A script is not asked: see names.SELECTED."""
    if not hasattr(context, SELECTED):
        return True
    if MODEL.active in MODEL.busy:
        operator.poll_message_set(say("Something is being done to the job"))
        return False
    if (_phase() in ENDED) != ended:
        operator.poll_message_set(say("The job is still running" if ended else "The job has ended"))
        return False
    return True


class CLOUD_RENDER_OT_refresh(TaskOperator):
    """List the jobs of the cloud anew"""

    bl_idname = "cloud_render.refresh"
    bl_label = "Refresh"

    def task(self, context: Any) -> Task:
        MODEL.problem = None
        POLLING.soon()
        return tasks.list_jobs(account(context))


class CLOUD_RENDER_OT_look(JobOperator):
    """Look at how the job is doing. Blender does so by itself; scripts may wait with it"""

    bl_idname = "cloud_render.look"
    bl_label = "Look at Job"

    def task(self, context: Any) -> Task:
        return tasks.look(account(context), self.job)


class _Change(JobOperator):
    """Changes a job by a function of the cloud."""

    verb = ""
    words = ""
    """What is going on, for the panel."""

    def task(self, context: Any) -> Task:
        return tasks.change(account(context), self.job, self.verb, self.words, POLLING.soon)


class CLOUD_RENDER_OT_cancel(_Change):
    """End the job. Frames that are done stay, and the rest can be rendered later"""

    bl_idname = "cloud_render.cancel"
    bl_label = "Cancel Job"
    verb, words = "cancel", "Cancelling…"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return super().poll(context) and _is(cls, context, ended=False)

    def asked(self, context: Any, event: Any) -> Outcome:
        answer: Outcome = context.window_manager.invoke_confirm(
            self,
            event,
            title="Cancel this job?",
            message="Frames that are done stay, and the rest can be rendered later.",
            confirm_text="Cancel Job",
            icon="WARNING",
        )
        return answer


class CLOUD_RENDER_OT_retry(_Change):
    """Render the frames that are missing once more, then make the video"""

    bl_idname = "cloud_render.retry"
    bl_label = "Retry Missing Frames"
    verb, words = "retry", "Submitting…"

    limit_usd: FloatProperty(
        name="Stop at USD",
        description="End the job before all of it costs more, what it has cost included. 0: as before",
        min=0,
        precision=2,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        if not (super().poll(context) and _is(cls, context, ended=True)):
            return False
        if hasattr(context, SELECTED) and _phase() == "done":
            cls.poll_message_set(say("Nothing is missing"))
            return False
        return True

    def asked(self, context: Any, _event: Any) -> Outcome:
        shown = MODEL.states.get(MODEL.active) or MODEL.job(MODEL.active)
        if shown is None:
            return self.execute(context)
        billed = MODEL.bills.get(MODEL.active)
        self.limit_usd = limit_to_go_on(billed, shown.frames_done, shown.frames_total - shown.frames_done)
        manager = context.window_manager
        answer: Outcome = manager.invoke_props_dialog(self, width=380, title=self.bl_label, confirm_text="Render")
        return answer

    def draw(self, _context: Any) -> None:
        layout: Any = self.layout
        shown = MODEL.states.get(MODEL.active) or MODEL.job(MODEL.active)
        if shown is not None:
            retry.draw(layout, shown, MODEL.bills.get(MODEL.active), self)

    def task(self, context: Any) -> Task:
        billed = MODEL.bills.get(self.job)
        if billed is not None and retry.too_low(self.limit_usd, billed):
            raise BadArguments(
                say("The job has cost {usd} already.", usd=money(billed.bill.usd)), say("Choose a higher limit.")
            )
        return tasks.change(
            account(context), self.job, self.verb, self.words, POLLING.soon, limit_usd=round(self.limit_usd, 2)
        )


class CLOUD_RENDER_OT_stitch(_Change):
    """Make the video of the frames that are there; a missing one is held from its neighbour"""

    bl_idname = "cloud_render.stitch"
    bl_label = "Stitch What Is There"
    verb, words = "stitch", "Submitting…"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return super().poll(context) and _is(cls, context, ended=True)


class CLOUD_RENDER_OT_delete(_Change):
    """Delete the job's frames and video from the cloud for good. What was downloaded stays"""

    bl_idname = "cloud_render.delete"
    bl_label = "Delete Job"
    verb, words = "delete", "Deleting…"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return super().poll(context) and _is(cls, context, ended=True)

    def asked(self, context: Any, event: Any) -> Outcome:
        answer: Outcome = context.window_manager.invoke_confirm(
            self,
            event,
            title="Delete this job?",
            message="Its frames and video are deleted from the cloud for good. What was downloaded stays.",
            confirm_text="Delete",
            icon="WARNING",
        )
        return answer


class CLOUD_RENDER_OT_again(bpy.types.Operator):
    """Render some frames of this job again with the scene as it is now; the others are kept"""

    bl_idname = "cloud_render.again"
    bl_label = "Render Frames Again"
    bl_options = {"INTERNAL"}

    job_id: StringProperty(name="Job", description="The job's id; empty: the selected one", options={"SKIP_SAVE"})
    frames: StringProperty(
        name="Frames", description="Which to render again, such as 12-20 or 5,8", options={"SKIP_SAVE"}
    )
    allow_missing: BoolProperty(
        name="Allow Missing Files", description="Render even though files are missing", options={"SKIP_SAVE"}
    )
    pressed: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: Any) -> bool:
        return can_render(cls, context) and _is(cls, context, ended=True)

    def invoke(self, context: Any, _event: Any) -> Outcome:
        self.pressed = True
        answer: Outcome = context.window_manager.invoke_props_dialog(self, title="Render Frames Again")
        return answer

    def draw(self, _context: Any) -> None:
        layout: Any = self.layout
        layout.prop(self, "frames")

    def execute(self, context: Any) -> Outcome:
        try:
            job_id = job_or_selected(self.job_id)
            frames.parse(self.frames)
        except CloudRenderError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        wishes = wishes_of(context.scene, job_id, self.frames)
        if self.pressed:
            start(context, wishes)
            return {"FINISHED"}
        return for_script(self, context, wishes, self.allow_missing)


class CLOUD_RENDER_OT_download(JobOperator):
    """Bring the job's frames and video to this computer; of a running job, what there is"""

    bl_idname = "cloud_render.download"
    bl_label = "Download"

    folder: StringProperty(
        name="Folder",
        description="Where to put them; empty: a folder for the job in the one of the preferences",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        if MODEL.active in MODEL.downloads:
            cls.poll_message_set(say("The download is going on"))
            return False
        return super().poll(context)

    def task(self, context: Any) -> Task:
        folder = Path(bpy.path.abspath(self.folder)) if self.folder else job_folder(context, self.job)
        return tasks.download(account(context), self.job, folder)


class CLOUD_RENDER_OT_download_when_done(bpy.types.Operator):
    """Bring the results to this computer by itself when the job has ended, or don't"""

    bl_idname = "cloud_render.download_when_done"
    bl_label = "Download When Done"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Any) -> Outcome:
        wanted = MODEL.active in remembered.remembered().downloads
        (remembered.forget_download if wanted else remembered.want_download)(MODEL.active)
        MODEL.changes += 1
        return {"FINISHED"}


class CLOUD_RENDER_OT_stop_download(bpy.types.Operator):
    """Stop the download. What has arrived stays, and the next one goes on from there"""

    bl_idname = "cloud_render.stop_download"
    bl_label = "Stop Download"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Any) -> Outcome:
        remembered.forget_download(MODEL.active)
        BACKGROUND.stop(tasks.download_name(MODEL.active))
        return {"FINISHED"}


class CLOUD_RENDER_OT_show_log(JobOperator):
    """Show the end of the log in a text editor: of the machine that failed, or of the one that works"""

    bl_idname = "cloud_render.show_log"
    bl_label = "Show Log"

    def task(self, context: Any) -> Task:
        job_id = self.job

        def show(text: str) -> None:
            results.show_text(say("{job} log", job=title_of(job_id)), text or say("Nothing was written yet."))

        results.make_room(context, "TEXT_EDITOR")
        return tasks.show_log(account(context), job_id, show)


CLASSES = (
    CLOUD_RENDER_OT_refresh,
    CLOUD_RENDER_OT_look,
    CLOUD_RENDER_OT_cancel,
    CLOUD_RENDER_OT_retry,
    CLOUD_RENDER_OT_stitch,
    CLOUD_RENDER_OT_delete,
    CLOUD_RENDER_OT_again,
    CLOUD_RENDER_OT_download,
    CLOUD_RENDER_OT_download_when_done,
    CLOUD_RENDER_OT_stop_download,
    CLOUD_RENDER_OT_show_log,
)
