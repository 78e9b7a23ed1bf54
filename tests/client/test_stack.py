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

from cloud_render.client import stack, stack_events, teardown
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
FORBIDDEN = (
    'Resource handler returned message: "User: arn:aws:sts::123456789012:assumed-role/Dev/me is not authorized to '
    "perform: ec2:CreateVpc on resource: arn:aws:ec2:eu-central-1:123456789012:vpc/* with an explicit deny in a "
    'service control policy (Service: Ec2, Status Code: 403)" (RequestToken: 2, HandlerErrorCode: AccessDenied)'
)
NO_ROLE_YET = (
    "Operation failed, ComputeEnvironment went INVALID with error: CLIENT_ERROR - User: batch.amazonaws.com is not "
    "authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/farm-BatchRole-1 (Service: "
    "AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied; Request ID: 1; Proxy: null)"
)
NO_PROFILE_YET = (
    "Operation failed, ComputeEnvironment went INVALID with error: CLIENT_ERROR - Invalid IamInstanceProfile: "
    "arn:aws:iam::123456789012:instance-profile/farm-InstanceProfile-1"
)
NOT_STABLE = (
    "Resource handler returned message: \"Resource of type 'AWS::Batch::ComputeEnvironment' with identifier "
    "'arn:aws:batch:eu-central-1:123456789012:compute-environment/Gpu-1' did not stabilize.\" (RequestToken: 1, "
    "HandlerErrorCode: NotStabilized)"
)
NO_LINKED_ROLE = (
    'Resource handler returned message: "Invalid request provided: CreateCluster Invalid Request: Unable to assume the '
    "service linked role. Please verify that the ECS service linked role exists. (Service: AmazonECS; Status Code: "
    '400; Error Code: InvalidParameterException)" (RequestToken: 2, HandlerErrorCode: InvalidRequest)'
)
NO_ZONE = (
    "Your requested instance type (g5.xlarge) is not supported in your requested Availability Zone (us-east-1e). "
    "Please retry your request by not specifying an Availability Zone or choosing us-east-1a, us-east-1b, us-east-1c."
)
OTHER_ZONES = (
    'Resource handler returned message: "Value (us-east-1g) for parameter availabilityZone is invalid. Subnets can '
    "currently only be created in the following availability zones: us-east-1a, us-east-1b. (Service: Ec2, Status "
    'Code: 400, Request ID: 1)" (RequestToken: 2, HandlerErrorCode: InvalidRequest)'
)
ROLES = (
    'Resource handler returned message: "Cannot exceed quota for RolesPerAccount: 1000 (Service: Iam, Status Code: '
    '409, Request ID: 1)" (RequestToken: 2, HandlerErrorCode: ServiceLimitExceeded)'
)
BUCKETS = (
    "You have attempted to create more buckets than allowed (Service: Amazon S3; Status Code: 400; Error Code: "
    "TooManyBuckets; Request ID: 1; S3 Extended Request ID: 2; Proxy: null)"
)
BUDGET = (
    "Account 123456789012 is a linked account. To enable budgets for your account, ask the payer account to enable "
    "budgets first."
)
SUBSCRIBER = (
    "1 validation error detected: Value 'me' at 'notificationsWithSubscribers.1.member.subscribers.1.member.subscriber."
    "address' failed to satisfy constraint: Member must satisfy regular expression pattern: (.*[\\n\\r\\t\\f\\ ]?)*"
)
GATEWAYS = "The maximum number of internet gateways has been reached. (Service: AmazonEC2; Status Code: 400)"
ATTACHED = (
    'Resource handler returned message: "Cannot delete a policy attached to entities. (Service: Iam, Status Code: 409, '
    'Request ID: 1)" (RequestToken: 2, HandlerErrorCode: ResourceConflict)'
)
IMAGES = (
    "Resource handler returned message: \"The repository with name 'farm-repository-1' in registry with id "
    "'123456789012' cannot be deleted because it still contains images (Service: Ecr, Status Code: 400, Request ID: "
    '1)" (RequestToken: 2, HandlerErrorCode: GeneralServiceException)'
)
DEPENDENCY = (
    "The vpc 'vpc-0a1b' has dependencies and cannot be deleted. (Service: AmazonEC2; Status Code: 400; Error Code: "
    "DependencyViolation; Request ID: 1; Proxy: null)"
)
RELATED = "Cannot delete, found existing JobQueue relationship (Service: AWSBatch; Status Code: 400; Request ID: 1)"
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
        (FORBIDDEN, "explicit deny in a service control policy", "Your organization forbids that"),
        (NO_ROLE_YET, "not authorized to perform: sts:AssumeRole", "takes a minute to arrive"),
        (NO_PROFILE_YET, "Invalid IamInstanceProfile", "takes a minute to arrive"),
        (NOT_STABLE, "did not stabilize", "service-linked role"),
        (NO_LINKED_ROLE, "ECS service linked role exists", "service-linked"),
        (NO_ZONE, "is not supported in your requested Availability Zone (us-east-1e)", "--parameter ZoneA"),
        (OTHER_ZONES, "availabilityZone is invalid", "--parameter ZoneA"),
        (ROLES, "Cannot exceed quota for RolesPerAccount: 1000", "Service Quotas"),
        (BUCKETS, "more buckets than allowed", "Service Quotas"),
        (BUDGET, "linked account", "MonthlyBudgetUsd=0"),
        (SUBSCRIBER, "subscriber.address", "NotifyEmail"),
        (GATEWAYS, "maximum number of internet gateways", "Service Quotas"),
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


