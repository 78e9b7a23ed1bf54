# SPDX-License-Identifier: GPL-3.0-or-later
"""Render in Cloud: pack, show what was found, send."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import bpy
from bpy.props import BoolProperty, StringProperty

from cloud_render.contract.errors import CloudRenderError, MissingFiles
from cloud_render.inblender import versions

from .. import pump, submission
from ..account import account
from ..background import BACKGROUND
from ..model import MODEL, Account, Stage
from ..names import PREFIX, Outcome
from ..panels import findings
from ..settings import settings_of
from ..submission import Packed, Wishes
from ..words import say
from .base import online

MISSING_ADVICE = "Put them back or mend their paths; or allow_missing=True to go on without them."


def can_render(operator: type[bpy.types.Operator], context: Any) -> bool:
    """Whether the scene could be sent; says what is in the way."""
    if not online(operator):
        return False
    if not bpy.data.filepath:
        operator.poll_message_set(say("Save the file first: what it refers to is found from there"))
        return False
    if context.scene.camera is None and settings_of(context.scene).camera is None and not _sequencer(context.scene):
        operator.poll_message_set(say("The scene has no camera"))
        return False
    if MODEL.submit is not None:
        operator.poll_message_set(say("A scene is on its way already"))
        return False
    return True


def _sequencer(scene: Any) -> bool:
    """Whether it makes the pictures. Blender 5.0 gives new scenes one without strips."""
    return bool(
        scene.render.use_sequencer and scene.sequence_editor and len(versions.top_strips(scene.sequence_editor))
    )


class CLOUD_RENDER_OT_submit(bpy.types.Operator):
    """Send this scene, as it is now, to the cloud and render it there. Nothing is sent before you have seen what"""

    bl_idname = "cloud_render.submit"
    bl_label = "Render in Cloud"
    bl_options = {"INTERNAL"}

    allow_missing: BoolProperty(
        name="Allow Missing Files", description="Render even though files are missing", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        return can_render(cls, context)

    def invoke(self, context: Any, _event: Any) -> Outcome:
        start(context, Wishes(settings_of(context.scene).download))
        return {"FINISHED"}

    def execute(self, context: Any) -> Outcome:
        return for_script(self, context, Wishes(settings_of(context.scene).download), self.allow_missing)


def for_script(operator: bpy.types.Operator, context: Any, wishes: Wishes, allow_missing: bool) -> Outcome:
    """All of it, waiting for the end of the upload. The window manager's `cloud_render.active` has the new job's id."""
    try:
        job_id = _all_at_once(context, wishes, allow_missing)
    except CloudRenderError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    pump.catch_up(context)
    operator.report({"INFO"}, say("Job {id}", id=job_id))
    return {"FINISHED"}


def _all_at_once(context: Any, wishes: Wishes, allow_missing: bool) -> str:
    packed = _all_steps(submission.pack(context, wishes))
    submission.begin()
    BACKGROUND.run(submission.find_out(account(context), packed, lambda: None))
    assert MODEL.submit is not None
    assert MODEL.submit.found is not None
    if packed.examination.missing and not allow_missing:
        submission.stop()
        raise MissingFiles([str(file) for file in packed.examination.missing], say(MISSING_ADVICE))
    made = MODEL.submit.found.plan
    return str(BACKGROUND.run(submission.send(account(context), made, packed.wishes, submission.folder_of(made))))


def start(context: Any, wishes: Wishes) -> None:
    """Pack step by step, find out what is new, then ask; Blender stays usable between the steps."""
    submission.begin()
    # The first step takes no time, and what the settings say counts as it is now.
    _step(submission.pack(context, wishes), account(context), context.scene.name)


def _all_steps(steps: Generator[Stage, None, Packed]) -> Packed:
    try:
        while True:
            next(steps)
    except StopIteration as end:
        packed: Packed = end.value
        return packed


def _step_later(steps: Generator[Stage, None, Packed], chosen: Account, scene: str) -> None:
    """Each step in a tick of its own, so that its word is on the screen before it blocks."""
    pump.later(lambda: _step(steps, chosen, scene))


def _step(steps: Generator[Stage, None, Packed], chosen: Account, scene: str) -> None:
    if MODEL.submit is None:
        return  # stopped meanwhile
    try:
        with in_window_of(scene):
            submission.show(next(steps))
    except StopIteration as end:
        submission.show("checking")
        BACKGROUND.start(submission.find_out(chosen, end.value, lambda: pump.later(_ask)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the artist is told
        submission.fail(error)
    else:
        _step_later(steps, chosen, scene)


def in_window_of(scene: str) -> Any:
    """Timers have no window of their own, and so no active scene."""
    context: Any = bpy.context
    windows = context.window_manager.windows
    window = next((window for window in windows if window.scene.name == scene), windows[0])
    return context.temp_override(window=window)


def _ask() -> None:
    """Open the dialog; if Blender can't now, the panel shows the same with its own buttons."""
    if MODEL.submit is None or MODEL.submit.found is None or bpy.app.background:
        return
    with in_window_of(MODEL.submit.found.plan.scene):
        getattr(bpy.ops, PREFIX).send("INVOKE_DEFAULT")


