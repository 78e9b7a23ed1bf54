# SPDX-License-Identifier: GPL-3.0-or-later
"""When things go wrong between Blender and the cloud: what is said, what is kept, and how it goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import blender
import bpy
import line
from blender import error_of, model, part, preferences, until
from pressing import half_way, pending, press, pump, rows, selected_phase, stage, until_over, until_stage
from scenes import ended, farm, looked, scene, submitted

ops = bpy.ops.cloud_render


def test_a_network_that_is_lost_in_mid_upload_costs_only_the_wait():
    """The reason is said without a word of the command line; with the network back it goes on, and it is one job."""
    with half_way(), line.cut():
        until_over()
        assert "no connection" in model().problem.text
        assert "--" not in model().problem.advice
        pump()
    (name,) = model().interrupted
    ops.resume(name=name, pressed=True)
    until_over()
    assert looked(model().active).name == "shot"
    assert (pending(), model().interrupted) == ([], ())


def test_why_an_upload_broke_off_stays_until_it_is_read():
    """Though the list of jobs comes in meanwhile."""
    submitted("shot")
    with half_way(), line.cut(line.PACKS):
        until_over()
    text = model().problem.text
    model().list_is_old = True
    until(lambda: not model().list_is_old and not part("background").BACKGROUND.runs("list jobs"))
    assert model().problem.text == text
    ops.dismiss()
    assert model().problem is None


def test_a_network_that_is_lost_while_watching_is_said_until_it_is_back():
    """Then the problem goes by itself, and the job is where it is."""
    submitted("shot")
    with line.cut():
        until(lambda: model().problem, "the problem")
        assert "no connection" in model().problem.text
    until(lambda: selected_phase() == "done", "the end of the job")
    until(lambda: model().problem is None, "the end of the problem")


def test_a_dismissed_problem_does_not_come_back_at_once():
    """The cloud is asked again when it is due, not in every tick."""
    with line.cut():
        part("remembered").use(True)
        until(lambda: model().problem, "the problem")
        ops.dismiss()
        pump(20)
        assert model().problem is None
        assert not part("background").BACKGROUND.runs("list jobs")


def test_try_again_asks_at_once():
    """The button beside the problem."""
    with line.cut():
        part("remembered").use(True)
        until(lambda: model().problem, "the problem")
    assert ops.refresh(pressed=True) == {"FINISHED"}
    until(lambda: model().listed, "the list")
    assert model().problem is None


def test_without_a_network_nothing_is_packed_for_later():
    """A submit that can't even look what is new leaves nothing behind."""
    scene("shot")
    with line.cut():
        press()
        until_over()
    assert "no connection" in model().problem.text
    assert (pending(), model().interrupted) == ([], ())
    assert ops.submit() == {"FINISHED"}


def test_credentials_that_expire_in_mid_upload_ask_to_sign_in():
    """Signed in again, the same upload goes on."""
    with half_way(), line.refused("ExpiredToken"):
        until_over()
        assert "ExpiredToken" in model().problem.text
        assert model().problem.remedy == "sign_in"
    (name,) = model().interrupted
    assert ops.resume(name=name) == {"FINISHED"}
    assert looked().name == "shot"


def test_credentials_that_expire_while_watching_ask_to_sign_in():
    """Signed in again, watching goes on by itself."""
    submitted("shot")
    with line.refused("ExpiredTokenException"):
        until(lambda: model().problem, "the problem")
        assert model().problem.remedy == "sign_in"
    until(lambda: selected_phase() == "done", "the end of the job")
    until(lambda: model().problem is None, "the end of the problem")


def test_new_credentials_are_used_without_a_restart():
    """Whatever tool wrote them: an error makes the next try read the configuration again."""
    with profile("work", "a-wrong-secret") as write:
        assert "No usable" in error_of(ops.refresh) or "SignatureDoesNotMatch" in model().problem.text
        assert model().problem.remedy == "sign_in"
        write(os.environ["AWS_SECRET_ACCESS_KEY"])
        assert ops.refresh() == {"FINISHED"}


def test_credentials_that_turn_wrong_while_it_runs_are_read_again():
    """As when keys are rotated."""
    with profile("work", os.environ["AWS_SECRET_ACCESS_KEY"]) as write:
        submitted("shot")
        with line.refused("InvalidClientTokenId"):
            assert "InvalidClientTokenId" in error_of(ops.refresh)
            write("rotated")
        assert "Signature" in error_of(ops.refresh)
        write(os.environ["AWS_SECRET_ACCESS_KEY"])
        assert ops.refresh() == {"FINISHED"}


