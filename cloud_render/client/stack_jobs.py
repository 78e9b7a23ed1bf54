# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs that a stack has not finished, whoever submitted them: what an update or a removal would meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

UNFINISHED = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")


@dataclass(frozen=True)
class LiveJob:
    """A job of AWS Batch that has not ended; an array counts as one."""

    id: str
    name: str


def live_jobs(batch: Any, outputs: Mapping[str, str]) -> tuple[LiveJob, ...]:
    """Of all queues of a stack with these Outputs."""
    queues = [value for name, value in outputs.items() if name.endswith("Queue")]
    found = {}
    for queue in queues:
        for status in UNFINISHED:
            found.update({job.id: job for job in _in_state(batch, queue, status)})
    return tuple(found.values())


def _in_state(batch: Any, queue: str, status: str) -> list[LiveJob]:
    pages = batch.get_paginator("list_jobs").paginate(jobQueue=queue, jobStatus=status)
    try:
        return [LiveJob(row["jobId"], row["jobName"]) for page in pages for row in page["jobSummaryList"]]
    except ClientError as error:
        # A queue that is gone, with a stack whose removal stopped half-way, has no jobs.
        if "does not exist" in str(error) or "not found" in str(error).lower():
            return []
        raise
