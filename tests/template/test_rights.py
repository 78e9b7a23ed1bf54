# SPDX-License-Identifier: GPL-3.0-or-later
"""Least privilege: every call that client and worker really make is granted, and what is granted is used.

What this can't see: PassRole, service-linked roles, and what CloudFormation, Batch, ECS, CodeBuild and FIS call by
themselves. docs/stack.md lists that as unproved.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from local_cloud.registry import ACCOUNT
from local_cloud.testing import LocalCloud, running

RECORDING = Path(__file__).with_name("recording.py")

UNUSED = {
    ("ArtistPolicy", "Write", "s3:AbortMultipartUpload"): "only when a large upload is given up",
    ("ArtistPolicy", "Write", "s3:ListMultipartUploadParts"): "only when a large upload goes on",
    ("InspectRole", "Write", "s3:AbortMultipartUpload"): "only when the upload of a large scene is given up",
    ("JobRole", "Write", "s3:AbortMultipartUpload"): "only when the upload of a large result is given up",
    ("MendRole", "End", "batch:TerminateJob"): "only when someone cancels while the mender submits",
    ("MendRole", "Tell", "sns:Publish"): "only of what can't be mended",
}
"""Grants that this test's scenario does not need, and why they are there."""

DONE_WITHOUT = {
    "ec2:DescribeInstances": "the doctor says that it is not known; all machines of the account would show",
    "ec2:DescribeInstanceTypeOfferings": "the doctor says of the region's machines that it is not known",
}
"""Rights that an artist does without, and what becomes of the call."""


def _evaluator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("evaluator", Path(__file__).with_name("evaluator.py"))
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules["evaluator"] = module
    specification.loader.exec_module(module)
    return module


evaluator: Any = _evaluator()


@dataclass(frozen=True)
class Scenario:
    """What a day with the cloud called, and what the stack allows."""

    calls: list[dict[str, Any]]
    policies: dict[str, list[dict[str, Any]]]
    """Of each role or policy of the stack, with real names in place of references."""
    outputs: dict[str, str]
    stack_id: str
    region: str

    def needs(self, call: dict[str, Any]) -> list[Any]:
        return list(evaluator.needs(call, ACCOUNT, self.region, self.stack_id))

    def policies_of(self, who: str) -> tuple[str, list[dict[str, Any]]]:
        owner = {"client": "ArtistPolicy", "inspect": "InspectRole", "mend": "MendRole"}.get(who, "JobRole")
        return owner, self.policies[owner]


def _policies(cloud: LocalCloud, stack: str) -> dict[str, list[dict[str, Any]]]:
    iam = cloud.client("iam")
    found = {}
    for row in cloud.client("cloudformation").list_stack_resources(StackName=stack)["StackResourceSummaries"]:
        name, physical = row["LogicalResourceId"], row["PhysicalResourceId"]
        if row["ResourceType"] == "AWS::IAM::Role":
            names = iam.list_role_policies(RoleName=physical)["PolicyNames"]
            rows = [iam.get_role_policy(RoleName=physical, PolicyName=each)["PolicyDocument"] for each in names]
            # moto answers with Python's own way of writing a document that came in a template.
            found[name] = [ast.literal_eval(row) if isinstance(row, str) else row for row in rows]
        if row["ResourceType"] == "AWS::IAM::ManagedPolicy":
            version = iam.get_policy(PolicyArn=physical)["Policy"]["DefaultVersionId"]
            answer = iam.get_policy_version(PolicyArn=physical, VersionId=version)
            found[name] = [answer["PolicyVersion"]["Document"]]
    return found


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """Submit, watch, read logs, cancel, retry, download, delete, and have a .blend inspected; all of it recorded."""
    folder = tmp_path_factory.mktemp("rights")
    record = folder / "calls.jsonl"
    images = {"*": [sys.executable, str(RECORDING), str(record), "worker"]}
    with running(slots=2, images=images) as cloud:
        outputs = cloud.deploy(MonthlyLimitUsd="1000")  # with which workers tell what they spend
        found = cloud.client("cloudformation").describe_stacks(StackName="cloud-render")["Stacks"][0]
        _day(cloud, outputs, folder, record)
        calls = [json.loads(line) for line in record.read_text("utf-8").splitlines()]
        yield Scenario(calls, _policies(cloud, "cloud-render"), outputs, found["StackId"], cloud.region)


