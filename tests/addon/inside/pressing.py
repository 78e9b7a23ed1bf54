# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons as a person presses them: each starts something and returns, and the pump brings what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import blender
import bpy
import line
from blender import model, part, preferences, until
from guard import heard, of_hashes, of_network
from scenes import DULL, ended, job_json, looked, missing_image, one_that_goes_on, scene, submitted

from cloud_render.client.expiry import Expiry

ops = bpy.ops.cloud_render


def press() -> None:
    """Render in Cloud."""
    start(part("submission").Wishes(download=True))


def start(wishes: Any) -> None:
    part("operators.submit").start(bpy.context, wishes)


def stage() -> str:
    return model().submit.stage if model().submit else ""


def until_stage(wanted: str) -> None:
    until(lambda: stage() == wanted or model().problem, wanted)
    assert stage() == wanted, model().problem


def until_over() -> None:
    """Neither a submit nor a thread of it goes on."""
    background = part("background").BACKGROUND
    until(lambda: model().submit is None and not background.runs("submit"), "the end of the submit")


def pump(times: int = 5) -> None:
    for _ in range(times):
        part("pump").pump()


def pending() -> list[Path]:
    return list(blender.own_folder().glob("pending/*"))


def rows() -> list[str]:
    return [row.name for row in bpy.context.window_manager.cloud_render.jobs]


def selected_phase() -> str:
    state = model().states.get(model().active)
    return state.phase if state else ""


def jobs_in_cloud() -> list[str]:
    assert ops.refresh() == {"FINISHED"}
    return [job.job_id for job in model().jobs]


def test_one_press_and_one_yes_bring_the_video_home():
    """Each stage is shown in its turn; the rest comes by itself: progress, pictures, the results on this computer."""
    scene("shot", last=4, new_bytes=DULL)
    press()
    stages = []

    def ready() -> bool:
        if stage() not in stages:
            stages.append(stage())
        return stage() == "ready"

    until(ready)
    assert stages == ["packing", "saving", "checking", "pricing", "ready"]
    assert model().submit.found.new_bytes >= DULL
    assert ops.send() == {"FINISHED"}
    assert stage() == "uploading"
    until_over()
    job_id = model().active
    assert job_id
    until(lambda: rows()[:1] == [job_id], "the job in the list")
    until(lambda: selected_phase() == "done", "the end of the job")
    until(lambda: job_id in model().videos, "the download")
    assert model().videos[job_id].read_text() == "video of 4 frames"
    until(lambda: sorted(model().previews.get(job_id, ())) == [1, 2, 3, 4], "the pictures")
    assert part("remembered").remembered().downloads == ()
    assert model().problem is None
    assert pending() == []


def test_no_call_to_aws_and_no_hashing_on_the_main_thread():
    """From the press to the results; threads do both."""
    scene("shot", new_bytes=DULL)
    with heard(of_network, of_hashes) as calls:
        press()
        until_stage("ready")
        ops.send()
        until_over()
        until(lambda: model().active in model().videos, "the download")
        assert calls == []
    assert any("/store/packs/" in asked for asked in line.seen())


def test_test_frames_tell_the_price():
    """First three frames as a job of their own; then the dialog has a price, and what was picked is sent."""
    made = scene("shot", last=9)
    made.cloud_render.frames_per_job = 0
    start(part("submission").Wishes(download=False, test=True))
    until_stage("ready")
    assert part("panels.findings").amount(model().submit) == "Test frames 1, 5, 9, each on a machine"
    ops.send()
    until_over()
    tested = model().active
    until(lambda: selected_phase() == "done", "the test frames")
    press()
    until_stage("ready")
    quote = model().submit.priced.quote
    assert (quote.frames, quote.measured_frames, quote.basis) == (9, 3, "probes")
    choice, offer = list(part("pricing").offers().items())[1]
    ops.send(choice=choice, limit_usd=9.0)
    until_over()
    assert model().active != tested
    job = job_json()
    assert (job.frames_per_job, job.limits.cost_usd) == (offer.schedule.frames_per_job, 9.0)
    assert part("remembered").remembered().prices == {job.id: offer.usd.likely}