class CLOUD_RENDER_OT_send(bpy.types.Operator):
    """Send what was found to the cloud and render it"""

    bl_idname = "cloud_render.send"
    bl_label = "Render in Cloud"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if MODEL.submit is None or MODEL.submit.found is None:
            cls.poll_message_set(say("Nothing is packed"))
            return False
        return online(cls)

    def invoke(self, context: Any, _event: Any) -> Outcome:
        manager = context.window_manager
        answer: Outcome = manager.invoke_props_dialog(self, width=420, title="Render in Cloud", confirm_text="Render")
        return answer

    def draw(self, _context: Any) -> None:
        assert MODEL.submit is not None
        findings.draw(self.layout, MODEL.submit)

    def execute(self, _context: Any) -> Outcome:
        if MODEL.submit is None or MODEL.submit.found is None:
            return {"CANCELLED"}  # stopped while the dialog was open
        name = submission.folder_of(MODEL.submit.found.plan).name
        BACKGROUND.start(submission.resume(name))
        return {"FINISHED"}


class CLOUD_RENDER_OT_stop(bpy.types.Operator):
    """Stop packing or uploading. What was uploaded stays, and the upload can go on later"""

    bl_idname = "cloud_render.stop"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Any) -> Outcome:
        pump.forget_later()
        submission.stop()
        return {"FINISHED"}


class CLOUD_RENDER_OT_resume(bpy.types.Operator):
    """Go on with an upload that was broken off, with the scene as it was then"""

    bl_idname = "cloud_render.resume"
    bl_label = "Resume"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Upload", description="Which one", options={"SKIP_SAVE"})
    pressed: BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if MODEL.submit is not None:
            cls.poll_message_set(say("A scene is on its way already"))
            return False
        return online(cls)

    def invoke(self, context: Any, _event: Any) -> Outcome:
        self.pressed = True
        return self.execute(context)

    def execute(self, _context: Any) -> Outcome:
        try:
            (BACKGROUND.start if self.pressed else BACKGROUND.run)(submission.resume(self.name))
        except CloudRenderError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class CLOUD_RENDER_OT_discard(bpy.types.Operator):
    """Forget an upload that was broken off. The .blend itself is not touched"""

    bl_idname = "cloud_render.discard"
    bl_label = "Discard"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Upload", description="Which one", options={"SKIP_SAVE"})

    def execute(self, _context: Any) -> Outcome:
        submission.discard(self.name)
        return {"FINISHED"}


CLASSES = (
    CLOUD_RENDER_OT_submit,
    CLOUD_RENDER_OT_send,
    CLOUD_RENDER_OT_stop,
    CLOUD_RENDER_OT_resume,
    CLOUD_RENDER_OT_discard,
)
