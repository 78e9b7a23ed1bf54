# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stack does by itself about a render that has failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cloud_render.client import batch, mend, objects
from cloud_render.client.batch import Child
from cloud_render.client.control import cancel, retry
from cloud_render.client.farm import Farm
from cloud_render.client.monitor import JobState, snapshot
from cloud_render.client.records import record
from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments, CloudUnreachable
from cloud_render.contract.job import Submission
from cloud_render.contract.report import End
from cloud_render.contract.spending import Pulse

Submitted = Callable[..., str]
WaitFor = Callable[..., JobState]


def latest(farm: Farm, job_id: str) -> Submission:
    found = record(farm, job_id).latest
    assert found is not None
    return found


def mended(farm: Farm, job_id: str, role: str = "render") -> str:
    """What the mender says when the newest array, or stitch, of the job has failed."""
    return mend.mend(farm, f"{job_id}-{latest(farm, job_id).number}-{role}")


@pytest.mark.parametrize(
    ("child", "cause"),
    [
        (Child(0, 75, ""), "lost"),
        (Child(0, None, "Host EC2 (instance i-0123456789abcdef0) terminated."), "lost"),
        (Child(0, None, "Task failed to start"), "lost"),
        (Child(0, 71, ""), "memory"),
        (Child(0, 137, ""), "memory"),
        (Child(0, None, "OutOfMemoryError: Container killed due to memory usage"), "memory"),
        (Child(0, 70, ""), "hopeless"),
        (Child(0, 72, ""), "hopeless"),
        (Child(0, 1, ""), "hopeless"),
        (Child(0, None, "CannotPullContainerError: manifest unknown"), "hopeless"),
        (Child(0, None, "Job attempt duration exceeded timeout"), "hopeless"),
        (Child(0, None, "Dependent Job failed"), "hopeless"),
    ],
)
def test_only_what_may_go_better_is_tried_again(child: Child, cause: str) -> None:
    """A lost machine and too little memory may; what the scene or the stack does wrong comes again."""
    assert mend.cause_of(child) == cause


