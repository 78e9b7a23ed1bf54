# SPDX-License-Identifier: GPL-3.0-or-later
"""Render in Cloud: pack, show what was found, send."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from cloud_render.client.deadline import deadline_of
from cloud_render.client.plan import SubmitPlan
from cloud_render.contract.errors import CloudRenderError, MissingFiles
from cloud_render.inblender import versions

from .. import pricing, pump, submission
from ..account import account
from ..background import BACKGROUND
from ..model import MODEL, Account, Stage
from ..names import PREFIX, Outcome
from ..panels import findings
from ..panels import price as price_panel
from ..settings import DEADLINE, settings_of
from ..submission import Packed, Wishes
from ..words import say
from .base import online

_LOOK_S = 0.1
_ON_THE_WAY: tuple[Stage, ...] = ("packing", "saving", "checking", "pricing")

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
        start(context, wishes_of(context.scene))
        return {"FINISHED"}

    def execute(self, context: Any) -> Outcome:
        return for_script(self, context, wishes_of(context.scene), self.allow_missing)


class CLOUD_RENDER_OT_test(bpy.types.Operator):
    """Render a few frames of the scene first, in full quality. They tell what all of them will cost"""

    bl_idname = "cloud_render.test"
    bl_label = "Test Frames"
    bl_options = {"INTERNAL"}

    allow_missing: BoolProperty(
        name="Allow Missing Files", description="Render even though files are missing", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        return can_render(cls, context)

    def invoke(self, context: Any, _event: Any) -> Outcome:
        start(context, Wishes(download=False, test=True))
        return {"FINISHED"}

    def execute(self, context: Any) -> Outcome:
        return for_script(self, context, Wishes(download=False, test=True), self.allow_missing)


def wishes_of(scene: Any, again_of: str = "", again_frames: str = "") -> Wishes:
    """As the settings have them."""
    chosen = settings_of(scene)
    return Wishes(chosen.download, again_of, again_frames, deadline=chosen.deadline)


def for_script(operator: bpy.types.Operator, context: Any, wishes: Wishes, allow_missing: bool) -> Outcome:
    """All of it, waiting for the end of the upload. The window manager's `cloud_render.active` has the new job's id."""
    try:
        job_id = _all_at_once(operator, context, wishes, allow_missing)
    except CloudRenderError as error:
        operator.report({"ERROR"}, str(error))
        return {"CANCELLED"}
    pump.catch_up(context)
    operator.report({"INFO"}, say("Job {id}", id=job_id))
    return {"FINISHED"}


def _all_at_once(operator: bpy.types.Operator, context: Any, wishes: Wishes, allow_missing: bool) -> str:
    if wishes.deadline.strip():
        deadline_of(wishes.deadline, datetime.now(UTC))  # refuses what is none, before anything is done
    packed = _all_steps(submission.pack(context, wishes))
    submission.begin()
    BACKGROUND.run(submission.find_out(account(context), packed, lambda: None))
    assert MODEL.submit is not None
    assert MODEL.submit.found is not None
    if packed.examination.missing and not allow_missing:
        submission.stop()
        raise MissingFiles([str(file) for file in packed.examination.missing], say(MISSING_ADVICE))
    made = MODEL.submit.found.plan
    if not wishes.test:
        made = _priced(operator, context, made, packed)
    return str(BACKGROUND.run(submission.send(account(context), made, packed.wishes, submission.folder_of(made))))


def _priced(operator: bpy.types.Operator, context: Any, made: SubmitPlan, packed: Packed) -> SubmitPlan:
    """As the dialog would propose it, with its limit: by a deadline the cheapest way in time, else the soonest end. As
    planned where no price is known. Without a deadline, frames per job that the settings name stay.
    """
    deadline = packed.wishes.deadline.strip()
    own_cut = made.frames_per_job if packed.options.frames_per_job and not deadline else 0
    with contextlib.suppress(CloudRenderError):  # no price stops nobody; with a deadline that is said below
        BACKGROUND.run(pricing.price(account(context), made, packed.wishes.again_frames, own_cut))
    choice, offer = next(iter(pricing.offers().items()), (pricing.AS_PLANNED, None))
    if deadline and offer is None:
        operator.report({"WARNING"}, say("Whether it is done by {deadline} is not known", deadline=deadline))
    elif deadline and offer and not offer.meets_deadline:
        operator.report({"WARNING"}, say("It can't be done by {deadline}", deadline=deadline))
    return pricing.chosen(made, choice, pricing.limit_of(choice))


def start(context: Any, wishes: Wishes) -> None:
    """Pack step by step, find out what is new, then ask; Blender stays usable between the steps."""
    submission.begin()
    # The first step takes no time, and what the settings say counts as it is now.
    _step(submission.pack(context, wishes), account(context))
    if not bpy.app.background:
        getattr(bpy.ops, PREFIX).ask("INVOKE_DEFAULT")


def _all_steps(steps: Generator[Stage, None, Packed]) -> Packed:
    try:
        while True:
            next(steps)
    except StopIteration as end:
        packed: Packed = end.value
        return packed


def _step_later(steps: Generator[Stage, None, Packed], chosen: Account) -> None:
    """Each step in a tick of its own, so that its word is on the screen before it blocks."""
    pump.later(lambda: _step(steps, chosen))


def _step(steps: Generator[Stage, None, Packed], chosen: Account) -> None:
    if MODEL.submit is None:
        return  # stopped meanwhile
    try:
        submission.show(next(steps))
    except StopIteration as end:
        packed: Packed = end.value
        submission.show("checking")
        BACKGROUND.start(submission.find_out(chosen, packed, lambda: _price(chosen, packed.wishes)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the artist is told
        submission.fail(error)
    else:
        _step_later(steps, chosen)


def _price(chosen: Account, wishes: Wishes) -> None:
    """Have it worked out; it is time to ask once it is known, or after a while without it."""
    assert MODEL.submit is not None
    assert MODEL.submit.found is not None
    if wishes.test or not BACKGROUND.start(pricing.price(chosen, MODEL.submit.found.plan, wishes.again_frames)):
        return
    submission.show("pricing")
    _ready_when_priced(time.monotonic() + pricing.PATIENCE_S)


def _ready_when_priced(ends: float) -> None:
    if MODEL.submit is None or MODEL.submit.stage != "pricing":
        return  # stopped meanwhile
    if MODEL.submit.priced is None and time.monotonic() < ends:
        pump.later(lambda: _ready_when_priced(ends))
        return
    submission.show("ready")


class CLOUD_RENDER_OT_ask(bpy.types.Operator):
    """Open the dialog as soon as it is known what would be sent"""

    # It waits in the window where the button was pressed. A timer of ours has no window, and must not put itself into
    # one by temp_override: an operator that is called there crashes Blender (seen in 5.0) if one of our threads is at
    # work, because Blender then looks into a Python dictionary without holding Python's lock.

    bl_idname = "cloud_render.ask"
    bl_label = "Ask"
    bl_options = {"INTERNAL"}

    def invoke(self, context: Any, _event: Any) -> Outcome:
        manager = context.window_manager
        self._timer = manager.event_timer_add(_LOOK_S, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> Outcome:
        stage = MODEL.submit.stage if MODEL.submit else ""
        if event.type != "TIMER" or stage in _ON_THE_WAY:
            return {"PASS_THROUGH"}
        self.cancel(context)
        if stage == "ready":
            getattr(bpy.ops, PREFIX).send("INVOKE_DEFAULT")
        return {"FINISHED"}

    def cancel(self, context: Any) -> None:
        context.window_manager.event_timer_remove(self._timer)


_offers: list[tuple[str, str, str]] = []
"""Blender does not keep the words of choices that are made when they are drawn."""


def _choices(_self: Any, _context: Any) -> list[tuple[str, str, str]]:
    found = [(name, price_panel.words_of(offer), offer.why) for name, offer in pricing.offers().items()]
    _offers[:] = found or [(pricing.AS_PLANNED, say("As in Settings"), say("As the settings have it"))]
    return _offers


def _other_choice(self: Any, _context: Any) -> None:
    self.limit_usd = pricing.limit_of(self.choice)


def _other_deadline(self: Any, _context: Any) -> None:
    pricing.meet(self.deadline)
    # Choices are kept by their place, which may be another's now.
    self.choice = next(iter(pricing.offers()), pricing.AS_PLANNED)


class CLOUD_RENDER_OT_send(bpy.types.Operator):
    """Look at what was found and what it will cost, then send it to the cloud and render it"""

    bl_idname = "cloud_render.send"
    bl_label = "Render in Cloud"
    bl_options = {"INTERNAL"}

    choice: EnumProperty(
        name="Choice",
        description="How many machines share the frames: what it costs, and how long it takes",
        items=_choices,
        update=_other_choice,
        options={"SKIP_SAVE"},
    )
    deadline: StringProperty(name="Done By", description=DEADLINE, update=_other_deadline, options={"SKIP_SAVE"})
    limit_usd: FloatProperty(
        name="Stop at USD",
        description="End the job before it costs more; what is rendered stays. 0: no limit",
        min=0,
        precision=2,
        options={"SKIP_SAVE"},
    )
    details: BoolProperty(
        name="What It Is Made Of", description="Show what the price is made of", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, _context: Any) -> bool:
        if MODEL.submit is None or MODEL.submit.found is None:
            cls.poll_message_set(say("Nothing is packed"))
            return False
        return online(cls)

    def invoke(self, context: Any, _event: Any) -> Outcome:
        assert MODEL.submit is not None
        self.deadline = MODEL.submit.deadline
        self.limit_usd = pricing.limit_of(self.choice)
        manager = context.window_manager
        answer: Outcome = manager.invoke_props_dialog(self, width=540, title="Render in Cloud", confirm_text="Render")
        return answer

    def draw(self, _context: Any) -> None:
        layout: Any = self.layout
        if MODEL.submit is None or MODEL.submit.found is None:
            layout.label(text="It was stopped meanwhile", icon="INFO")
            return
        findings.draw(layout, MODEL.submit)
        price_panel.draw(layout, MODEL.submit, self)

    def execute(self, _context: Any) -> Outcome:
        if MODEL.submit is None or MODEL.submit.found is None:
            return {"CANCELLED"}  # stopped while the dialog was open
        month = MODEL.submit.found.month
        if month is not None and month.left_usd <= 0:
            self.report({"ERROR"}, say(price_panel.MONTH_USED_UP))
            return {"CANCELLED"}
        folder = submission.folder_of(MODEL.submit.found.plan)
        limit_usd = self.limit_usd if self.properties.is_property_set("limit_usd") else pricing.limit_of(self.choice)
        plan = pricing.chosen(MODEL.submit.found.plan, self.choice, round(limit_usd, 2))
        offer = pricing.offers().get(self.choice)
        submission.choose(folder, plan, offer.usd.likely if offer else 0.0)
        pricing.forget()
        BACKGROUND.start(submission.resume(folder.name))
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
    CLOUD_RENDER_OT_test,
    CLOUD_RENDER_OT_ask,
    CLOUD_RENDER_OT_send,
    CLOUD_RENDER_OT_stop,
    CLOUD_RENDER_OT_resume,
    CLOUD_RENDER_OT_discard,
)
