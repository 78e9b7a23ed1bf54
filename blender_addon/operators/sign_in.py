# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in through the browser, without the AWS command line."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import IntProperty, StringProperty

from cloud_render.contract.errors import CloudRenderError

from .. import tasks
from ..account import preferences
from ..background import BACKGROUND, Task
from ..model import MODEL
from ..names import PREFIX, Outcome
from ..polling import POLLING
from ..words import say
from .base import TaskOperator


def _open(page: str) -> None:
    if not bpy.app.background:
        bpy.ops.wm.url_open(url=page)


class CLOUD_RENDER_OT_sign_in(TaskOperator):
    """Sign in to AWS in your browser. What the AWS tools keep of it, and nothing else, stays on this computer"""

    bl_idname = "cloud_render.sign_in"
    bl_label = "Sign In"

    start_url: StringProperty(
        name="Portal",
        description="The address of your AWS access portal, such as https://my-company.awsapps.com/start",
        options={"SKIP_SAVE"},
    )
    region: StringProperty(
        name="Portal's Region", description="Where the portal lives, such as eu-central-1", options={"SKIP_SAVE"}
    )
    again: StringProperty(
        name="Profile",
        description="A profile that signed in before; empty: a portal's address",
        options={"SKIP_SAVE"},
        translation_context=PREFIX,
    )

    def asked(self, context: Any, event: Any) -> Outcome:
        if self.again:
            return super().asked(context, event)
        answer: Outcome = context.window_manager.invoke_props_dialog(
            self, width=400, title="Sign In to AWS", confirm_text="Open Browser"
        )
        return answer

    def draw(self, _context: Any) -> None:
        layout: Any = self.layout
        layout.use_property_split = True
        layout.prop(self, "start_url")
        layout.prop(self, "region")

    def task(self, _context: Any) -> Task:
        return tasks.sign_in(self.again, self.start_url, self.region, _open, POLLING.soon)


class CLOUD_RENDER_OT_open_page(bpy.types.Operator):
    """Open the browser at the sign-in page again"""

    bl_idname = "cloud_render.open_page"
    bl_label = "Open Browser Again"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Any) -> Outcome:
        if MODEL.sign_in is None or not MODEL.sign_in.page:
            return {"CANCELLED"}
        _open(MODEL.sign_in.page)
        return {"FINISHED"}


class CLOUD_RENDER_OT_stop_sign_in(bpy.types.Operator):
    """Don't sign in"""

    bl_idname = "cloud_render.stop_sign_in"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Any) -> Outcome:
        BACKGROUND.stop(tasks.SIGN_IN)
        MODEL.sign_in = None
        MODEL.changes += 1
        return {"FINISHED"}


class CLOUD_RENDER_OT_choose_role(TaskOperator):
    """Use this account and role: a profile for it is written into your AWS configuration"""

    bl_idname = "cloud_render.choose_role"
    bl_label = "Use"

    index: IntProperty(name="Index", description="Of the account and role", min=0, options={"SKIP_SAVE"})

    def task(self, context: Any) -> Task:
        waiting, chosen = MODEL.sign_in, preferences(context)
        if waiting is None or self.index >= len(waiting.roles):
            raise CloudRenderError(say("There is nothing to choose from."), say("Sign in first."))

        def use(name: str) -> None:
            chosen.profile = name

        return tasks.write_profile(waiting.token, waiting.roles[self.index], chosen.region, use)


CLASSES = (
    CLOUD_RENDER_OT_sign_in,
    CLOUD_RENDER_OT_open_page,
    CLOUD_RENDER_OT_stop_sign_in,
    CLOUD_RENDER_OT_choose_role,
)
