# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job's workers wrote, through CloudWatch Logs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from cloud_render.client import batch, phases
from cloud_render.client.batch import BatchJob
from cloud_render.client.farm import Farm
from cloud_render.client.records import record
from cloud_render.contract import frames
from cloud_render.contract.errors import BadArguments, CloudUnreachable
from cloud_render.contract.job import Submission
from cloud_render.store.translate import code_of, translated

_LOOK_S = 2.0
"""Between two looks while following; GetLogEvents is limited to 25 requests a second for a whole account."""


_MOST_EVENTS = 10_000
"""In one answer of GetLogEvents."""


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
                yield from new_lines(farm, jobs[batch_id], child, positions)
        if last_look:
            return
        # The last lines reach the log a moment after the job's end: one more look.
        last_look = all(job.ended for job in jobs.values())
        sleep(_LOOK_S)


def of_failed(farm: Farm, job_id: str, most: int = 400) -> list[LogLine]:
    """The last `most` lines of what tells why the job failed: of the newest submission's first failed child, or of
    its failed stitch; where nothing failed, of what runs now or ran last.

    Empty while nothing has begun, and once the log has expired. Raises NotThere, CloudUnreachable or NoCredentials.
    """
    latest = record(farm, job_id).latest
    if latest is None:
        return []
    jobs = batch.describe(farm, [batch_id for batch_id in (latest.render_id, latest.stitch_id) if batch_id])
    batch_id, child = _telling(farm, latest, jobs.get(latest.render_id), jobs.get(latest.stitch_id))
    job = jobs.get(batch_id) or batch.describe(farm, [batch_id] if batch_id else []).get(batch_id)
    return last_lines(farm, job, child, most) if job else []


def _telling(
    farm: Farm, latest: Submission, render: BatchJob | None, stitch: BatchJob | None
) -> tuple[str, int | None]:
    """Batch's id and the child it stands for; no id where nothing has begun."""
    for status in ("FAILED", "RUNNING", "SUCCEEDED"):
        child = _first_child(farm, render, status)
        if child is not None:
            return _children(latest)[child], child
        if stitch and stitch.status == status:
            return stitch.id, None
    return "", None


def _first_child(farm: Farm, render: BatchJob | None, status: str) -> int | None:
    """Of an array its first child in that state; 0 for a plain job that is in it."""
    if render is None or status not in phases.counted(render):
        return None
    if not render.children:
        return 0
    return min((child.index for child in batch.children_in(farm, render.id, status)), default=None)


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


def new_lines(farm: Farm, job: BatchJob, child: int | None, positions: dict[str, str]) -> Iterator[LogLine]:
    """What it wrote since the last call; `positions` remembers how far that was, by stream."""
    for attempt, stream in enumerate(job.log_streams, start=1):
        while True:
            page = _page(farm, stream, positions.get(stream, ""))
            yield from (_line(child, attempt, event) for event in page.events)
            if not page.forward or page.forward == positions.get(stream):
                break
            positions[stream] = page.forward


def last_lines(farm: Farm, job: BatchJob, child: int | None, most: int) -> list[LogLine]:
    """Up to `most` lines from the end backwards, through as many attempts as it takes."""
    found: list[LogLine] = []
    for attempt, stream in reversed(list(enumerate(job.log_streams, start=1))):
        token = ""
        while len(found) < most:
            page = _page(farm, stream, token, last=min(most - len(found), _MOST_EVENTS))
            found[:0] = [_line(child, attempt, event) for event in page.events]
            if not page.back or page.back == token:
                break
            token = page.back
    return found


def _line(child: int | None, attempt: int, event: Mapping[str, Any]) -> LogLine:
    return LogLine(child, attempt, datetime.fromtimestamp(event["timestamp"] / 1000, UTC), event["message"])


@dataclass(frozen=True)
class _Page:
    """Some events of a stream, in their order, and the tokens for those after and before them.

    The end is not an empty page, which may come in the middle, but a token that repeats.
    """

    events: Sequence[Mapping[str, Any]] = ()
    forward: str = ""
    back: str = ""


def _page(farm: Farm, stream: str, token: str, last: int = 0) -> _Page:
    """The page of `token`; without one the first of all events, or the last `last` of them."""
    question: dict[str, Any] = {"logGroupName": farm.log_group, "logStreamName": stream}
    question |= {"startFromHead": False, "limit": last} if last else {"startFromHead": True}
    if token:
        question["nextToken"] = token
    with translated("read the log", CloudUnreachable):
        try:
            answer = farm.connection.client("logs").get_log_events(**question)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return _Page()  # the worker has not written yet, or the log has expired
            raise
    return _Page(answer["events"], answer.get("nextForwardToken", ""), answer.get("nextBackwardToken", ""))