def test_without_test_frames_there_is_no_price_and_no_limit():
    """Twice an unknown price is none; the artist's own limit holds all the same."""
    scene("never seen before")
    press()
    until_stage("ready")
    assert model().submit.priced == part("model").Priced()
    ops.send()
    until_over()
    assert job_json().limits.cost_usd is None
    bpy.context.scene.cloud_render.limit_usd = 2.5
    press()
    until_stage("ready")
    ops.send()
    until_over()
    assert job_json().limits.cost_usd == 2.5


def test_the_deadline_of_the_settings_is_in_the_dialog():
    """And may be changed there, which prices all ways anew without asking the cloud."""
    chosen = scene("shot", last=9).cloud_render
    assert ops.test() == {"FINISHED"}
    ended()
    chosen.deadline = "20h"
    start(part("operators.submit").wishes_of(bpy.context.scene))
    until_stage("ready")
    until(lambda: model().submit.priced, "the price")
    pricing = part("pricing")
    assert model().submit.priced.deadline_s == 20 * 3600
    assert all(offer.meets_deadline for offer in pricing.offers().values())
    with heard(of_network) as calls:
        pricing.meet("1min")
    assert calls == []
    assert not any(offer.meets_deadline for offer in pricing.offers().values())
    ops.stop()


def test_a_price_that_does_not_come_stops_nobody():
    """The dialog opens without it after a while; a price that is refused is said."""
    scene("shot")
    pricing = part("pricing")
    patience, pricing.PATIENCE_S = pricing.PATIENCE_S, 0.5
    try:
        with line.held("delimiter"):
            press()
            until_stage("ready")
            assert model().submit.priced is None
        until(lambda: model().submit.priced, "the late price")
        ops.stop()
    finally:
        pricing.PATIENCE_S = patience
    until(lambda: not part("background").BACKGROUND.runs("price"))
    with line.refused("AccessDenied", "delimiter"):
        press()
        until_stage("ready")
    assert model().submit.priced.why_not
    assert model().problem is None
    ops.send()
    until_over()
    assert model().problem is None


def test_stopped_while_the_price_is_worked_out_nothing_is_sent():
    """Nor does its dialog open later."""
    scene("shot")
    before = jobs_in_cloud()
    with line.held("delimiter"):
        press()
        until_stage("pricing")
        ops.stop()
        pump()
        assert model().submit is None
    pump()
    assert (pending(), model().problem) == ([], None)
    assert jobs_in_cloud() == before


def test_stopped_while_packing_nothing_is_sent():
    """Before the copy is saved."""
    _stopped_in("packing")


def test_stopped_while_saving_nothing_is_sent():
    """The word is on the screen, the copy not yet written."""
    _stopped_in("saving")


def test_stopped_when_ready_nothing_is_sent():
    """The artist looked at what was found, and said no."""
    _stopped_in("ready")


def _stopped_in(wanted: str) -> None:
    scene("shot")
    before = jobs_in_cloud()
    press()
    until_stage(wanted)
    assert ops.stop() == {"FINISHED"}
    pump()
    until_over()
    assert (pending(), model().problem, model().interrupted) == ([], None, ())
    assert jobs_in_cloud() == before
    assert ops.submit.poll()


def test_stopped_while_checking_nothing_is_sent():
    """Though an answer of the cloud is still on its way."""
    scene("shot", new_bytes=DULL)
    with line.held("/store/index/|prefix=store"):
        press()
        until_stage("checking")
        until(line.seen, "a request that is held")
        ops.stop()
        pump()
    until_over()
    assert (pending(), model().problem) == ([], None)


def test_stopped_while_uploading_it_is_offered_to_resume():
    """Without a word of trouble: it was the artist's own wish."""
    name = _broken_off()
    assert model().problem is None
    assert ops.resume(name=name, pressed=True) == {"FINISHED"}
    assert stage() == "uploading"
    until_over()
    assert looked(model().active).phase != "uploading"
    assert (pending(), model().interrupted) == ([], ())


