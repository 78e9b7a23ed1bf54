# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job's workers wrote, through CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cloud_render.client import batch
from cloud_render.client.batch import BatchJob
from cloud_render.client.farm import Farm
from cloud_render.client.records import record
from cloud_render.contract import frames
from cloud_render.contract.errors import BadArguments, CloudUnreachable
from cloud_render.contract.job import Submission
from cloud_render.store.translate import code_of, translated

_LOOK_S = 2.0
"""Between two looks while following; GetLogEvents is limited to 25 requests a second for a whole account."""


@dataclass(frozen=True)
class LogLine:
    """A line that one attempt wrote."""

    child: int | None
    """Index of the array's child, 0 for a plain job; None for the stitch."""
    attempt: int
    """From 1."""
    time: datetime
    text: str


def lines(
    farm: Farm,
    job_id: str,
    index: int | None = None,
    follow: bool = False,
    stitch: bool = False,
    sleep: batch.Sleep = time.sleep,
) -> Iterator[LogLine]:
    """What the newest submission's workers wrote: child `index`, the stitch job, or all of them in turn.

    All attempts are told, the oldest first. With `follow` it goes on until those jobs have ended. Raises BadArguments
    for a child there isn't, NotThere, CloudUnreachable or NoCredentials.
    """
    sources = _sources(farm, job_id, index, stitch)
    positions: dict[str, str] = {}
    last_look = not follow
    while True:
        jobs = batch.describe(farm, [batch_id for batch_id, _ in sources])
        for batch_id, child in sources:
            if batch_id in jobs:
                yield from _new_lines(farm, jobs[batch_id], child, positions)
        if last_look:
            return
        # The last lines reach the log a moment after the job's end: one more look.
        last_look = all(job.ended for job in jobs.values())
        sleep(_LOOK_S)


def _sources(farm: Farm, job_id: str, index: int | None, stitch: bool) -> list[tuple[str, int | None]]:
    """Batch's ids and the child each stands for."""
    latest = record(farm, job_id).latest
    if latest is None or not (latest.render_id or latest.stitch_id):
        return []
    children = _children(latest)
    if index is not None and not 0 <= index < len(children):
        raise BadArguments(f"{job_id} has no child {index}.", f"There are {len(children)}, counted from 0.")
    if index is not None:
        return [(children[index], index)]
    last: list[tuple[str, int | None]] = [(latest.stitch_id, None)] if latest.stitch_id else []
    return last if stitch else [*((child, number) for number, child in enumerate(children)), *last]


def _children(submission: Submission) -> list[str]:
    if not submission.render_id:
        return []
    count = frames.children(len(submission.frame_list), submission.frames_per_job)
    return [f"{submission.render_id}:{child}" for child in range(count)] if count > 1 else [submission.render_id]


def _new_lines(farm: Farm, job: BatchJob, child: int | None, positions: dict[str, str]) -> Iterator[LogLine]:
    """From where each stream was left; `positions` remembers by stream."""
    for attempt, stream in enumerate(job.log_streams, start=1):
        while True:
            events, token = _page(farm, stream, positions.get(stream, ""))
            for event in events:
                at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                yield LogLine(child, attempt, at, event["message"])
            # The end is not an empty page, which may come in the middle, but a token that repeats.
            if not token or token == positions.get(stream):
                break
            positions[stream] = token


def _page(farm: Farm, stream: str, token: str) -> tuple[list[dict[str, Any]], str]:
    question: dict[str, Any] = {"logGroupName": farm.log_group, "logStreamName": stream, "startFromHead": True}
    if token:
        question["nextToken"] = token
    with translated("read the log", CloudUnreachable):
        try:
            answer = farm.connection.client("logs").get_log_events(**question)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return [], ""  # the worker has not written yet, or the log has expired
            raise
    return answer["events"], answer.get("nextForwardToken", "")
