# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist does, act by act. Looks at the screen; into the extension only to know when there is something."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from driver import Driver, windows
from eyes import Box
from steps import Answer, Steps, pause, program, until

EXTENSION = "bl_ext.user_default.cloud_render"
HOME = Path.home()

LIMIT_USD = "5"
"""Typed into each dialog: more than twice a price of cents, which a machine that is slow to start may pass."""


def install(driver: Driver) -> Steps:
    """From the zip to a cloud that answers, all in the preferences."""
    area, region = yield from driver.open_preferences("EXTENSIONS")
    row = yield from driver.find("Repositories")
    yield from driver.click_at(driver.whole_window().right - 19, row.middle[1])  # the ▾ at the end of the row
    yield from choose_file(driver, "Install from Disk", HOME / "cloud_render.zip")
    yield from until("the extension is enabled", lambda: EXTENSION in bpy.context.preferences.addons)

    whole = driver.whole_window()
    yield from driver.click("Add-ons", Box(whole.left, whole.top, region.x, whole.height))
    bpy.context.window_manager.addon_search = "Cloud"
    area.tag_redraw()
    yield from pause(0.5)
    yield from driver.click_beside("Cloud Render", -37, driver.box_of(region))  # the ▸ that unfolds
    yield from driver.picture("preferences")
    yield from driver.fill("Profile", os.environ["UI_PROFILE"])
    yield from driver.fill("Endpoint", os.environ["UI_ENDPOINT"])
    yield from driver.click("Check", driver.box_of(region))
    yield from until("the check", lambda: model().checks and not model().checking)
    yield from driver.scroll(driver.box_of(region), 10)
    yield from driver.picture("checked")
    bad = [check.words for check in model().checks if not check.good]
    assert not bad, f"the check is not content: {bad}"
    yield from driver.close_window()
    bpy.ops.wm.save_userpref()


def choose_file(driver: Driver, button: str, path: Path) -> Steps:
    """Click on `button`, choose a file in the window that opens, and confirm with the button of the same words."""
    first, before = driver.window, windows()
    yield from driver.click(button)
    driver.window = yield from until(
        "the file browser", lambda: next((window for window in windows() if window not in before), None)
    )
    yield from pause(0.5)
    browser = driver.area("FILE_BROWSER").spaces.active.params
    browser.directory = f"{path.parent}/".encode()
    browser.filename = path.name
    yield from driver.picture("file-browser")
    yield from driver.click(button)
    driver.window = first


def test_frames(driver: Driver) -> Steps:
    """Three frames first, so that the price is known."""
    _, region = yield from driver.open_sidebar("Cloud")
    side = driver.box_of(region)
    yield from driver.click("Test Frames", side)
    yield from confirm_submit(driver, "test-confirm")
    job = yield from new_job(before="")
    yield from going("the test frames are done", lambda: phase(job) == "done", 180)
    yield from going("their pictures are here", lambda: len(model().previews.get(job, ())) == 3, 60)
    yield from going("what they cost is known", lambda: job in model().bills and model().running, 90)
    yield from driver.picture("tested")


def render(driver: Driver) -> Steps:
    """From the button to the video, watching; with the price that the test frames told."""
    _, region = yield from driver.open_sidebar("Cloud")
    side = driver.box_of(region)
    yield from driver.picture("sidebar")
    yield from driver.click("Settings", side)
    yield from driver.picture("settings")
    yield from driver.click("Settings", side)
    yield from going("the jobs are listed", lambda: model().jobs, 30)
    before = model().active
    yield from driver.click("Render in Cloud", side)
    yield from confirm_submit(driver, "confirm", unfold="What It Is Made Of")
    job = yield from new_job(before)
    yield from going("the job is looked at", lambda: phase(job), 30)
    yield from driver.picture("submitted")
    yield from going("two frames are done", lambda: frames_done(job) >= 2, 120)
    yield from driver.find("Rendering", side)
    yield from driver.picture("rendering")
    yield from going("the job is done", lambda: phase(job) == "done", 180)
    yield from going("the video is here", lambda: list(HOME.glob("Cloud Render/*/video.*")), 60)
    yield from driver.find("Done", side)
    yield from going("the bill is here", lambda: job in model().bills and model().bills[job].final, 90)
    yield from driver.picture("done")
    yield from driver.click("Cost: about", side)
    yield from driver.picture("bill")
    yield from driver.click("Cost: about", side)


def come_back(driver: Driver) -> Steps:
    """Blender was closed. The jobs are there again, and what came back can be looked at."""
    area, region = yield from driver.open_sidebar("Cloud")
    side = driver.box_of(region)
    yield from going("the jobs are listed", lambda: model().jobs, 30)
    job = model().jobs[0].job_id
    yield from driver.click("demo", side)
    yield from going("the job is selected", lambda: model().active == job, 10)
    yield from going("its thumbnails are here", lambda: model().previews.get(job), 30)
    yield from driver.picture("jobs-after-restart")

    yield from driver.click("Open Video", side)
    yield from until("the player was started", lambda: "video." in opened(), 10)
    yield from program("xdotool", "search", "--sync", "--onlyvisible", "--name", "video")
    yield from pause(2)
    yield from driver.picture("video")
    yield from until("the player is closed", lambda: "closed" in opened(), 30)

    before = windows()
    yield from driver.click_operator("cloud_render.show_frame", area, region)
    yield from going(
        "the frame is shown", lambda: [image for image in bpy.data.images if "frames" in image.filepath], 30
    )
    yield from driver.picture("frame")
    yield from close_others(driver, before)

    yield from driver.click("Show Log", side)
    yield from going("the log is shown", lambda: any("log" in text.name for text in bpy.data.texts), 30)
    yield from driver.picture("log")
    yield from close_others(driver, before)

    yield from driver.click("Load as Strip", side)
    yield from until("a strip of all frames is there", lambda: image_strips(bpy.context.scene) == [12], 10)
    yield from driver.show_editor("DOPESHEET_EDITOR", "SEQUENCE_EDITOR")
    yield from driver.picture("strip")