def test_a_stopped_upload_is_discarded():
    """Then nothing of it is left on this computer."""
    name = _broken_off()
    assert ops.discard(name=name) == {"FINISHED"}
    assert (pending(), model().interrupted) == ([], ())


def _broken_off() -> str:
    """The name of an upload that the artist stopped half-way."""
    with half_way():
        ops.stop()
        pump()
    until_over()
    (name,) = model().interrupted
    return str(name)


@contextmanager
def half_way() -> Iterator[None]:
    """An upload whose content waits on the line until the end of the block, or until the line gets other rules."""
    scene("shot", new_bytes=DULL)
    press()
    until_stage("ready")
    with line.held(line.PACKS):
        ops.send()
        until(lambda: any("/store/packs/" in asked for asked in line.seen()), "the upload")
        yield


def test_a_new_file_while_packing_ends_it_quietly():
    """Its scene has gone."""
    for wanted in ("packing", "saving"):
        bpy.ops.wm.read_homefile(use_factory_startup=True)
        scene("shot")
        press()
        until_stage(wanted)
        bpy.ops.wm.read_homefile(use_factory_startup=True)
        pump()
        until_over()
        assert (pending(), model().problem) == ([], None)


def test_a_new_file_while_checking_or_uploading_changes_nothing():
    """What is sent was packed: the artist may go on with something else."""
    scene("shot", new_bytes=DULL)
    with line.held("/store/index/|prefix=store"):
        press()
        until_stage("checking")
        bpy.ops.wm.read_homefile(use_factory_startup=True)
        pump()
    until_stage("ready")
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    pump()
    assert stage() == "ready"
    ops.stop()
    with half_way():
        bpy.ops.wm.read_homefile(use_factory_startup=True)
        pump()
    until_over()
    assert looked(model().active).name == "shot"


def test_jobs_stay_in_the_list_whatever_file_is_opened():
    """Blender empties the properties of its windows then; the pump fills them again, and its timer ticks on."""
    first = submitted("one")
    path = bpy.data.filepath
    second = submitted("two")
    until(lambda: {first, second} <= set(rows()))
    for change in (
        lambda: bpy.ops.wm.read_homefile(use_factory_startup=True),
        lambda: bpy.ops.wm.open_mainfile(filepath=path),
        lambda: bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True),
    ):
        change()
        until(lambda: {first, second} <= set(rows()), "the list")
        assert rows()[bpy.context.window_manager.cloud_render.job_index] == second
        assert bpy.app.timers.is_registered(part("pump")._tick)


def test_undo_takes_nothing_back_that_is_on_its_way():
    """Ctrl-Z in each phase rewinds the scene alone: it is one job, with the scene as it was at the press."""
    made = scene("shot", new_bytes=DULL)
    for samples in (11, 12, 13, 14, 15, 16, 17):
        made.cloud_render.samples = samples
        bpy.ops.ed.undo_push(message="samples")
    made.cloud_render.use_samples = True
    before = jobs_in_cloud()
    press()
    with line.held("/store/index/|prefix=store"):
        for wanted in ("packing", "saving", "checking"):
            until_stage(wanted)
            undo()
    until_stage("ready")
    undo()
    with line.held(line.PACKS):
        ops.send()
        until_stage("uploading")
        undo()
    until_over()
    assert bpy.context.scene.cloud_render.samples == 12
    assert job_json().overrides.samples == 17
    assert len(jobs_in_cloud()) == len(before) + 1
    undo()
    pump()
    assert len(rows()) == len(before) + 1


def undo() -> None:
    assert bpy.ops.ed.undo() == {"FINISHED"}
    pump(2)


def test_settings_stay_with_their_scene():
    """Kept in the .blend, each scene its own."""
    made = scene("shot")
    made.cloud_render.samples = 77
    bpy.ops.wm.save_mainfile()
    path = bpy.data.filepath
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    assert bpy.context.scene.cloud_render.samples == 128
    bpy.ops.wm.open_mainfile(filepath=path)
    assert bpy.context.scene.cloud_render.samples == 77
    assert bpy.data.scenes.new("Other").cloud_render.samples == 128


