# SPDX-License-Identifier: GPL-3.0-or-later
"""Mends a render that has failed, with the artist's computer off: submits what was lost once more, or says the end.

AWS calls it (worker/mend.py) when an array or a stitch of the stack has failed. It does nothing for a job that someone
cancelled, has retried, or that has ended. What would fail again the same way is not tried again, and nothing is tried
more than ROUNDS times.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cloud_render.client import batch, content, month, objects, reasons
from cloud_render.client.batch import Child
from cloud_render.client.farm import Farm
from cloud_render.client.hand_over import hand_over
from cloud_render.client.reasons import Reason
from cloud_render.client.records import Record, missing_frames, record
from cloud_render.contract import frames, keys, spending
from cloud_render.contract import month as months
from cloud_render.contract.day_prices import price_of
from cloud_render.contract.errors import (
    BadArguments,
    CloudRenderError,
    CloudUnreachable,
    DoesNotFit,
    MissingFiles,
    NotThere,
    StoppedByLimit,
    TryAgain,
)
from cloud_render.contract.job import RenderJob, Submission
from cloud_render.contract.report import End
from cloud_render.contract.scene import MachineClass
from cloud_render.store.translate import translated

log = logging.getLogger(__name__)

ROUNDS = 2
"""Submissions by the mender after one by a person."""

Cause = Literal["lost", "memory", "hopeless"]
"""lost: the machine or the network went away · memory: a larger machine may do · hopeless: it would only come again."""

_KILLED = 137
"""The exit code of a container that the out-of-memory killer has ended."""

_NOT_THE_MACHINE = re.compile("OutOfMemory|CannotPull|timeout|exceeded|Dependent|MISCONFIGURATION", re.IGNORECASE)
"""Batch's reasons for an attempt without exit code that are not a lost machine's."""


def mend(farm: Farm, batch_name: str, sleep: batch.Sleep = time.sleep) -> str:
    """What was done about the array or stitch of that name in Batch, in words.

    Raises BadArguments for a name that is none of ours, NotThere for a job that is gone, and CloudUnreachable,
    StorageUnavailable or NoCredentials, after which the same again goes on.
    """
    named = keys.submission_of_name(batch_name)
    if named is None:
        raise BadArguments(f"{batch_name!r} is no job of Cloud Render.", "Name an array, such as ID-0-render.")
    found = record(farm, named.job_id)
    job, latest = found.job, found.latest
    if job is None or latest is None:
        raise NotThere(f"{named.job_id} was never submitted whole.", "Submit the scene again.")
    if found.end is not None:
        return f"nothing to do: {job.id} is {found.end.state}"
    if latest.number == named.number + 1 and latest.round and not latest.complete:
        return _go_on(farm, found, job, latest, sleep)
    if latest.number != named.number:
        return f"nothing to do: {job.id} was submitted again since"
    case = _Case(farm, found, job, latest, missing_frames(farm, job))
    return _mend_stitch(case) if named.role == "stitch" else _mend_render(case, sleep)


@dataclass(frozen=True)
class _Case:
    """A job that failed."""

    farm: Farm
    found: Record
    job: RenderJob
    latest: Submission
    missing: tuple[int, ...]


def _go_on(farm: Farm, found: Record, job: RenderJob, claimed: Submission, sleep: batch.Sleep) -> str:
    """A mender before this one claimed a submission and was ended on its way to Batch, or is on it right now."""
    sleep(max(0.0, (batch.CLAIM_LASTS - found.age_of_latest).total_seconds()))
    now = record(farm, job.id, job)
    if now.latest != claimed:
        return f"nothing to do: {job.id} goes on"
    return _hand_over(farm, job, claimed, sleep, look_first=True)


def _mend_stitch(case: _Case) -> str:
    """Batch has tried it again by itself where that could help: what failed here is told."""
    stitch = batch.describe(case.farm, [case.latest.stitch_id]).get(case.latest.stitch_id)
    if stitch is None or not stitch.ended or stitch.status_reason == batch.CANCELLED:
        return f"nothing to do: the stitch of {case.job.id} has not ended"
    reason = reasons.of_stitch(case.farm, case.found, stitch)
    if case.missing and case.latest.problem:
        reason = Reason(case.latest.problem, reason.advice)
    return _give_up(case, reason)


def _mend_render(case: _Case, sleep: batch.Sleep) -> str:
    farm, latest = case.farm, case.latest
    render = batch.describe(farm, [latest.render_id] if latest.render_id else []).get(latest.render_id)
    if render is None or not render.ended:
        return f"nothing to do: the array of {case.job.id} has not ended"
    if render.status_reason in (batch.CANCELLED, batch.UNDONE):
        return f"nothing to do: {case.job.id} was cancelled"
    if not case.missing and case.job.video is None:
        objects.create(farm, keys.Prefix.of_job(case.job.id).end, _end(case, "done").to_json())
        return f"all frames of {case.job.id} are there"
    failed = reasons.failed_children(farm, render)
    tried = _next_try(farm, case, failed)
    if latest.round >= ROUNDS or (case.missing and not tried.submission.frames):
        return _give_up(case, _with_rounds(case, reasons.of_render(farm, case.found, render)))
    if over := _over_limit(case):
        return _give_up(case, over)
    problem = reasons.of_children(farm, case.found, tried.hopeless).problem if tried.hopeless else latest.problem
    return _once_more(case, replace(tried.submission, problem=problem), sleep)


def _over_limit(case: _Case) -> Reason | None:
    farm, limit = case.farm, case.latest.cost_limit(case.job)
    this_month = month.month_of(farm, months.month_of(case.job.id), without=case.job.id)
    if limit is None and this_month is None:
        return None
    listing = objects.list_below(farm, spending.pulses(keys.Prefix.of_job(case.job.id)))
    now = listing.now.timestamp()
    pulses = [(spending.Pulse.of_key(entry.key), entry.modified.timestamp()) for entry in listing.entries]
    stays = [spending.stay_of_pulse(pulse, seen, now) for pulse, seen in pulses if pulse]
    found = spending.spent(stays, price_of(case.job.prices, spending.typical_price(farm.s3.meta.region_name)))
    error: StoppedByLimit | None = None
    whole = replace(this_month, spent_usd=this_month.spent_usd + found.usd) if this_month else None
    if limit is not None and not spending.allows(limit, found, 0.0, 0.0):
        error = spending.over_limit(limit, found.usd)
    elif whole and whole.left_usd <= 0:
        error = months.one_frame_too_many(whole)
    return Reason(error.problem, error.advice) if error else None


@dataclass(frozen=True)
class _Try:
    """What can be tried once more."""

    submission: Submission
    hopeless: tuple[Child, ...]
    """Whose frames are left out of it."""


def _next_try(farm: Farm, case: _Case, failed: Sequence[Child]) -> _Try:
    job, latest = case.job, case.latest
    causes = {child.index: cause_of(child) for child in failed}
    if "memory" in causes.values():
        # Those that did not begin because the others did not fit may fit where the others will.
        stopped = {child.index for child in failed if child.exit_code == StoppedByLimit.exit_code}
        causes = {index: "memory" if index in stopped else cause for index, cause in causes.items()}
    larger = _next_machine(farm, job, latest.machine)
    if larger is None:
        causes = {index: "hopeless" if cause == "memory" else cause for index, cause in causes.items()}
    of_frame = _causes_of_frames(latest, causes)
    # A frame whose child says it succeeded, and yet is not there, was lost on the way; one that this submission did not
    # ask for was given up before.
    asked = frozenset(latest.frame_list)
    cause_of_missing: dict[int, Cause] = {
        frame: of_frame.get(frame, "lost" if frame in asked else "hopeless") for frame in case.missing
    }
    wanted = [frame for frame in case.missing if cause_of_missing[frame] != "hopeless"]
    grows = any(cause_of_missing[frame] == "memory" for frame in wanted)
    return _Try(
        Submission(
            number=latest.number + 1,
            frames=frames.text_of(wanted) if wanted else "",
            frames_per_job=frames.fitted_frames_per_job(len(wanted) or 1, job.frames_per_job),
            gaps=latest.gaps,
            created=batch.utc_now(),
            stitches=job.video is not None,
            machine=larger if grows and larger else latest.machine,
            cost_usd=latest.cost_usd,
            # Whoever comes here was taken away as often as Batch tries again by itself.
            on_demand=latest.on_demand or "lost" in cause_of_missing.values(),
            round=latest.round + 1,
        ),
        hopeless=tuple(child for child in failed if causes[child.index] == "hopeless"),
    )


def cause_of(child: Child) -> Cause:
    """Why a child failed for good, after all of Batch's own attempts."""
    if child.exit_code in (DoesNotFit.exit_code, _KILLED) or "OutOfMemory" in child.reason:
        return "memory"
    if child.exit_code == TryAgain.exit_code:
        return "lost"
    if child.exit_code is None and not _NOT_THE_MACHINE.search(child.reason):
        return "lost"
    return "hopeless"


