# SPDX-License-Identifier: GPL-3.0-or-later
"""Submits: content, then job.json, then Batch. Stopped anywhere, the same again goes on and makes no second job.

submit()  content to the store -> contents.json.gz -> job.json (only if absent) -> claim batch/0.json -> SubmitJob twice
begin()   the second half alone, of a job that somebody else has written: a file that came through the inbox
resume()  what a submit left half done: ids that were not written down, an array without its stitch
A job that inherits frames has them before its job.json, and claims batch/1.json, which names the other frames.
Retries, cancelling and deleting are control.py's, rendering some frames again is again.py's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cloud_render.client import batch, content, month, objects, pending
from cloud_render.client.control import cancel, delete, retry, stitch
from cloud_render.client.farm import Farm
from cloud_render.client.hand_over import hand_over
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan, plan
from cloud_render.client.records import Record, missing_frames, no_job, record
from cloud_render.contract import frames, keys
from cloud_render.contract.errors import Cancelled, CloudRenderError
from cloud_render.contract.job import RenderJob, Submission
from cloud_render.store import NEVER, SILENT, Progress, SourceFile

__all__ = ["Options", "SubmitPlan", "begin", "cancel", "delete", "plan", "resume", "retry", "stitch", "submit"]


@dataclass(frozen=True)
class Inherited:
    """Frames that a new job has from the start: its array renders only the others."""

    mark: str
    """Tells a submit with them from others of the same scene."""
    bring: Callable[[str], None]
    """Puts them below the job of that id; doing it again changes nothing."""


NOTHING = Inherited("", lambda _: None)


def submit(
    farm: Farm,
    plan: SubmitPlan,
    progress: Progress = SILENT,
    cancelled: Callable[[], bool] = NEVER,
    memory: Path | None = None,
    sleep: batch.Sleep = time.sleep,
    inherited: Inherited = NOTHING,
) -> str:
    """The id of the job, once Batch has it. After a crash or a network error, the same call goes on with the same job.

    While another process is at the same submit, this one is refused, or there would be two jobs to pay. `memory` is the
    folder where unfinished submits are remembered; this person's own if not given.
    Raises StoppedByLimit where nothing is left of the stack's limit for the month, TryAgain where another process is at
    it, BadArguments, FileChanged, MissingFiles, StorageUnavailable, NoCredentials, CloudUnreachable, Cancelled; or
    CloudRenderError for what AWS refuses.
    """
    farm.render_queue(plan.device or farm.default_device, plan.machine)  # refuses a machine that the stack has not
    mark = plan.fingerprint(f"{farm.connection.endpoint_url}/{farm.bucket}{inherited.mark}")
    with pending.alone(mark, memory):
        job = _uploaded(farm, plan, mark, progress, cancelled, memory, inherited)
        if cancelled():
            raise Cancelled("The submit")
        _begin(farm, job, sleep)
        pending.end(mark, job.id, datetime.now(UTC), memory)
    return job.id


def begin(farm: Farm, job_id: str, sleep: batch.Sleep = time.sleep) -> Submission:
    """The first submission of a job whose content and job.json are there; doing it again goes on, and makes no second.

    Raises as submit(); NotThere where there is no job.json, Cancelled for a job that has ended.
    """
    found = record(farm, job_id)
    job = found.job
    if job is None:
        raise no_job(found)
    farm.render_queue(job.device, job.machine)  # refuses a machine that the stack has not
    if found.latest is None:
        month.check(farm, job_id)
    return _begin(farm, job, sleep)


def resume(farm: Farm, job_id: str, sleep: batch.Sleep = time.sleep) -> bool:
    """Finish what a submit of this job left half done more than a minute ago; whether there was anything.

    Nothing is done to a job that was cancelled or has ended. Raises NotThere for a job that does not exist, or whose
    upload has not ended: only the computer with its files can go on there; MissingFiles where its content has expired.
    """
    found = record(farm, job_id)
    if found.job is None:
        raise no_job(found)
    if found.end is not None:
        return False
    return _mended(farm, found, found.job, sleep)


def _uploaded(
    farm: Farm,
    plan: SubmitPlan,
    mark: str,
    progress: Progress,
    cancelled: Callable[[], bool],
    memory: Path | None,
    inherited: Inherited,
) -> RenderJob:
    """The job that an earlier run of this submit began, or a new one, with all its content in the store."""
    now = datetime.now(UTC)
    plan = plan.with_job_id(_unfinished(farm, pending.job_id_of(mark, now, memory, plan.asked)) or plan.job_id)
    month.check(farm, plan.job_id)
    pending.remember(mark, plan.job_id, now, memory)
    job = _sent(farm, plan, progress, cancelled, inherited)
    if job is None:
        # The job that was begun was submitted with other content since: this is a new piece of work.
        plan = plan.with_job_id(keys.new_job_id(plan.name, now))
        pending.remember(mark, plan.job_id, now, memory)
        job = _sent(farm, plan, progress, cancelled, inherited)
    if job is None:
        raise CloudRenderError(f"There is another job named {plan.job_id}.", "Submit again.")
    return job


def _unfinished(farm: Farm, job_id: str) -> str:
    """The job that an earlier run of this submit began; empty where there is none, or where it was cancelled since."""
    if job_id and objects.read_if_there(farm, keys.Prefix.of_job(job_id).end) is not None:
        return ""
    return job_id


def _mended(farm: Farm, found: Record, job: RenderJob, sleep: batch.Sleep) -> bool:
    latest = found.latest
    if latest is None:
        if found.age_of_job < batch.CLAIM_LASTS:
            return False
        content.check(farm, job.id, "Submit the scene again: what the cloud lacks is sent once more.")
        _begin(farm, job, sleep)
        return True
    if latest.complete or found.age_of_latest < batch.CLAIM_LASTS:
        return False
    hand_over(farm, job, _without_taken_back(farm, latest), look_first=True, sleep=sleep)
    return True


def _sent(
    farm: Farm, plan: SubmitPlan, progress: Progress, cancelled: Callable[[], bool], inherited: Inherited
) -> RenderJob | None:
    """The job as job.json has it; None if one of the same id but with other content stands there."""
    prefix = keys.Prefix.of_job(plan.job_id)
    files = [SourceFile(Path(file.path), file.scene_path) for file in plan.files]
    contents = farm.store.upload(files, plan.job_id, progress, cancelled)
    job = plan.job(contents, farm.default_device)
    standing = objects.read_if_there(farm, prefix.job)
    if standing is None:
        objects.write(farm, prefix.contents, contents.to_json_gz())
        inherited.bring(job.id)
        # Last, and only once: from here on the upload is complete, and other computers may act on it.
        if objects.create(farm, prefix.job, job.to_json()):
            return job
        standing = objects.read(farm, prefix.job)
    there = RenderJob.from_json(standing)
    limits = replace(there.limits, cost_usd=job.limits.cost_usd)
    same = replace(there, created=job.created, limits=limits, prices=job.prices)
    return there if same == job else None


def _begin(farm: Farm, job: RenderJob, sleep: batch.Sleep) -> Submission:
    """The first submission; also where an earlier run was stopped on its way to it."""
    end = objects.read_if_there(farm, keys.Prefix.of_job(job.id).end)
    if end is not None:
        raise Cancelled(f"The job {job.id}")
    first = _first_submission(farm, job)
    if first is not None and batch.claim(farm, job.id, first):
        return _unless_cancelled(farm, job, hand_over(farm, job, first, sleep=sleep))
    return _after_another_claim(farm, job, sleep)


def _first_submission(farm: Farm, job: RenderJob) -> Submission | None:
    """What is to be claimed; None where a submission stands.

    Whoever asks gets the same number, so one claim wins: the frames that are there before any submission are those the
    job inherited, and they were all there before its job.json.
    """
    missing = missing_frames(farm, job)
    inherits = len(missing) < len(job.frame_list)
    # Asked after the frames were listed: where none stands even now, none of them was rendered.
    if inherits and record(farm, job.id, job).latest is not None:
        return None
    return Submission(
        number=1 if inherits else 0,
        frames=frames.text_of(missing) if missing else "",
        frames_per_job=frames.fitted_frames_per_job(len(missing) or 1, job.frames_per_job),
        gaps="refuse",
        created=batch.utc_now(),
        stitches=job.video is not None,
        machine=job.machine,
    )


def _unless_cancelled(farm: Farm, job: RenderJob, submission: Submission) -> Submission:
    """Someone may have cancelled while the jobs were on their way, when there was nothing yet to end."""
    if objects.read_if_there(farm, keys.Prefix.of_job(job.id).end) is None:
        return submission
    for batch_id in (submission.render_id, submission.stitch_id):
        if batch_id:
            batch.terminate(farm, batch_id, batch.CANCELLED)
    raise Cancelled(f"The job {job.id}")


def _after_another_claim(farm: Farm, job: RenderJob, sleep: batch.Sleep) -> Submission:
    """Someone else claimed the submission: wait until it stands, or until its claim is so old that it never will."""
    while True:
        found = record(farm, job.id)
        latest = found.latest
        if latest is None or latest.complete:
            return latest or Submission(0, job.frames, job.frames_per_job, "refuse", batch.utc_now())
        if found.age_of_latest >= batch.CLAIM_LASTS:
            return hand_over(farm, job, _without_taken_back(farm, latest), look_first=True, sleep=sleep)
        sleep(2.0)


def _without_taken_back(farm: Farm, submission: Submission) -> Submission:
    """Without the id of an array that was ended because its stitch job had been refused."""
    there = batch.describe(farm, [submission.render_id] if submission.render_id else [])
    taken_back = any(job.status_reason == batch.UNDONE for job in there.values())
    return replace(submission, render_id="") if taken_back else submission