def test_the_selected_job_is_looked_at():
    """A click on a row of the list."""
    first = submitted("one")
    second = submitted("two")
    until(lambda: {first, second} <= set(rows()))
    bpy.context.window_manager.cloud_render.job_index = rows().index(first)
    assert model().active == first
    until(lambda: first in model().states, "a look")


def test_cancel_shows_what_it_does_until_it_is_done():
    """And then the job as it is."""
    with one_that_goes_on() as job_id:
        until(lambda: selected_phase() == "rendering")
        assert ops.cancel(pressed=True) == {"FINISHED"}
        assert model().busy[job_id] == "Cancelling…"
        until(lambda: selected_phase() == "cancelled", "the end of the job")
        assert model().busy == {}


def test_what_a_job_costs_is_added_up_at_its_end():
    """Once, by itself; and then it is looked at whether anything is on. Nothing of it is a problem where it fails."""
    job_id = submitted("shot")
    ended()
    bill = until(lambda: model().bills.get(job_id), "the bill")
    until(lambda: model().bills[job_id].final, "the last bill")
    assert (bill.bill.job_id, model().bills[job_id].bill.frames) == (job_id, 3)
    assert until(lambda: model().running, "what is on").machines == ()
    with line.refused("AccessDenied", "reports|DescribeInstances"):
        job_id = submitted("shot")
        ended()
        until(lambda: part("polling").POLLING.billed == (job_id, True), "an attempt")
        until(lambda: not part("background").BACKGROUND.runs("bill"))
    assert job_id not in model().bills
    assert model().problem is None


def test_a_failed_job_is_retried_and_goes_on_by_itself():
    """Its phase moves without another press."""
    submitted("once fail=2")
    ended()
    until(lambda: selected_phase() == "failed")
    assert ops.retry(pressed=True) == {"FINISHED"}
    until(lambda: selected_phase() == "done", "the retry")


def test_a_deleted_job_leaves_the_list():
    """The next one is selected."""
    first = submitted("one")
    ended()
    second = submitted("two")
    ended()
    until(lambda: {first, second} <= set(rows()))
    assert ops.delete(pressed=True) == {"FINISHED"}
    until(lambda: second not in rows(), "an end of it")
    until(lambda: model().active in rows(), "another selected one")
    assert model().problem is None, model().problem


def test_frames_are_rendered_again_after_a_look_at_what_is_sent():
    """As a new job that has the other frames."""
    first = submitted("shot", last=4)
    ended()
    assert ops.again(pressed=True, frames="2") == {"FINISHED"}
    until_stage("ready")
    ops.send()
    until_over()
    assert model().active != first
    until(lambda: selected_phase() == "done", "the new job")
    assert model().states[model().active].frames_done == 4


def test_no_frames_to_render_again_are_refused():
    """An empty field does not mean all of them."""
    submitted("shot")
    ended()
    for frames in ("", " ", "none"):
        assert "Can't read the frames" in blender.error_of(ops.again, pressed=True, frames=frames)
    assert model().submit is None


def test_frames_that_the_job_has_not_are_refused_for_good():
    """In words; an upload that can never succeed is not offered to resume."""
    submitted("shot")
    ended()
    assert ops.again(pressed=True, frames="99") == {"FINISHED"}
    until_stage("ready")
    ops.send()
    until_over()
    assert "has no frame 99" in model().problem.text
    assert (pending(), model().interrupted) == ([], ())


def test_a_frame_is_shown_in_full_size():
    """Fetched from a job whose other frames are not here."""
    bpy.context.scene.cloud_render.download = False
    job_id = submitted("shot")
    ended()
    ops.show_frame(pressed=True, frame=2)
    until(lambda: "0002.png" in bpy.data.images, "the picture")
    until(lambda: ops.open_folder.poll())
    assert not (Path(preferences().downloads) / job_id / "frames" / "0001.png").exists()


