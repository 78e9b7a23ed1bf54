# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of files that were dropped into the inbox: submitted like any other, and ended with their execution.

A state machine of the stack has such a file inspected, which makes it a job. From there on it is one like all others:
its id, its submissions and its mender are the same; only who asks differs.
"""

from __future__ import annotations

from cloud_render.client import control, objects, submit
from cloud_render.client.farm import Farm
from cloud_render.contract import keys
from cloud_render.contract.errors import BadJob
from cloud_render.contract.job import RenderJob

MOST = 200
"""Jobs that are looked through for that of an execution, from the newest on."""


def begin(farm: Farm, job_id: str) -> str:
    """What was done, in words. Raises as submit.begin()."""
    if objects.read_if_there(farm, keys.Prefix.of_job(job_id).end) is not None:
        return f"nothing to do: {job_id} has ended"
    made = submit.begin(farm, job_id)
    return f"{job_id}: frames {made.frames} are submitted"


def end(farm: Farm, execution: str) -> str:
    """Cancels the job that an execution, of that ARN, has made; what was done, in words. Raises as control.cancel()."""
    job_id = job_of(farm, execution)
    if not job_id:
        return f"nothing to do: {execution} has made no job"
    if objects.read_if_there(farm, keys.Prefix.of_job(job_id).end) is not None:
        return f"nothing to do: {job_id} has ended"
    control.cancel(farm, job_id)
    return f"{job_id} is cancelled"


def job_of(farm: Farm, execution: str) -> str:
    """The job whose job.json names that execution as its client; empty if there is none."""
    listing = objects.list_below(farm, keys.JOBS, deep=False)
    ids = (prefix.removeprefix(keys.JOBS).rstrip("/") for prefix in listing.prefixes)
    newest = sorted(filter(keys.is_job_id, ids), reverse=True)[:MOST]
    return next((job_id for job_id in newest if _client_of(farm, job_id) == execution), "")


def _client_of(farm: Farm, job_id: str) -> str:
    """Empty where there is no job.json, or none that can be read."""
    content = objects.read_if_there(farm, keys.Prefix.of_job(job_id).job)
    try:
        return RenderJob.from_json(content).client if content is not None else ""
    except BadJob:
        return ""
