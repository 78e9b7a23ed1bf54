# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's upper part: what stands in the way, the one big button, and how the submit goes."""

from __future__ import annotations

from typing import Any

import bpy

from cloud_render.client.sizes import size
from cloud_render.contract import frames as frame_ranges
from cloud_render.contract.errors import CloudRenderError

from .. import settings
from ..model import MODEL, Problem, Stage, Submit, Transfer
from ..words import duration, frames, money, say
from . import findings
from .text import in_panel

ENGINES = {
    "CYCLES": "Cycles",
    "BLENDER_EEVEE": "EEVEE",
    "BLENDER_EEVEE_NEXT": "EEVEE",
    "BLENDER_WORKBENCH": "Workbench",
}
STAGES: dict[Stage, str] = {
    "packing": "Packing…",
    "saving": "Saving a copy…",
    "checking": "Looking what is new…",
    "pricing": "Working out the price…",
    "ready": "Ready to send",
    "uploading": "Uploading…",
}


def draw(layout: Any, context: Any) -> None:
    if not bpy.app.online_access:
        _offline(layout)
    if MODEL.problem is not None:
        _problem(layout, MODEL.problem)
    for name in MODEL.interrupted:
        _interrupted(layout, name)
    if MODEL.submit is not None:
        _submit(layout, MODEL.submit)
        return
    _unsaved_images(layout)
    row = layout.row()
    row.scale_y = 1.5
    row.operator("cloud_render.submit", icon="RENDER_ANIMATION")
    layout.operator("cloud_render.test", icon="RENDER_STILL")
    layout.label(text=summary(context.scene), translate=False)


def summary(scene: Any) -> str:
    """120 frames · 1920×1080 · Cycles · GPU."""
    chosen = settings.settings_of(scene)
    render = scene.render
    percentage = chosen.percentage if chosen.use_percentage else render.resolution_percentage
    width, height = (
        (chosen.width, chosen.height) if chosen.use_resolution else (render.resolution_x, render.resolution_y)
    )
    parts = [
        _frames(scene),
        f"{width * percentage // 100}×{height * percentage // 100}",
        ENGINES.get(render.engine, render.engine),
    ]
    if chosen.device != "STACK":
        parts.append(chosen.device if chosen.device != "ANY" else say("GPU or CPU"))
    return " · ".join(parts)


def _frames(scene: Any) -> str:
    text = settings.frame_text(scene)
    try:
        if text:
            return frames(len(frame_ranges.parse(text)))
        return frames(len(frame_ranges.of_scene(scene.frame_start, scene.frame_end, scene.frame_step)))
    except CloudRenderError:
        return say("frames?")


def _offline(layout: Any) -> None:
    box = layout.box()
    box.label(text="Blender may not use the internet", icon="INTERNET_OFFLINE")
    if bpy.app.online_access_override:
        box.label(text="It was started with --offline-mode")
    else:
        box.operator("extensions.userpref_allow_online", text="Allow Online Access")


def _problem(layout: Any, problem: Problem) -> None:
    box = layout.box().column(align=True)
    box.alert = True
    for number, line in enumerate(in_panel(f"{problem.text} {problem.advice}".strip())):
        box.label(text=line, icon="BLANK1" if number else "ERROR", translate=False)
    row = box.row(align=True)
    if problem.remedy in ("preferences", "sign_in"):
        row.operator("cloud_render.preferences", text="Open Preferences", icon="PREFERENCES")
    row.operator("cloud_render.refresh", text="Try Again", icon="FILE_REFRESH")
    row.operator("cloud_render.dismiss", text="", icon="X")


def _interrupted(layout: Any, name: str) -> None:
    box = layout.box().column(align=True)
    box.label(text=say("The upload of {name} was interrupted", name=name[16:-5]), icon="ERROR", translate=False)
    row = box.row(align=True)
    row.operator("cloud_render.resume", icon="EXPORT").name = name
    row.operator("cloud_render.discard", icon="TRASH").name = name


def _unsaved_images(layout: Any) -> None:
    count = sum(1 for image in bpy.data.images if image.is_dirty)
    if not count:
        return
    box = layout.box().column(align=True)
    text = say("1 image has unsaved changes") if count == 1 else say("{count} images have unsaved changes", count=count)
    box.label(text=text, icon="ERROR", translate=False)
    box.operator("image.save_all_modified", text="Save All Images")


def _submit(layout: Any, submit: Submit) -> None:
    if submit.stage == "ready":
        _ready(layout, submit)
        return
    row = layout.row(align=True)
    if submit.stage == "uploading":
        row.progress(
            factor=submit.transfer.factor, text=say("{part} %", part=_percent(submit.transfer)), translate=False
        )
    elif submit.stage == "checking" and submit.transfer.total:
        part = submit.transfer.read / submit.transfer.total
        row.progress(factor=min(part, 1.0), text=STAGES[submit.stage])
    else:
        row.label(text=STAGES[submit.stage], icon="TIME")
    row.operator("cloud_render.stop", text="", icon="CANCEL")
    if submit.stage == "uploading":
        layout.label(text=transfer_words(submit.transfer), translate=False)


def _ready(layout: Any, submit: Submit) -> None:
    """In one line: the dialog, which the button opens again, tells more."""
    assert submit.found is not None
    quote = submit.priced.quote if submit.priced else None
    layout.label(text=findings.amount(submit), translate=False)
    if quote:
        layout.label(text=say("About {usd}", usd=money(quote.offers[0].usd.likely)), translate=False)
    if submit.missing:
        layout.label(text=findings.missing_words(submit.missing), icon="ERROR", translate=False)
    row = layout.row(align=True)
    row.scale_y = 1.5
    row.operator("cloud_render.send", text="Look and Send…", icon="EXPORT")
    row.operator("cloud_render.stop", text="", icon="X")


def _percent(transfer: Transfer) -> int:
    return int(transfer.factor * 100)


def transfer_words(transfer: Transfer) -> str:
    """12 MB of 80 MB · 3.1 MB/s · 0:22 left."""
    parts = [say("{done} of {total}", done=size(transfer.done), total=size(transfer.total))]
    if transfer.rate > 0:
        parts.append(say("{rate}/s", rate=size(transfer.rate)))
    if transfer.seconds_left is not None and transfer.done < transfer.total:
        parts.append(say("{time} left", time=duration(transfer.seconds_left)))
    return " · ".join(parts)