@contextmanager
def profile(name: str, secret: str) -> Iterator[object]:
    """A profile of the artist's own, chosen in the preferences; the function it gives writes another secret."""
    path = blender.FOLDER / "credentials"

    def write(secret: str) -> None:
        key = os.environ["AWS_ACCESS_KEY_ID"]
        path.write_text(f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")

    before = os.environ["AWS_SHARED_CREDENTIALS_FILE"]
    write(secret)
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(path)
    preferences().profile = name
    try:
        yield write
    finally:
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = before
        preferences().profile = ""


def test_a_profile_that_is_not_there_is_named():
    """It was renamed, or the preferences came from another computer."""
    preferences().profile = "nobody"
    assert "There is no AWS profile 'nobody'." in error_of(ops.refresh)
    assert model().problem.remedy == "sign_in"


def test_a_stack_that_is_not_there_is_named():
    """In the panel, with the way to the preferences; a scene that was packed for it is not kept."""
    preferences().stack = "another"
    scene("shot")
    press()
    until_over()
    assert model().problem.text == "There is no stack 'another' in this account and region."
    assert model().problem.remedy == "preferences"
    assert pending() == []


def test_another_region_has_no_stack():
    """The jobs of the last one are gone from the list, and come back with the region."""
    job_id = submitted("shot")
    until(lambda: job_id in rows())
    preferences().region = "us-west-2"
    until(lambda: model().problem, "the problem")
    assert "There is no stack 'cloud-render' in this account and region." in model().problem.text
    assert rows() == []
    preferences().region = ""
    until(lambda: job_id in rows(), "the list")
    until(lambda: model().problem is None, "the end of the problem")


def test_an_endpoint_that_can_not_be_is_said_in_words():
    """As a person mistypes it; none is a fault of ours."""
    for address in ("nonsense", "http://", "http://127.0.0.1:1", "ftp://127.0.0.1/"):
        preferences().endpoint_url = address
        said = error_of(ops.refresh)
        assert "itself failed" not in model().problem.text, (address, said)


def test_a_right_that_is_missing_is_said():
    """Whoever set up the stack can give it."""
    submitted("shot")
    with line.refused("AccessDenied", "prefix=jobs"):
        assert "AccessDenied" in error_of(ops.refresh)
    assert "right" in model().problem.advice


def test_going_offline_stops_an_upload_that_can_go_on_later():
    """No more requests from then on; the artist has said so, and is not told of trouble."""
    with half_way():
        bpy.context.preferences.system.use_online_access = False
        pump()
    until_over()
    until(lambda: part("background").BACKGROUND._running == {}, "the end of all threads")
    line.free()
    pump(20)
    assert line.seen() == []
    assert model().problem is None
    (name,) = model().interrupted
    bpy.context.preferences.system.use_online_access = True
    assert ops.resume(name=name) == {"FINISHED"}


def test_going_offline_keeps_the_wish_for_results():
    """Online again, they come by themselves."""
    job_id = submitted("shot", last=8)
    ended()
    with line.held(line.FRAMES + "0008"):
        until(lambda: model().downloads.get(job_id) and model().downloads[job_id].total, "the download")
        bpy.context.preferences.system.use_online_access = False
        pump()
    until(lambda: job_id not in model().downloads, "its end")
    assert part("remembered").remembered().downloads == (job_id,)
    bpy.context.preferences.system.use_online_access = True
    until(lambda: job_id in model().videos, "the download")
    assert model().problem is None


def test_results_that_a_network_kept_away_come_when_it_is_back():
    """Nobody has to press Download."""
    job_id = submitted("shot")
    ended()
    with line.cut(line.FRAMES):
        until(lambda: model().problem, "the problem")
    until(lambda: job_id in model().videos, "the download")
    assert part("remembered").remembered().downloads == ()


def test_a_folder_for_downloads_that_is_a_file_is_said_in_words():
    """And the download is not tried again and again."""
    job_id = submitted("shot")
    ended()
    blocked = blender.FOLDER / "a file"
    blocked.write_text("in the way")
    preferences().downloads = str(blocked)
    until(lambda: model().problem, "the problem")
    assert "itself failed" not in model().problem.text
    assert part("remembered").remembered().downloads == ()
    assert job_id not in model().downloads


def test_a_job_that_was_deleted_elsewhere_leaves_the_list():
    """Another computer, or the command line, did it: that is no problem."""
    from cloud_render.client import control

    job_id = submitted("shot")
    until(lambda: job_id in rows())
    ended()
    model().states.pop(job_id)
    control.delete(farm(), job_id)
    until(lambda: job_id not in rows(), "the end of it")
    assert model().problem is None


def test_switched_off_in_mid_upload_it_is_offered_again():
    """As when Blender itself was closed."""
    import addon_utils

    with half_way():
        addon_utils.disable(blender.MODULE)
    assert addon_utils.enable(blender.MODULE)
    assert stage() == ""
    (folder,) = pending()
    os.utime(folder / "alive", (0, 0))  # long ago
    until(lambda: model().interrupted, "the offer")
    assert ops.resume(name=folder.name) == {"FINISHED"}


def test_an_upload_of_another_blender_is_not_taken_from_it():
    """While it touches its mark it goes on there."""
    with half_way():
        ops.stop()
        pump()
    until_over()
    (folder,) = pending()
    (folder / "alive").touch()
    part("submission").find_interrupted()
    assert model().interrupted == ()


def test_what_is_pending_and_damaged_is_said_and_can_be_discarded():
    """A disk that was full, an older version: no traceback, and a way out."""
    with half_way():
        ops.stop()
        pump()
    until_over()
    (folder,) = pending()
    (folder / "plan.json").write_text("{")
    assert "plan.json" in error_of(ops.resume, name=folder.name)
    ops.discard(name=folder.name)
    assert pending() == []


def test_a_file_that_vanished_before_the_upload_is_named():
    """Between the look and the yes."""
    made = scene("shot", new_bytes=1000)
    press()
    until_stage("ready")
    gone = made.cloud_render.extra[0].path
    Path(gone).unlink()
    ops.send()
    until_over()
    assert gone in model().problem.text
