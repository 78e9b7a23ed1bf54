# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of AWS Batch: the one place that submits, describes and ends them. Each submission stands once or not at all."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore import exceptions as aws

from cloud_render.client import objects
from cloud_render.client.farm import Farm
from cloud_render.contract import frames, keys
from cloud_render.contract.errors import CloudRenderError, CloudUnreachable
from cloud_render.contract.job import RenderJob, Submission
from cloud_render.contract.scene import MachineClass
from cloud_render.store.translate import code_of, status_of, translated

log = logging.getLogger(__name__)

CANCELLED = "Cancelled by the artist."
"""The reason of a termination, by which the mender knows it."""

UNDONE = "Cloud Render took it back: its stitch job was refused."

CLAIM_LASTS = timedelta(seconds=60)
"""A claim without ids that is older belongs to a submit that ended half-way; the two requests take well under 10 s."""

_TRIES = 4
_MOST_DESCRIBED = 100
"""Ids in one DescribeJobs."""

_ACTIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
"""A list of one state a request: without a state ListJobs tells of RUNNING alone, and an array is PENDING meanwhile."""

_MAYBE_DONE = (aws.HTTPClientError, aws.ConnectionError)
"""The answer is lost; whether the request arrived, no one knows."""

_BUSY = {"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded"}

_ROOM: dict[MachineClass, dict[str, str]] = {
    "medium": {"GPU": "1", "VCPU": "8", "MEMORY": "29000"},
    "large": {"GPU": "1", "VCPU": "8", "MEMORY": "60000"},
}
"""What a job asks for on a machine of that class, which so holds one: memory in MiB, less what ECS keeps of 32 and
64 GiB. The definition itself asks for a small one."""

Sleep = Callable[[float], None]


@dataclass(frozen=True)
class BatchAttempt:
    """One run of a job that is no array, as DescribeJobs shows it."""

    started: datetime | None = None
    stopped: datetime | None = None
    exit_code: int | None = None
    container_reason: str = ""
    status_reason: str = ""
    log_stream: str = ""


@dataclass(frozen=True)
class BatchJob:
    """One job, as DescribeJobs shows it."""

    id: str
    status: str
    """SUBMITTED, PENDING, RUNNABLE, STARTING, RUNNING, SUCCEEDED or FAILED."""
    status_reason: str
    exit_code: int | None
    container_reason: str
    children: Mapping[str, int]
    """How many children of an array are in each state; empty for a plain job."""
    log_streams: tuple[str, ...]
    """One an attempt, in their order."""
    stopped: datetime | None = None
    """When it ended."""
    name: str = ""
    after: tuple[str, ...] = ()
    """Ids of the jobs that have to end before it begins, also when they have ended."""
    attempts: tuple[BatchAttempt, ...] = ()
    """In their order; the one that runs may not be among them yet."""

    @property
    def ended(self) -> bool:
        return self.status in ("SUCCEEDED", "FAILED")


@dataclass(frozen=True)
class Child:
    """One child of an array, as ListJobs shows it; or a plain job in its place."""

    index: int
    exit_code: int | None
    reason: str
    """Why it is in its state, in Batch's words."""


def claim(farm: Farm, job_id: str, submission: Submission) -> bool:
    """Whether this submission is ours to submit; of two who try, one is told so."""
    return objects.create(farm, keys.Prefix.of_job(job_id).submission(submission.number), submission.to_json())


def submit(
    farm: Farm,
    job: RenderJob,
    submission: Submission,
    look_first: bool = False,
    sleep: Sleep = time.sleep,
    after: Sequence[str] = (),
) -> Submission:
    """Bring a claimed submission's jobs to Batch and write down their ids; what stands already is kept.

    `look_first` is for a claim that another run may have carried out in part; the frames wait for the jobs whose ids
    are `after`. If the stitch job is refused, the array is ended again. Raises CloudUnreachable (the same again goes
    on), NoCredentials, or CloudRenderError for a refusal.
    """
    with ExitStack() as undo:
        if submission.frames and not submission.render_id:
            render_id = _submitted(farm, _render_request(farm, job, submission, after), look_first, sleep)
            submission = replace(submission, render_id=render_id)
            undo.callback(_take_back, farm, job.id, submission)
            _noted(farm, job.id, submission)
        if submission.stitches and not submission.stitch_id:
            stitch_id = _submitted(farm, _stitch_request(farm, job, submission), look_first, sleep, undo)
            submission = _noted(farm, job.id, replace(submission, stitch_id=stitch_id))
        undo.pop_all()
    return submission


