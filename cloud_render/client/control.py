# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done to a job that was submitted: retry, stitch, cancel, delete."""

from __future__ import annotations

import time
from dataclasses import replace

from cloud_render.client import batch, content, month, objects, reasons
from cloud_render.client.farm import Farm
from cloud_render.client.hand_over import hand_over
from cloud_render.client.records import Record, missing_frames, no_job, record
from cloud_render.contract import frames, keys
from cloud_render.contract.errors import BadArguments
from cloud_render.contract.job import Gaps, RenderJob, Submission
from cloud_render.contract.report import End
from cloud_render.contract.scene import MachineClass


def retry(
    farm: Farm,
    job_id: str,
    machine: MachineClass | None = None,
    cost_limit_usd: float | None = None,
    sleep: batch.Sleep = time.sleep,
) -> Submission:
    """Render the frames that are missing once more, then stitch; frames that are there stay.

    If only the video is missing, only the stitch runs. The machine and the limit of the whole job's cost are those of
    the last submission, unless given.

    Raises BadArguments while the job runs, and when nothing is missing; StoppedByLimit where nothing is left of the
    stack's limit for the job's month; MissingFiles where the scene's content has expired since, or could before the
    frames are rendered.
    """
    found = record(farm, job_id)
    job = _ended_job(farm, found)
    missing = missing_frames(farm, job)
    if not missing and (job.video is None or found.video):
        raise BadArguments(f"Nothing of {job_id} is missing.", "Get it with `cloud-render download`.")
    text = frames.text_of(missing) if missing else ""
    if missing:
        month.check(farm, job_id)
        content.check(farm, job_id, f"Send the scene again, for these frames: cloud-render submit FILE --frames {text}")
    submission = _next(found, job, text, machine)
    if cost_limit_usd is not None:
        submission = replace(submission, cost_usd=cost_limit_usd)
    return _submit_next(farm, job, submission, sleep)


def stitch(farm: Farm, job_id: str, allow_gaps: bool = False, sleep: batch.Sleep = time.sleep) -> Submission:
    """Make the video of the frames that are there; with `allow_gaps` a missing one is held from its neighbour.

    Raises BadArguments while the job runs, for a job that makes no video, and for gaps that aren't allowed.
    """
    found = record(farm, job_id)
    job = _ended_job(farm, found)
    if job.video is None:
        raise BadArguments(f"{job_id} makes no video.", "It was submitted as single images.")
    missing = missing_frames(farm, job)
    if len(missing) == len(job.frame_list):
        raise BadArguments(f"{job_id} has no frames yet.", f"Render them with `cloud-render retry {job_id}`.")
    if missing and not allow_gaps:
        raise BadArguments(
            f"{job_id} lacks {reasons.named(missing)}.",
            "Render what is missing with `cloud-render retry`, or hold their neighbours with --allow-gaps.",
        )
    return _submit_next(farm, job, _next(found, job, gaps="hold" if missing else "refuse"), sleep)


def cancel(farm: Farm, job_id: str) -> End:
    """End the job, whatever it is doing, and say how it stood; frames that are there stay, and `retry` can go on.

    The end of a job whose upload had not ended has no frames in all: there is nothing to go on with.

    Raises NotThere, and BadArguments for a job that has ended.
    """
    found = record(farm, job_id)
    if found.end is not None and found.end.state != "failed":
        raise BadArguments(f"{job_id} has ended: it is {found.end.state}.")
    if found.job is not None and found.latest is not None:
        known = batch.find_ids(farm, found.job, found.latest)
        # The array first: ended the other way round, a stitch job might just begin.
        for batch_id in (known.render_id, known.stitch_id):
            if batch_id:
                batch.terminate(farm, batch_id, batch.CANCELLED)
    total = len(found.job.frame_list) if found.job else 0
    there = total - len(missing_frames(farm, found.job)) if found.job else 0
    end = End(state="cancelled", frames=there, frames_total=total, ended=batch.utc_now(), video=found.video)
    objects.write(farm, keys.Prefix.of_job(job_id).end, end.to_json())
    return end


def delete(farm: Farm, job_id: str) -> int:
    """Delete the job's frames, video and all else below its prefix; how many objects that were.

    Content that other jobs may share stays until it expires.

    Raises NotThere, and BadArguments while the job runs.
    """
    prefix = keys.Prefix.of_job(job_id)
    found = record(farm, job_id)
    if _is_running(farm, found):
        raise BadArguments(f"{job_id} is still running.", f"First cancel it: `cloud-render cancel {job_id}`.")
    # job.json and end.json last: stopped half-way, it still shows what it was, and the same again goes on.
    last = [prefix.job, prefix.end]
    below = [entry.key for entry in objects.list_below(farm, prefix.root).entries]
    objects.delete(farm, [key for key in below if key not in last])
    objects.delete(farm, [key for key in below if key in last])
    return len(below)


def _ended_job(farm: Farm, found: Record) -> RenderJob:
    if found.job is None:
        raise no_job(found)
    if _is_running(farm, found):
        raise BadArguments(
            f"{found.job_id} is still running.", f"Wait for it, or cancel it: `cloud-render cancel {found.job_id}`."
        )
    return found.job


def _is_running(farm: Farm, found: Record) -> bool:
    """Whether Batch still does, or may soon do, something for the job."""
    if found.job is None or found.latest is None:
        return False
    if found.end is not None and found.end.state == "done":
        return False  # its stitch wrote that as its last act
    known = batch.find_ids(farm, found.job, found.latest)
    ids = [batch_id for batch_id in (known.render_id, known.stitch_id) if batch_id]
    if found.end is None and not found.latest.complete and found.age_of_latest < batch.CLAIM_LASTS:
        return True
    return any(not job.ended for job in batch.describe(farm, ids).values())


def _next(
    found: Record, job: RenderJob, text: str = "", machine: MachineClass | None = None, gaps: Gaps = "refuse"
) -> Submission:
    count = len(frames.parse(text)) if text else 0
    return Submission(
        number=found.latest.number + 1 if found.latest else 0,
        frames=text,
        frames_per_job=frames.fitted_frames_per_job(count, job.frames_per_job) if count else job.frames_per_job,
        gaps=gaps,
        created=batch.utc_now(),
        stitches=job.video is not None,
        machine=machine or (found.latest.machine if found.latest else job.machine),
        cost_usd=found.latest.cost_usd if found.latest else None,
    )


def _submit_next(farm: Farm, job: RenderJob, submission: Submission, sleep: batch.Sleep) -> Submission:
    farm.render_queue(job.device, submission.machine)  # refuses what the stack has not, before anything stands
    if not batch.claim(farm, job.id, submission):
        raise BadArguments(f"Someone else is working on {job.id} right now.", "Look at its status in a minute.")
    # It has not ended any more; a stitch that succeeds writes the new end.
    objects.delete(farm, [keys.Prefix.of_job(job.id).end])
    return hand_over(farm, job, submission, sleep=sleep)
