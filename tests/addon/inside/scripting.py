# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operator, called by a script: it waits for the end, and says why it can't."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import blender
import bpy
import line
from blender import error_of, model, part, preferences
from scenes import DULL, SIZE, ended, farm, job_json, looked, missing_image, one_that_goes_on, scene, submitted
from states import bill

from cloud_render.client.records import record
from cloud_render.inblender import versions

ops = bpy.ops.cloud_render


def shown() -> Any:
    """What a script reads."""
    return bpy.context.window_manager.cloud_render


def rows() -> list[str]:
    """The jobs as a script reads them."""
    return [row.name for row in shown().jobs]


def test_from_a_scene_to_its_video():
    """Submit, wait, download, play, look at a frame, load the strip, delete: all with a real worker."""
    job_id = submitted("real shot", last=4)
    state = ended(job_id)
    assert (state.phase, state.frames_done) == ("done", 4)

    assert ops.download() == {"FINISHED"}
    folder = Path(preferences().downloads) / job_id
    assert sorted(path.stem for path in folder.glob("frames/*.png")) == ["0001", "0002", "0003", "0004"]
    assert (folder / "video.mp4").stat().st_size > 500
    assert ops.open_video.poll()
    assert ops.open_folder.poll()

    assert ops.show_frame(frame=2) == {"FINISHED"}
    assert tuple(bpy.data.images["0002.png"].size) == SIZE

    assert ops.load_strip() == {"FINISHED"}
    (strip,) = versions.top_strips(bpy.context.scene.sequence_editor)
    assert strip.name == "real-shot"
    assert [each.filename for each in strip.elements] == ["0001.png", "0002.png", "0003.png", "0004.png"]
    assert int(strip.frame_start) == 1

    assert ops.delete() == {"FINISHED"}
    assert ops.refresh() == {"FINISHED"}
    assert job_id not in rows()
    assert (folder / "video.mp4").exists()


def test_a_script_finds_its_job_in_the_list():
    """The newest first, and selected."""
    first, second = submitted("one"), submitted("two")
    assert shown().active == second
    assert ops.refresh() == {"FINISHED"}
    assert rows()[:2] == [second, first]
    assert shown().job_index == 0


def test_a_script_reads_how_its_job_is_doing():
    """Phase, frames and problem, after each look."""
    job_id = submitted("once fail=2")
    ended()
    ops.refresh()
    row = shown().jobs[job_id]
    assert (row.title, row.phase, row.frames_done, row.frames_total) == ("once-fail-2", "failed", 1, 3)
    assert "Blender wrote no picture for frame 2." in row.problem
    ops.retry()
    ended()
    assert (row.phase, row.frames_done, row.problem) == ("done", 3, "")


def test_what_the_settings_say_is_in_the_job():
    """Each of them, as job.json has it."""
    made = scene("shot", 1, 50)
    folder = Path(bpy.data.filepath).parent
    for name in ("before.sh", "after.sh", "table.csv"):
        (folder / name).write_text("#!/bin/sh\n")
    camera = bpy.data.objects.new("Side", bpy.data.cameras.new("Side"))
    made.collection.objects.link(camera)
    made.view_layers.new("Mist")
    made.render.fps, made.render.fps_base = 30, 1.001
    chosen = made.cloud_render
    chosen.frames, chosen.frame_text, chosen.frames_per_job = "CUSTOM", "1-9x2", 2
    chosen.camera, chosen.view_layer = camera, "Mist"
    chosen.use_samples, chosen.samples = True, 7
    chosen.use_percentage, chosen.percentage = True, 50
    chosen.use_resolution, chosen.width, chosen.height = True, 32, 18
    chosen.device, chosen.video, chosen.container, chosen.codec = "CPU", "YES", "mkv", "ffv1"
    chosen.quality, chosen.use_scripts = "lossless", True
    chosen.pre_hook, chosen.post_hook = "//before.sh", str(folder / "after.sh")
    ops.extra_add(directory=f"{folder}/", files=[{"name": "table.csv"}])
    assert ops.submit() == {"FINISHED"}
    job = job_json()
    assert (job.frames, job.frames_per_job) == ("1-9x2", 2)
    assert (job.camera, job.view_layers, job.device, job.use_scripts) == ("Side", ("Mist",), "cpu", True)
    overrides = job.overrides
    assert (overrides.samples, overrides.percentage, overrides.width, overrides.height) == (7, 50, 32, 18)
    assert (job.video.container, job.video.codec, job.video.fps) == ("mkv", "ffv1", Fraction(30000, 1001))
    assert Path(job.hooks.pre_render).name == "before.sh"
    assert Path(job.hooks.post_render).name == "after.sh"
    assert any(file.path.endswith("table.csv") for file in job.files)
    ops.cancel()


