# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a stack away with all it holds: jobs, objects, images, the stack itself. Each step can be done again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloud_render.client import stack as stacks
from cloud_render.client import stack_events
from cloud_render.client.stack_events import Progress, Sleep, silent
from cloud_render.client.stack_jobs import LiveJob, live_jobs
from cloud_render.client.template_source import Clients
from cloud_render.contract.errors import BadArguments, CloudNotReady, CloudUnreachable, NoStack, StorageUnavailable
from cloud_render.store.translate import status_of, translated

log = logging.getLogger(__name__)

REASON = "The stack is being removed."

_ENDS_S = 180.0
"""Batch gives a job 30 s after SIGTERM; on a machine that still starts it takes longer to be heard."""
_POLL_S = 3.0
_MOST_DELETES = 1_000
"""In one DeleteObjects request."""


@dataclass(frozen=True)
class Holdings:
    """What a stack holds, and so what would be lost with it."""

    stack: str
    stack_id: str
    outputs: Mapping[str, str]
    live: tuple[LiveJob, ...]
    objects: int
    """In the bucket, older versions included."""
    size: int
    """Of these objects, in bytes."""

    @property
    def bucket(self) -> str:
        """Empty for a stack that was never made to its end."""
        return self.outputs.get("BucketName", "")


@dataclass(frozen=True)
class Remains:
    """What is still there afterwards."""

    bucket: str
    """Empty where it is gone too."""
    objects: int
    size: int
    """In bytes."""


def survey(clients: Clients, stack: str) -> Holdings:
    """What there is to take away; of a stack that is gone its bucket, where a removal stopped before that.

    Raises NoStack, CloudUnreachable, NoCredentials, NotAllowed.
    """
    cloudformation = clients.client("cloudformation")
    with translated(f"look at the stack {stack!r}", CloudUnreachable):
        described = stacks.describe(cloudformation, stack) or _gone_but_its_bucket(clients, stack)
        if described is None:
            raise NoStack(f"There is no stack named {stack}.", "Nothing is to be removed.")
        outputs = {row["OutputKey"]: row["OutputValue"] for row in described.get("Outputs", ())}
        live = live_jobs(clients.client("batch"), outputs)
        sizes = [int(row.get("Size", 0)) for row in _versions(clients.client("s3"), outputs.get("BucketName", ""))]
    return Holdings(stack, described["StackId"], outputs, live, len(sizes), sum(sizes))


def teardown(
    clients: Clients,
    holdings: Holdings,
    *,
    keep_bucket: bool = False,
    progress: Progress = silent,
    sleep: Sleep = time.sleep,
) -> Remains:
    """All of it, in the order in which a failure leaves the least to explain. Raises as the steps do."""
    end_jobs(clients, holdings, sleep)
    if not keep_bucket:
        empty_bucket(clients, holdings.bucket)
    forget_definitions(clients, holdings)
    remove_stack(clients, holdings, progress, sleep)
    if not keep_bucket:
        remove_bucket(clients, holdings.bucket)
    return Remains(holdings.bucket, holdings.objects, holdings.size) if keep_bucket else Remains("", 0, 0)


def end_jobs(clients: Clients, holdings: Holdings, sleep: Sleep = time.sleep) -> None:
    """End whatever runs or waits, and wait until it has ended. Raises CloudNotReady for what goes on all the same."""
    batch = clients.client("batch")
    with translated("end the jobs", CloudUnreachable):
        for job in holdings.live:
            batch.terminate_job(jobId=job.id, reason=REASON)
        for _ in range(int(_ENDS_S / _POLL_S)):
            left = live_jobs(batch, holdings.outputs)
            if not left:
                return
            sleep(_POLL_S)
    raise CloudNotReady(
        f"{len(left)} jobs have not ended: {', '.join(job.name for job in left[:3])}.", "Do the same again in a minute."
    )


def empty_bucket(clients: Clients, bucket: str, told: Callable[[int], None] = lambda _count: None) -> int:
    """Delete every object, every older version and every unfinished upload; how many. `told` hears the count so far."""
    s3 = clients.client("s3")
    gone = 0
    with translated(f"empty the bucket {bucket}", StorageUnavailable):
        for page in _batches(_versions(s3, bucket)):
            keys = [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in page]
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            if refused := answer.get("Errors"):
                raise CloudNotReady(
                    f"{len(refused)} objects of {bucket} can't be deleted: {refused[0].get('Message', '')}",
                    "Look for an object lock or a policy on the bucket.",
                )
            gone += len(page)
            told(gone)
        if bucket:
            for upload in _uploads(s3, bucket):
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return gone


