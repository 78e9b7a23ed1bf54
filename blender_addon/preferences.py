# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences: which account, region and stack, where downloads go, and whether it all works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from .background import BACKGROUND
from .model import MODEL
from .polling import POLLING

DOWNLOADS = str(Path.home() / "Cloud Render")


def _other_cloud(_self: Any, _context: Any) -> None:
    for name in ("list jobs", "look", "check"):
        BACKGROUND.stop(name)
    MODEL.forget_cloud()
    POLLING.soon()


class CloudRenderPreferences(bpy.types.AddonPreferences):
    """No key is kept here: credentials stay where the AWS tools keep them."""

    bl_idname = __package__

    profile: StringProperty(
        name="Profile",
        description="Of your AWS configuration (~/.aws/config). Empty: the default one, or what the environment says",
        update=_other_cloud,
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
        name="Endpoint", description="Of a cloud on this computer (cloud-render local). Empty: AWS", update=_other_cloud
    )
    downloads: StringProperty(
        name="Downloads", description="Folder for finished frames and videos", default=DOWNLOADS, subtype="DIR_PATH"
    )

    def draw(self, _context: Any) -> None:
        layout = self.layout
        layout.use_property_split = True
        column = layout.column()
        for name in ("profile", "region", "stack", "endpoint_url", "downloads"):
            column.prop(self, name)
        layout.operator("cloud_render.check", icon="CHECKMARK")
        _checks(layout)


def _checks(layout: Any) -> None:
    if not (MODEL.checks or MODEL.checking):
        return
    column = layout.box().column(align=True)
    for check in MODEL.checks:
        row = column.row()
        row.alert = not check.good
        row.label(text=f"{check.subject}: {check.words}", icon="CHECKMARK" if check.good else "ERROR", translate=False)
    if MODEL.checking:
        column.label(text="Checking…", icon="TIME")


CLASSES = (CloudRenderPreferences,)