def test_the_current_frame_alone_is_a_picture_without_a_video():
    """Whatever the scene's range is."""
    made = scene("shot", 1, 50)
    made.frame_current, made.cloud_render.frames = 17, "CURRENT"
    assert ops.submit() == {"FINISHED"}
    assert (job_json().frames, job_json().video) == ("17", None)


def test_the_scene_is_sent_as_it_is_now_and_the_file_is_not_touched():
    """Unsaved changes travel, and the artist's file stays as it was saved."""
    made = scene("shot")
    before = Path(bpy.data.filepath).read_bytes()
    made.frame_end = 2
    assert ops.submit() == {"FINISHED"}
    assert job_json().frames == "1-2"
    assert Path(bpy.data.filepath).read_bytes() == before
    assert bpy.data.filepath.endswith("shot.blend")
    assert not list(blender.own_folder().glob("pending/*"))


def test_the_active_scene_of_a_file_is_sent():
    """Of several, the one in the window."""
    scene("shot")
    other = bpy.data.scenes.new("Other")
    other.frame_start, other.frame_end, other.cloud_render.frames_per_job = 5, 6, 9
    other.camera = bpy.data.objects["Camera"]
    other.collection.objects.link(other.camera)
    bpy.context.window.scene = other
    assert ops.submit() == {"FINISHED"}
    assert (job_json().scene, job_json().frames) == ("Other", "5-6")


def test_missing_files_are_refused_by_name_unless_they_are_allowed():
    """Each with who asks for it; nothing is left waiting."""
    scene("shot")
    path = missing_image()
    said = error_of(ops.submit)
    assert "1 missing file: Image 'gone.png' in material 'wood': " in said
    assert str(path) in said
    assert "allow_missing=True" in said
    assert model().submit is None
    assert not list(blender.own_folder().glob("pending/*"))
    assert ops.submit(allow_missing=True) == {"FINISHED"}
    assert len(job_json().missing) == 1


def test_frames_that_can_not_be_read_are_refused():
    """In the words that the command line uses, and the next submit works."""
    made = scene("shot")
    made.cloud_render.frames, made.cloud_render.frame_text = "CUSTOM", "first to last"
    assert "Can't read the frames 'first to last'" in error_of(ops.submit)
    made.cloud_render.frame_text = "1-2"
    assert ops.submit() == {"FINISHED"}


def test_a_deadline_decides_on_how_many_machines_a_job_renders():
    """Once test frames tell how long they take. These take so little that one machine is best."""
    chosen = scene("shot", last=9).cloud_render
    chosen.frames_per_job = 1
    assert ops.test() == {"FINISHED"}
    assert ended().phase == "done"
    frames_per_job = {}
    for chosen.deadline in ("", "20h"):
        assert ops.submit() == {"FINISHED"}
        frames_per_job[chosen.deadline] = job_json().frames_per_job
        ended()
    assert frames_per_job == {"": 1, "20h": 9}


def test_a_job_has_a_limit_of_twice_its_price():
    """As the dialog proposes (at least 25 cents), unless the settings say where it ends. A test has none."""
    chosen = scene("limited", last=9).cloud_render
    assert ops.test() == {"FINISHED"}
    assert job_json().limits.cost_usd is None
    assert ended().phase == "done"
    limits = []
    for chosen.limit_usd in (0.0, 7.0):
        assert ops.submit() == {"FINISHED"}
        limits.append(job_json().limits.cost_usd)
        ended()
    assert limits == [0.25, 7.0]


def test_what_is_no_deadline_is_refused():
    """Before anything is packed; without test frames it is not known whether one is met, and the job is sent."""
    chosen = scene("a stranger").cloud_render
    chosen.deadline = "soon"
    assert "'soon' is no deadline" in error_of(ops.submit)
    assert model().submit is None
    chosen.deadline = "8h"
    assert ops.submit() == {"FINISHED"}
    assert job_json().frames == "1-3"


