# SPDX-License-Identifier: GPL-3.0-or-later
"""Which builds of Blender the cloud has, and how it gets another one: by a job that fetches the official archive.

There is one installation of a version at a time, known by its name in Batch. Two that began at the same moment do no
harm: the second one finds the build of the first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from cloud_render.client import batch, logs, objects
from cloud_render.client.batch import BatchJob, Sleep
from cloud_render.client.farm import Farm
from cloud_render.contract import keys, versions
from cloud_render.contract.errors import BadArguments, CloudRenderError, OldStack

_ERROR = "error: "
"""How the last line of a worker's log begins where it failed."""

_LAST = 20
"""Lines in which that line is looked for: Python may add some of its own."""


def builds(farm: Farm) -> tuple[str, ...]:
    """The versions that lie whole in the bucket, the newest first. Raises StorageUnavailable or NoCredentials."""
    entries = objects.list_below(farm, keys.BLENDER).entries
    there = filter(None, (keys.blender_of_record(entry.key) for entry in entries))
    return tuple(sorted(there, key=versions.numbers, reverse=True))


def fitting(there: Sequence[str], version: str) -> str:
    """The build that renders the files of Blender `version`: itself, else the newest patch; empty for older ones only.

    As worker/builds.py takes them, except that no older patch counts: the newer one may have saved what it can't read.
    """
    same = [build for build in there if versions.release(build) == versions.release(version)]
    best = version if version in same else max(same, key=versions.numbers, default="")
    return best if best and versions.numbers(best) >= versions.numbers(version) else ""


def lacks(farm: Farm, version: str) -> bool:
    """Whether frames of `version` can't be rendered before a build is installed. Raises StorageUnavailable."""
    return farm.blender_from == "bucket" and not fitting(builds(farm), version)


def awaited(farm: Farm, version: str, sleep: Sleep = time.sleep) -> tuple[str, ...]:
    """Ids of the jobs in Batch that must end before frames of `version` can be rendered: its installation, which is
    begun if need be; none where a fitting build is there, or the workers have a Blender of their own.

    Raises StorageUnavailable, NoCredentials, CloudUnreachable; CloudRenderError for what AWS refuses.
    """
    return (begin(farm, version, sleep),) if farm.install_definition and lacks(farm, version) else ()


def begin(farm: Farm, version: str, sleep: Sleep = time.sleep) -> str:
    """Batch's id of the installation of `version` that is under way, begun now if there was none. Raises as awaited().

    BadArguments for what is no version; OldStack for a stack that installs nothing.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version, re.ASCII):
        raise BadArguments(f"{version!r} is not a version of Blender.", "Write all three numbers, such as 5.0.1.")
    if not farm.install_definition:
        raise OldStack(f"The stack {farm.stack!r} can't install Blender.", "Bring it up to date: cloud-render setup.")
    return batch.submit_unless_active(
        farm,
        {
            "jobName": keys.install_job_name(version),
            "jobQueue": farm.utility_queue,
            "jobDefinition": farm.install_definition,
            "parameters": {"version": version},
        },
        sleep,
    )


def problem_of_last(farm: Farm, version: str) -> CloudRenderError | None:
    """Why the last installation of `version` failed; None where it did not, or Batch has forgotten it."""
    job_id = batch.find(farm, farm.utility_queue, keys.install_job_name(version), newest=True)
    job = batch.describe(farm, [job_id] if job_id else []).get(job_id)
    return failure(farm, version, job) if job and job.status == "FAILED" else None


def failure(farm: Farm, version: str, job: BatchJob) -> CloudRenderError:
    """Why that installation failed, in the words of the worker's last line, else in those of Batch."""
    last = [line.text for line in logs.last_lines(farm, job, None, _LAST) if line.text.startswith(_ERROR)]
    why = last[-1].removeprefix(_ERROR) if last else job.container_reason or job.status_reason or "no reason is known."
    return CloudRenderError(
        f"Blender {version} could not be installed in the cloud: {why}",
        f"Try again: cloud-render blender install {version}. Then `cloud-render retry` renders what is missing.",
    )
