# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys the CloudFormation stack. Reading a stack that is there belongs to farm.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError, WaiterError

from cloud_render.client import template as templates
from cloud_render.contract.errors import BadArguments, CloudNotReady, NoStack

MAX_INLINE_BYTES = 51_200
"""The largest template that CloudFormation takes inside the request."""

USABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})
"""Stack states whose Outputs hold."""

IN_PROGRESS = {"CREATE_IN_PROGRESS": "stack_create_complete", "UPDATE_IN_PROGRESS": "stack_update_complete"}
"""Stack states that end by themselves, and botocore's waiter for each."""


class Clients(Protocol):
    """Whatever makes AWS clients: farm.Connection, or a boto3 Session."""

    def client(self, service_name: str, /) -> Any: ...


def deploy(
    clients: Clients,
    stack: str = "cloud-render",
    parameters: Mapping[str, str] | None = None,
    template: str | None = None,
) -> dict[str, str]:
    """Make the stack, or adopt the one of that name, wait until it stands, and answer its Outputs.

    Raises BadArguments for a template or parameter that CloudFormation refuses, CloudNotReady naming the first
    resource that failed.
    """
    cloudformation = clients.client("cloudformation")
    described = _describe(cloudformation, stack)
    if described is None:
        text = templates.minified(templates.ours() if template is None else template)
        _wait(cloudformation, stack, _create(cloudformation, stack, parameters or {}, text), "CREATE_IN_PROGRESS")
    elif described["StackStatus"] in IN_PROGRESS:
        _wait(cloudformation, stack, described["StackId"], described["StackStatus"])
    elif described["StackStatus"] not in USABLE:
        cause = _first_cause(cloudformation, described["StackId"])
        raise CloudNotReady(
            f"The stack {stack} is in the state {described['StackStatus']}. {cause}".rstrip(),
            "Delete it, then set it up again.",
        )
    return outputs(cloudformation, stack)


def outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """The Outputs of a stack that is there. Raises NoStack."""
    described = _describe(cloudformation, stack)
    if described is None:
        raise NoStack(f"There is no stack named {stack}.", "Set it up first.")
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def _describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    try:
        stacks: list[dict[str, Any]] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        # CloudFormation has no error code of its own for a stack that is not there.
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return stacks[0]


def _create(cloudformation: Any, stack: str, parameters: Mapping[str, str], template: str) -> str:
    """Ask for the stack; its id, by which it can be asked about even after a failure has removed it."""
    size = len(template.encode())
    if size > MAX_INLINE_BYTES:
        raise BadArguments(f"The template has {size} bytes; CloudFormation takes {MAX_INLINE_BYTES}.")
    try:
        created = cloudformation.create_stack(
            StackName=stack,
            TemplateBody=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM"],
            OnFailure="DELETE",
        )
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "AlreadyExistsException":
            return stack  # Someone else was faster, or an answer was lost: that stack is adopted.
        if code in ("ValidationError", "InsufficientCapabilitiesException"):
            raise BadArguments(f"CloudFormation refused the stack {stack}: {message}") from error
        raise
    return str(created["StackId"])


def _wait(cloudformation: Any, stack: str, stack_id: str, state: str) -> None:
    waiter = cloudformation.get_waiter(IN_PROGRESS[state])
    try:
        # 5 s × 360 = 30 min: compute environments take minutes, roles seconds.
        waiter.wait(StackName=stack_id, WaiterConfig={"Delay": 5, "MaxAttempts": 360})
    except WaiterError as error:
        raise CloudNotReady(f"The stack {stack} could not be made.", _first_cause(cloudformation, stack_id)) from error


def _first_cause(cloudformation: Any, stack_id: str) -> str:
    """What failed first, in CloudFormation's words; later failures are mostly its consequences. Empty if not known."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    events = [event for page in pages for event in page["StackEvents"]]
    failures = [event for event in events if event.get("ResourceStatus", "").endswith("_FAILED")]
    if not failures:
        return ""
    first = failures[-1]  # Events come newest first.
    return f"{first['LogicalResourceId']} failed: {first.get('ResourceStatusReason', 'no reason given')}"
