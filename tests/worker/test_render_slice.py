# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames a child renders, and what of it lies in S3 afterwards."""

from __future__ import annotations

import json
import signal

import pytest

from cloud_render.contract.job import Overrides, RenderJob


def test_every_frame_of_a_slice_gets_to_s3(rig):
    """A plain job leaves each frame with its preview, and a report that tells of them."""
    rig.job(frames="1-5")
    ended = rig.render()
    assert ended.code == 0, ended.log
    assert ended.last_line.startswith("done: frames 1-5 are in s3://")
    assert rig.keys("frames/") == [f"frames/{n:04d}.png" for n in range(1, 6)]
    assert rig.keys("previews/") == [f"previews/{n:04d}.jpg" for n in range(1, 6)]
    report = rig.report()
    assert [frame.frame for frame in report.frames] == [1, 2, 3, 4, 5]
    assert (report.exit_code, report.device, report.blender) == (0, "CPU", "5.0.1")
    assert report.peak_memory == 1005


@pytest.mark.parametrize(
    ("frames", "child", "rendered"),
    [
        ("101-110", 0, [101, 102, 103]),
        ("101-110", 3, [110]),
        ("1-11x2", 1, [7, 9, 11]),
        ("-3..0", 0, [-3, -2, -1]),
        ("-3..0", 1, [0]),
        ("1-2,50,9998..10003", 2, [10001, 10002, 10003]),
    ],
)
def test_a_child_renders_its_slice_of_the_frame_list(rig, frames, child, rendered):
    """Start, step and sign are the list's; the last child ends where the list ends."""
    job = rig.job(frames=frames, frames_per_job=3)
    children = -(-len(job.frame_list) // 3)
    ended = rig.render(3, "-t", str(len(job.frame_list)), **rig.child(child, children))
    assert ended.code == 0, ended.log
    assert rig.rendered == rendered
    assert rig.report(index=child).index == child


def test_more_frames_a_job_than_there_are_renders_exactly_those_there_are(rig):
    """A plain job of 2 frames with 25 a job renders 2."""
    rig.job(frames="7-8", frames_per_job=25)
    assert rig.render(25).code == 0
    assert rig.rendered == [7, 8]


def test_frames_before_zero_keep_their_sign_in_their_names(rig):
    """-3..0 renders four frames."""
    rig.job(frames="-3..0")
    assert rig.render().code == 0
    assert sorted(rig.keys("frames/")) == [
        "frames/-0001.png",
        "frames/-0002.png",
        "frames/-0003.png",
        "frames/0000.png",
    ]


def test_frames_that_s3_has_are_not_rendered_again(rig):
    """Only what is missing is rendered; the report names the others as skipped."""
    rig.job(frames="1-5")
    for frame in (2, 3):
        rig.put(rig.prefix.frame(frame, "png"), b"rendered before")
    assert rig.render().code == 0
    assert rig.rendered == [1, 4, 5]
    assert rig.get(rig.prefix.frame(2, "png")) == b"rendered before"
    assert rig.report().skipped == (2, 3)


def test_blender_does_not_start_where_nothing_is_left_to_render(rig):
    """A repeated attempt on a finished slice costs one listing."""
    rig.job(frames="1-2")
    for frame in (1, 2):
        rig.put(rig.prefix.frame(frame, "png"), b"rendered before")
    assert rig.render().code == 0
    assert not (rig.folder / "state" / "processes").exists()


def test_frames_of_another_format_do_not_count_as_done(rig):
    """A stray 0001.exr is not frame 1 of a PNG job."""
    rig.job(frames="1-1", video=None)
    rig.put(rig.prefix.frame(1, "exr"), b"stray")
    assert rig.render().code == 0
    assert rig.rendered == [1]


def test_a_killed_worker_costs_at_most_the_frame_in_progress(rig):
    """The next attempt renders what the first one did not bring to S3, and nothing else."""
    rig.job(frames="1-5")
    rig.fake(slow_s=0.3)
    first = rig.start(*rig.render_arguments())
    rig.wait_for("frame 2: rendered", first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    there = {int(key[7:11]) for key in rig.keys("frames/")}
    assert there >= {1, 2}
    (rig.folder / "state" / "rendered").unlink()
    assert rig.render(**rig.child(0, 1, attempt=2)).code == 0
    assert set(rig.rendered) == {1, 2, 3, 4, 5} - there
    assert rig.report(attempt=2).skipped == tuple(sorted(there))


def test_no_frame_is_stored_twice_over_two_attempts(rig):
    """S3 itself counts: each frame has one version, whichever attempt brought it."""
    rig.s3.put_bucket_versioning(Bucket=rig.bucket, VersioningConfiguration={"Status": "Enabled"})
    rig.job(frames="1-5")
    rig.fake(slow_s=0.3)
    first = rig.start(*rig.render_arguments())
    rig.wait_for("frame 2: rendered", first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert rig.render(**rig.child(0, 1, attempt=2)).code == 0
    versions = rig.s3.list_object_versions(Bucket=rig.bucket, Prefix=rig.prefix.frames)["Versions"]
    assert sorted(version["Key"] for version in versions) == [rig.prefix.frame(frame, "png") for frame in range(1, 6)]


def test_every_choice_of_the_job_reaches_blender(rig):
    """Scene, camera, layers, size, samples, engine, device: Blender gets the job whole, as job.json has it."""
    overrides = Overrides(width=320, height=180, percentage=50, samples=7, engine="BLENDER_WORKBENCH")
    chosen = {"scene": "Scene.001/é", "camera": "Side", "view_layers": ("Mist",), "file_format": "PNG", "device": "any"}
    job = rig.job(frames="1-1", video=None, overrides=overrides, use_scripts=True, **chosen)
    assert rig.render().code == 0
    request = json.loads((rig.folder / "state" / "request").read_text())
    assert RenderJob.from_json(json.dumps(request["job"])) == job


def test_a_retry_takes_its_frames_from_its_own_submission(rig):
    """Submission 1 of a job renders the frames of batch/1.json, in its own slices."""
    rig.job(frames="1-10")
    rig.submission(1, "3,7,9", 2)
    ended = rig.render(2, "--submission", "1", **rig.child(1, 2))
    assert ended.code == 0, ended.log
    assert rig.rendered == [9]
    assert rig.report(index=1, submission=1).frames[0].frame == 9


def test_an_array_that_does_not_fit_the_frames_is_refused(rig):
    """An array of other size than the slices would leave frames to nobody."""
    rig.job(frames="1-10", frames_per_job=5)
    ended = rig.render(5, **rig.child(0, 3))
    assert ended.code == 64
    assert "make 2 children, and the array has 3" in ended.last_line


def test_a_frame_count_that_is_not_the_jobs_is_refused(rig):
    """-t is a check, not a choice, where job.json says which frames there are."""
    rig.job(frames="1-10")
    ended = rig.render(5, "-t", "12")
    assert ended.code == 64
    assert "-t says 12 frames, and the job has 10" in ended.last_line


def test_secondary_outputs_come_back_under_their_names(rig):
    """What a File Output node writes lies under outputs/ with its relative name."""
    rig.job(frames="1-2")
    rig.fake(outputs=["depth", "glow pass/left"])
    assert rig.render().code == 0
    assert rig.keys("outputs/") == [
        "outputs/depth/0001.png",
        "outputs/depth/0002.png",
        "outputs/glow pass/left/0001.png",
        "outputs/glow pass/left/0002.png",
    ]


def test_another_output_prefix_gets_the_job_too(rig):
    """Frames written beside the job's own prefix come with the job.json that a stitch needs there."""
    rig.job(frames="1-2")
    source = f"s3://{rig.bucket}/{rig.prefix.job}"
    ended = rig.worker("render", "-i", source, "-o", f"s3://{rig.bucket}/else/where/", "-f", "2")
    assert ended.code == 0, ended.log
    listed = rig.s3.list_objects_v2(Bucket=rig.bucket, Prefix="else/")["Contents"]
    assert {"else/where/frames/0001.png", "else/where/job.json"} <= {item["Key"] for item in listed}


def test_the_log_stays_small_however_much_blender_prints(rig):
    """Two kilobytes a frame at most: CloudWatch is paid by the byte."""
    rig.job(frames="1-3")
    rig.fake(chatter=300)
    ended = rig.render(3)
    assert ended.code == 0
    assert "an add-on prints, number 3" in ended.log
    assert len(ended.log) < 12_000 + 3 * 2_000
    assert "Sample" not in ended.log


def test_nothing_stays_on_the_machine_but_the_cache(rig):
    """Scratch is empty after the attempt, good or bad."""
    rig.job(frames="1-3")
    rig.fake(error={"3": [2, 70, "no image"]})
    rig.render(3)
    assert list((rig.folder / "scratch").iterdir()) == []


def test_blender_gets_no_credentials(rig):
    """A .blend is code; what it may do must not include the worker's role."""
    rig.job(frames="1-1", video=None)
    assert rig.render().code == 0
    names = (rig.folder / "state" / "environment").read_text().splitlines()
    assert not [name for name in names if "KEY" in name or "TOKEN" in name or "CREDENTIALS" in name]
    assert "CUDA_CACHE_PATH" in names


def test_no_secret_gets_into_the_log_or_the_report(rig):
    """Keys are in the environment alone."""
    rig.job(frames="1-1", video=None)
    ended = rig.render()
    assert "test-secret" not in ended.log
    assert b"test-secret" not in rig.get(rig.prefix.report(0, 0, 1))
