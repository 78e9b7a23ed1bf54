# SPDX-License-Identifier: GPL-3.0-or-later
"""The check-up: what it tells of a cloud that works, and of each thing that may not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud_render.client import batch, doctor, drift, expenses, image, machines, objects
from cloud_render.client.control import cancel
from cloud_render.client.doctor import check_up
from cloud_render.client.farm import DEFAULT_STACK, Connection, Farm
from cloud_render.client.findings import Finding
from cloud_render.client.machines import Kind
from cloud_render.contract import keys
from cloud_render.contract.errors import CloudNotReady
from local_cloud.testing import LocalCloud

Submitted = Callable[..., str]
WaitFor = Callable[..., Any]

MACHINES = ("Spot GPU machines", "Spot CPU machines", "On-Demand CPU machines")


@pytest.fixture
def quiet(farm: Farm) -> Farm:
    """Once the jobs of other tests have ended."""
    until = time.monotonic() + 60
    arns = (farm.render_gpu_queue, farm.render_cpu_queue, farm.utility_queue)
    while any(batch.names_of_active(farm, arn) for arn in arns) and time.monotonic() < until:
        time.sleep(0.2)
    return farm


@pytest.fixture
def answers(farm: Farm) -> Iterator[Callable[..., None]]:
    """`answers("s3", "PutObject", refusal)`: what the service says from now on, in place of its own answer."""
    registered: list[tuple[Any, str, Callable[..., None]]] = []

    def put_in(service: str, operation: str, error: ClientError) -> None:
        def raise_it(**_: object) -> None:
            raise error

        event = f"before-send.{service}.{operation}"
        events = farm.connection.client(service).meta.events
        events.register(event, raise_it)
        registered.append((events, event, raise_it))

    yield put_in
    for events, event, handler in registered:
        events.unregister(event, handler)


@pytest.fixture(scope="module", autouse=True)
def with_an_image(cloud: LocalCloud) -> None:
    """The stack of the tests has workers in place of an image; the repository has one all the same."""
    outputs = cloud.deploy("cloud-render")
    tag = outputs["WorkerImage"].rpartition(":")[2]
    image.build(cloud, outputs, image.Source(tag, b""), sleep=lambda _s: None)


def refusal(code: str, status: int = 403) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Call")


def told(farm: Farm, blender: str = "") -> dict[str, Finding]:
    return {finding.subject: finding for finding in check_up(farm.connection, farm.stack, blender)}


def test_a_cloud_that_works_has_nothing_but_good_findings(quiet: Farm) -> None:
    """In the order of what builds on what, each in words."""
    found = told(quiet)
    assert list(found) == [
        "Credentials",
        "Stack",
        "Image",
        "Permission",
        "Blender",
        "GPU queue",
        "Medium GPU queue",
        "Large GPU queue",
        "CPU queue",
        "Video queue",
        "Machines",
        *(f"Quota for {name}" for name in MACHINES),
        "Running now",
        "Machines on",
        "Stored",
    ]
    assert [finding for finding in found.values() if not finding.good or finding.remedy] == []
    assert found["Credentials"].words == "You are user/moto of account 123456789012, in us-east-1."
    assert "CREATE_COMPLETE" in found["Stack"].words
    assert "g4dn.xlarge" in found["GPU queue"].words
    assert found["Running now"].words == "Nothing is running now."


def test_a_check_up_changes_nothing(quiet: Farm) -> None:
    """Rights are tried without storing a byte."""
    before = objects.list_below(quiet, "").entries
    told(quiet)
    assert objects.list_below(quiet, "").entries == before


def test_without_credentials_nothing_else_is_asked(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """One finding, and that signing in helps."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (only,) = check_up(Connection(), DEFAULT_STACK)
    assert (only.subject, only.good, only.remedy) == ("Credentials", False, "credentials")
    assert "Sign in" in only.words


def test_a_line_that_leads_nowhere_is_told(farm: Farm) -> None:
    """Signing in would not help there."""
    (only,) = check_up(Connection(endpoint_url="http://127.0.0.1:9", attempts=1), DEFAULT_STACK)
    assert (only.good, only.remedy) == (False, "")
    assert "network" in only.words


