# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences: which account, region and stack, where downloads go, and whether it all works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from .background import BACKGROUND
from .model import MODEL, Remedy, SignIn
from .names import PREFIX
from .panels.text import WIDE, wrapped
from .polling import POLLING
from .words import say

QUOTAS = "https://console.aws.amazon.com/servicequotas/home/services/ec2/quotas"
"""Where AWS takes the wish for more machines."""

DOWNLOADS = str(Path.home() / "Cloud Render")


def _other_cloud(_self: Any, _context: Any) -> None:
    for name in ("list jobs", "look", "previews", "check"):
        BACKGROUND.stop(name)
    MODEL.forget_cloud()
    POLLING.soon()


def _known_names(_self: Any, _context: Any, text: str) -> list[str]:
    return [one.name for one in MODEL.profiles or () if text.lower() in one.name.lower()]


class CloudRenderPreferences(bpy.types.AddonPreferences):
    """No key is kept here: credentials stay where the AWS tools keep them."""

    bl_idname = __package__

    profile: StringProperty(
        name="Profile",
        description="Of your AWS configuration (~/.aws/config). Empty: the default one, or what the environment says",
        update=_other_cloud,
        search=_known_names,
        search_options={"SUGGESTION"},
        translation_context=PREFIX,
    )
    region: StringProperty(
        name="Region", description="Such as eu-central-1. Empty: the profile's own", update=_other_cloud
    )
    stack: StringProperty(
        name="Stack",
        description="The name under which the cloud was set up",
        default="cloud-render",
        update=_other_cloud,
    )
    endpoint_url: StringProperty(
        name="Endpoint",
        description="Of a cloud on this computer (cloud-render local). Empty: AWS",
        update=_other_cloud,
        translation_context=PREFIX,
    )
    downloads: StringProperty(
        name="Downloads", description="Folder for finished frames and videos", default=DOWNLOADS, subtype="DIR_PATH"
    )

    def draw(self, _context: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        column = layout.column()
        column.prop(self, "profile")
        _profile(column, self.profile)
        for name in ("region", "stack", "endpoint_url", "downloads"):
            column.prop(self, name)
        layout.operator("cloud_render.check", icon="CHECKMARK")
        _checks(layout)
        _stack(layout)


def _profile(layout: Any, name: str) -> None:
    """What is known of the chosen profile, and how to sign in."""
    MODEL.profiles_wanted = True  # the pump reads them: drawing asks no disk
    known = next((one for one in MODEL.profiles or () if one.name == name), None)
    if MODEL.sign_in is not None:
        _sign_in(layout, MODEL.sign_in)
        return
    if known is not None and known.problem:
        for line in wrapped(known.problem, WIDE):
            layout.label(text=line, icon="ERROR", translate=False)
    row = layout.row()
    if known is not None and known.needs_sign_in:
        row.operator("cloud_render.sign_in", icon="INTERNET").again = name
    else:
        row.operator("cloud_render.sign_in", text="Sign In through the Browser…", icon="INTERNET")


def _sign_in(layout: Any, sign_in: SignIn) -> None:
    box = layout.box().column(align=True)
    if sign_in.roles:
        box.label(text="Which account and role shall render?")
        for index, role in enumerate(sign_in.roles):
            row = box.row()
            row.label(text=f"{role.account} · {role.role}", translate=False)
            row.operator("cloud_render.choose_role").index = index
    elif sign_in.code:
        box.label(text=say("Confirm the code {code} in the browser", code=sign_in.code), icon="TIME", translate=False)
        box.operator("cloud_render.open_page", icon="URL")
    else:
        box.label(text="Signing in…", icon="TIME")
    box.operator("cloud_render.stop_sign_in", icon="X")


def _remedy(layout: Any, remedy: Remedy) -> None:
    if remedy == "sign_in":
        layout.operator("cloud_render.sign_in", icon="INTERNET")
    elif remedy == "quotas":
        layout.operator("wm.url_open", text="Ask AWS for More", icon="URL").url = QUOTAS


def _checks(layout: Any) -> None:
    if not (MODEL.checks or MODEL.checking):
        return
    column = layout.box().column(align=True)
    for check in MODEL.checks:
        lines = column.column(align=True)
        lines.alert = not check.good
        for number, line in enumerate(wrapped(f"{check.subject}: {check.words}", WIDE)):
            icon = "BLANK1" if number else "CHECKMARK" if check.good else "ERROR"
            lines.label(text=line, icon=icon, translate=False)
        _remedy(column, check.remedy)
    if MODEL.checking:
        column.label(text="Checking…", icon="TIME")


def _stack(layout: Any) -> None:
    work = MODEL.stack_work
    if work is None:
        row = layout.row()
        row.operator("cloud_render.set_up", icon="WORLD")
        row.operator("cloud_render.remove", icon="TRASH")
    elif work.total:
        layout.progress(factor=work.done / work.total, text=work.words, translate=False)
    else:
        layout.label(text=work.words, icon="TIME", translate=False)


CLASSES = (CloudRenderPreferences,)
