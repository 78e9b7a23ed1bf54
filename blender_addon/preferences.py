# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences: which account, region and stack, where downloads go, and whether it all works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from .background import BACKGROUND
from .mirror import mirror_of
from .model import MODEL, Check, Remedy, SignIn
from .names import PREFIX
from .panels.text import letters_in, wrapped
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

    def draw(self, context: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        width = letters_in(context.region)
        column = layout.column()
        column.prop(self, "profile")
        _profile(column, self.profile, width)
        for name in ("region", "stack", "endpoint_url", "downloads"):
            column.prop(self, name)
        layout.operator("cloud_render.check", icon="CHECKMARK")
        _checks(layout, mirror_of(context), width)
        _stack(layout)


def _profile(layout: Any, name: str, width: int) -> None:
    """What is known of the chosen profile, and how to sign in where that is what it needs."""
    MODEL.profiles_wanted = True  # the pump reads them: drawing asks no disk
    known = next((one for one in MODEL.profiles or () if one.name == name), None)
    if MODEL.sign_in is not None:
        _sign_in(layout, MODEL.sign_in)
        return
    if known is not None and known.problem:
        for line in wrapped(known.problem, width):
            layout.label(text=line, icon="ERROR", translate=False)
    if known is not None and known.needs_sign_in:
        layout.operator("cloud_render.sign_in", icon="INTERNET").again = name
    elif known is None or known.problem:
        layout.operator("cloud_render.sign_in", text="Sign In through the Browser…", icon="INTERNET")


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


def _checks(layout: Any, shown: Any, width: int) -> None:
    """What is wrong, each with its remedy; what works is folded away."""
    if not (MODEL.checks or MODEL.checking):
        return
    column = layout.box().column(align=True)
    column.use_property_split = False
    good = [check for check in MODEL.checks if check.good]
    for check in MODEL.checks:
        if not check.good:
            _finding(column, check, "ERROR", width)
            _remedy(column, check.remedy)
    if MODEL.checking:
        column.label(text="Checking…", icon="TIME")
    elif len(good) == len(MODEL.checks):
        column.label(text="All is well", icon="CHECKMARK")
    if good:
        row = column.row()
        row.alignment = "LEFT"
        icon = "TRIA_DOWN" if shown.shows_good else "TRIA_RIGHT"
        row.prop(shown, "shows_good", text=_count(len(good)), translate=False, icon=icon, emboss=False)
    for check in good if shown.shows_good else ():
        _finding(column, check, "DOT", width)
        _remedy(column, check.remedy)


def _count(good: int) -> str:
    return say("1 finding is good") if good == 1 else say("{count} findings are good", count=good)


def _finding(column: Any, check: Check, icon: str, width: int) -> None:
    lines = column.column(align=True)
    lines.alert = not check.good
    for number, line in enumerate(wrapped(f"{check.subject}: {check.words}", width)):
        lines.label(text=line, icon="BLANK1" if number else icon, translate=False)


def _stack(layout: Any) -> None:
    work = MODEL.stack_work
    if work is None:
        layout.operator("cloud_render.set_up", icon="WORLD")
        row = layout.row()
        row.alignment = "RIGHT"
        row.operator("cloud_render.remove", text="Remove Cloud…", icon="TRASH", emboss=False)
    elif work.total:
        layout.progress(factor=work.done / work.total, text=work.words, translate=False)
    else:
        layout.label(text=work.words, icon="TIME", translate=False)


CLASSES = (CloudRenderPreferences,)