def test_without_a_stack_the_quotas_are_told_all_the_same(farm: Farm) -> None:
    """They decide whether setting one up is worth it; what lies in the stack is left out."""
    found = {finding.subject: finding for finding in check_up(Connection(), "other")}
    assert (found["Stack"].good, found["Stack"].remedy) == (False, "setup")
    assert list(found) == [
        "Credentials",
        "Stack",
        "Machines",
        "Quota for Spot GPU machines",
        "Quota for On-Demand CPU machines",
    ]


def test_a_stack_that_is_not_of_this_version_asks_for_an_update(farm: Farm, aws: LocalCloud) -> None:
    """Here one that lacks nearly all of our Outputs."""
    template = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"BucketName": {"Value": "b"}}}
    aws.client("cloudformation").create_stack(StackName="old", TemplateBody=json.dumps(template))
    found = {finding.subject: finding for finding in check_up(Connection(), "old")}
    assert (found["Stack"].good, found["Stack"].remedy) == (False, "update")
    assert "Permission" not in found


@pytest.mark.parametrize(
    ("service", "operation", "subject"),
    [
        ("s3", "PutObject", "Permission"),
        ("s3", "ListObjectsV2", "Permission"),
        ("batch", "DescribeJobQueues", "Queues"),
        ("batch", "ListJobs", "Running now"),
        ("cloudformation", "DescribeStacks", "Stack"),
    ],
)
def test_a_right_that_is_missing_is_named(
    quiet: Farm, answers: Callable[..., None], service: str, operation: str, subject: str
) -> None:
    """The finding says so, and the check-up goes on with what does not follow from it."""
    answers(service, operation, refusal("AccessDenied"))
    found = told(quiet)
    assert (found[subject].good, found[subject].remedy) == (False, "permission")
    assert "AccessDenied" in found[subject].words
    assert len(found) > 3


def test_a_build_of_this_blender_is_looked_for(quiet: Farm) -> None:
    """The version itself, a patch that renders its files, or none: then how to install it."""
    record = keys.blender_record("5.0.3")
    objects.write(quiet, record, "{}")
    try:
        assert told(quiet)["Blender"].words == "The cloud has Blender 5.0.3."
        assert told(quiet, "5.0.3")["Blender"].words == "Blender 5.0.3 is in the cloud."
        assert "renders the files of your 5.0.1" in told(quiet, "5.0.1")["Blender"].words
        own = told(quiet, "4.2.9")["Blender"]
        assert (own.good, own.remedy) == (True, "")
        none = doctor._of_builds(replace(quiet, blender_from="bucket"), ("5.0.3",), "4.2.9")
        assert (none.good, none.remedy) == (True, "install-blender")
        assert "cloud-render blender install 4.2.9" in none.words
    finally:
        objects.delete(quiet, [record])


def test_a_queue_that_takes_no_jobs_is_told(quiet: Farm) -> None:
    """Switched off by hand, as one does when money runs away."""
    quiet.batch.update_job_queue(jobQueue=quiet.render_gpu_queue, state="DISABLED")
    try:
        found = told(quiet)
    finally:
        quiet.batch.update_job_queue(jobQueue=quiet.render_gpu_queue, state="ENABLED")
    assert (found["GPU queue"].good, found["GPU queue"].remedy) == (False, "update")
    assert "switched off" in found["GPU queue"].words
    assert found["CPU queue"].good


def test_machines_that_can_not_start_say_why(quiet: Farm) -> None:
    """AWS's own reason, with the kind of machines it is about."""

    def invalid(parsed: dict[str, Any], **_: object) -> None:
        for row in parsed["computeEnvironments"]:
            if row["computeResources"]["type"] == "EC2":
                row |= {"status": "INVALID", "statusReason": "CLIENT_ERROR - the security group does not exist"}

    event = "after-call.batch.DescribeComputeEnvironments"
    quiet.batch.meta.events.register(event, invalid)
    found = told(quiet)
    quiet.batch.meta.events.unregister(event, invalid)
    assert found["GPU queue"].good
    assert not found["Video queue"].good
    assert "On-Demand CPU machines: It is invalid: CLIENT_ERROR - the security group" in found["Video queue"].words


