# SPDX-License-Identifier: GPL-3.0-or-later
"""Test Frames, then Render in Cloud: what was rendered for the test is kept, but only of the very same scene."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import blender
import bpy
from blender import model, part, until
from scenes import ended, farm, scene

from cloud_render.client.quoting import quote_of
from cloud_render.client.records import record
from cloud_render.contract import frames

ops = bpy.ops.cloud_render


def test_an_unchanged_scene_keeps_its_test_frames():
    """Though Blender saved it anew, as did the artist, who looked at a test frame and at other frames of the scene."""
    scene("probed", last=6)
    assert tested() == [1, 3, 6]
    ops.show_frame(frame=3)
    bpy.context.scene.frame_set(5)
    bpy.context.scene.frame_set(1)
    bpy.ops.wm.save_mainfile()
    assert notice() == "3 test frames are kept"
    assert rendered() == [2, 4, 5]
    assert ended().frames_done == 6


def test_a_price_after_a_test_rests_on_its_frames():
    """Also though the file was not saved by the artist meanwhile."""
    scene("priced", last=6).cycles.samples = 2
    tested()
    waiting = found_out()
    quote = quote_of(farm(), waiting.plan, part("cloud").Wish(), datetime.now(UTC))
    part("submission").stop()
    assert (quote.basis, quote.measured_frames) == ("probes", 3)


def test_an_unsaved_change_renders_all_frames():
    """However small; and what was changed is said."""
    scene("moved", last=6)
    tested()
    bpy.data.objects["Light"].location.x += 0.001
    assert notice() == "Test frames are rendered again: Light was changed since"
    assert rendered() == [1, 2, 3, 4, 5, 6]


def test_a_change_that_was_saved_renders_all_frames():
    """The file on disk is no better proof than what is open."""
    made = scene("saved", last=6)
    tested()
    made.cycles.samples += 1
    bpy.ops.wm.save_mainfile()
    assert notice() == "Test frames are rendered again: Scene was changed since"
    assert rendered() == [1, 2, 3, 4, 5, 6]


def test_a_changed_file_of_an_unchanged_scene_renders_all_frames():
    """Of the same size, too: before anything is kept, the contents are compared."""
    extra = Path(bpy.app.tempdir) / f"grain {os.getpid()}.txt"
    extra.write_text("grain")
    scene("grained", last=6).cloud_render.extra.add().path = str(extra)
    tested()
    extra.write_text("grass")
    assert rendered() == [1, 2, 3, 4, 5, 6]


def test_frames_are_kept_whatever_the_windows_show():
    """A workspace that was changed makes the file longer, and no frame another."""
    scene("arranged", last=6)
    tested()
    bpy.data.workspaces[0]["note"] = "x" * 1000
    assert rendered() == [2, 4, 5]


def test_a_second_test_is_the_one_that_counts():
    """After a change and a test of it, its frames are kept."""
    scene("twice", last=6)
    tested()
    bpy.data.objects["Light"].location.x += 1
    assert tested() == [1, 3, 6]
    assert rendered() == [2, 4, 5]


def test_copies_of_a_few_scenes_are_kept():
    """Of those tested last, and of each one."""
    for name in ("one", "two", "three", "four", "one"):
        scene(name, last=2)
        tested()
    kept = sorted(path.name for path in blender.own_folder().glob("tested/*/*"))
    assert kept == ["four.blend", "one.blend", "three.blend"]


def tested() -> list[int]:
    """The frames that a test rendered."""
    assert ops.test() == {"FINISHED"}
    assert ended().phase == "done"
    return of_submission()


def rendered() -> list[int]:
    """The frames that the job rendered."""
    assert ops.submit() == {"FINISHED"}
    assert ended().phase == "done"
    return of_submission()


def of_submission() -> list[int]:
    latest = record(farm(), model().active).latest
    assert latest is not None
    return list(frames.parse(latest.frames))


def found_out() -> Any:
    """What waits for the artist's word after a press of Render in Cloud."""
    part("operators.submit").start(bpy.context, part("submission").Wishes(download=False))
    until(lambda: (model().submit and model().submit.stage == "ready") or model().problem, "the dialog")
    return model().submit.found


def notice() -> str:
    """The dialog's last line; the submit is stopped then."""
    found = found_out()
    part("submission").stop()
    return found.plan.notices[-1] if found.plan.notices else ""
