# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting up, updating and failing as CloudFormation does it. moto can't: it knows neither updates nor rollbacks.

The stand-in plays sequences of states and events whose texts are CloudFormation's own: from its user guide
("Troubleshooting CloudFormation", "Stack status codes") and from events that people reported in public issues.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud_render.client import stack, stack_events
from cloud_render.contract.errors import BadArguments, CloudNotReady

ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/farm/1"
STACK = "AWS::CloudFormation::Stack"
TEMPLATE = 'Parameters:\n  A:\n    Type: String\n  B:\n    Type: String\nOutputs:\n  TemplateVersion: {Value: "2"}\n'

VPCS = (
    'Resource handler returned message: "The maximum number of VPCs has been reached. (Service: Ec2, Status Code: 400, '
    'Request ID: 5ce9e2b3-ab97-48ae-9110-21df5e97e9b5)" (RequestToken: 79d65bb7-1d80-c629-18dc-b61fe9935538, '
    "HandlerErrorCode: GeneralServiceException)"
)
NO_RIGHT = (
    "API: iam:CreateRole User: arn:aws:iam::123456789012:user/me is not authorized to perform: iam:CreateRole on "
    "resource: arn:aws:iam::123456789012:role/farm-JobRole-30U2WSAK4KID because no identity-based policy allows the "
    "iam:CreateRole action"
)
NO_TYPE = (
    "Error executing request, Exception : Instance type can only be one of [g4dn.xlarge, optimal, m5n, m3.xlarge], "
    "RequestId: 0e6b1c1e-0000 (Service: AWSBatch; Status Code: 400; Error Code: ClientException)"
)
EXISTS = "farm-logs already exists in stack arn:aws:cloudformation:eu-central-1:123456789012:stack/old/2"
NOT_EMPTY = (
    "The bucket you tried to delete is not empty (Service: Amazon S3; Status Code: 409; Error Code: BucketNotEmpty; "
    "Request ID: EFPPFXD4MC1EMGMR; Proxy: null)"
)
SCALING = (
    'Resource handler returned message: "Manually scaling down compute environment is not supported. Disconnecting job '
    'queues from compute environment will cause it to scale-down to minvCpus. (Service: Batch, Status Code: 400)" '
    "(RequestToken: 1, HandlerErrorCode: InvalidRequest)"
)

Step = tuple[str, Sequence[tuple[str, str, str, str]]]
"""A state of the stack, and the events that came with it: resource, kind, status, reason."""


class CloudFormation:
    """One stack, and what each operation leads to. Each look at the stack is one step further."""

    def __init__(self, state: str = "", outputs: dict[str, str] | None = None, **plays: Sequence[Step]) -> None:
        self.state = state
        self.outputs = outputs or {}
        self.parameters = ["A", "Old"]
        self.plays = {name: list(steps) for name, steps in plays.items()}
        self.coming: list[Step] = self.plays.pop("already", [])
        self.events: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.unchanged = False

    def client(self, service_name: str, /) -> Any:
        return {"cloudformation": self, "batch": Batch()}[service_name]

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if self.coming:
            self.state, events = self.coming.pop(0)
            self.events[:0] = [self._row(*event) for event in reversed(events)]
        if not self.state or (self.state == "DELETE_COMPLETE" and StackName != ID):
            message = f"Stack with id {StackName} does not exist"
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "DescribeStacks")
        rows = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        parameters = [{"ParameterKey": name, "ParameterValue": "1"} for name in self.parameters]
        found = {"StackId": ID, "StackStatus": self.state, "Outputs": rows, "Parameters": parameters}
        return {"Stacks": [found]}

    def _row(self, resource: str, kind: str, status: str, reason: str) -> dict[str, Any]:
        number = len(self.events) + len(self.asked) * 1000
        return {
            "EventId": f"{resource}-{status}-{number}",
            "LogicalResourceId": resource,
            "ResourceType": kind,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
        }

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"StackEvents": self.events}

    def get_paginator(self, _name: str) -> CloudFormation:
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"StackEvents": self.events[at : at + 2]} for at in range(0, len(self.events), 2)]

    def create_change_set(self, **asked: Any) -> dict[str, str]:
        self._note("create_change_set", asked)
        if asked["ChangeSetType"] == "CREATE":
            self.state = "REVIEW_IN_PROGRESS"
        return {"Id": "changes", "StackId": ID}

    def describe_change_set(self, **_asked: Any) -> dict[str, Any]:
        if self.unchanged:
            reason = (
                "The submitted information didn't contain changes. Submit different information to create a change set."
            )
            return {"Status": "FAILED", "StatusReason": reason}
        change = {
            "Action": "Modify",
            "LogicalResourceId": "Vpc",
            "ResourceType": "AWS::EC2::VPC",
            "Replacement": "True",
        }
        return {"Status": "CREATE_COMPLETE", "Changes": [{"Type": "Resource", "ResourceChange": change}]}

    def execute_change_set(self, **asked: Any) -> None:
        self._note("execute_change_set", asked)

    def delete_change_set(self, **asked: Any) -> None:
        self._note("delete_change_set", asked)

    def delete_stack(self, **asked: Any) -> None:
        self._note("delete_stack", asked)

    def continue_update_rollback(self, **asked: Any) -> None:
        self._note("continue_update_rollback", asked)

    def _note(self, name: str, asked: dict[str, Any]) -> None:
        self.asked.append((name, asked))
        self.coming += self.plays.pop(name, [])

    @property
    def done(self) -> list[str]:
        return [name for name, _ in self.asked]


