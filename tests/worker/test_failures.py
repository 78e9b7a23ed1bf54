# SPDX-License-Identifier: GPL-3.0-or-later
"""Children of an array that fail alike stop the others; the clock that ends a hung Blender."""

from __future__ import annotations

import pytest

from worker.session import LEAST_STALL_S, STALL_S, stall_after

ARRAY = {"AWS_BATCH_JOB_ARRAY_SIZE": "20"}


def child(rig, index, **environment):
    return rig.render(1, AWS_BATCH_JOB_ARRAY_INDEX=str(index), **ARRAY, **environment)


def test_the_fourth_child_does_not_begin_where_three_failed_alike(rig):
    """Three of twenty are more than a tenth: exit code 72, told with the others' reason, and Blender never starts."""
    rig.job(frames="1-20", frames_per_job=1)
    rig.fake(error={str(frame): [9, 70, "Frame gave no image."] for frame in range(1, 21)})
    assert [child(rig, index).code for index in range(3)] == [70, 70, 70]
    rendered = list(rig.rendered)
    ended = child(rig, 3)
    assert ended.code == 72
    assert "3 of 20 children failed alike, so the others did not begin. Frame 1 failed twice" in ended.last_line
    assert rig.rendered == rendered


def test_failures_of_different_kinds_are_not_added_up(rig):
    """Two that fail on a frame and two that find no GPU are no common reason."""
    rig.job(frames="1-20", frames_per_job=1)
    for code in (70, 69):
        for index in (0, 1):
            rig.put(rig.prefix.failure(0, code, index), b"")
    rig.fake()
    assert child(rig, 5).code == 0


def test_another_submission_begins_afresh(rig):
    """A retry is not stopped by what failed before it."""
    rig.job(frames="1-20", frames_per_job=1)
    for index in range(5):
        rig.put(rig.prefix.failure(0, 70, index), b"")
    rig.submission(1, "1-20", 1)
    rig.fake()
    ended = rig.render(1, "--submission", "1", AWS_BATCH_JOB_ARRAY_INDEX="2", **ARRAY)
    assert ended.code == 0, ended.log


def test_a_lost_machine_is_no_failure_of_the_scene(rig):
    """What Batch tries again leaves no word for the others."""
    rig.job(frames="1-20", frames_per_job=1)
    rig.fake(error={"1": [9, 75, "S3 is away."]})
    assert child(rig, 0).code == 75
    assert rig.keys("failures/") == []


@pytest.mark.parametrize(
    ("times", "seconds"),
    [([], STALL_S), ([2.0, 2.0], STALL_S), ([2.0] * 3, LEAST_STALL_S), ([10.0, 90.0, 10.0], 1800.0)],
)
def test_silence_is_measured_by_the_frames_so_far(times, seconds):
    """Generous before anything is known; then twenty times the longest frame, and never under ten minutes."""
    assert stall_after(times) == seconds
