# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that tell why a job failed, without knowing which of its processes it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloud_render.client import logs
from cloud_render.client.control import cancel, retry
from cloud_render.client.farm import Farm

Submitted = Callable[..., str]
WaitFor = Callable[..., Any]


def told(farm: Farm, job_id: str, most: int = 400) -> list[tuple[int | None, int, str]]:
    return [(line.child, line.attempt, line.text) for line in logs.of_failed(farm, job_id, most)]


def test_the_first_failed_child_is_shown(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Of an array whose children 1 and 2 failed, child 1; neither its neighbours nor the stitch that never ran."""
    job_id = submitted("fail=4 fail=5", frames_per_job=2)
    assert wait_for(job_id).phase == "failed"
    assert told(farm, job_id) == [(1, 1, f"render of {job_id} begins"), (1, 1, "frame 3 is there")]
    assert told(farm, job_id, most=1) == [(1, 1, "frame 3 is there")]


def test_earlier_attempts_come_before_the_last_one(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """The last lines reach back into an earlier attempt where the last one said little."""
    job_id = submitted("again=2 fail=2", frames="1-2", frames_per_job=2)
    assert wait_for(job_id).phase == "failed"
    begins, done = f"render of {job_id} begins", "frame 1 is there"
    assert told(farm, job_id) == [(0, 1, begins), (0, 1, done), (0, 2, begins)]
    assert told(farm, job_id, most=2) == [(0, 1, done), (0, 2, begins)]


def test_a_failed_stitch_is_shown_where_the_render_was_fine(
    farm: Farm, submitted: Submitted, wait_for: WaitFor
) -> None:
    """All frames came: the video's own process is what failed."""
    job_id = submitted("bad-stitch", frames="1-2")
    assert wait_for(job_id).phase == "failed"
    assert told(farm, job_id) == [(None, 1, f"stitch of {job_id} begins")]


def test_what_runs_is_shown_where_nothing_failed(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """A render that seems to hang can be looked at; before it begins there is nothing."""
    job_id = submitted("hold", frames="1-2")
    wait_for(job_id, "rendering")
    while not told(farm, job_id):
        assert wait_for(job_id, "rendering").phase == "rendering"
    assert told(farm, job_id) == [(0, 1, f"render of {job_id} begins")]
    cancel(farm, job_id)


def test_the_newest_submission_counts(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """After a retry that went well the failure of before is not shown again."""
    job_id = submitted("once fail=2", frames="1-2", frames_per_job=2)
    assert wait_for(job_id).phase == "failed"
    retry(farm, job_id)
    assert wait_for(job_id).phase == "done"
    assert "frame 1 is there" not in {text for _, _, text in told(farm, job_id)}