def _causes_of_frames(submission: Submission, causes: dict[int, Cause]) -> dict[int, Cause]:
    ordered, size = submission.frame_list, submission.frames_per_job
    return {
        frame: cause
        for index, cause in causes.items()
        for frame in (frames.slice_of(ordered, index, size) if ordered else ())
    }


def _next_machine(farm: Farm, job: RenderJob, machine: MachineClass) -> MachineClass | None:
    classes = farm.machine_classes(job.device)
    larger = classes[classes.index(machine) + 1 :] if machine in classes else ()
    return larger[0] if larger else None


def _once_more(case: _Case, submission: Submission, sleep: batch.Sleep) -> str:
    farm, job = case.farm, case.job
    try:
        if submission.frames:
            content.check(farm, job.id, "Submit the scene again: what the cloud lacks is sent once more.")
    except MissingFiles as error:
        return _give_up(case, Reason(error.problem, error.advice))
    if not batch.claim(farm, job.id, submission):
        return f"nothing to do: {job.id} was submitted again since"
    return _hand_over(farm, job, submission, sleep)


def _hand_over(farm: Farm, job: RenderJob, submission: Submission, sleep: batch.Sleep, look_first: bool = False) -> str:
    made = hand_over(farm, job, submission, look_first, sleep)
    if objects.read_if_there(farm, keys.Prefix.of_job(job.id).end) is not None:
        # Cancelled while the jobs were on their way, when there was nothing yet to end.
        for batch_id in filter(None, (made.render_id, made.stitch_id)):
            batch.terminate(farm, batch_id, batch.CANCELLED)
        return f"nothing to do: {job.id} was cancelled meanwhile"
    what = reasons.named(submission.frame_list) if submission.frames else "the video"
    return (
        f"{job.id}: {what} submitted once more on {submission.machine} machines, round {submission.round} of {ROUNDS}"
    )