def test_a_view_layer_that_is_not_there_is_refused():
    """With the names of those that are; nothing is left behind."""
    made = scene("shot")
    made.cloud_render.view_layer = "Nope"
    assert "There is no view layer 'Nope'" in error_of(ops.submit)
    assert model().submit is None
    assert not list(blender.own_folder().glob("pending/*"))


def test_a_failed_job_tells_why_and_is_retried():
    """The reason in the state, the log as a text, and after a retry the video."""
    job_id = submitted("once fail=2")
    state = ended()
    assert (state.phase, state.frames_done) == ("failed", 1)
    assert "Blender wrote no picture for frame 2." in state.problem
    assert ops.show_log() == {"FINISHED"}
    assert "frame 1 is there" in bpy.data.texts[f"{part('mirror').title_of(job_id)} log"].as_string()
    assert ops.retry() == {"FINISHED"}
    assert ended().phase == "done"


def test_a_retry_may_raise_the_limit():
    """From now on the whole job ends there; without a word the limit stays. What is spent already is refused."""
    scene("once fail=2").cloud_render.limit_usd = 0.5
    assert ops.submit() == {"FINISHED"}
    assert ended().phase == "failed"
    job_id = model().active
    model().bills[job_id] = bill(0.45, 0.5)
    assert "has cost $0.45 already" in error_of(ops.retry, limit_usd=0.4)
    assert ops.retry(limit_usd=3.5) == {"FINISHED"}
    assert ended().phase == "done"
    assert record(farm(), job_id).latest.cost_usd == 3.5


def test_what_is_there_is_stitched():
    """A job with gaps becomes a video, if that is wanted."""
    submitted("fail=3", last=4)
    assert ended().phase == "failed"
    assert ops.stitch() == {"FINISHED"}
    state = ended()
    assert (state.phase, state.gaps) == ("done", (3, 4))


def test_a_running_job_is_cancelled():
    """Its frames stay, and it can be retried later; it is not deleted while it runs."""
    with one_that_goes_on() as job_id:
        assert f"{job_id} is still running" in error_of(ops.delete)
        assert ops.cancel() == {"FINISHED"}
        assert looked().phase == "cancelled"
        assert f"{job_id} has ended" in error_of(ops.cancel)


def test_a_script_names_the_job_whatever_is_selected():
    """Also where that could not be done to the selected one."""
    with one_that_goes_on() as running:
        done = submitted("shot")
        ended(done)
        assert shown().active == done
        assert ops.cancel(job_id=running) == {"FINISHED"}
        assert looked(running).phase == "cancelled"


def test_a_job_that_is_not_there_is_said_to_be_missing():
    """Not a traceback."""
    gone = "20260101-000000-gone-ab12"
    assert gone in error_of(ops.look, job_id=gone)
    assert gone in error_of(ops.download, job_id=gone)
    assert "has no frame 99" in error_of(ops.show_frame, job_id=submitted("shot"), frame=99)


def test_frames_are_rendered_again_with_the_scene_as_it_is_now():
    """The others are kept: a new job has them from the start."""
    first = submitted("shot", last=4)
    ended()
    assert "Can't read the frames" in error_of(ops.again, frames="")
    assert "has no frame 99" in error_of(ops.again, frames="99")
    assert ops.again(frames="2-3") == {"FINISHED"}
    second = model().active
    assert second != first
    state = ended()
    assert (state.phase, state.frames_done) == ("done", 4)
    assert ops.download() == {"FINISHED"}
    frames = Path(preferences().downloads) / second / "frames"
    said = [(frames / f"{number:04}.png").read_text().rpartition(" ")[2] for number in (1, 2, 3, 4)]
    assert said == ["0", "1", "1", "0"]


def test_a_download_goes_where_it_is_told():
    """Another folder than the one of the preferences; of another job's it keeps its hands."""
    first = submitted("one")
    ended()
    folder = blender.FOLDER / "elsewhere"
    assert ops.download(folder=str(folder)) == {"FINISHED"}
    assert (folder / "video.mp4").exists()
    assert ops.open_video.poll()
    second = submitted("two")
    ended()
    assert second != first
    assert "holds the files of another job" in error_of(ops.download, folder=str(folder))