@pytest.mark.parametrize("state", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"])
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


def test_an_update_that_can_not_be_undone_says_what_stuck() -> None:
    """Both when it happens and when the next set-up tries to get out of it; nothing else is tried."""
    stuck = ("Gpu", "AWS::Batch::ComputeEnvironment", "UPDATE_FAILED", SCALING)
    steps: list[Step] = [("UPDATE_ROLLBACK_IN_PROGRESS", [stuck]), ("UPDATE_ROLLBACK_FAILED", [])]
    failed = CloudFormation("UPDATE_COMPLETE", execute_change_set=steps)
    with pytest.raises(CloudNotReady, match=r"Gpu .* failed: Manually .* Its state is UPDATE_ROLLBACK_FAILED"):
        _deploy(failed)
    still = CloudFormation("UPDATE_ROLLBACK_FAILED", continue_update_rollback=steps)
    with pytest.raises(CloudNotReady, match=r"can't be taken back. Gpu .* failed: Manually") as error:
        _deploy(still)
    assert "Wait until no job runs" in error.value.advice
    assert still.done == ["continue_update_rollback"]


@pytest.mark.parametrize(
    ("event", "advice"),
    [
        (("ArtistPolicy", "AWS::IAM::ManagedPolicy", "DELETE_FAILED", ATTACHED), "detach it"),
        (("Repository", "AWS::ECR::Repository", "DELETE_FAILED", IMAGES), "Remove the images"),
        (("Vpc", "AWS::EC2::VPC", "DELETE_FAILED", DEPENDENCY), "uses its network"),
        (("Gpu", "AWS::Batch::ComputeEnvironment", "DELETE_FAILED", RELATED), "do the same again"),
        (("Gpu", "AWS::Batch::ComputeEnvironment", "DELETE_FAILED", "Internal Failure"), "Try again"),
    ],
)
def test_a_removal_that_fails_says_its_first_cause_and_goes_on_the_next_time(
    event: tuple[str, str, str, str], advice: str
) -> None:
    """What was removed stays so; the same again asks for the rest."""
    steps: list[Step] = [("DELETE_IN_PROGRESS", [event]), ("DELETE_FAILED", [])]
    resists = CloudFormation("CREATE_COMPLETE", delete_stack=steps)
    holdings = teardown.Holdings("farm", ID, {}, (), 0, 0)
    with pytest.raises(CloudNotReady, match=f"could not be removed. {event[0]} ") as error:
        teardown.remove_stack(resists, holdings, sleep=lambda _s: None)
    assert advice in error.value.advice
    resists.plays["delete_stack"] = [("DELETE_COMPLETE", [])]
    teardown.remove_stack(resists, holdings, sleep=lambda _s: None)
    assert resists.done == ["delete_stack", "delete_stack"]


def test_ctrl_c_while_the_stack_is_made_leaves_it_to_aws_and_the_same_again_waits() -> None:
    """CloudFormation goes on by itself, or cleans up by itself: this program takes nothing back half-way."""

    def pressed(_event: stack_events.Event) -> None:
        raise KeyboardInterrupt

    made = CloudFormation(execute_change_set=CREATED, outputs={"TemplateVersion": "2"})
    with pytest.raises(KeyboardInterrupt):
        stack.deploy(made, "farm", {}, TEMPLATE, sleep=lambda _s: None, progress=pressed)
    assert made.done == ["create_change_set", "execute_change_set"]
    made.unchanged = True
    _, told = _deploy(made)
    assert told[-1] == "farm"
    assert made.state == "CREATE_COMPLETE"


def test_ctrl_c_while_the_changes_are_worked_out_leaves_nothing_in_the_way() -> None:
    """The stack that was only looked at has no resources; the same again makes it."""
    looked_at = CloudFormation("REVIEW_IN_PROGRESS", execute_change_set=CREATED)
    _deploy(looked_at)
    ((_, asked),) = [each for each in looked_at.asked if each[0] == "create_change_set"]
    assert asked["ChangeSetType"] == "CREATE"


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