def test_pictures_come_and_may_go():
    """The newest frames, kept beside the extension; whoever tidies up there stops nothing."""
    job_id = submitted("shot", last=9)
    until(lambda: selected_phase() == "done", "the end of the job")
    until(lambda: len(part("thumbnails")._loaded) >= part("thumbnails").SHOWN, "the pictures")
    for path in model().previews[job_id].values():
        assert path.read_text() == f"preview {int(path.stem)}"
        path.unlink()
    model().changes += 1
    pump()


def test_a_log_is_shown_as_a_text():
    """Shown again, it is the same text with what is new."""
    submitted("shot")
    ended()

    def is_whole() -> bool:
        ops.show_log(pressed=True)
        pump()
        return any("frame 3 is there" in text.as_string() for text in bpy.data.texts)

    until(is_whole, "the last line, which may come late")
    assert len(bpy.data.texts) == 1


def test_what_was_downloaded_is_no_longer_about_to_be_lost():
    """The job has ended, and is looked at once more."""
    job_id = submitted("shot")
    state = ended()
    model().states[job_id] = replace(state, expiry=Expiry("2026-04-02T00:00:00+00:00", 5, 3, 3))
    assert ops.download(pressed=True) == {"FINISHED"}
    until(lambda: job_id in model().videos, "the download")
    until(lambda: model().states.get(job_id) == state, "another look")


def test_a_stopped_download_goes_on_where_it_stopped():
    """Without a word of trouble, and not by itself."""
    bpy.context.scene.cloud_render.download = False
    job_id = submitted("shot", last=8)
    ended()
    with line.held(line.FRAMES + "0008"):
        assert ops.download(pressed=True) == {"FINISHED"}
        until(lambda: model().downloads[job_id].total and line.seen(), "some of it")
        assert "going on" in blender.error_of(ops.download)
        ops.stop_download()
        pump()
    until(lambda: job_id not in model().downloads, "its end")
    assert model().problem is None
    pump(20)
    assert job_id not in model().downloads
    ops.download(pressed=True)
    until(lambda: job_id in model().videos, "the rest")


def test_only_results_that_are_wanted_come_by_themselves():
    """The choice of the scene, and of the job."""
    made = scene("shot")
    made.cloud_render.download = False
    assert ops.submit() == {"FINISHED"}
    ended()
    until(lambda: selected_phase() == "done")
    pump(20)
    assert model().videos == {}
    ops.download_when_done()
    until(lambda: model().active in model().videos, "the download")


def test_downloads_of_an_earlier_blender_are_found_again():
    """Nothing needs to be fetched to play them."""
    job_id = submitted("shot")
    ended()
    ops.download()
    model().reset()
    until(lambda: job_id in rows())
    until(ops.open_video.poll, "the video")
    assert model().videos[job_id].is_file()


def test_a_video_that_was_moved_away_is_said_to_be_gone():
    """Then its button is grey, until it is downloaded again."""
    job_id = submitted("shot")
    ended()
    ops.download()
    model().videos[job_id].unlink()
    assert "is not there any more" in blender.error_of(ops.open_video)
    assert not ops.open_video.poll()
    assert ops.open_folder.poll()


def test_a_missing_file_leads_to_what_needs_it():
    """The object is selected, and active; the file stays missing."""
    scene("shot")
    missing_image()
    bpy.ops.object.select_all(action="DESELECT")
    press()
    until_stage("ready")
    assert len(model().submit.missing) == 1
    assert ops.select_culprit(index=0) == {"FINISHED"}
    assert [each.name for each in bpy.context.selected_objects] == ["Cube"]
    assert bpy.context.view_layer.objects.active.name == "Cube"
    ops.stop()


def test_the_same_thing_twice_at_a_time_is_refused():
    """A second press while the first goes on."""
    submitted("shot")
    with line.held("/batch/"):
        assert ops.refresh(pressed=True) == {"FINISHED"}
        assert ops.refresh(pressed=True) == {"CANCELLED"}
    until(lambda: not part("background").BACKGROUND.runs("list jobs"))