def test_frames_with_gaps_become_a_strip_that_holds_the_neighbours():
    """A strip has no gaps of its own, and lies where its frames belong in time."""
    submitted("skip=12", first=10, last=13)
    ended()
    ops.download()
    assert ops.load_strip() == {"FINISHED"}
    assert ops.load_strip() == {"FINISHED"}
    for workspace in bpy.data.workspaces:  # from Blender 5.0 on
        assert getattr(workspace, "sequencer_scene", bpy.context.scene) == bpy.context.scene
    below, above = sorted(versions.top_strips(bpy.context.scene.sequence_editor), key=lambda strip: strip.channel)
    assert [each.filename for each in below.elements] == ["0010.png", "0011.png", "0011.png", "0013.png"]
    assert (int(below.frame_start), above.channel) == (10, below.channel + 1)


def test_an_upload_that_broke_off_is_resumed():
    """By its name, with the scene as it was then; it becomes one job."""
    scene("shot", new_bytes=DULL)
    with line.cut(line.PACKS):
        said = error_of(ops.submit)
    assert "Could not" in said
    (name,) = model().interrupted
    bpy.context.scene.frame_end = 1
    assert ops.resume(name=name) == {"FINISHED"}
    assert job_json().frames == "1-3"
    assert model().interrupted == ()
    assert not list(blender.own_folder().glob("pending/*"))


def test_an_upload_that_broke_off_is_discarded():
    """Nothing of it stays on this computer."""
    scene("shot", new_bytes=DULL)
    with line.cut(line.PACKS):
        error_of(ops.submit)
    (name,) = model().interrupted
    assert ops.discard(name=name) == {"FINISHED"}
    assert model().interrupted == ()
    assert not list(blender.own_folder().glob("pending/*"))
    assert "can't go on" in error_of(ops.resume, name=name)


def test_presets_keep_the_settings_that_fit_any_scene():
    """Kept under a name, chosen in another file, removed."""
    chosen = bpy.context.scene.cloud_render
    chosen.use_samples, chosen.samples, chosen.codec, chosen.frame_text = True, 9, "av1", "7"
    assert ops.preset_add(name="Quick look") == {"FINISHED"}
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    (path,) = [path for folder in bpy.utils.preset_paths("cloud_render") for path in Path(folder).glob("*.py")]
    bpy.ops.script.execute_preset(filepath=str(path), menu_idname="CLOUD_RENDER_MT_presets")
    chosen = bpy.context.scene.cloud_render
    assert (chosen.use_samples, chosen.samples, chosen.codec, chosen.frame_text) == (True, 9, "av1", "1-250")
    path.unlink()


def test_extra_files_are_added_and_removed():
    """Several at once, or a whole folder; the selection stays within the list."""
    chosen = bpy.context.scene.cloud_render
    ops.extra_add(directory="/a/", files=[{"name": "1.csv"}, {"name": "2.csv"}])
    ops.extra_add(directory="/b/")
    assert [each.path for each in chosen.extra] == ["/a/1.csv", "/a/2.csv", "/b/"]
    ops.extra_remove()
    ops.extra_remove()
    assert ([each.path for each in chosen.extra], chosen.extra_index) == (["/a/1.csv"], 0)


def test_downloads_by_themselves_are_switched_off_and_on():
    """For one job; kept over Blender's end."""
    remembered = part("remembered").remembered
    job_id = submitted("shot")
    assert remembered().downloads == (job_id,)
    ops.download_when_done()
    assert remembered().downloads == ()
    ops.download_when_done()
    assert remembered().downloads == (job_id,)


def test_a_check_up_tells_one_finding_after_another():
    """In words, good and bad; a bad one where it can be helped has its button."""
    assert ops.check() == {"FINISHED"}
    findings = {check.subject: check for check in model().checks}
    assert len(findings) >= 3
    assert all(check.words for check in findings.values())
    preferences().stack = "another"
    assert ops.check() == {"FINISHED"}
    assert any(not check.good and "another" in check.words for check in model().checks)
    assert not model().checking


def test_the_stack_of_the_preferences_is_the_one_that_is_used():
    """Profile, region, stack and endpoint lead to a farm."""
    assert farm().stack == "cloud-render"
    preferences().stack = "another"
    assert "There is no stack 'another' in this account and region." in error_of(ops.refresh)