def describe(farm: Farm, ids: Sequence[str]) -> dict[str, BatchJob]:
    """By id; jobs that Batch has forgotten are left out. One request for up to 100 ids, none for none."""
    found: dict[str, BatchJob] = {}
    for start in range(0, len(ids), _MOST_DESCRIBED):
        with translated("ask AWS Batch about the job", CloudUnreachable):
            answer = farm.batch.describe_jobs(jobs=list(ids[start : start + _MOST_DESCRIBED]))
        found.update({row["jobId"]: _job_of(row) for row in answer["jobs"]})
    return found


def terminate(farm: Farm, batch_id: str, reason: str) -> None:
    """End it in whatever state it is, an array with all its children. Nothing happens to one that has ended."""
    with translated("end the job", CloudUnreachable):
        farm.batch.terminate_job(jobId=batch_id, reason=reason)


def children_in(farm: Farm, render_id: str, status: str, most: int = 100) -> list[Child]:
    """An array's children in that state; up to `most` of them, 100 a request."""
    rows: list[Mapping[str, Any]] = []
    with translated("ask AWS Batch about the children", CloudUnreachable):
        pages = farm.batch.get_paginator("list_jobs").paginate(
            arrayJobId=render_id, jobStatus=status, PaginationConfig={"PageSize": 100, "MaxItems": most}
        )
        for page in pages:
            rows += page["jobSummaryList"]
    return [
        Child(
            row["arrayProperties"]["index"],
            row.get("container", {}).get("exitCode"),
            row.get("container", {}).get("reason") or row.get("statusReason", ""),
        )
        for row in rows
    ]


def names_of_active(farm: Farm, queue: str) -> list[str]:
    """The names of the jobs of a queue that have not ended, arrays as one; up to 1,000 in each state."""
    names: list[str] = []
    with translated("ask AWS Batch what runs", CloudUnreachable):
        for status in _ACTIVE:
            answer = farm.batch.list_jobs(jobQueue=queue, jobStatus=status)
            names += [row["jobName"] for row in answer["jobSummaryList"]]
    return names


def submit_unless_active(farm: Farm, request: dict[str, Any], sleep: Sleep = time.sleep) -> str:
    """The id of the job of the request's name that has not ended; submitted now if there was none.

    Of two who submit it at the same moment both get the id of the older one. The other is left alone, since a third
    may wait for it by now. Raises CloudUnreachable, NoCredentials, or CloudRenderError for a refusal.
    """
    made = _submitted(farm, request, look_first=True, sleep=sleep, active=True)
    return find(farm, request["jobQueue"], request["jobName"], active=True) or made


def find(farm: Farm, queue: str, name: str, *, active: bool = False, newest: bool = False) -> str:
    """The id of the oldest job with that name, or of the newest; with `active` of those that have not ended.

    Empty if there is none. Jobs that we took back don't count.
    """
    with translated("ask AWS Batch for the job", CloudUnreachable):
        answer = farm.batch.list_jobs(jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}])
    rows = [row for row in answer["jobSummaryList"] if row.get("statusReason") != UNDONE]
    rows = [row for row in rows if row["status"] in _ACTIVE] if active else rows
    in_order = sorted(rows, key=lambda row: (row.get("createdAt", 0), row["jobId"]), reverse=newest)
    return str(in_order[0]["jobId"]) if in_order else ""


def find_ids(farm: Farm, job: RenderJob, submission: Submission) -> Submission:
    """With the ids that Batch knows and the submission doesn't tell."""
    render_id, stitch_id = submission.render_id, submission.stitch_id
    if submission.frames and not render_id:
        render_id = find(farm, _render_queue(farm, job, submission), keys.render_job_name(job.id, submission.number))
    if submission.stitches and not stitch_id:
        stitch_id = find(farm, farm.utility_queue, keys.stitch_job_name(job.id, submission.number))
    return replace(submission, render_id=render_id, stitch_id=stitch_id)


def _render_request(farm: Farm, job: RenderJob, submission: Submission, after: Sequence[str] = ()) -> dict[str, Any]:
    count = len(submission.frame_list)
    children = frames.children(count, submission.frames_per_job)
    prefix = keys.Prefix.of_job(job.id)
    request: dict[str, Any] = {
        "jobName": keys.render_job_name(job.id, submission.number),
        "jobQueue": _render_queue(farm, job, submission),
        "jobDefinition": farm.render_definition(job.device),
        "parameters": {
            "input": farm.address(prefix.job),
            "output": farm.address_of_job(job.id),
            "framesPerJob": str(submission.frames_per_job),
            "totalFrames": str(count),
            "submission": str(submission.number),
        },
    }
    if farm.fair_share == "on":
        request["shareIdentifier"] = keys.slug(job.created_by).replace("-", "")
    if submission.machine in _ROOM:
        needs = [{"type": kind, "value": value} for kind, value in _ROOM[submission.machine].items()]
        request["containerOverrides"] = {"resourceRequirements": needs}
    if after:
        request["dependsOn"] = [{"jobId": batch_id} for batch_id in after]
    # Batch refuses an array of one: that is a plain job.
    return request | ({"arrayProperties": {"size": children}} if children > 1 else {})


