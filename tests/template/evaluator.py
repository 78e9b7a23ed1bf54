# SPDX-License-Identifier: GPL-3.0-or-later
"""Would AWS allow this call? IAM's rules as far as our policies use them: actions, resources, four condition operators.

Knows nothing of sessions, boundaries or organisations. A condition operator that it does not know is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Need:
    """One right that a call needs."""

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Grant:
    """One action that a policy allows somewhere."""

    statement: str
    action: str


class UnknownCall(Exception):
    """A call whose rights are not written down here."""


def granting(policies: Iterable[Mapping[str, Any]], need: Need) -> set[Grant]:
    """The grants that allow it; empty if it is not allowed, also by an explicit Deny."""
    found = set()
    for statement in (each for policy in policies for each in _list(policy["Statement"])):
        actions = [pattern for pattern in _list(statement["Action"]) if _like(need.action.lower(), pattern.lower())]
        resources = [pattern for pattern in _list(statement["Resource"]) if _like(need.resource, pattern)]
        if not actions or not resources or not _holds(statement.get("Condition", {}), need.context):
            continue
        if statement["Effect"] == "Deny":
            return set()
        found |= {Grant(statement["Sid"], action) for action in actions}
    return found


def grants(policies: Iterable[Mapping[str, Any]]) -> set[Grant]:
    """All that the policies allow, action by action."""
    return {
        Grant(statement["Sid"], action)
        for policy in policies
        for statement in _list(policy["Statement"])
        for action in _list(statement["Action"])
    }


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        any(_OPERATORS[operator](context.get(key, ""), str(value)) for value in _list(values)) and key in context
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _like(text: str, pattern: str) -> bool:
    expression = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


_OPERATORS = {
    "StringEquals": lambda text, value: text == value,
    "StringLike": _like,
    "ArnEquals": _like,
    "Bool": lambda text, value: text.lower() == value.lower(),
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


S3 = {
    "GetObject": "GetObject", "HeadObject": "GetObject", "PutObject": "PutObject",
    "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject", "UploadPartCopy": "PutObject", "AbortMultipartUpload": "AbortMultipartUpload",
    "ListParts": "ListMultipartUploadParts", "DeleteObject": "DeleteObject",
}  # fmt: skip
"""Operations on one object, and the right that each needs (S3 User Guide, "Required permissions")."""

ANYWHERE = {
    ("batch", "DescribeJobs"): "batch:DescribeJobs",
    ("batch", "ListJobs"): "batch:ListJobs",
    ("batch", "DescribeJobQueues"): "batch:DescribeJobQueues",
    ("batch", "DescribeComputeEnvironments"): "batch:DescribeComputeEnvironments",
    ("ec2", "DescribeInstances"): "ec2:DescribeInstances",
    ("ec2", "DescribeInstanceTypeOfferings"): "ec2:DescribeInstanceTypeOfferings",
    ("ec2", "DescribeSpotPriceHistory"): "ec2:DescribeSpotPriceHistory",
    ("pricing", "GetProducts"): "pricing:GetProducts",
    ("service-quotas", "GetServiceQuota"): "servicequotas:GetServiceQuota",
}
"""Calls whose right knows no resource."""

FREE = {("sts", "GetCallerIdentity")}
"""Calls that need no right at all."""


def needs(call: Mapping[str, Any], account: str, region: str, stack_id: str) -> Iterator[Need]:
    """The rights that a recorded call needs. Raises UnknownCall."""
    service, operation = call["service"], call["operation"]
    here = f"{region}:{account}"
    if (service, operation) in FREE:
        return
    if (service, operation) in ANYWHERE:
        yield Need(ANYWHERE[service, operation])
    elif service == "s3":
        yield from _needs_of_s3(call)
    elif (service, operation) == ("batch", "SubmitJob"):
        yield Need("batch:SubmitJob", call["jobQueue"])
        yield Need("batch:SubmitJob", call["jobDefinition"])
    elif (service, operation) == ("batch", "TerminateJob"):
        yield Need("batch:TerminateJob", f"arn:aws:batch:{here}:job/{call['jobId']}")
    elif (service, operation) == ("logs", "GetLogEvents"):
        stream = f"{call['logGroupName']}:log-stream:{call['logStreamName']}"
        yield Need("logs:GetLogEvents", f"arn:aws:logs:{here}:log-group:{stream}")
    elif (service, operation) == ("cloudformation", "DescribeStacks"):
        yield Need("cloudformation:DescribeStacks", stack_id)
    elif (service, operation) == ("ecr", "DescribeImages"):
        yield Need("ecr:DescribeImages", f"arn:aws:ecr:{here}:repository/{call['repositoryName']}")
    elif (service, operation) == ("sns", "Publish"):
        yield Need("sns:Publish", call["TopicArn"])
    else:
        raise UnknownCall(f"{service}:{operation}")


def _needs_of_s3(call: Mapping[str, Any]) -> Iterator[Need]:
    operation, bucket = call["operation"], f"arn:aws:s3:::{call['Bucket']}"
    if operation in ("ListObjectsV2", "HeadBucket"):
        yield Need("s3:ListBucket", bucket, {"s3:prefix": call.get("Prefix", "")})
    elif operation == "DeleteObjects":
        for row in call["Delete"]["Objects"]:
            yield Need("s3:DeleteObject", f"{bucket}/{row['Key']}")
    elif operation in S3:
        yield Need(f"s3:{S3[operation]}", f"{bucket}/{call['Key']}")
        if source := call.get("CopySource"):
            yield Need("s3:GetObject", f"arn:aws:s3:::{source['Bucket']}/{source['Key']}")
    else:
        raise UnknownCall(f"s3:{operation}")
