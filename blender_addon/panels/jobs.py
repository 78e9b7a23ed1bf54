# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the cloud, and the selected one: its progress, newest frames, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from cloud_render.contract.spending import is_over_limit

from .. import thumbnails
from ..mirror import mirror_of, submitted_at
from ..model import MODEL
from ..names import SELECTED
from ..remembered import remembered
from ..words import days, duration, frames, moment, say
from . import bill
from .main import transfer_words
from .text import in_panel

if TYPE_CHECKING:
    from cloud_render.client.expiry import Expiry

ICONS = {
    "uploading": "EXPORT",
    "submitted": "TIME",
    "queued": "TIME",
    "rendering": "RENDER_ANIMATION",
    "mending": "TOOL_SETTINGS",
    "stitching": "FILE_MOVIE",
    "done": "CHECKMARK",
    "failed": "ERROR",
    "cancelled": "CANCEL",
}
PHASES = {
    "uploading": "Uploading",
    "submitted": "Submitted",
    "queued": "Waiting for a machine",
    "rendering": "Rendering",
    "mending": "Looking at what failed",
    "stitching": "Making the video",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


class CLOUD_RENDER_UL_jobs(bpy.types.UIList):
    """A job a line: what it is called, how it is doing."""

    def draw_item(  # type: ignore[override]
        self, _context: Any, layout: Any, _data: Any, item: Any, _icon: int, _active: Any, _property: str
    ) -> None:
        job = MODEL.job(item.name)
        state = MODEL.states.get(item.name)
        shown = state or job
        if shown is None:
            return
        row = layout.row()
        row.label(text=f"{item.title} {moment(submitted_at(item.name))}", icon=_row_icon(shown), translate=False)
        right = row.row()
        right.alignment = "RIGHT"
        right.label(text=_short(shown), translate=False)


def _row_icon(shown: Any) -> str:
    return "ERROR" if shown.expiry else ICONS[shown.phase]


def _short(shown: Any) -> str:
    if shown.installs:
        return say("Installing")
    if shown.phase in ("rendering", "mending", "failed", "cancelled") and shown.frames_total:
        return f"{shown.frames_done}/{shown.frames_total}"
    return say(PHASES[shown.phase]) if shown.phase != "done" else frames(shown.frames_total)


def phase_words(shown: Any) -> str:
    """What the job does; while it is queued, that may be more than to wait for a machine."""
    if shown.installs:
        return say("Installing Blender {version}", version=shown.installs)
    return say(PHASES[shown.phase])


def draw(layout: Any, context: Any) -> None:
    if not MODEL.jobs:
        row = layout.row()
        row.label(text=_no_jobs(), translate=False)
        row.operator("cloud_render.refresh", text="", icon="FILE_REFRESH")
        return
    shown = mirror_of(context)
    row = layout.row()
    row.template_list("CLOUD_RENDER_UL_jobs", "", shown, "jobs", shown, "job_index", rows=4)
    row.column().operator("cloud_render.refresh", text="", icon="FILE_REFRESH")
    if MODEL.job(MODEL.active) is not None:
        layout.context_pointer_set(SELECTED, context.window_manager)
        _job(layout, context)


def _no_jobs() -> str:
    if MODEL.listed:
        return say("No jobs yet")
    looks = remembered().used and MODEL.problem is None and bpy.app.online_access
    return say("Looking for your jobs…") if looks else say("Refresh shows the jobs of your cloud")


def _job(layout: Any, context: Any) -> None:
    job_id = MODEL.active
    shown: Any = MODEL.states.get(job_id) or MODEL.job(job_id)
    ended = shown.phase in ("done", "failed", "cancelled")
    _progress(layout, shown)
    _problem(layout, shown)
    bill.draw(layout, context, job_id, ended=ended)
    if not ended:  # above what grows while frames arrive
        _buttons_of_running(layout)
    _download_buttons(layout, job_id, shown, ended=ended)
    _thumbnails(layout, job_id)
    if ended:
        _buttons_of_ended(layout, shown)


def _progress(layout: Any, shown: Any) -> None:
    words = MODEL.busy.get(MODEL.active, "")
    if words:
        layout.label(text=words, icon="TIME")
        return
    if shown.frames_total:
        text = say(
            "{phase} · {done} of {total}",
            phase=phase_words(shown),
            done=shown.frames_done,
            total=shown.frames_total,
        )
        layout.progress(factor=shown.frames_done / shown.frames_total, text=text, translate=False)
    else:
        layout.label(text=phase_words(shown), icon=ICONS[shown.phase], translate=False)
    seconds = getattr(shown, "seconds_left", None)
    if seconds:
        layout.label(text=say("{time} left", time=duration(seconds)), icon="TIME", translate=False)


def _problem(layout: Any, shown: Any) -> None:
    waiting = getattr(shown, "waiting_because", "")
    if not shown.problem and not waiting:
        return
    box = layout.box().column(align=True)
    box.alert = shown.phase == "failed"
    for number, line in enumerate(in_panel(shown.problem or waiting)):
        box.label(text=line, icon="BLANK1" if number else "ERROR", translate=False)


def expiry_words(expiry: Expiry) -> str:
    """12 frames will be gone in 5 days."""
    lost = frames(expiry.not_downloaded)
    if not expiry.days_left:
        return say("{frames} will be gone within a day", frames=lost)
    return say("{frames} will be gone in {days}", frames=lost, days=days(expiry.days_left))


def _thumbnails(layout: Any, job_id: str) -> None:
    pictures = [(frame, thumbnails.icon(job_id, frame)) for frame in thumbnails.frames_shown(job_id)]
    known = sorted((frame, icon) for frame, icon in pictures if icon)
    if not known:
        return
    grid = layout.grid_flow(row_major=True, columns=3, even_columns=True, even_rows=False, align=True)
    for frame, icon in known:
        column = grid.column(align=True)
        column.template_icon(icon_value=icon, scale=3.4)
        column.operator("cloud_render.show_frame", text=str(frame), translate=False).frame = frame


def _buttons_of_running(layout: Any) -> None:
    row = layout.row(align=True)
    row.operator("cloud_render.cancel", icon="CANCEL")
    row.operator("cloud_render.show_log", icon="TEXT")


def _download_buttons(layout: Any, job_id: str, shown: Any, *, ended: bool) -> None:
    if job_id in MODEL.downloads:
        _download(layout, job_id)
        return
    if shown.expiry:
        layout = layout.box().column(align=True)
        row = layout.row()
        row.alert = True
        row.label(text=expiry_words(shown.expiry), icon="ERROR", translate=False)
    row = layout.row(align=True)
    row.operator("cloud_render.download", icon="IMPORT")
    if not ended:
        wanted = job_id in remembered().downloads
        icon = "CHECKBOX_HLT" if wanted else "CHECKBOX_DEHLT"
        row.operator("cloud_render.download_when_done", text="When Done", icon=icon)


def _buttons_of_ended(layout: Any, shown: Any) -> None:
    row = layout.row(align=True)
    row.operator("cloud_render.open_video", icon="PLAY")
    row.operator("cloud_render.open_folder", icon="FILE_FOLDER")
    layout.operator("cloud_render.load_strip", icon="SEQUENCE")
    if shown.phase != "done":
        _retry_button(layout, shown)
        layout.operator("cloud_render.stitch", icon="FILE_MOVIE")
    layout.operator("cloud_render.again", icon="LOOP_BACK")
    row = layout.row(align=True)
    row.operator("cloud_render.show_log", icon="TEXT")
    row.operator("cloud_render.delete", icon="TRASH")


def _retry_button(layout: Any, shown: Any) -> None:
    if is_over_limit(shown.problem):
        layout.operator("cloud_render.retry", text="Raise Limit and Go On…", icon="FILE_REFRESH")
    else:
        layout.operator("cloud_render.retry", icon="FILE_REFRESH")


def _download(layout: Any, job_id: str) -> None:
    transfer = MODEL.downloads[job_id]
    row = layout.row(align=True)
    row.progress(factor=transfer.factor, text="Downloading…")
    row.operator("cloud_render.stop_download", text="", icon="CANCEL")
    layout.label(text=transfer_words(transfer), translate=False)


CLASSES = (CLOUD_RENDER_UL_jobs,)