def _day(cloud: LocalCloud, outputs: dict[str, str], folder: Path, record: Path) -> None:
    environment = {**cloud.environment(), "CLOUD_RENDER_STATE": str(folder / "state")}

    def run(*arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        command = [sys.executable, str(RECORDING), str(record), "client", *arguments]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode in codes, (arguments, done.stdout, done.stderr)
        return done.stdout

    _make_scene(folder / "cube.blend", "CYCLES")
    _make_scene(folder / "other.blend", "BLENDER_WORKBENCH")  # with content that the store lacks
    options = ("--frames", "1-2", "-k", "1", "--resolution", "64x36", "--samples", "1", "--device", "cpu")
    run("submit", "cube.blend", *options, "--wait", "--download", "back")
    run("status", "last")
    run("logs", "last")
    run("jobs")
    run("doctor", codes=(0, 4))
    cloud.client("s3").delete_object(Bucket=outputs["BucketName"], Key=_a_frame(cloud, outputs["BucketName"]))
    run("retry", "last", "--wait")
    cloud.set_capacity(outputs["RenderCpuQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    run("submit", "cube.blend", *options)
    run("cancel", "last")
    run("delete", "last", "--yes")
    _inspect(cloud, outputs, folder / "other.blend")
    cloud.set_capacity(outputs["RenderCpuQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    run("submit", "cube.blend", *options)
    _lose_a_child(cloud, outputs)


def _make_scene(path: Path, engine: str) -> None:
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("no bpy in this Python")
    code = (
        "import bpy, sys; bpy.context.scene.render.engine = 'CYCLES'; bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True)


def _a_frame(cloud: LocalCloud, bucket: str) -> str:
    objects = cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="jobs/")["Contents"]
    return next(row["Key"] for row in objects if "/frames/" in row["Key"])


def _inspect(cloud: LocalCloud, outputs: dict[str, str], blend: Path) -> None:
    """As for a file that was dropped into the inbox."""
    bucket, batch = outputs["BucketName"], cloud.client("batch")
    cloud.client("s3").put_object(Bucket=bucket, Key="inbox/other.blend", Body=blend.read_bytes())
    job = batch.submit_job(
        jobName="inspect",
        jobQueue=outputs["UtilityQueue"],
        jobDefinition=outputs["InspectDefinition"],
        parameters={"input": f"s3://{bucket}/inbox/other.blend", "output": f"s3://{bucket}/jobs/inspected"},
    )
    _ends_well(cloud, job["jobId"])


def _lose_a_child(cloud: LocalCloud, outputs: dict[str, str]) -> None:
    """Of the render that waits; then let it go, and wait for the mender that its failure starts."""
    batch = cloud.client("batch")
    (array,) = batch.list_jobs(jobQueue=outputs["RenderCpuQueue"], jobStatus="PENDING")["jobSummaryList"]
    batch.terminate_job(jobId=f"{array['jobId']}:0", reason="Host EC2 (instance i-1) terminated.")
    cloud.set_capacity(outputs["RenderCpuQueue"])
    mend = {"jobQueue": outputs["UtilityQueue"], "filters": [{"name": "JOB_NAME", "values": ["mend"]}]}
    for _ in range(600):
        if rows := batch.list_jobs(**mend)["jobSummaryList"]:
            return _ends_well(cloud, rows[0]["jobId"])
        threading.Event().wait(0.2)
    raise AssertionError("no mender starts")


def _ends_well(cloud: LocalCloud, job_id: str) -> None:
    for _ in range(600):
        (found,) = cloud.client("batch").describe_jobs(jobs=[job_id])["jobs"]
        if found["status"] in ("SUCCEEDED", "FAILED"):
            assert found["status"] == "SUCCEEDED", found
            return
        threading.Event().wait(0.2)
    raise AssertionError("the job does not end")


def test_every_call_is_granted(scenario: Scenario) -> None:
    """To the client by the artist's policy, to each worker by its role; and none is a call that we know nothing of."""
    refused = set()
    for call in scenario.calls:
        owner, policies = scenario.policies_of(call["who"])
        for need in scenario.needs(call):
            if need.action not in DONE_WITHOUT and not evaluator.granting(policies, need):
                refused.add(
                    f"{owner} lacks {need.action} on {need.resource} {dict(need.context)} ({call['operation']})"
                )
    assert not refused


def test_every_grant_is_used_or_has_a_reason(scenario: Scenario) -> None:
    """A right that nothing uses is one that only an attacker needs."""
    used: dict[str, set[Any]] = {}
    for call in scenario.calls:
        owner, policies = scenario.policies_of(call["who"])
        for need in scenario.needs(call):
            used.setdefault(owner, set()).update(evaluator.granting(policies, need))
    unused = {
        (owner, grant.statement, grant.action)
        for owner in ("ArtistPolicy", "JobRole", "InspectRole", "MendRole")
        for grant in evaluator.grants(scenario.policies[owner]) - used[owner]
    }
    assert unused == set(UNUSED)


def test_the_day_was_a_whole_one(scenario: Scenario) -> None:
    """Else the other tests would prove little."""
    assert {call["who"] for call in scenario.calls} == {"client", "render", "stitch", "inspect", "mend"}
    assert len(scenario.calls) > 60


@pytest.mark.parametrize(
    ("owner", "action", "place"),
    [
        ("JobRole", "s3:DeleteObject", "jobs/a/frames/0001.png"),
        ("JobRole", "s3:PutObject", "store/packs/a"),
        ("JobRole", "s3:PutObject", "blender/5.0.1/blender.tar.xz"),
        ("InspectRole", "s3:PutObject", "blender/5.0.1/blender.tar.xz"),
        ("InstallRole", "s3:PutObject", "jobs/a/job.json"),
        ("InstallRole", "s3:GetObject", "jobs/a/job.json"),
        ("InstanceRole", "s3:GetObject", "jobs/a/job.json"),
        ("ArtistPolicy", "s3:DeleteObject", "store/packs/a"),
        ("ArtistPolicy", "s3:PutObject", "blender/5.0.1/blender.tar.xz"),
        ("ArtistPolicy", "s3:PutObject", "images/evil.zip"),
        ("BuildRole", "s3:GetObject", "jobs/a/job.json"),
        ("BuildRole", "s3:PutObject", "images/a.zip"),
        ("ArtistPolicy", "s3:PutObject", "spending/2026-11/a"),
        ("ArtistPolicy", "s3:DeleteObject", "spending/2026-11/a"),
        ("JobRole", "s3:DeleteObject", "spending/2026-11/a"),
        ("InspectRole", "s3:PutObject", "spending/2026-11/a"),
        ("MendRole", "s3:PutObject", "spending/2026-11/a"),
        ("MendRole", "s3:PutObject", "store/packs/a"),
        ("MendRole", "s3:DeleteObject", "jobs/a/frames/0001.png"),
        ("MendRole", "s3:PutObject", "blender/5.0.1/blender.tar.xz"),
    ],
)
def test_what_must_not_be_done_is_not_granted(scenario: Scenario, owner: str, action: str, place: str) -> None:
    """In this stack's own bucket; in other buckets nothing is granted at all."""
    bucket = f"arn:aws:s3:::{scenario.outputs['BucketName']}"
    assert not evaluator.granting(scenario.policies[owner], evaluator.Need(action, f"{bucket}/{place}"))
    others = evaluator.Need("s3:GetObject", "arn:aws:s3:::other/jobs/a")
    assert not evaluator.granting(scenario.policies[owner], others)


@pytest.mark.parametrize(
    "action",
    [
        "iam:PassRole",
        "batch:RegisterJobDefinition",
        "codebuild:StartBuild",
        "ec2:RunInstances",
        "cloudformation:UpdateStack",
    ],
)
def test_an_artist_can_not_gain_more(scenario: Scenario, action: str) -> None:
    """Each of these would let them run anything with any role of the stack."""
    for resource in ("*", scenario.stack_id, f"arn:aws:iam::{ACCOUNT}:role/cloud-render-JobRole-1"):
        assert not evaluator.granting(scenario.policies["ArtistPolicy"], evaluator.Need(action, resource))


@dataclass(frozen=True)
class Starters:
    """What the stack lets others start: its state machine and its rules, as they are deployed, and their rights."""

    machine: dict[str, Any]
    rules: list[dict[str, Any]]
    """Each target of each rule that is called with a role."""
    policies: dict[str, list[dict[str, Any]]]
    role_names: dict[str, str]
    """By the role's ARN, its name in the template."""


@pytest.fixture(scope="module")
def starters() -> Iterator[Starters]:
    with running() as cloud:
        outputs = cloud.deploy(DropAFile="on")
        found = cloud.client("stepfunctions").describe_state_machine(stateMachineArn=outputs["DropMachine"])
        events, iam = cloud.client("events"), cloud.client("iam")
        rules = events.list_rules()["Rules"]
        targets = [each for rule in rules for each in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]]
        rows = cloud.client("cloudformation").list_stack_resources(StackName="cloud-render")["StackResourceSummaries"]
        names = {
            iam.get_role(RoleName=row["PhysicalResourceId"])["Role"]["Arn"]: row["LogicalResourceId"]
            for row in rows
            if row["ResourceType"] == "AWS::IAM::Role"
        }
        called = [target for target in targets if "RoleArn" in target]
        yield Starters(json.loads(found["definition"]), called, _policies(cloud, "cloud-render"), names)


def _needs_of_state(state: dict[str, Any]) -> Iterator[Any]:
    """As AWS documents them for each integration (Step Functions Developer Guide, "integrated services").

    `.sync` ends its job with the execution, and hears of the job's end by a rule that Step Functions makes.
    """
    resource, given = state["Resource"].partition(":states:::")[2], state["Parameters"]
    if resource == "batch:submitJob.sync":
        rule = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/StepFunctionsGetEventsForBatchJobsRule"
        yield from (evaluator.Need("batch:SubmitJob", given[name]) for name in ("JobQueue", "JobDefinition"))
        yield evaluator.Need("batch:DescribeJobs")
        yield evaluator.Need("batch:TerminateJob", f"arn:aws:batch:us-east-1:{ACCOUNT}:job/1")
        yield from (evaluator.Need(f"events:{name}", rule) for name in ("PutTargets", "PutRule", "DescribeRule"))
    elif resource == "sns:publish":
        yield evaluator.Need("sns:Publish", given["TopicArn"])
    elif resource == "aws-sdk:s3:listObjectsV2":
        yield evaluator.Need("s3:ListBucket", f"arn:aws:s3:::{given['Bucket']}", {"s3:prefix": _key(given["Prefix.$"])})
    else:
        action = {"aws-sdk:s3:getObject": "s3:GetObject", "aws-sdk:s3:putObject": "s3:PutObject"}[resource]
        yield evaluator.Need(action, f"arn:aws:s3:::{given['Bucket']}/{_key(given['Key.$'])}")


def _key(expression: str) -> str:
    (text,) = re.findall(r"States\.Format\('([^']+)', \$\.id\)", expression)
    return str(text).replace("{}", "20260101-120000-hare-ab12")


def _needs_of_target(target: dict[str, Any]) -> Iterator[Any]:
    if "BatchParameters" in target:
        yield evaluator.Need("batch:SubmitJob", target["Arn"])
        yield evaluator.Need("batch:SubmitJob", target["BatchParameters"]["JobDefinition"])
    else:
        yield evaluator.Need("states:StartExecution", target["Arn"])


def test_the_state_machine_has_the_rights_that_its_states_need_and_no_other(starters: Starters) -> None:
    """Derived from each task's resource, since Step Functions makes the calls itself."""
    tasks = [state for state in starters.machine["States"].values() if state["Type"] == "Task"]
    needs = [need for state in tasks for need in _needs_of_state(state)]
    _fits(starters.policies["DropRole"], needs)


def test_rules_may_start_what_they_start_and_nothing_else(starters: Starters) -> None:
    """The mender, the cancelling of a stopped execution, the state machine."""
    needs: dict[str, list[Any]] = {}
    for target in starters.rules:
        needs.setdefault(starters.role_names[target["RoleArn"]], []).extend(_needs_of_target(target))
    assert set(needs) == {"MendStartRole", "DropStartRole"}
    for role, wanted in needs.items():
        _fits(starters.policies[role], wanted)


def test_a_missing_and_a_superfluous_right_of_the_machine_are_told(starters: Starters) -> None:
    """Else the two tests above would prove little."""
    policies, needs = starters.policies["DropRole"], [evaluator.Need("batch:DescribeJobs")]
    with pytest.raises(AssertionError):
        _fits(policies, needs)
    with pytest.raises(AssertionError):
        _fits(policies, [*needs, evaluator.Need("batch:ListJobs")])


def _fits(policies: list[dict[str, Any]], needs: list[Any]) -> None:
    refused = [need for need in needs if not evaluator.granting(policies, need)]
    assert not refused
    assert evaluator.grants(policies) == set().union(*(evaluator.granting(policies, need) for need in needs))


def test_the_evaluator_itself() -> None:
    """Wildcards, conditions, explicit denials; an operator it does not know is no silent yes or no."""
    allow = {"Sid": "A", "Effect": "Allow", "Action": ["s3:Get*", "s3:ListBucket"], "Resource": "arn:aws:s3:::b*"}
    deny = {"Sid": "D", "Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/secret/?"}
    prefix = {**allow, "Condition": {"StringLike": {"s3:prefix": ["jobs/*", "blender/*"]}}}

    def allowed(statements: list[dict[str, Any]], action: str, resource: str, **context: str) -> bool:
        need = evaluator.Need(action, resource, {f"s3:{key}": value for key, value in context.items()})
        return bool(evaluator.granting([{"Statement": statements}], need))

    assert allowed([allow], "s3:getobject", "arn:aws:s3:::b/a")
    assert not allowed([allow], "s3:PutObject", "arn:aws:s3:::b/a")
    assert not allowed([allow], "s3:GetObject", "arn:aws:s3:::c/a")
    assert not allowed([allow, deny], "s3:GetObject", "arn:aws:s3:::b/secret/1")
    assert allowed([allow, deny], "s3:GetObject", "arn:aws:s3:::b/secret/12")
    assert allowed([prefix], "s3:ListBucket", "arn:aws:s3:::b", prefix="jobs/a/")
    assert not allowed([prefix], "s3:ListBucket", "arn:aws:s3:::b", prefix="store/")
    assert not allowed([prefix], "s3:ListBucket", "arn:aws:s3:::b")
    with pytest.raises(KeyError):
        allowed([{**allow, "Condition": {"IpAddress": {"aws:SourceIp": "1"}}}], "s3:GetObject", "arn:aws:s3:::b/a")