def test_what_was_lost_is_rendered_once_more(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """The frames of the lost child alone, then the video; frames that were there stay."""
    job_id = submitted("once lost=4", frames_per_job=2)
    assert wait_for(job_id).phase == "failed"
    assert mended(farm, job_id) == f"{job_id}: frame 4 submitted once more on small machines, round 1 of 2"
    again = latest(farm, job_id)
    assert (again.number, again.frames, again.round, again.machine, again.on_demand) == (1, "4", 1, "small", True)
    state = wait_for(job_id)
    assert (state.phase, state.frames_done) == ("done", 6)
    assert objects.read(farm, keys.Prefix.of_job(job_id).frame(3, "png")) == b"frame 3 of submission 0"


def test_what_did_not_fit_gets_a_larger_machine(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """One class up, in the queue of that class, asking for its memory."""
    job_id = submitted("once kill=3", frames_per_job=2)
    wait_for(job_id)
    assert "on medium machines" in mended(farm, job_id)
    again = latest(farm, job_id)
    assert (again.machine, again.round) == ("medium", 1)
    (row,) = farm.batch.describe_jobs(jobs=[again.render_id])["jobs"]
    assert row["jobQueue"] == farm.render_gpu_medium_queue
    assert {"type": "MEMORY", "value": "29000"} in row["container"]["resourceRequirements"]
    assert wait_for(job_id).phase == "done"


def test_the_largest_machine_is_the_end(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Where there is no larger one, the reason is told instead."""
    small = replace(farm, render_gpu_medium_queue="", render_gpu_large_queue="")
    job_id = submitted("kill=3", frames_per_job=2)
    wait_for(job_id)
    assert "has failed: The machine ran out of memory." in mended(small, job_id)


def test_what_fails_for_good_is_not_tried_again(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """The worker's own word becomes the job's end, for every client the same."""
    job_id = submitted("fail=3", frames_per_job=2)
    wait_for(job_id)
    assert "Blender wrote no picture for frame 3." in mended(farm, job_id)
    state = snapshot(farm, job_id)
    assert (state.phase, state.frames_done, state.problem, state.advice) == (
        "failed", 4, "Blender wrote no picture for frame 3.", "Look at the scene."
    )  # fmt: skip
    assert latest(farm, job_id).number == 0


def test_a_broken_frame_does_not_keep_lost_ones_from_being_rendered(
    farm: Farm, submitted: Submitted, wait_for: WaitFor
) -> None:
    """What can be rendered is; in the end the reason is that of the broken frame."""
    job_id = submitted("once fail=1 lost=5", frames_per_job=2)
    wait_for(job_id)
    mended(farm, job_id)
    assert latest(farm, job_id).frames == "5-6"
    assert wait_for(job_id).phase == "failed"  # its stitch refuses the gap
    mended(farm, job_id, "stitch")
    state = snapshot(farm, job_id)
    assert (state.frames_done, state.problem) == (4, "Blender wrote no picture for frame 1.")


def test_two_rounds_are_the_most(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """A frame that is lost for ever ends with a word that says how often it was tried."""
    job_id = submitted("lost=2", frames="1-2", frames_per_job=2)
    for number in (1, 2):
        wait_for(job_id)
        mended(farm, job_id)
        assert (latest(farm, job_id).number, latest(farm, job_id).round) == (number, number)
    wait_for(job_id)
    assert "Tried 2 times more by itself, frame 2 could not be rendered." in mended(farm, job_id)
    assert latest(farm, job_id).number == 2
    assert retry(farm, job_id).round == 0


def test_nothing_is_submitted_beyond_the_cost_limit(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """A job that has cost what it may ends; who raises the limit goes on with the missing frames."""
    job_id = submitted("once lost=4", frames_per_job=2, cost_limit_usd=1.0)
    wait_for(job_id)
    pulse = Pulse(0, 0, 1, round(time.time() - 36_000), "i-0other", "g6e.2xlarge", "spot")
    objects.write(farm, pulse.key(keys.Prefix.of_job(job_id)), b"")
    assert "would pass its limit of $1.00" in mended(farm, job_id)
    assert (snapshot(farm, job_id).phase, latest(farm, job_id).number) == ("failed", 0)
    assert retry(farm, job_id, cost_limit_usd=100.0).cost_usd == 100.0
    assert wait_for(job_id).phase == "done"


def test_a_video_whose_frames_are_all_there_is_made(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """A child that was lost after its last upload costs a stitch, not a frame."""
    job_id = submitted("once late=6", frames_per_job=2)
    wait_for(job_id)
    assert "the video submitted once more" in mended(farm, job_id)
    assert latest(farm, job_id).frames == ""
    assert wait_for(job_id).phase == "done"


def test_a_lost_still_that_is_there_is_done(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Nothing is submitted where neither frame nor video is missing."""
    job_id = submitted("late=4", frames="4")
    batch_job = latest(farm, job_id).render_id
    while not batch.describe(farm, [batch_job])[batch_job].ended:
        pass
    assert "all frames" in mended(farm, job_id)
    assert snapshot(farm, job_id).phase == "done"


def test_the_mender_is_quiet_where_a_person_has_acted(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Cancelled, submitted again, still running, or ended: it does nothing and says why."""
    job_id = submitted("hold", frames_per_job=2)
    wait_for(job_id, "rendering")
    assert mended(farm, job_id) == f"nothing to do: the array of {job_id} has not ended"
    cancel(farm, job_id)
    assert mended(farm, job_id) == f"nothing to do: {job_id} is cancelled"
    objects.delete(farm, [keys.Prefix.of_job(job_id).end])  # as between the two steps of a cancel
    assert mended(farm, job_id) == f"nothing to do: {job_id} was cancelled"
    job_id = submitted("once fail=3", frames_per_job=2)
    wait_for(job_id)
    retry(farm, job_id)
    assert mend.mend(farm, f"{job_id}-0-render") == f"nothing to do: {job_id} was submitted again since"


def test_a_mender_that_was_ended_half_way_is_gone_on_from(
    farm: Farm, submitted: Submitted, wait_for: WaitFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its claim stands and nothing runs: the next one waits until that is sure, and submits what was claimed."""
    job_id = submitted("once lost=4", frames_per_job=2)
    wait_for(job_id)

    def ended(*_: Any, **__: Any) -> Submission:
        raise CloudUnreachable("AWS Batch does not answer.")

    with monkeypatch.context() as line:
        line.setattr(mend, "hand_over", ended)
        with pytest.raises(CloudUnreachable):
            mended(farm, job_id)
    waited: list[float] = []
    assert "round 1 of 2" in mend.mend(farm, f"{job_id}-0-render", waited.append)
    assert 30 < waited[0] <= batch.CLAIM_LASTS.total_seconds()
    assert wait_for(job_id).phase == "done"
    assert mend.mend(farm, f"{job_id}-0-render") == f"nothing to do: {job_id} is done"


def test_a_cancel_that_comes_meanwhile_wins(
    farm: Farm, submitted: Submitted, wait_for: WaitFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs that were on their way to Batch at that moment are ended again."""
    job_id = submitted("lost=4", frames_per_job=2)
    wait_for(job_id)
    really = mend.hand_over

    def cancelled_meanwhile(*given: Any, **more: Any) -> Submission:
        made = really(*given, **more)
        end = End("cancelled", 0, 6, batch.utc_now())
        objects.write(farm, keys.Prefix.of_job(job_id).end, end.to_json())
        return made

    monkeypatch.setattr(mend, "hand_over", cancelled_meanwhile)
    assert mended(farm, job_id) == f"nothing to do: {job_id} was cancelled meanwhile"
    stitch_id = latest(farm, job_id).stitch_id
    assert batch.describe(farm, [stitch_id])[stitch_id].status == "FAILED"


def test_a_name_that_is_not_ours_is_refused(farm: Farm) -> None:
    """Whatever else runs in the account is none of the mender's business."""
    with pytest.raises(BadArguments, match="no job of Cloud Render"):
        mend.mend(farm, "nightly-backup")