def _render_queue(farm: Farm, job: RenderJob, submission: Submission) -> str:
    return farm.render_queue(job.device, submission.machine, submission.on_demand)


def _stitch_request(farm: Farm, job: RenderJob, submission: Submission) -> dict[str, Any]:
    address = farm.address_of_job(job.id)
    request: dict[str, Any] = {
        "jobName": keys.stitch_job_name(job.id, submission.number),
        "jobQueue": farm.utility_queue,
        "jobDefinition": farm.stitch_definition,
        "parameters": {
            "input": address,
            "output": address,
            "submission": str(submission.number),
            "gaps": submission.gaps,
        },
    }
    return request | ({"dependsOn": [{"jobId": submission.render_id}]} if submission.render_id else {})


def _submitted(
    farm: Farm,
    request: dict[str, Any],
    look_first: bool,
    sleep: Sleep,
    undo: ExitStack | None = None,
    active: bool = False,
) -> str:
    """The id of the job that `request` asks for. SubmitJob knows no token that would make repeats harmless, so before
    each repeat Batch is asked whether the job of that name stands. Where it stays unknown, nothing is undone.
    """
    name, queue = request["jobName"], request["jobQueue"]
    for attempt in range(_TRIES):
        if attempt:
            sleep(2.0**attempt)
        if (attempt or look_first) and (there := find(farm, queue, name, active=active)):
            return there
        if made := _asked_once(farm, request):
            return made
    if undo is not None:
        undo.pop_all()
    raise CloudUnreachable(
        "AWS Batch does not answer; whether the job was submitted is not known.",
        "Do the same again, or look at the job's status: both go on where this stopped.",
    )


def _asked_once(farm: Farm, request: dict[str, Any]) -> str:
    """The id; empty where no one knows whether the request was taken. Raises what AWS refuses it with."""
    with translated(f"submit {request['jobName']}", CloudUnreachable):
        try:
            return str(farm.connection.client("batch", repeats=False).submit_job(**request)["jobId"])
        except _MAYBE_DONE as error:
            log.info("no answer to the submission of %s: %s", request["jobName"], error)
        except aws.ClientError as error:
            if status_of(error) < 500 and code_of(error) not in _BUSY:
                raise
            log.info("the submission of %s met a busy server: %s", request["jobName"], error)
    return ""


def _take_back(farm: Farm, job_id: str, submission: Submission) -> None:
    """On the way out with an error of its own: a second one is only logged."""
    try:
        terminate(farm, submission.render_id, UNDONE)
        _noted(farm, job_id, replace(submission, render_id=""))
    except CloudRenderError as error:
        log.warning("could not end the array %s, whose stitch job was refused: %s", submission.render_id, error)


def _noted(farm: Farm, job_id: str, submission: Submission) -> Submission:
    objects.write(farm, keys.Prefix.of_job(job_id).submission(submission.number), submission.to_json())
    return submission


def _job_of(row: Mapping[str, Any]) -> BatchJob:
    container = row.get("container", {})
    attempts = tuple(map(_attempt_of, row.get("attempts", ())))
    streams = [*(attempt.log_stream for attempt in attempts), container.get("logStreamName")]
    summary = row.get("arrayProperties", {}).get("statusSummary", {})
    return BatchJob(
        id=row["jobId"],
        status=row["status"],
        status_reason=row.get("statusReason", ""),
        exit_code=container.get("exitCode"),
        container_reason=container.get("reason", ""),
        children={state: count for state, count in summary.items() if count},
        log_streams=tuple(dict.fromkeys(stream for stream in streams if stream)),
        stopped=_time(row, "stoppedAt"),
        name=row.get("jobName", ""),
        after=tuple(one["jobId"] for one in row.get("dependsOn", ()) if one.get("jobId")),
        attempts=attempts,
    )


def _attempt_of(row: Mapping[str, Any]) -> BatchAttempt:
    container = row.get("container", {})
    return BatchAttempt(
        started=_time(row, "startedAt"),
        stopped=_time(row, "stoppedAt"),
        exit_code=container.get("exitCode"),
        container_reason=container.get("reason", ""),
        status_reason=row.get("statusReason", ""),
        log_stream=container.get("logStreamName", ""),
    )


def _time(row: Mapping[str, Any], name: str) -> datetime | None:
    """Batch tells milliseconds since 1970."""
    return datetime.fromtimestamp(row[name] / 1000, UTC) if row.get(name) else None


def utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
