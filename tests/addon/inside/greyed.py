# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons that are grey say why."""

from __future__ import annotations

import bpy
from blender import FOLDER, error_of, model, part
from described import operators
from states import JOB, also, job, nothing, ready, saved, showing, states, submit

from cloud_render.inblender import versions

NO_REASON = ("context is incorrect", "expected a")


def refusal(name: str) -> str:
    """What a button below the list says that is grey; empty where it is not."""
    operator = getattr(bpy.ops.cloud_render, name)
    with bpy.context.temp_override(**{part("names").SELECTED: bpy.context.window_manager}):
        return "" if operator.poll() else error_of(operator)


def in_words(name: str) -> str:
    """The reason, as the tooltip shows it."""
    said = refusal(name)
    assert ".poll() " in said, (name, said)
    return said.partition(".poll() ")[2].strip()


def test_every_grey_button_says_why_in_every_state():
    """Blender's own words for it, "context is incorrect", help no one."""
    silent = set()
    for online in (True, False):
        bpy.context.preferences.system.use_online_access = online
        for state, put in states().items():
            with showing(put):
                refused = {name: refusal(name) for name in operators()}
            silent |= {(name, state, said) for name, said in refused.items() if any(each in said for each in NO_REASON)}
    assert not silent, silent


def test_offline_whatever_needs_the_network_says_how_to_allow_it():
    """And what does not need it stays."""
    bpy.context.preferences.system.use_online_access = False
    saved()
    with showing(job("rendering")):
        for name in ("submit", "refresh", "look", "cancel", "download", "show_frame", "show_log", "check"):
            assert "may not use the internet: allow it" in in_words(name), name
        assert refusal("download_when_done") == ""
    with showing(job("failed")):
        for name in ("retry", "stitch", "delete", "again"):
            assert "may not use the internet: allow it" in in_words(name), name


def test_a_file_that_was_never_saved_is_not_sent():
    """Its relative paths have no base."""
    assert in_words("submit").startswith("Save the file first")


def test_a_scene_without_a_camera_is_not_sent():
    """Unless its sequencer makes the pictures, or another camera is chosen."""
    scene = bpy.context.scene
    camera = scene.camera
    saved()
    assert refusal("submit") == ""
    scene.camera = None
    assert in_words("submit") == "The scene has no camera"
    scene.cloud_render.camera = camera
    assert refusal("submit") == ""
    scene.cloud_render.camera = None
    editor = scene.sequence_editor or scene.sequence_editor_create()
    assert in_words("submit") == "The scene has no camera"
    strips = versions.top_strips(editor)
    named = strips.bl_rna.functions["new_effect"].parameters.keys()
    strips.new_effect("Colour", "COLOR", 1, 1, **{"length" if "length" in named else "frame_end": 11})
    assert refusal("submit") == ""


def test_one_scene_at_a_time_is_sent():
    """The second press, and a resume, wait for the first."""
    saved()
    with showing(submit("uploading")):
        for name in ("submit", "resume"):
            assert in_words(name) == "A scene is on its way already"


def test_nothing_is_sent_that_was_not_packed():
    """Send comes after submit."""
    assert in_words("send") == "Nothing is packed"
    with showing(submit("packing")):
        assert in_words("send") == "Nothing is packed"
    with showing(ready()):
        assert refusal("send") == ""


def test_only_what_is_missing_can_be_looked_for():
    """The arrow beside a missing file."""
    assert in_words("select_culprit") == "Nothing is missing"
    with showing(ready()):
        assert in_words("select_culprit") == "Nothing is missing"


def test_a_job_that_runs_can_be_cancelled_and_nothing_else():
    """Retry, stitch, again and delete wait for its end."""
    saved()
    with showing(job("rendering")):
        assert refusal("cancel") == ""
        for name in ("retry", "stitch", "again", "delete"):
            assert in_words(name) == "The job is still running", name


def test_a_job_that_ended_can_not_be_cancelled():
    """But deleted, stitched and rendered again."""
    saved()
    with showing(job("failed")):
        assert in_words("cancel") == "The job has ended"
        for name in ("retry", "stitch", "again", "delete"):
            assert refusal(name) == "", name


def test_nothing_is_retried_of_a_job_that_lacks_nothing():
    """Its frames and its video are there."""
    with showing(job("done", 20, 20)):
        assert in_words("retry") == "Nothing is missing"


def test_a_job_to_which_something_is_being_done_waits():
    """Two changes at once would cross each other."""
    saved()
    with showing(also(job("failed"), busy={JOB: "Deleting…"})):
        for name in ("cancel", "retry", "stitch", "again", "delete"):
            assert in_words(name) == "Something is being done to the job", name


def test_a_download_that_goes_on_is_not_begun_again():
    """The button has become a progress bar."""
    with showing(states()["a download"]):
        assert in_words("download") == "The download is going on"


def test_files_that_are_not_here_can_not_be_opened():
    """First they are downloaded: first the folder, then the video."""
    with showing(job("done", 20, 20)):
        for name in ("open_video", "open_folder", "load_strip"):
            assert "download it first" in in_words(name), name
        model().downloaded[JOB] = FOLDER
        for name in ("open_folder", "load_strip"):
            assert refusal(name) == "", name
        assert in_words("open_video").startswith("The video is not on this computer yet")


def test_only_a_selected_extra_file_can_be_removed():
    """An empty list has none."""
    assert in_words("extra_remove") == "No file is selected"
    bpy.ops.cloud_render.extra_add(directory=f"{FOLDER}/")
    assert refusal("extra_remove") == ""


def test_without_a_job_its_buttons_say_so():
    """A script may still name one."""
    with showing(also(nothing, listed=True)):
        assert refusal("download") == ""
        assert error_of(bpy.ops.cloud_render.download).startswith("No job is selected.")