class Batch:
    """No job but one array, in the queue called busy."""

    def get_paginator(self, _name: str) -> Batch:
        return self

    def paginate(self, jobQueue: str, jobStatus: str) -> list[dict[str, Any]]:  # noqa: N803
        rows = [{"jobId": "1", "jobName": "hare-render"}] if (jobQueue, jobStatus) == ("busy", "PENDING") else []
        return [{"jobSummaryList": rows}]


def _deploy(cloudformation: CloudFormation, **options: Any) -> tuple[dict[str, str], list[str]]:
    told: list[str] = []
    outputs = stack.deploy(
        cloudformation,
        "farm",
        {},
        TEMPLATE,
        sleep=lambda _s: None,
        progress=lambda e: told.append(e.resource),
        **options,
    )
    return outputs, told


CREATED: list[Step] = [
    ("CREATE_IN_PROGRESS", [("farm", STACK, "CREATE_IN_PROGRESS", "User Initiated")]),
    ("CREATE_IN_PROGRESS", [("Vpc", "AWS::EC2::VPC", "CREATE_IN_PROGRESS", "")]),
    ("CREATE_COMPLETE", [("Vpc", "AWS::EC2::VPC", "CREATE_COMPLETE", ""), ("farm", STACK, "CREATE_COMPLETE", "")]),
]


def _rolled_back(reason: str, resource: str = "Vpc", kind: str = "AWS::EC2::VPC") -> list[Step]:
    """A creation that fails, with OnStackFailure DELETE: another resource fails only because this one did."""
    return [
        ("CREATE_IN_PROGRESS", [("farm", STACK, "CREATE_IN_PROGRESS", "User Initiated")]),
        (
            "ROLLBACK_IN_PROGRESS",
            [
                (resource, kind, "CREATE_FAILED", reason),
                ("Bucket", "AWS::S3::Bucket", "CREATE_FAILED", "Resource creation cancelled"),
                ("farm", STACK, "ROLLBACK_IN_PROGRESS", f"The following resource(s) failed to create: [{resource}]."),
            ],
        ),
        ("DELETE_IN_PROGRESS", [(resource, kind, "DELETE_COMPLETE", "")]),
        ("DELETE_COMPLETE", [("farm", STACK, "DELETE_COMPLETE", "")]),
    ]


def test_progress_is_told_event_by_event_once() -> None:
    """In their order, the last one included."""
    made = CloudFormation(execute_change_set=CREATED, outputs={"TemplateVersion": "2"})
    outputs, told = _deploy(made)
    assert outputs == {"TemplateVersion": "2"}
    assert told == ["farm", "Vpc", "Vpc", "farm"]


@pytest.mark.parametrize(
    ("reason", "words", "advice"),
    [
        (VPCS, "The maximum number of VPCs has been reached.", "--parameter VpcId"),
        (NO_RIGHT, "not authorized to perform: iam:CreateRole", "deployer-policy.json"),
        (NO_TYPE, "Instance type can only be one of", "--parameter InstanceTypes"),
        (EXISTS, "already exists in stack", "choose another stack"),
        (SCALING, "scaling down compute environment is not supported", "Wait until no job runs"),
        ("Invalid parameter: Email address (Service: Sns, Status Code: 400)", "Email address", "NotifyEmail"),
        ("Rate exceeded (Service: AWSBatch; Status Code: 429)", "Rate exceeded", "Try again"),
        ("The service-linked role AWSServiceRoleForBatch could not be created", "AWSServiceRole", "service-linked"),
    ],
)
def test_a_failed_creation_says_its_first_cause_and_a_remedy(reason: str, words: str, advice: str) -> None:
    """In words without request ids; nothing is left, so nothing is removed."""
    failed = CloudFormation(execute_change_set=_rolled_back(reason))
    with pytest.raises(CloudNotReady) as error:
        _deploy(failed)
    assert words in error.value.problem
    assert "Nothing is left of it" in error.value.problem
    assert "RequestToken" not in error.value.problem
    assert "Request ID" not in error.value.problem
    assert advice in error.value.advice
    assert "delete_stack" not in failed.done


def test_a_creation_is_told_to_clean_up_even_if_this_program_is_gone() -> None:
    """CloudFormation itself removes what it made in part."""
    made = CloudFormation(execute_change_set=CREATED)
    _deploy(made)
    ((_, asked),) = [each for each in made.asked if each[0] == "create_change_set"]
    assert (asked["ChangeSetType"], asked["OnStackFailure"]) == ("CREATE", "DELETE")