@pytest.mark.parametrize(
    ("value", "good", "words"),
    [
        (0.0, False, "0 vCPUs at a time, and the smallest machine has 4: no job can start."),
        (3.0, False, "no job can start"),
        (64.0, True, "64 vCPUs at a time, which is up to 16 machines."),
    ],
)
def test_a_quota_says_how_many_machines_fit(
    farm: Farm, monkeypatch: pytest.MonkeyPatch, value: float, good: bool, words: str
) -> None:
    """New accounts begin with none for GPU machines: the name to ask AWS for is told."""
    answer = {"Quota": {"Value": value, "QuotaCode": "L-3819A6DF"}}
    asked: list[str] = []

    def of_aws(params: dict[str, Any], **_: object) -> None:
        asked.append(params["QuotaCode"])

    client = farm.connection.client("service-quotas")
    monkeypatch.setattr(client, "get_service_quota", lambda **call: of_aws(call) or answer)
    finding = told(farm)["Quota for Spot GPU machines"]
    assert (finding.good, finding.remedy) == (good, "" if good else "quota")
    assert words in finding.words
    assert good or "All G and VT Spot Instance Requests" in finding.words
    assert "L-3819A6DF" in asked


def test_a_quota_that_may_not_be_asked_for_is_no_failure(quiet: Farm, answers: Callable[..., None]) -> None:
    """An artist's credentials may lack that right; the render needs it not."""
    answers("service-quotas", "GetServiceQuota", refusal("AccessDeniedException"))
    finding = told(quiet)["Quota for Spot GPU machines"]
    assert (finding.good, finding.remedy) == (True, "")
    assert "not known" in finding.words


def test_the_size_of_a_machine_is_in_its_name() -> None:
    """large has 2 vCPUs, xlarge 4, and from there on it counts."""
    sizes = {"m6i.large": 2, "g4dn.xlarge": 4, "g6e.2xlarge": 8, "m7a.16xlarge": 64, "optimal": 4}
    assert {name: machines.vcpus(name) for name in sizes} == sizes


@pytest.mark.parametrize("family", ["g4dn", "g5", "g6e", "vt1", "m6i", "c7a"])
def test_every_kind_of_machine_has_its_quota(family: str) -> None:
    """GPU machines are those of the families G and VT."""
    kind = machines._environment(
        {
            "computeEnvironmentArn": "arn",
            "computeResources": {"type": "SPOT", "instanceTypes": [f"{family}.xlarge"]},
        }
    ).kind
    assert kind == Kind(gpu=family in ("g4dn", "g5", "g6e", "vt1"), spot=True)
    assert machines.QUOTAS[kind].code


@pytest.mark.parametrize(("hours", "words"), [(2, "120 minutes behind"), (-2, "120 minutes ahead")])
def test_a_wrong_clock_is_told(quiet: Farm, hours: int, words: str) -> None:
    """By the time in AWS's own answer; a wrong clock is the reason where credentials are refused."""

    def date(parsed: dict[str, Any], **_: object) -> None:
        headers = parsed["ResponseMetadata"]["HTTPHeaders"]
        headers["date"] = format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)

    quiet.connection.client("sts").meta.events.register("after-call.sts.GetCallerIdentity", date)
    clock = told(quiet)["Clock"]
    assert (clock.good, clock.remedy) == (False, "")
    assert words in clock.words


