# SPDX-License-Identifier: GPL-3.0-or-later
"""Switching the extension on and off, also in the middle of things. What classes it leaves is test_install's."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import addon_utils
import bpy
from blender import FOLDER, MODULE, model, part, preferences
from first_use import ours
from states import job, showing, states, submit


def off() -> None:
    addon_utils.disable(MODULE)


def on() -> None:
    assert addon_utils.enable(MODULE)


def test_ten_times_off_and_on_leave_no_timer_and_no_picture():
    """Also after it was used: what register makes, unregister takes back."""
    thumbnails, pump = part("thumbnails"), part("pump")
    for _ in range(10):
        assert bpy.app.timers.is_registered(pump._tick)
        assert thumbnails._pictures is not None
        with showing(job("rendering")):
            pump.pump()
        off()
        assert not bpy.app.timers.is_registered(pump._tick)
        assert thumbnails._pictures is None
        assert pump._after_load not in bpy.app.handlers.load_post
        on()
    gc.collect()
    assert sum(handler.__name__ == "_after_load" for handler in bpy.app.handlers.load_post) == 1


def test_switched_off_it_stops_its_threads():
    """A task that listens to its stop ends at once, and nobody is called when it has."""
    begun, heard = threading.Event(), []
    background = part("background")

    def work(_cloud, task):
        begun.set()
        assert task.stop.wait(30)

    background.BACKGROUND.start(background.Task("waiting", work, heard.append, heard.append))
    assert begun.wait(30)
    off()
    assert ours() == []
    on()
    part("pump").pump()
    assert heard == []


def test_switched_off_in_the_middle_it_begins_anew():
    """No progress bar that nothing moves: threads and model end together."""
    for put in (submit("uploading"), states()["a busy job"], states()["a download"], states()["checks begin"]):
        put(model())
        off()
        on()
        assert model().submit is None
        assert not any((model().busy, model().downloads, model().jobs, model().checking))


def test_what_it_remembers_outlives_it():
    """Which results to bring is known after Blender was closed."""
    part("remembered").want_download("20260102-030405-shot-ab12")
    part("remembered")._now = None  # as in another process
    assert part("remembered").remembered().downloads == ("20260102-030405-shot-ab12",)


def test_a_damaged_memory_is_forgotten():
    """Nothing is in the way of working, whatever the file holds."""
    remembered = part("remembered")
    for content in ("", "{", "[]", '{"used": 1}', '{"used": true, "downloads": 3}', "\0"):
        remembered.use(True)
        remembered._file().write_text(content)
        remembered._now = None
        assert remembered.remembered() == remembered.Remembered()


def test_another_account_forgets_the_jobs_of_the_last():
    """Profile, region, stack and endpoint: each leads elsewhere."""
    for name in ("profile", "region", "stack", "endpoint_url"):
        with showing(job("rendering")) as shown:
            setattr(preferences(), name, "other")
            assert (shown.jobs, shown.listed, shown.states) == ((), False, {}), name


def test_a_tick_that_fails_is_not_the_last():
    """A timer that raises is removed, and nothing would ever move again."""
    pump = part("pump")
    done = []

    def fails():
        raise RuntimeError("the test's own")

    pump.later(fails)
    pump.later(lambda: done.append(1))
    until_s = [pump._tick() for _ in range(5)]
    assert until_s == [pump.TICK_S] * 5
    assert done == [1]


def test_without_network_access_no_thread_starts():
    """Whatever was used before."""
    part("remembered").use(True)
    bpy.context.preferences.system.use_online_access = False
    with showing(job("rendering")):
        for _ in range(5):
            part("pump").pump()
        assert ours() == []


def test_the_folder_for_downloads_is_the_artists_to_choose():
    """~ means the home folder."""
    account = part("account")
    preferences().downloads = str(FOLDER / "results")
    assert account.job_folder(bpy.context, "a-job") == FOLDER / "results" / "a-job"
    preferences().downloads = "~/results"
    assert account.job_folder(bpy.context, "a-job") == Path.home() / "results" / "a-job"
