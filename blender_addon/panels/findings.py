# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found before anything is sent: the confirm dialog's content."""

from __future__ import annotations

from typing import Any

from cloud_render.client.sizes import size
from cloud_render.contract import frames as frame_ranges
from cloud_render.contract.scene import MissingFile

from ..model import Found, Submit
from ..words import frames, say

MOST = 6
"""Lines of one kind; the rest is counted."""


def draw(layout: Any, submit: Submit) -> None:
    assert submit.found is not None
    _sizes(layout, submit.found, amount(submit))
    if submit.missing:
        _missing(layout, submit.missing)
    _warnings(layout, submit.found)


def _sizes(layout: Any, found: Found, words: str) -> None:
    plan = found.plan
    column = layout.column(align=True)
    column.label(text=words, icon="RENDER_ANIMATION", translate=False)
    there = plan.size - found.new_bytes
    if found.new_bytes:
        text = say("{new} to upload, {there} there already", new=size(found.new_bytes), there=size(there))
    else:
        text = say("Nothing to upload: all {size} are there already", size=size(plan.size))
    column.label(text=text, icon="EXPORT", translate=False)
    column.label(text=_blender(found), icon="BLENDER", translate=False)


def amount(submit: Submit) -> str:
    """20 frames, up to 4 machines."""
    assert submit.found is not None
    plan = submit.found.plan
    if submit.again_frames:
        return say("Frames {frames} again, the others are kept", frames=submit.again_frames)
    if submit.test:
        numbers = ", ".join(map(str, frame_ranges.parse(plan.frames)))
        return say("Test frames {frames}, each on a machine", frames=numbers)
    if submit.priced and submit.priced.quote:
        return frames(plan.frame_count)  # the offers tell how many machines
    machines = say("1 machine") if plan.children == 1 else say("up to {count} machines", count=plan.children)
    return f"{frames(plan.frame_count)}, {machines}"


def _blender(found: Found) -> str:
    if found.installs:
        return say("Blender {version} is installed in the cloud first: some minutes", version=found.plan.blender)
    release = found.plan.blender.rpartition(".")[0]
    fitting = [build for build in found.builds if build.startswith(f"{release}.")]
    if fitting:
        return say("Rendered by Blender {version}", version=fitting[0])
    return say("Rendered by Blender {version}, as the cloud has it", version=release)


def missing_words(missing: tuple[MissingFile, ...]) -> str:
    count = len(missing)
    return say("1 file is missing") if count == 1 else say("{count} files are missing", count=count)


def _missing(layout: Any, missing: tuple[MissingFile, ...]) -> None:
    box = layout.box().column(align=True)
    box.alert = True
    count = len(missing)
    box.label(text=missing_words(missing), icon="ERROR", translate=False)
    for index, file in enumerate(missing[:MOST]):
        row = box.row()
        row.label(text=f"{file.owner}: {file.path}", translate=False)
        row.operator("cloud_render.select_culprit", text="", icon="RESTRICT_SELECT_OFF").index = index
    if count > MOST:
        box.label(text=say("and {count} more", count=count - MOST), translate=False)


def _warnings(layout: Any, found: Found) -> None:
    warnings = found.plan.warnings
    if not (warnings or found.plan.notices):
        return
    box = layout.box().column(align=True)
    for warning in warnings[:MOST]:
        box.label(text=warning.problem, icon="ERROR", translate=False)
        box.label(text=warning.advice, icon="BLANK1", translate=False)
    if len(warnings) > MOST:
        box.label(text=say("and {count} more", count=len(warnings) - MOST), translate=False)
    for notice in found.plan.notices:
        box.label(text=notice, icon="INFO", translate=False)
