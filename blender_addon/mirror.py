# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of jobs as properties, which Blender's UIList wants: a copy of the model, made anew whenever it differs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty, StringProperty

from .model import MODEL
from .names import PREFIX


def _known(row: Any) -> Any:
    """The newest that is known of the job; None where it was deleted meanwhile."""
    return MODEL.states.get(row.name) or MODEL.job(row.name)


def _get(name: str, unknown: Any) -> Callable[[Any], Any]:
    return lambda row: getattr(_known(row), name, unknown)


class JobRow(bpy.types.PropertyGroup):
    """A job of the bucket."""

    name: StringProperty(name="Job", description="The job's id")
    title: StringProperty(name="Name", description="What the job was called")
    phase: StringProperty(
        name="Phase",
        description="uploading, submitted, queued, rendering, mending, stitching, done, failed or cancelled",
        get=_get("phase", ""),
    )
    frames_done: IntProperty(name="Frames Done", description="Frames that are in the cloud", get=_get("frames_done", 0))
    frames_total: IntProperty(name="All Frames", description="Frames that the job has", get=_get("frames_total", 0))
    problem: StringProperty(
        name="Problem", description="Why it failed, or what stands in its way", get=_get("problem", "")
    )


def _active(_self: Any) -> str:
    return MODEL.active


def _select(self: Any, _context: Any) -> None:
    if 0 <= self.job_index < len(self.jobs) and MODEL.active != self.jobs[self.job_index].name:
        MODEL.active = self.jobs[self.job_index].name
        MODEL.changes += 1


class Mirror(bpy.types.PropertyGroup):
    """Of the window manager: emptied by File ▸ New and Open, made anew by the pump. Scripts read the jobs here."""

    active: StringProperty(
        name="Selected Job", description="The id of the selected job; after a submit, of the new one", get=_active
    )
    jobs: CollectionProperty(name="Jobs", description="All jobs of the bucket, the newest first", type=JobRow)
    job_index: IntProperty(name="Active Job", description="The job that is selected", update=_select)
    shows_bill: BoolProperty(name="Bill", description="Show what the job's cost is made of")
    shows_good: BoolProperty(name="All Findings", description="Show what works, too")


def mirror_of(context: Any) -> Mirror:
    return getattr(context.window_manager, PREFIX)  # type: ignore[no-any-return]


def title_of(job_id: str) -> str:
    """What a person recognises of `<yyyymmdd-hhmmss>-<name>-<4 random>`."""
    return job_id[16:-5] or job_id


def submitted_at(job_id: str) -> datetime:
    return datetime.strptime(job_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)


def update(context: Any) -> None:
    """Make the properties say what the model says."""
    shown = mirror_of(context)
    wanted = [job.job_id for job in MODEL.jobs]
    if [row.name for row in shown.jobs] != wanted:
        shown.jobs.clear()
        for job_id in wanted:
            row = shown.jobs.add()
            row.name, row.title = job_id, title_of(job_id)
    index = wanted.index(MODEL.active) if MODEL.active in wanted else -1
    if shown.job_index != index:
        shown.job_index = index


CLASSES = (JobRow, Mirror)


def register() -> None:
    for each in CLASSES:
        bpy.utils.register_class(each)
    setattr(bpy.types.WindowManager, PREFIX, PointerProperty(type=Mirror))


def unregister() -> None:
    delattr(bpy.types.WindowManager, PREFIX)
    for each in reversed(CLASSES):
        bpy.utils.unregister_class(each)