def again(driver: Driver) -> Steps:
    """Two frames once more, in a job that has the others of the first one; then it is deleted."""
    _, region = yield from driver.open_sidebar("Cloud")
    side = driver.box_of(region)
    yield from going("the jobs are listed", lambda: model().jobs, 30)
    jobs = [each.job_id for each in model().jobs]
    job = jobs[0]
    yield from driver.click("demo", side)
    yield from going("the job was looked at", lambda: phase(job) == "done", 30)
    yield from driver.click("Render Frames Again", side)
    cancel = yield from driver.find("Cancel", driver.around_mouse())
    yield from driver.fill("Frames", "3-4", Box(cancel.left - 60, cancel.top - 50, 460, 40))
    yield from confirm(driver, "OK", "again")
    yield from confirm_submit(driver, "again-confirm")
    new = yield from new_job(job)
    yield from going("it is done", lambda: phase(new) == "done", 180)
    yield from driver.picture("again-done")
    yield from driver.click("Delete Job", side)
    yield from agree(driver, "Delete", "delete")
    yield from going("the job is gone", lambda: [left.job_id for left in model().jobs] == jobs, 60)
    yield from driver.picture("deleted")


def by_hand(driver: Driver) -> Steps:
    """With a real mouse and a real keyboard: from the menu of the top bar, and cancelled again."""
    _, region = yield from driver.open_sidebar("Cloud")
    side = driver.box_of(region)
    before = model().active
    yield from driver.click("Render", Box(0, 0, 400, 30))
    yield from driver.picture("menu")
    yield from driver.click("Render in Cloud", Box(0, 0, 500, 400))
    yield from confirm_submit(driver, "by-hand-confirm")
    job = yield from new_job(before)
    yield from going("a frame is done", lambda: frames_done(job) >= 1, 120)
    yield from driver.click("Cancel Job", side)
    yield from agree(driver, "Cancel Job", "cancel")
    yield from going("the job is cancelled", lambda: phase(job) == "cancelled", 60)
    yield from driver.picture("cancelled")


def confirm_submit(driver: Driver, name: str, unfold: str = "") -> Steps:
    """The dialog after packing, and what one of its folds holds."""
    yield from going("the scene is packed", lambda: model().submit and model().submit.stage == "ready", 60)
    if unfold:
        yield from driver.find("Cancel", driver.around_mouse())
        yield from driver.click(unfold, driver.around_mouse())
        yield from driver.picture(f"{name}-unfolded")
        yield from driver.click(unfold, driver.around_mouse())
    yield from driver.fill("Stop at USD", LIMIT_USD, driver.around_mouse())
    yield from confirm(driver, "Render", name)


def new_job(before: str) -> Answer[str]:
    """Wait until another job than `before` is selected; its id."""
    return (yield from going("the new job is selected", lambda: model().active != before and model().active, 60))


def agree(driver: Driver, button: str, name: str) -> Steps:
    """Answer a question with its button, below which there is nothing more; keep a picture of it."""
    found = yield from driver.find(button, driver.middle(), lowest=True)
    yield from driver.picture(name)
    yield from driver.click_at(*found.middle)


def confirm(driver: Driver, button: str, name: str) -> Steps:
    """Look for a dialog, keep a picture of it, and click on its button, which stands in a row with Cancel."""
    cancel = yield from driver.find("Cancel", driver.around_mouse())
    yield from driver.picture(name)
    yield from driver.click(button, Box(cancel.left - 400, cancel.top - 8, 800, cancel.height + 16))


def going(what: str, condition: Callable[[], Any], limit_s: float) -> Answer[Any]:
    """Wait, but not where the panel shows a problem. Raises AssertionError with its words."""

    def come() -> Any:
        problem = model().problem
        assert problem is None, f"instead of this: {what}, the panel says: {problem.text} {problem.advice}"
        return condition()

    return (yield from until(what, come, limit_s))


def close_others(driver: Driver, before: list[Any]) -> Steps:
    """Close the windows that opened since."""
    first = driver.window
    for driver.window in [window for window in windows() if window not in before]:
        yield from driver.close_window()
    driver.window = first


def image_strips(scene: Any) -> list[int]:
    """How many pictures each image strip of the scene has."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences  # Blender 4.3
    return [len(strip.elements) for strip in strips if strip.type == "IMAGE"]


def opened() -> str:
    """What the desktop was asked to open, line by line."""
    note = Path("/srv/ui/opened")
    return note.read_text() if note.exists() else ""


def model() -> Any:
    """What the extension knows."""
    return sys.modules[f"{EXTENSION}.model"].MODEL


def phase(job: str) -> str:
    state = model().states.get(job)
    return str(state.phase) if state else ""


def frames_done(job: str) -> int:
    state = model().states.get(job)
    return state.frames_done if state else 0


ACTS = {
    "install": install,
    "test_frames": test_frames,
    "render": render,
    "come_back": come_back,
    "again": again,
    "by_hand": by_hand,
}
