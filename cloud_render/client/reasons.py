# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a job failed or waits: the worker's own words where it left some, else what Batch said, put plainly."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cloud_render.client import batch, builds, objects, reports
from cloud_render.client.batch import BatchJob, Child
from cloud_render.client.farm import Farm
from cloud_render.client.records import Record
from cloud_render.contract import frames, keys
from cloud_render.contract.errors import StoppedByLimit

log = logging.getLogger(__name__)

_COUNTED = 100
"""Failed children that are asked for: one request's."""

_ASKED = 3
"""Failed children whose reports are read: they mostly fail for the same reason."""


@dataclass(frozen=True)
class Reason:
    """What is wrong, and what to do; both empty where nothing is."""

    problem: str = ""
    advice: str = ""


NO_REASON = Reason()

_WAITING = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": Reason(
        "AWS has no free machine of the stack's types at the moment.",
        "It starts by itself when there is one; more instance types in the stack make that sooner.",
    ),
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": Reason(
        "The stack may not start a machine as large as this job needs.", "Raise the stack's MaxvCpus."
    ),
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": Reason(
        "None of the stack's machine types has what this job asks for.",
        "Choose other InstanceTypes for the stack, or --device cpu.",
    ),
    "MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS": Reason(
        "AWS Batch lacks a right it needs to start machines.", "Update the stack; it sets the roles right."
    ),
}
"""What Batch's reasons for a stuck job mean, by their first word."""

_BATCH_WORDS = (
    (
        "OutOfMemory",
        Reason(
            "The machine ran out of memory.", "Lower the scene's need (textures, subdivision), or use larger machines."
        ),
    ),
    ("CannotPull", Reason("The worker's image can't be pulled.", "Check the stack's WorkerImage.")),
    (
        "Host EC2",
        Reason("The machines were taken away again and again.", "Try again: `cloud-render retry` renders the rest."),
    ),
    ("timeout", Reason("The job ran longer than its definition allows.", "Choose fewer frames a job.")),
)
"""Pieces of Batch's own reasons."""

_DEPENDENCY = "Dependent Job failed"
"""Batch's words for an array that never began. Frames wait for nothing but the installation of their Blender."""

_OF_EXIT = {137: _BATCH_WORDS[0][1]}


def of_waiting(status_reason: str) -> Reason:
    """What Batch's reason for not starting a job means; empty where it gives none that we know."""
    return _WAITING.get(status_reason.split(" ")[0].rstrip(".,"), NO_REASON)


def of_forgotten(job_id: str, missing: Sequence[int]) -> Reason:
    """For a job that Batch no longer knows although something of it is missing."""
    if missing:
        return Reason(
            f"AWS Batch no longer knows the job, and {named(missing)} never came.",
            f"Render the rest with `cloud-render retry {job_id}`.",
        )
    return Reason(
        "AWS Batch no longer knows the job; all frames are there, but no video.",
        f"Make it with `cloud-render stitch {job_id}`.",
    )


def of_missing(job_id: str, missing: Sequence[int]) -> Reason:
    """For a job whose children all say they succeeded."""
    return Reason(
        f"The render ended, but {named(missing)} never came.", f"Render the rest with `cloud-render retry {job_id}`."
    )


def of_render(farm: Farm, found: Record, render: BatchJob) -> Reason:
    """Why the array, or the plain job, has failed children."""
    assert found.latest is not None
    failed = failed_children(farm, render, _COUNTED)
    if any(_DEPENDENCY in words for words in (render.status_reason, *(child.reason for child in failed))):
        return _of_installation(farm, found)
    return of_children(farm, found, failed)


def of_children(farm: Farm, found: Record, failed: Sequence[Child]) -> Reason:
    """Why these children of the newest submission have failed."""
    assert found.latest is not None
    # Those that ended because others had failed tell nothing new.
    in_order = sorted(failed, key=lambda child: child.exit_code == StoppedByLimit.exit_code)
    told = [_of_child(farm, found.job_id, found.latest.number, child) for child in in_order[:_ASKED]]
    if not told:
        return Reason("The render failed.", f"See `cloud-render logs {found.job_id}`.")
    problem = " ".join(dict.fromkeys(reason.problem for reason in told))
    if len(failed) > 1:
        problem = f"{len(failed)} children failed. {problem}"
    return Reason(problem, told[0].advice)


def failed_children(farm: Farm, render: BatchJob, most: int = frames.MAX_CHILDREN) -> list[Child]:
    """Up to `most` of an array's; of a plain job that has failed, itself."""
    if render.children:
        return batch.children_in(farm, render.id, "FAILED", most)
    return (
        [Child(0, render.exit_code, render.container_reason or render.status_reason)]
        if render.status == "FAILED"
        else []
    )


def _of_installation(farm: Farm, found: Record) -> Reason:
    """Another artist's submit may have begun it once more since, with better luck."""
    why = builds.problem_of_last(farm, found.job.blender) if found.job else None
    if why is not None:
        return Reason(why.problem, why.advice)
    again = f"Try again: cloud-render retry {found.job_id}."
    return Reason("The job's Blender could not be installed in the cloud.", again)


def of_stitch(farm: Farm, found: Record, stitch: BatchJob) -> Reason:
    assert found.latest is not None
    child = Child(0, stitch.exit_code, stitch.container_reason or stitch.status_reason)
    start = keys.Prefix.of_job(found.job_id).stitch_report(found.latest.number, 0).removesuffix("0.json")
    return _of_report(farm, start, child) or _of_batch_words(child, f"See `cloud-render logs {found.job_id}`.")


def _of_child(farm: Farm, job_id: str, submission: int, child: Child) -> Reason:
    start = keys.Prefix.of_job(job_id).report(submission, child.index, 0).removesuffix("0.json")
    logs = f"See `cloud-render logs {job_id} --index {child.index}`."
    return _of_report(farm, start, child) or _of_batch_words(child, logs)


def _of_report(farm: Farm, start: str, child: Child) -> Reason | None:
    """From the last report below the key `start`; None if it isn't that of the attempt that failed for good.

    Such an attempt may have been killed before it could write one.
    """
    listing = objects.list_below(farm, start)
    if not listing.entries:
        return None
    newest = max(listing.entries, key=lambda entry: entry.modified)
    report = reports.read(farm, newest)
    if report is None or not report.problem or (child.exit_code is not None and report.exit_code != child.exit_code):
        return None
    return Reason(report.problem, report.advice)


def _of_batch_words(child: Child, logs: str) -> Reason:
    if child.exit_code in _OF_EXIT:
        return _OF_EXIT[child.exit_code]
    for words, reason in _BATCH_WORDS:
        if words in child.reason:
            return Reason(f"{reason.problem} AWS says: {child.reason}", reason.advice)
    if child.exit_code is not None:
        return Reason(f"The worker ended with exit code {child.exit_code} and left no word why.", logs)
    return Reason(f"The job failed: {child.reason or 'AWS Batch gives no reason'}.", logs)


def named(missing: Sequence[int]) -> str:
    """`frame 3`, `frames 3,5-7`."""
    return f"frame{'s' if len(missing) > 1 else ''} {frames.text_of(missing)}"