def forget_definitions(clients: Clients, holdings: Holdings) -> None:
    """Deregister the older revisions of the job definitions, which updates leave usable and CloudFormation forgets."""
    batch = clients.client("batch")
    with translated("deregister the job definitions", CloudUnreachable):
        for name, arn in holdings.outputs.items():
            if not name.endswith("Definition"):
                continue
            family = arn.rpartition("/")[2].rpartition(":")[0]
            pages = batch.get_paginator("describe_job_definitions").paginate(jobDefinitionName=family, status="ACTIVE")
            revisions = [row["jobDefinitionArn"] for page in pages for row in page["jobDefinitions"]]
            for revision in revisions:
                if revision != arn:
                    batch.deregister_job_definition(jobDefinition=revision)


def remove_stack(clients: Clients, holdings: Holdings, progress: Progress = silent, sleep: Sleep = time.sleep) -> None:
    """Delete the stack, images included, and wait until it is gone. Raises CloudNotReady with the first cause."""
    cloudformation = clients.client("cloudformation")
    with translated(f"remove the stack {holdings.stack!r}", CloudUnreachable):
        last = stack_events.latest_id(cloudformation, holdings.stack_id)
        cloudformation.delete_stack(StackName=holdings.stack_id)
        status, events = stack_events.follow(cloudformation, holdings.stack_id, last, progress, sleep)
    if status == "DELETE_COMPLETE":
        return
    cause = stack_events.first_cause(events)
    words = f" {stack_events.in_words(cause)}" if cause else f" Its state is {status}."
    raise CloudNotReady(
        f"The stack {holdings.stack} could not be removed.{words}",
        (cause and stack_events.remedy(cause)) or "Do the same again; it goes on where it stopped.",
    )


def remove_bucket(clients: Clients, bucket: str) -> None:
    """Delete the bucket, which outlives its stack, with what came into it meanwhile."""
    if not bucket:
        return
    empty_bucket(clients, bucket)
    with translated(f"remove the bucket {bucket}", StorageUnavailable):
        clients.client("s3").delete_bucket(Bucket=bucket)


def _gone_but_its_bucket(clients: Clients, stack: str) -> dict[str, Any] | None:
    """The stack of that name that was deleted last, if its bucket is still there. CloudFormation knows 90 days back."""
    cloudformation, s3 = clients.client("cloudformation"), clients.client("s3")
    try:
        pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
        ids = [row["StackId"] for page in pages for row in page["StackSummaries"] if row["StackName"] == stack]
    except ClientError as error:
        log.info("whether a removed stack left its bucket is not known: %s", error)
        return None  # a deployer may lack the right to list all stacks
    for stack_id in ids[:1]:
        described = stacks.describe(cloudformation, stack_id) or {}
        outputs = {row["OutputKey"]: row["OutputValue"] for row in described.get("Outputs", ())}
        if outputs.get("BucketName") and _is_there(s3, outputs["BucketName"]):
            kept = [row for row in described["Outputs"] if row["OutputKey"] == "BucketName"]
            return {"StackId": stack_id, "Outputs": kept}
    return None


def _is_there(s3: Any, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if status_of(error) in (403, 404):
            return False  # gone, and its name may be somebody else's by now
        raise
    return True


def confirmed(stack: str, typed: str) -> None:
    """Raises BadArguments unless the stack's name was typed."""
    if typed.strip() != stack:
        raise BadArguments(f"{typed.strip()!r} is not the stack's name; nothing was removed.", f"It is {stack}.")


def _versions(s3: Any, bucket: str) -> Iterator[Mapping[str, Any]]:
    """All objects with all their versions, and the marks of deleted ones. Without versions it is every object once."""
    if not bucket:
        return
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        yield from page.get("Versions", ())
        yield from page.get("DeleteMarkers", ())


def _uploads(s3: Any, bucket: str) -> list[Mapping[str, Any]]:
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
    return [upload for page in pages for upload in page.get("Uploads", ())]


def _batches(rows: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == _MOST_DELETES:
            yield batch
            batch = []
    if batch:
        yield batch