def test_refused_signatures_of_a_wrong_clock_are_not_blamed_on_the_credentials(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS says only that the signature has expired: signing in again would not help."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    connection = Connection()

    def date(parsed: dict[str, Any], **_: object) -> None:
        headers = parsed["ResponseMetadata"]["HTTPHeaders"]
        headers["date"] = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    assert [finding.subject for finding in check_up(connection, DEFAULT_STACK)] == ["Credentials"]
    connection.client("sts").meta.events.register("after-call.sts.GetCallerIdentity", date)
    (only,) = check_up(connection, DEFAULT_STACK)
    assert (only.subject, only.good) == ("Clock", False)


def test_what_runs_is_told(quiet: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """By job, with how far it is; machines that are on are counted."""
    job_id = submitted("hold", frames_per_job=3)
    wait_for(job_id, "rendering")

    def two_machines(parsed: dict[str, Any], **_: object) -> None:
        parsed["computeEnvironments"][0]["computeResources"]["desiredvCpus"] = 8

    event = "after-call.batch.DescribeComputeEnvironments"
    quiet.batch.meta.events.register(event, two_machines)
    running = told(quiet)["Running now"]
    quiet.batch.meta.events.unregister(event, two_machines)
    cancel(quiet, job_id)
    assert (running.good, running.words) == (True, f"{job_id} (0 of 6 frames); machines with 8 vCPUs are on.")


def test_a_job_that_can_not_start_says_why(
    quiet: Farm, aws: LocalCloud, submitted: Submitted, wait_for: WaitFor
) -> None:
    """Batch's reason with its remedy, for a job that would wait for ever."""
    reason = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - too small"
    aws.set_capacity(quiet.render_gpu_queue, reason)
    try:
        job_id = submitted("hold", frames_per_job=3)
        until = time.monotonic() + 30
        while f"Job {job_id}" not in (found := told(quiet)) and time.monotonic() < until:
            time.sleep(0.2)
        cancel(quiet, job_id)
    finally:
        aws.set_capacity(quiet.render_gpu_queue)
    assert not found[f"Job {job_id}"].good
    assert "Raise the stack's MaxvCpus." in found[f"Job {job_id}"].words


@pytest.mark.parametrize(
    ("service", "operation", "subject"),
    [
        ("ecr", "DescribeImages", "Image"),
        ("ec2", "DescribeInstanceTypeOfferings", "Machines"),
        ("ec2", "DescribeInstances", "Machines on"),
        ("ce", "GetCostAndUsage", "This month"),
        ("cloudformation", "DetectStackDrift", "Changes by hand"),
    ],
)
def test_what_an_artist_need_not_know_is_no_problem(
    quiet: Farm, answers: Callable[..., None], service: str, operation: str, subject: str
) -> None:
    """The line says that it is not known, and every other line is as it was."""
    answers(service, operation, refusal("AccessDenied"))
    everything = check_up(quiet.connection, quiet.stack, cost=True, looks_for_drift=True)
    found = {finding.subject: finding for finding in everything}
    assert (found[subject].good, found[subject].words[:16]) == (True, "It is not known.")
    assert "Stored" in found


def test_an_image_that_is_not_there_is_a_problem(quiet: Farm, answers: Callable[..., None]) -> None:
    """No job could start, and Batch would only say that it can't be pulled."""
    answers("ecr", "DescribeImages", refusal("ImageNotFoundException", 400))
    found = told(quiet)["Image"]
    assert (found.good, found.remedy) == (False, "update")
    assert "Build it: cloud-render setup" in found.words


@pytest.mark.parametrize(
    ("offered", "good", "words"),
    [(("g5.xlarge",), True, "and no g4dn.xlarge"), ((), False, "none of g4dn.xlarge")],
)
def test_machines_that_the_region_lacks_are_told(quiet: Farm, offered: tuple[str, ...], good: bool, words: str) -> None:
    """Some may: the others start. None at all is a problem."""

    def fewer(parsed: dict[str, Any], **_: object) -> None:
        rows = parsed["InstanceTypeOfferings"]
        parsed["InstanceTypeOfferings"] = [row for row in rows if row["InstanceType"] in offered]

    events = quiet.connection.client("ec2").meta.events
    events.register("after-call.ec2.DescribeInstanceTypeOfferings", fewer)
    found = told(quiet)["Machines"]
    events.unregister("after-call.ec2.DescribeInstanceTypeOfferings", fewer)
    assert (found.good, found.remedy) == (good, "update")
    assert words in found.words


def test_machines_that_are_on_are_told_with_their_time(quiet: Farm, aws: LocalCloud) -> None:
    """Those of this stack alone: what a person forgot elsewhere is not ours to name."""
    ec2 = aws.client("ec2")
    (image_row,) = ec2.describe_images(Owners=["amazon"])["Images"][:1]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": expenses.TAG, "Value": quiet.stack}]}]
    common = {"ImageId": image_row["ImageId"], "MinCount": 1, "MaxCount": 1}
    ours = ec2.run_instances(InstanceType="g4dn.xlarge", TagSpecifications=tags, **common)["Instances"][0]["InstanceId"]
    ec2.run_instances(InstanceType="t3.micro", **common)
    on = told(quiet)["Machines on"].words
    ec2.terminate_instances(InstanceIds=[ours])
    assert on == f"{ours} (g4dn.xlarge, On-Demand) for 0 minutes."
    assert told(quiet)["Machines on"].words == "None: only what is stored costs money now."


def test_what_is_stored_is_told_by_place(quiet: Farm) -> None:
    """Counted now: CloudWatch's number is a day old."""
    objects.write(quiet, "inbox/scene.blend", "x" * 3_000_000)
    found = expenses.stored(quiet)
    objects.delete(quiet, ["inbox/scene.blend"])
    assert found.by_place["inbox"] == 3_000_000
    assert found.whole
    assert found.size == sum(found.by_place.values())


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ({"": "12.5"}, "12.50 USD for the whole account, as AWS has counted up to a day ago. To see"),
        ({"": "10", "cloud-render": "2.5", "other": "1"}, "13.50 USD for the whole account, as AWS has counted"),
        ({"": "10", "cloud-render": "2.5"}, "; 2.50 USD of it for this cloud's machines."),
        ({"other": "1"}, "; 0.00 USD of it for this cloud's machines."),
    ],
)
def test_the_months_cost_is_told_where_it_was_asked_for(
    quiet: Farm, monkeypatch: pytest.MonkeyPatch, groups: dict[str, str], words: str
) -> None:
    """The whole account's, and the part of our machines where bills know their tag. AWS takes money for the answer."""
    rows = [
        {"Keys": [f"{expenses.TAG}${name}"], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}
        for name, amount in groups.items()
    ]
    asked: list[Any] = []
    client = quiet.connection.client("ce")
    answer = {"ResultsByTime": [{"Groups": rows}]}
    monkeypatch.setattr(client, "get_cost_and_usage", lambda **call: asked.append(call) or answer)
    assert "This month" not in told(quiet)
    assert not asked
    found = {each.subject: each for each in check_up(quiet.connection, quiet.stack, cost=True)}
    assert words in found["This month"].words
    assert asked[0]["TimePeriod"]["Start"].endswith("-01")