@pytest.mark.parametrize("state", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED"])
def test_what_a_failed_set_up_left_is_removed_first(state: str) -> None:
    """A stack in such a state "can not be updated"; it has to be made anew."""
    left = CloudFormation(state, delete_stack=[("DELETE_COMPLETE", [])], execute_change_set=CREATED)
    _deploy(left)
    assert left.done == ["delete_stack", "create_change_set", "execute_change_set"]


def test_leftovers_that_resist_are_told_with_the_cause() -> None:
    """Such as a bucket that a stranger's template did not keep."""
    event = ("Store", "AWS::S3::Bucket", "DELETE_FAILED", NOT_EMPTY)
    left = CloudFormation("ROLLBACK_COMPLETE", delete_stack=[("DELETE_FAILED", [event])])
    with pytest.raises(CloudNotReady, match=r"Store \(AWS::S3::Bucket\) failed: The bucket .* is not empty") as error:
        _deploy(left)
    assert "teardown" in error.value.advice


def test_a_stack_that_someone_is_making_is_waited_for() -> None:
    """Then it is brought up to date; with nothing to change, nothing is done."""
    made = CloudFormation("CREATE_IN_PROGRESS", already=CREATED[1:])
    made.unchanged = True
    _deploy(made)
    assert made.done == ["create_change_set", "delete_change_set"]


def test_an_update_keeps_the_parameters_that_are_not_given() -> None:
    """And leaves out those that the template has no longer."""
    updated = CloudFormation("CREATE_COMPLETE", execute_change_set=[("UPDATE_COMPLETE", [])])
    _deploy(updated)
    assert updated.asked[0][1]["Parameters"] == [{"ParameterKey": "A", "UsePreviousValue": True}]


def test_an_update_that_fails_leaves_the_stack_as_it_was() -> None:
    """The cause is the resource's, not the cancelled ones'."""
    steps: list[Step] = [
        ("UPDATE_IN_PROGRESS", [("Queue", "AWS::Batch::JobQueue", "UPDATE_FAILED", "Resource update cancelled")]),
        ("UPDATE_ROLLBACK_IN_PROGRESS", [("Gpu", "AWS::Batch::ComputeEnvironment", "UPDATE_FAILED", SCALING)]),
        ("UPDATE_ROLLBACK_COMPLETE", []),
    ]
    failed = CloudFormation("UPDATE_COMPLETE", execute_change_set=steps)
    with pytest.raises(CloudNotReady, match=r"could not be updated. Gpu .*It is as it was before"):
        _deploy(failed)


def test_an_update_whose_undoing_stuck_is_undone_first() -> None:
    """UPDATE_ROLLBACK_FAILED takes no update; ContinueUpdateRollback leads out of it."""
    stuck = CloudFormation(
        "UPDATE_ROLLBACK_FAILED",
        continue_update_rollback=[("UPDATE_ROLLBACK_IN_PROGRESS", []), ("UPDATE_ROLLBACK_COMPLETE", [])],
        execute_change_set=[("UPDATE_COMPLETE", [])],
    )
    _deploy(stuck)
    assert stuck.done == ["continue_update_rollback", "create_change_set", "execute_change_set"]


def test_no_update_while_renders_run_unless_forced() -> None:
    """Their machines would be ended after six hours; what was prepared is forgotten."""
    busy = {"RenderGpuQueue": "busy", "TemplateVersion": "1"}
    refused = CloudFormation("CREATE_COMPLETE", busy)
    with pytest.raises(CloudNotReady, match="1 job is not finished: hare-render"):
        _deploy(refused)
    assert refused.done == ["create_change_set", "delete_change_set"]
    forced = CloudFormation("CREATE_COMPLETE", busy, execute_change_set=[("UPDATE_COMPLETE", [])])
    _deploy(forced, force=True)
    assert "execute_change_set" in forced.done


def test_an_older_program_does_not_take_a_newer_stack_back() -> None:
    """It says to update the program; the other way round the versions are told with the changes."""
    with pytest.raises(CloudNotReady, match="newer version"):
        _deploy(CloudFormation("CREATE_COMPLETE", {"TemplateVersion": "3"}))
    older = CloudFormation("CREATE_COMPLETE", {"TemplateVersion": "1"})
    prepared = stack.prepare(older, "farm", {}, TEMPLATE)
    assert (prepared.version_before, prepared.version) == (1, 2)
    assert prepared.changes == (stack.Change("Modify", "Vpc", "AWS::EC2::VPC", True),)


def test_an_empty_change_set_for_other_reasons_is_an_error() -> None:
    """CloudFormation says why it could not work the changes out."""
    refused = CloudFormation("CREATE_COMPLETE")
    refused.describe_change_set = lambda **_: {"Status": "FAILED", "StatusReason": "Transform failed"}  # type: ignore[method-assign]
    with pytest.raises(BadArguments, match="Transform failed"):
        _deploy(refused)


def test_events_are_read_from_the_newest_backwards_to_the_last_one_known() -> None:
    """A stack's history may be long; only what is new is fetched."""
    history = CloudFormation("CREATE_COMPLETE", already=CREATED)
    for _ in CREATED:
        history.describe_stacks("farm")
    known = history.events[1]["EventId"]
    assert [event.resource for event in stack_events.after(history, ID, known)] == ["farm"]
    assert len(stack_events.after(history, ID, "")) == 4
