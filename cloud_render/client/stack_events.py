# SPDX-License-Identifier: GPL-3.0-or-later
"""What CloudFormation tells while it works on a stack, and what a failure means in words a person can act on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

POLL_S = 3.0
"""Between two looks at the events: a resource takes seconds, a compute environment a minute."""

Sleep = Callable[[float], None]


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    id: str
    resource: str
    """Its name in the template; the stack's own name for the stack itself."""
    kind: str
    """Such as AWS::S3::Bucket."""
    status: str
    reason: str

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def of_stack(self) -> bool:
        return self.kind == "AWS::CloudFormation::Stack"


Progress = Callable[[Event], None]


def silent(_event: Event) -> None:
    """For whoever does not want to hear of progress."""


def latest_id(cloudformation: Any, stack_id: str) -> str:
    """Of the newest event; empty where there is none."""
    events = cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    return str(events[0]["EventId"]) if events else ""


def after(cloudformation: Any, stack_id: str, last: str) -> list[Event]:
    """The events after that one, the oldest first; all of them for an empty `last`."""
    events: list[Event] = []
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for row in page["StackEvents"]:  # the newest first
            if row["EventId"] == last:
                return events[::-1]
            events.append(_event(row))
    return events[::-1]


def follow(
    cloudformation: Any, stack_id: str, last: str = "", progress: Progress = silent, sleep: Sleep = time.sleep
) -> tuple[str, list[Event]]:
    """Pass on each event after `last` until the stack is settled; its state then, and these events."""
    told: list[Event] = []
    while True:
        # The state first: what happened before it came about is then among the events.
        status = status_of(cloudformation, stack_id)
        for event in after(cloudformation, stack_id, told[-1].id if told else last):
            progress(event)
            told.append(event)
        if not status.endswith("_IN_PROGRESS"):
            return status, told
        sleep(POLL_S)


def status_of(cloudformation: Any, stack_id: str) -> str:
    """By its id, which a stack keeps when it is deleted."""
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return "DELETE_COMPLETE"
        raise
    return str(found["StackStatus"])


def first_cause(events: Sequence[Event]) -> Event | None:
    """What failed first; later failures are mostly its consequences. None if nothing failed."""
    failures = [event for event in events if event.failed and not event.of_stack]
    causes = [event for event in failures if not _CONSEQUENCE.search(event.reason)]
    return next(iter(causes or failures), None) or next((event for event in events if event.failed), None)


def in_words(event: Event) -> str:
    """`Vpc (AWS::EC2::VPC) failed: The maximum number of VPCs has been reached.`"""
    reason = _HANDLER.sub(r"\1", event.reason)
    reason = _SERVICE.sub("", reason).strip().rstrip(".") or "no reason given"
    kind = f" ({event.kind})" if event.kind else ""
    return f"{event.resource}{kind} failed: {reason}."


def remedy(event: Event) -> str:
    """What to do about it; empty where we don't know."""
    return next((advice for pattern, advice in _REMEDIES if pattern.search(event.reason)), "")


def _event(row: Any) -> Event:
    return Event(
        row["EventId"],
        row["LogicalResourceId"],
        row.get("ResourceType", ""),
        row.get("ResourceStatus", ""),
        row.get("ResourceStatusReason", ""),
    )


_CONSEQUENCE = re.compile(r"(creation|update|deletion) cancell?ed|^The following resource|^Rollback requested", re.I)
_HANDLER = re.compile(r'^Resource handler returned message: "?(.*?)"? \(RequestToken: .*$', re.DOTALL)
_SERVICE = re.compile(r"\s*\((?:Service|SDK Attempt Count): [^)]*\)")

_REMEDIES = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (
            r"service[- ]linked role|AWSServiceRole|CreateServiceLinkedRole",
            "Set the stack up once with credentials that may create service-linked roles (docs/stack.md).",
        ),
        (
            r"service control policy|resource control policy|permissions boundary",
            "Your organization forbids that, whatever your own rights are: ask whoever looks after its policies, or "
            "set the stack up in another account or region.",
        ),
        (
            r"authorized to perform:? sts:AssumeRole|Invalid IamInstanceProfile|role.*(does not exist|not (be )?found)",
            "A new role takes a minute to arrive: try again.",
        ),
        (
            r"linked account|payer account",
            "Your organization's payer account must allow budgets, and a new account waits a day: until then set none, "
            "with --parameter MonthlyBudgetUsd=0.",
        ),
        (
            r"ComputeEnvironment'.* did not stabilize",
            "Batch could not make it, mostly for want of a service-linked role or of a network: cloud-render doctor.",
        ),
        (
            r"not authorized|access ?denied|permissions error|UnauthorizedOperation|explicit deny",
            "Your credentials lack that right: use others, or have the policy in cloudformation/deployer-policy.json "
            "attached to yours.",
        ),
        (
            r"maximum number of VPCs|VpcLimitExceeded",
            "Remove a VPC that nobody uses, ask AWS for more (Service Quotas), or render in one that is there: "
            "--parameter VpcId=vpc-… --parameter SubnetIds=subnet-…,subnet-…",
        ),
        (
            r"limit ?exceeded|exceed quota|quota|maximum number|more than \d+|TooManyBuckets|more buckets than allowed",
            "Ask AWS for more in its console's Service Quotas, or remove what nobody uses.",
        ),
        (
            r"already exists|AlreadyExists|name.* taken",
            "Something of that name is left from another set-up: remove it, or choose another stack with --stack.",
        ),
        (
            r"not supported in your requested availability zone|availability ?zones?.*(invalid|not available)",
            "Choose other zones: --parameter ZoneA=… --parameter ZoneB=…",
        ),
        (
            r"instance type can only be one of|instance type.*not (supported|valid)|unsupported.*instance",
            "This region or AWS Batch does not have that machine: name others with --parameter InstanceTypes=…",
        ),
        (
            r"(subnet|vpc|security group).*(does not exist|not found|invalid)",
            "Check --parameter VpcId and SubnetIds; they must be in this account and region.",
        ),
        (r"BucketNotEmpty|bucket you tried to delete is not empty", "Empty the bucket: cloud-render teardown."),
        (
            r"policy attached to entities",
            "Somebody gave the artists' policy to people: detach it from the users, groups and roles that have it "
            "(IAM, Policies, Entities attached), then do the same again.",
        ),
        (r"still contains images|RepositoryNotEmpty", "Remove the images: cloud-render teardown."),
        (
            r"has dependencies and cannot be deleted|DependencyViolation",
            "Something that is not the stack's uses its network: remove that, then do the same again.",
        ),
        (
            r"existing JobQueue relationship|compute environment.*(in use|associated)",
            "Batch needs some minutes to let go of its machines: do the same again.",
        ),
        (r"Manually scaling down compute environment", "Wait until no job runs, then set it up again."),
        (r"email|subscriber", "Check --parameter NotifyEmail: it must be an address that can take mail."),
        (
            r"throttl|rate exceeded|timed? ?out|internal (failure|error)|service unavailable",
            "Try again in some minutes.",
        ),
    )
)
"""The first that fits the reason counts. Texts: CloudFormation's user guide, and events that people reported."""
