# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the CloudFormation stack or brings it up to date: shows what would change, then does it, or undoes it all.

Reading a stack that is there belongs to farm.py, removing one to teardown.py.
"""

from __future__ import annotations

import difflib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloud_render.client import stack_events
from cloud_render.client import template as templates
from cloud_render.client.stack_events import Progress, Sleep, silent
from cloud_render.client.stack_jobs import live_jobs
from cloud_render.client.template_source import Clients, template_source
from cloud_render.contract.errors import BadArguments, CloudNotReady, CloudUnreachable, NoStack
from cloud_render.store.translate import translated

USABLE = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
"""Stack states whose Outputs hold."""

LEFTOVER = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
"""Stack states that only removal leads out of. Each is of a stack that never stood, or should be gone."""

_UNCHANGED = ("didn't contain changes", "No updates are to be performed")
_POLL_S = 2.0


@dataclass(frozen=True)
class Change:
    """What would happen to one resource."""

    action: str
    """Add, Modify or Remove."""
    resource: str
    kind: str
    """Such as AWS::S3::Bucket."""
    replaces: bool
    """Whether a new one takes its place."""


@dataclass(frozen=True)
class ChangeSet:
    """What setting a stack up would do; nothing has been done yet."""

    stack: str
    stack_id: str
    id: str
    """Empty where nothing would change."""
    creates: bool
    changes: tuple[Change, ...]
    version_before: int
    """Of the template that the stack was made with; 0 for none."""
    version: int


def deploy(
    clients: Clients,
    stack: str = "cloud-render",
    parameters: Mapping[str, str] | None = None,
    template: str | None = None,
    *,
    force: bool = False,
    progress: Progress = silent,
    sleep: Sleep = time.sleep,
) -> dict[str, str]:
    """Make the stack, or bring the one of that name up to date, wait until it stands, and answer its Outputs.

    Raises as prepare() and carry_out() do.
    """
    change_set = prepare(clients, stack, parameters, template, progress=progress, sleep=sleep)
    return carry_out(clients, change_set, force=force, progress=progress, sleep=sleep)


def prepare(
    clients: Clients,
    stack: str = "cloud-render",
    parameters: Mapping[str, str] | None = None,
    template: str | None = None,
    *,
    progress: Progress = silent,
    sleep: Sleep = time.sleep,
) -> ChangeSet:
    """Ask CloudFormation what would change. Waits for whoever works on the stack, and removes what failed before.

    Parameters that are not given stay as they are in the stack. Raises BadArguments for a template or parameter that
    can't be, CloudNotReady where the stack itself stands in the way, NoCredentials, NotAllowed, CloudUnreachable.
    """
    text = templates.ours() if template is None else template
    check_parameters(parameters or {}, text)
    cloudformation = clients.client("cloudformation")
    with translated(f"set up the stack {stack!r}", CloudUnreachable):
        described = _settled(cloudformation, stack, progress, sleep)
        before = _version_of(described)
        if before > templates.version(text) > 0:
            raise CloudNotReady(
                f"The stack {stack!r} was set up by a newer version of Cloud Render (its template is {before}, this "
                f"program's is {templates.version(text)}).",
                "Update this program; with the older template the newer programs would stop working.",
            )
        with template_source(clients, templates.minified(text)) as source:
            change_set_id, stack_id = _ask(cloudformation, stack, described, parameters or {}, text, source)
            made = _answer(cloudformation, change_set_id, stack, sleep) if change_set_id else None
        if made is None and change_set_id:
            cloudformation.delete_change_set(ChangeSetName=change_set_id)
            change_set_id = ""
    return ChangeSet(stack, stack_id, change_set_id, described is None, made or (), before, templates.version(text))


def carry_out(
    clients: Clients,
    change_set: ChangeSet,
    *,
    force: bool = False,
    progress: Progress = silent,
    sleep: Sleep = time.sleep,
) -> dict[str, str]:
    """Do what was prepared and answer the stack's Outputs. A failure leaves the stack as it was, or none.

    Raises CloudNotReady with the first cause in words; also while renders run, unless forced: an update gives their
    machines six hours.
    """
    cloudformation = clients.client("cloudformation")
    with translated(f"set up the stack {change_set.stack!r}", CloudUnreachable):
        if not change_set.id:
            return outputs(cloudformation, change_set.stack)
        if not change_set.creates and not force:
            _refuse_live_jobs(clients, change_set, cloudformation)
        last = stack_events.latest_id(cloudformation, change_set.stack_id)
        cloudformation.execute_change_set(ChangeSetName=change_set.id)
        status, events = stack_events.follow(cloudformation, change_set.stack_id, last, progress, sleep)
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return outputs(cloudformation, change_set.stack)
        if status in LEFTOVER:
            _remove(cloudformation, change_set.stack, change_set.stack_id, progress, sleep)
        raise _failure(change_set, status, events)


def discard(clients: Clients, change_set: ChangeSet) -> None:
    """Forget what was prepared; of a stack that was not there yet nothing stays."""
    cloudformation = clients.client("cloudformation")
    with translated(f"discard the changes of {change_set.stack!r}", CloudUnreachable):
        if change_set.creates:
            cloudformation.delete_stack(StackName=change_set.stack_id)
        elif change_set.id:
            cloudformation.delete_change_set(ChangeSetName=change_set.id)


def outputs(cloudformation: Any, stack: str) -> dict[str, str]:
    """The Outputs of a stack that is there. Raises NoStack."""
    described = describe(cloudformation, stack)
    if described is None:
        raise NoStack(f"There is no stack named {stack}.", "Set it up first: cloud-render setup.")
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def outputs_of(clients: Clients, stack: str) -> dict[str, str]:
    """As outputs(). Raises NoStack, CloudUnreachable, NoCredentials, NotAllowed."""
    with translated(f"read the stack {stack!r}", CloudUnreachable):
        return outputs(clients.client("cloudformation"), stack)


def standing(clients: Clients, stack: str) -> dict[str, Any] | None:
    """As DescribeStacks answers; None for no stack, and for one that never stood. Raises CloudUnreachable …"""
    with translated(f"read the stack {stack!r}", CloudUnreachable):
        described = describe(clients.client("cloudformation"), stack)
    return described if described and described["StackStatus"] not in {*LEFTOVER, "REVIEW_IN_PROGRESS"} else None


def describe(cloudformation: Any, stack: str) -> dict[str, Any] | None:
    """As DescribeStacks answers; None for a stack that is not there."""
    try:
        stacks: list[dict[str, Any]] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        # CloudFormation has no error code of its own for a stack that is not there.
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return stacks[0]


def check_parameters(given: Mapping[str, str], text: str) -> None:
    """Raises BadArguments for a name that the template does not have, and for a network named by half."""
    known = templates.parameters(text)
    for name in sorted(set(given) - set(known)):
        near = difflib.get_close_matches(name, known, n=1)
        raise BadArguments(
            f"The stack has no parameter {name}.",
            f"Did you mean {near[0]}?" if near else f"It has {', '.join(known) or 'none'}.",
        )
    if bool(given.get("VpcId")) != bool(given.get("SubnetIds")) and {"VpcId", "SubnetIds"} & set(given):
        raise BadArguments(
            "VpcId and SubnetIds belong together.", "Give both, to render in a network of yours, or neither."
        )


def _settled(cloudformation: Any, stack: str, progress: Progress, sleep: Sleep) -> dict[str, Any] | None:
    """The stack once it is in a state that can be changed; None where there is none (any more)."""
    while (described := describe(cloudformation, stack)) is not None:
        status, stack_id = described["StackStatus"], described["StackId"]
        if status == "REVIEW_IN_PROGRESS":
            return None  # It has no resources yet: someone looked at what would change, as we do now.
        if status in USABLE:
            return described
        if status in LEFTOVER:
            _remove(cloudformation, stack, stack_id, progress, sleep)
        elif status == "UPDATE_ROLLBACK_FAILED":
            _go_on_rolling_back(cloudformation, stack, stack_id, progress, sleep)
        elif status.endswith("_IN_PROGRESS"):
            last = stack_events.latest_id(cloudformation, stack_id)
            stack_events.follow(cloudformation, stack_id, last, progress, sleep)
        else:
            raise CloudNotReady(f"The stack {stack} is in the state {status}.", "Look at it in AWS's console.")
    return None


def _remove(cloudformation: Any, stack: str, stack_id: str, progress: Progress, sleep: Sleep) -> None:
    """Remove what a failure left. Raises CloudNotReady where it resists."""
    last = stack_events.latest_id(cloudformation, stack_id)
    cloudformation.delete_stack(StackName=stack_id)
    status, events = stack_events.follow(cloudformation, stack_id, last, progress, sleep)
    if status != "DELETE_COMPLETE":
        raise _resists(f"What a failed set-up left of the stack {stack} can't be removed.", events)


def _go_on_rolling_back(cloudformation: Any, stack: str, stack_id: str, progress: Progress, sleep: Sleep) -> None:
    last = stack_events.latest_id(cloudformation, stack_id)
    cloudformation.continue_update_rollback(StackName=stack_id)
    status, events = stack_events.follow(cloudformation, stack_id, last, progress, sleep)
    if status != "UPDATE_ROLLBACK_COMPLETE":
        raise _resists(f"An update of the stack {stack} failed and can't be taken back.", events)


def _resists(problem: str, events: list[stack_events.Event]) -> CloudNotReady:
    cause = stack_events.first_cause(events)
    words = f" {stack_events.in_words(cause)}" if cause else ""
    advice = (cause and stack_events.remedy(cause)) or "Look at the stack's events in AWS's console."
    return CloudNotReady(problem + words, advice)


def _ask(
    cloudformation: Any,
    stack: str,
    described: Mapping[str, Any] | None,
    given: Mapping[str, str],
    text: str,
    source: Mapping[str, str],
) -> tuple[str, str]:
    """Ids of the change set and of the stack; that of the change set is empty where nothing would change."""
    kept = {row["ParameterKey"] for row in (described or {}).get("Parameters", ())} & set(templates.parameters(text))
    rows: list[dict[str, Any]] = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    rows += [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept - set(given))]
    # What was created in part is removed by CloudFormation itself, whether or not this program is still there.
    kind = {"ChangeSetType": "UPDATE"} if described else {"ChangeSetType": "CREATE", "OnStackFailure": "DELETE"}
    try:
        made = cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=f"cloud-render-{uuid.uuid4().hex[:12]}",
            Parameters=rows,
            Capabilities=["CAPABILITY_IAM"],
            **source,
            **kind,
        )
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if described and any(words in message for words in _UNCHANGED):
            return "", described["StackId"]
        if code in ("ValidationError", "InsufficientCapabilitiesException"):
            raise BadArguments(f"CloudFormation refused the stack {stack}: {message}") from error
        raise
    return made["Id"], made["StackId"]


def _answer(cloudformation: Any, change_set_id: str, stack: str, sleep: Sleep) -> tuple[Change, ...] | None:
    """The changes, once CloudFormation has worked them out; None where there are none."""
    while (described := cloudformation.describe_change_set(ChangeSetName=change_set_id))["Status"] in (
        "CREATE_PENDING",
        "CREATE_IN_PROGRESS",
    ):
        sleep(_POLL_S)
    if described["Status"] == "FAILED":
        reason = described.get("StatusReason", "no reason given")
        if any(words in reason for words in _UNCHANGED):
            return None
        raise BadArguments(f"CloudFormation refused the changes of the stack {stack}: {reason}")
    rows = list(described["Changes"])
    while token := described.get("NextToken"):
        described = cloudformation.describe_change_set(ChangeSetName=change_set_id, NextToken=token)
        rows += described["Changes"]
    return tuple(_change(row["ResourceChange"]) for row in rows if row.get("Type", "Resource") == "Resource")


def _change(row: Mapping[str, Any]) -> Change:
    return Change(row["Action"], row["LogicalResourceId"], row["ResourceType"], row.get("Replacement") == "True")


def _version_of(described: Mapping[str, Any] | None) -> int:
    rows = (described or {}).get("Outputs", ())
    text = next((row["OutputValue"] for row in rows if row["OutputKey"] == "TemplateVersion"), "0")
    return int(text) if text.isdecimal() else 0


def _refuse_live_jobs(clients: Clients, change_set: ChangeSet, cloudformation: Any) -> None:
    live = live_jobs(clients.client("batch"), outputs(cloudformation, change_set.stack))
    if not live:
        return
    discard(clients, change_set)
    names = ", ".join(job.name for job in live[:3]) + (f" and {len(live) - 3} more" if len(live) > 3 else "")
    raise CloudNotReady(
        f"{len(live)} job{'s are' if len(live) != 1 else ' is'} not finished: {names}.",
        "Wait for them, cancel them, or update all the same with --force: what still runs after six hours is ended.",
    )


def _failure(change_set: ChangeSet, status: str, events: list[stack_events.Event]) -> CloudNotReady:
    cause = stack_events.first_cause(events)
    verb, after = (
        ("made", "Nothing is left of it.")
        if change_set.creates
        else ("updated", "It is as it was before." if status in USABLE else f"Its state is {status}.")
    )
    words = stack_events.in_words(cause) if cause else f"Its state is {status}."
    advice = stack_events.remedy(cause) if cause else ""
    return CloudNotReady(f"The stack {change_set.stack} could not be {verb}. {words} {after}", advice)