class Drifting:
    """CloudFormation as it looks for drift: busy at first, then with what it found."""

    def __init__(self, status: str, found: str) -> None:
        self.answers = ["DETECTION_IN_PROGRESS", status]
        self.found = found

    def client(self, _service_name: str, /) -> Any:
        return self

    def detect_stack_drift(self, **_: Any) -> Any:
        return {"StackDriftDetectionId": "1"}

    def describe_stack_drift_detection_status(self, **_: Any) -> Any:
        reason = "User is not authorized to perform: batch:DescribeJobQueues"
        return {
            "DetectionStatus": self.answers.pop(0),
            "StackDriftStatus": self.found,
            "DetectionStatusReason": reason,
        }

    def describe_stack_resource_drifts(self, NextToken: str = "", **_: Any) -> Any:  # noqa: N803
        if not NextToken:
            row = {"LogicalResourceId": "Bucket", "StackResourceDriftStatus": "DELETED"}
            return {"StackResourceDrifts": [row], "NextToken": "2"}
        return {"StackResourceDrifts": [{"LogicalResourceId": "Queue", "StackResourceDriftStatus": "MODIFIED"}]}


def test_changes_by_hand_are_named() -> None:
    """All pages of them; none where the stack is as it was made; what can't be looked at is an error of its own."""
    changed = drift.detect(Drifting("DETECTION_COMPLETE", "DRIFTED"), "farm", sleep=lambda _s: None)
    assert changed.resources == ("Bucket (deleted)", "Queue (modified)")
    assert drift.detect(Drifting("DETECTION_COMPLETE", "IN_SYNC"), "farm", sleep=lambda _s: None).resources == ()
    with pytest.raises(CloudNotReady, match="batch:DescribeJobQueues"):
        drift.detect(Drifting("DETECTION_FAILED", "UNKNOWN"), "farm", sleep=lambda _s: None)


@pytest.mark.parametrize(
    ("version", "remedy", "words"), [("1", "update", "brings it up to date"), ("99", "", "update the program")]
)
def test_a_stack_of_another_version_that_still_works_is_told(
    quiet: Farm, version: str, remedy: str, words: str
) -> None:
    """It is no problem yet."""
    found = doctor._of_stack(replace(quiet, template_version=version), {"StackStatus": "UPDATE_COMPLETE"})
    assert (found.good, found.remedy) == (True, remedy)
    assert words in found.words


def test_a_stack_that_is_known_to_have_drifted_is_told(quiet: Farm) -> None:
    """From the last time that somebody looked."""
    drifted = {"StackStatus": "CREATE_COMPLETE", "DriftInformation": {"StackDriftStatus": "DRIFTED"}}
    assert (doctor._of_stack(quiet, drifted).good, doctor._of_stack(quiet, drifted).remedy) == (False, "update")
