# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows an installation of Blender in the cloud to its end."""

from __future__ import annotations

import time
from collections.abc import Callable

from cloud_render.client import batch, logs, reasons
from cloud_render.client.batch import BatchJob, Sleep
from cloud_render.client.builds import begin, builds, failure
from cloud_render.client.farm import Farm
from cloud_render.contract.errors import CloudRenderError

_POLL_S = 3.0


def install(
    farm: Farm, version: str, told: Callable[[str], None] = lambda _line: None, sleep: Sleep = time.sleep
) -> bool:
    """Install Blender `version` in the cloud and wait until it is there; False where it was. `told` hears the log.

    Stopped, the installation goes on in the cloud, and the same call follows it. Raises as builds.begin(), and
    CloudRenderError with the worker's own words for an installation that fails.
    """
    if version in builds(farm):
        return False
    ended = _follow(farm, begin(farm, version, sleep), told, sleep)
    if ended.status == "FAILED":
        raise failure(farm, version, ended)
    if version not in builds(farm):
        raise CloudRenderError(f"Blender {version} was installed, but it is not there.", "Try again in a minute.")
    return True


def _follow(farm: Farm, job_id: str, told: Callable[[str], None], sleep: Sleep) -> BatchJob:
    """Until it has ended; its log and, while it waits, why."""
    positions: dict[str, str] = {}
    waited = ""
    while True:
        # The state first: what was written before it came about is then in the log.
        job = batch.describe(farm, [job_id]).get(job_id)
        if job is None:
            raise CloudRenderError("AWS Batch no longer knows the installation.", "Do the same again.")
        for line in logs.new_lines(farm, job, None, positions):
            told(line.text)
        if job.ended:
            return job
        if (waits := _waits(job)) and waits != waited:
            told(waits)
        waited = waits
        sleep(_POLL_S)


def _waits(job: BatchJob) -> str:
    """Empty where it does not."""
    if job.status in ("STARTING", "RUNNING"):
        return ""
    reason = reasons.of_waiting(job.status_reason)
    return f"It waits for a machine. {reason.problem or job.status_reason} {reason.advice}".rstrip()
