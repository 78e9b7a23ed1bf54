# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a render: the exit code, one clear last line, a report that says the same, good frames kept."""

from __future__ import annotations

import pytest

from cloud_render.contract.job import Limits


def test_a_frame_that_crashes_blender_once_is_tried_again_in_a_fresh_process(rig):
    """One crash costs one start of Blender; the report tells of it."""
    rig.job(frames="1-4")
    rig.fake(crash={"3": 1})
    ended = rig.render()
    assert ended.code == 0, ended.log
    assert len((rig.folder / "state" / "processes").read_text().splitlines()) == 2
    assert rig.rendered == [1, 2, 3, 3, 4]
    assert "Frame 3 failed and is tried once more" in rig.report().warnings[0]


def test_a_frame_that_fails_twice_fails_the_child_and_keeps_the_good_frames(rig):
    """An error at frame 3 of 5: exit 70 with the reason, frames 1 and 2 stay."""
    rig.job(frames="1-5")
    rig.fake(error={"3": [2, 70, "Frame 3 gave no image."]})
    ended = rig.render()
    assert ended.code == 70
    assert ended.last_line.startswith("error: Frame 3 failed twice: Frame 3 gave no image.")
    assert rig.keys("frames/") == ["frames/0001.png", "frames/0002.png"]
    report = rig.report()
    assert (report.exit_code, [frame.frame for frame in report.frames]) == (70, [1, 2])
    assert "gave no image" in report.problem


@pytest.mark.parametrize(
    ("code", "problem"),
    [(64, "There is no camera."), (65, "The .blend is damaged."), (69, "No usable GPU: Cycles would use the CPU.")],
)
def test_what_would_only_come_again_is_not_tried_again(rig, code, problem):
    """Blender's own verdicts end the child at once with their exit code."""
    rig.job(frames="1-3")
    rig.fake(error={"1": [9, code, problem]})
    ended = rig.render()
    assert ended.code == code
    assert ended.last_line == f"error: {problem}"
    assert rig.rendered == [1]


def test_blender_killed_twice_means_that_the_scene_does_not_fit(rig):
    """SIGKILL is how the kernel says out of memory; one more try, then 71."""
    rig.job(frames="1-3")
    rig.fake(kill={"2": 2})
    ended = rig.render()
    assert ended.code == 71
    assert "Frame 2 failed twice" in ended.last_line
    assert "memory" in ended.last_line


def test_a_frozen_blender_is_ended_and_the_frame_tried_again(rig):
    """Without any sign of life for limits.stall_s the process is replaced."""
    rig.job(frames="1-3", limits=Limits(stall_s=1.0))
    rig.fake(silent={"2": 1})
    ended = rig.render()
    assert ended.code == 0, ended.log
    assert "no sign of life for 1 s on frame 2" in ended.log
    assert len(rig.keys("frames/")) == 3


def test_a_frame_over_its_limit_fails_the_child(rig):
    """limits.frame_s ends what would be paid for without end."""
    rig.job(frames="1-2", limits=Limits(frame_s=0.5))
    rig.fake(slow_s=30)
    ended = rig.render()
    assert ended.code == 70
    assert "Frame 1 took longer than the limit of 0.5 s" in ended.last_line


@pytest.mark.parametrize("how", ["empty", "unwritten"])
def test_a_frame_without_an_image_is_never_a_success(rig, how):
    """What counts is the file, not what Blender says of it, nor that it ends with 0."""
    rig.job(frames="1-2")
    rig.fake(**{how: {"1": 2}})
    ended = rig.render()
    assert ended.code == 70
    assert "Blender wrote no 0001.png for frame 1" in ended.last_line
    assert rig.keys("frames/") == []


def test_a_blender_that_crashes_while_loading_is_started_once_more(rig):
    """Crashes before the first frame count as that frame's."""
    rig.job(frames="1-2")
    rig.fake(load_crash=1)
    assert rig.render().code == 0
    rig.fake(load_crash=9)
    rig.job(frames="1-4")
    ended = rig.render()
    assert ended.code == 70
    assert "Frame 3 failed twice: Blender ended by signal 6" in ended.last_line


def test_a_job_that_is_not_there_is_said_to_be_not_there(rig):
    """A wrong address: exit 64, and the report lies where the output would."""
    ended = rig.render()
    assert ended.code == 64
    assert "not there" in ended.last_line
    assert rig.report().exit_code == 64


def test_a_plain_blend_that_is_not_there_fails_with_words(rig):
    """Blender would render its start-up scene, or end with 0."""
    place = f"s3://{rig.bucket}/"
    ended = rig.worker("render", "-i", place + "in/gone.blend", "-o", place + "out", "-f", "5")
    assert ended.code == 64
    assert ended.last_line.startswith("error: ")
    assert "in/gone.blend" in ended.last_line
    assert not (rig.folder / "state" / "processes").exists()


def test_a_job_of_another_version_is_refused_with_words(rig):
    """An unknown version or field is never guessed at."""
    job = rig.job(frames="1-2")
    rig.put(rig.prefix.job, job.to_json().replace('"version": 1', '"version": 2').encode())
    ended = rig.render()
    assert ended.code == 64
    assert "its version is 2, and this program reads version 1" in ended.last_line


def test_contents_that_lack_a_file_of_the_job_are_missing_files(rig):
    """Before the first frame every file of job.json is in place, or the child says which is not."""
    job = rig.job(rig.file("p/scene.blend"), rig.file("p/wood.png", b"wood"))
    rig.job(rig.file("p/scene.blend"))
    rig.put(rig.prefix.job, job.to_json().encode())
    ended = rig.render()
    assert ended.code == 66
    assert "1 missing file: p/wood.png" in ended.last_line


def test_an_expired_pack_is_said_before_anything_renders(rig):
    """Content that the bucket no longer holds ends the child with words."""
    rig.job(rig.file("p/scene.blend"))
    for item in rig.s3.list_objects_v2(Bucket=rig.bucket, Prefix="store/packs/")["Contents"]:
        rig.s3.delete_object(Bucket=rig.bucket, Key=item["Key"])
    ended = rig.render()
    assert ended.code == 64
    assert "no longer in the bucket" in ended.last_line


def test_an_unreachable_s3_asks_for_another_attempt(rig):
    """Exit 75 is the one code that Batch tries again."""
    ended = rig.render(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert ended.code == 75
    assert "no connection" in ended.last_line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("render -i s3://bucket/k", "the following arguments are required"),
        ("render -i s3://bucket/j.json -o s3://bucket/o -f 0", "'0' is not a whole number from 1 up"),
        ("render -i bucket/j.json -o s3://bucket/o -f 1", "is not an S3 address"),
        ("render -i s3://bucket/scene.txt -o s3://bucket/o -f 1", "neither a job.json nor a .blend"),
        ("render -i s3://bucket/j.json -o s3://bucket/o -f 1 --colour red", "unrecognized arguments"),
        ("paint", "invalid choice: 'paint'"),
    ],
)
def test_wrong_usage_is_exit_64_with_words(rig, arguments, said):
    """No option is skipped silently and nothing ends in a traceback."""
    ended = rig.worker(*arguments.split())
    assert ended.code == 64
    assert said in ended.last_line
    assert "Traceback" not in ended.log


def test_a_bad_array_index_is_refused(rig):
    """An index that is no number, or outside the array, renders nothing."""
    rig.job(frames="1-10")
    assert rig.render(5, AWS_BATCH_JOB_ARRAY_INDEX="two").code == 64
    ended = rig.render(5, **rig.child(2, 2))
    assert ended.code == 64
    assert "There is no child 2" in ended.last_line