def _with_rounds(case: _Case, reason: Reason) -> Reason:
    if not case.latest.round or not case.missing:
        return reason
    times = "once" if case.latest.round == 1 else f"{case.latest.round} times"
    lacking = reasons.named(case.missing)
    return Reason(f"Tried {times} more by itself, {lacking} could not be rendered. {reason.problem}", reason.advice)


def _give_up(case: _Case, reason: Reason) -> str:
    """The one clear reason: in end.json for every client, and by mail."""
    told = [reason.problem] if case.latest.problem in reason.problem else [case.latest.problem, reason.problem]
    end = _end(case, "failed", Reason(" ".join(told), reason.advice))
    if not objects.create(case.farm, keys.Prefix.of_job(case.job.id).end, end.to_json()):
        return f"nothing to do: {case.job.id} has ended meanwhile"
    _mail(case.farm, case.job, end)
    return f"{case.job.id} has failed: {end.problem}"


def _end(case: _Case, state: Literal["done", "failed"], reason: Reason = reasons.NO_REASON) -> End:
    total = len(case.job.frame_list)
    return End(
        state=state,
        frames=total - len(case.missing),
        frames_total=total,
        ended=batch.utc_now(),
        video=case.found.video,
        problem=reason.problem,
        advice=reason.advice,
    )


def _mail(farm: Farm, job: RenderJob, end: End) -> None:
    """To whom the stack notifies. The end stands already: a mail that can't be sent is only logged."""
    if not farm.notices_topic:
        return
    text = (
        f"Cloud Render ({farm.stack}): the job {job.name} ({job.id}) has failed with {end.frames} of "
        f"{end.frames_total} frames rendered.\n\n{end.problem}\n\n{end.advice}\n"
    )
    try:
        with translated("send the mail", CloudUnreachable):
            farm.connection.client("sns").publish(
                TopicArn=farm.notices_topic, Subject="Cloud Render: a job has failed", Message=text
            )
    except CloudRenderError as error:
        log.warning("warning: %s", error)
