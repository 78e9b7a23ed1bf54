# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying a stack: what goes wrong is told in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud_render.client import stack, teardown
from cloud_render.contract.errors import BadArguments, CloudNotReady, NoStack
from local_cloud.testing import LocalCloud, running

QUEUE_WITHOUT_MACHINES = """
Resources:
  Fine: {Type: AWS::S3::Bucket}
  Machines:
    Type: AWS::Batch::ComputeEnvironment
    Properties:
      Type: MANAGED
      ComputeResources:
        Type: EC2
        MaxvCpus: 1
        MinvCpus: 0
        InstanceTypes: [x9.nothing]
        Subnets: [s]
        SecurityGroupIds: [g]
        InstanceRole: r
  Queue:
    Type: AWS::Batch::JobQueue
    Properties: {Priority: 1, ComputeEnvironmentOrder: [{Order: 1, ComputeEnvironment: !Ref Machines}]}
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with running(slots=1) as cloud:
        yield cloud


def test_a_stack_that_fails_names_the_first_cause_and_leaves_nothing(cloud: LocalCloud) -> None:
    """The resource that failed, not the ones that failed because of it; so the next try meets no leftovers."""
    for _ in range(2):
        with pytest.raises(CloudNotReady, match=r"Machines failed: .*Nothing is left of it"):
            stack.deploy(cloud, "broken", {}, QUEUE_WITHOUT_MACHINES)
        assert stack.describe(cloud.client("cloudformation"), "broken") is None


LARGE = "Resources:\n  Fine: {Type: AWS::S3::Bucket}\nOutputs:\n  Long: {Value: " + "x" * 60_000 + "}\n"


@dataclass(frozen=True)
class _Watched:
    """Clients whose calls are written down; one of them ends with an error."""

    cloud: LocalCloud
    calls: list[str]
    fails: str = ""
    error: BaseException = field(default_factory=KeyboardInterrupt)

    def client(self, service_name: str, /) -> Any:
        client = self.cloud.client(service_name)
        client.meta.events.register("before-call", self._note)
        return client

    def _note(self, model: Any, **_: Any) -> None:
        if model.name == self.fails:
            raise self.error
        self.calls.append(model.name)


def test_a_template_that_is_too_large_for_a_request_goes_by_a_bucket(cloud: LocalCloud) -> None:
    """CloudFormation takes 51,200 bytes in a request; the bucket is gone before anything is made."""
    before, calls = _buckets(cloud), list[str]()
    assert len(stack.deploy(_Watched(cloud, calls), "large", {}, LARGE)["Long"]) == 60_000
    (made,) = _buckets(cloud) - before
    assert made.startswith("large-fine")
    assert calls.index("CreateBucket") < calls.index("CreateChangeSet") < calls.index("DeleteBucket")
    assert calls.index("DeleteBucket") < calls.index("ExecuteChangeSet")


def test_a_small_template_goes_inside_the_request(cloud: LocalCloud) -> None:
    """Who sets up a small template needs no right to make buckets."""
    calls = list[str]()
    stack.deploy(_Watched(cloud, calls), "small", {}, "Resources:\n  Fine: {Type: AWS::S3::Bucket}\n")
    assert not {"CreateBucket", "PutObject", "DeleteBucket"} & set(calls)


@pytest.mark.parametrize("call", ["CreateBucket", "PutObject", "CreateChangeSet", "DescribeChangeSet"])
def test_nothing_is_left_of_the_bucket_where_the_set_up_is_stopped(cloud: LocalCloud, call: str) -> None:
    """Wherever Ctrl-C is pressed."""
    before = _buckets(cloud)
    with pytest.raises(KeyboardInterrupt):
        stack.prepare(_Watched(cloud, [], call), "stopped", {}, LARGE)
    assert _buckets(cloud) == before


def test_nothing_is_left_of_the_bucket_where_the_template_is_refused(cloud: LocalCloud) -> None:
    """The bucket goes, and the refusal is told, not the removal."""
    before, error = _buckets(cloud), {"Error": {"Code": "ValidationError", "Message": "Unresolved dependencies [A]"}}
    with pytest.raises(BadArguments, match="Unresolved dependencies"):
        stack.prepare(_Watched(cloud, [], "CreateChangeSet", ClientError(error, "CreateChangeSet")), "no", {}, LARGE)
    assert _buckets(cloud) == before


def test_a_bucket_that_can_not_be_removed_is_named(cloud: LocalCloud, caplog: pytest.LogCaptureFixture) -> None:
    """The set-up goes on without its removal; the person is told what is left."""
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "DeleteBucket")
    stack.prepare(_Watched(cloud, [], "DeleteBucket", error), "stays", {}, LARGE)
    assert re.search(r"cloud-render-setup-\w{16} could not be removed, .*not you", caplog.text)


def _buckets(cloud: LocalCloud) -> set[str]:
    return {bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]}


def test_changes_are_shown_before_anything_is_done(cloud: LocalCloud) -> None:
    """And what was only looked at leaves no stack."""
    looked = stack.prepare(cloud, "looked", {"DefaultDevice": "cpu"})
    kinds = {change.kind for change in looked.changes}
    assert looked.creates
    assert {"AWS::S3::Bucket", "AWS::Batch::JobQueue"} <= kinds
    assert {change.action for change in looked.changes} == {"Add"}
    stack.discard(cloud, looked)
    assert stack.describe(cloud.client("cloudformation"), "looked") is None


def test_a_stack_that_stands_is_brought_up_to_date(cloud: LocalCloud) -> None:
    """Setting it up again is an update; what was chosen before stays."""
    first = cloud.deploy("again")
    prepared = stack.prepare(cloud, "again", {"WorkerImage": "registry.example/cloud-render-worker:2"})
    assert not prepared.creates
    assert prepared.version_before == prepared.version > 0
    second = stack.carry_out(cloud, prepared)
    assert second["BucketName"] == first["BucketName"]
    assert [each["StitchDefinition"].rpartition(":")[2] for each in (first, second)] == ["1", "2"]
    batch = cloud.client("batch")
    (now,) = batch.describe_job_definitions(jobDefinitions=[second["StitchDefinition"]])["jobDefinitions"]
    assert now["containerProperties"]["image"] == "registry.example/cloud-render-worker:2"
    assert set(first) - set(second) == {"RepositoryName", "ImageBuild"}


def test_a_stack_that_is_as_it_should_be_is_left_alone(cloud: LocalCloud) -> None:
    """Its Outputs are answered, and nothing is executed."""
    first = cloud.deploy("same")
    prepared = stack.prepare(cloud, "same")
    assert (prepared.id, prepared.changes) == ("", ())
    assert stack.carry_out(cloud, prepared) == first


def test_a_mistyped_parameter_is_told_with_the_right_one(cloud: LocalCloud) -> None:
    """Before CloudFormation is asked."""
    with pytest.raises(BadArguments, match="Did you mean MaxvCpus"):
        stack.prepare(cloud, "typo", {"MaxVcpu": "4"})


def test_a_stack_that_is_not_there_is_told_so(cloud: LocalCloud) -> None:
    """NoStack, with what to do."""
    with pytest.raises(NoStack, match="no stack named nothing"):
        stack.outputs(cloud.client("cloudformation"), "nothing")


def test_two_stacks_live_side_by_side(cloud: LocalCloud) -> None:
    """Nothing has a fixed name, so their buckets, queues and definitions differ."""
    first, second = (
        cloud.deploy("one"),
        cloud.deploy("two", DefaultDevice="cpu", ZoneC="us-east-1c", OnDemandMaxvCpus="8"),
    )
    same = {name for name in first if first[name] == second[name]}
    assert same == {"BlenderFrom", "FairShare", "JobVersions", "MonthlyLimitUsd", "TemplateVersion"}


def test_fair_share_is_for_new_queues(cloud: LocalCloud) -> None:
    """Whose jobs must say whose they are; without it they must not, and a video never has to."""
    before = cloud.deploy("fair", OnDemandMaxvCpus="8")
    after = cloud.deploy("fair", FairShare="on")
    queues = {name for name in after if name.endswith("Queue")}
    assert len(queues) == 6
    assert {name for name in queues if before[name] != after[name]} == queues - {"UtilityQueue"}
    assert (before["FairShare"], after["FairShare"]) == ("off", "on")
    job = {"jobName": "hare", "jobDefinition": after["StitchDefinition"]}
    batch = cloud.client("batch")
    batch.submit_job(**job, jobQueue=after["RenderGpuOnDemandQueue"], shareIdentifier="anna")
    batch.submit_job(**job, jobQueue=after["UtilityQueue"])
    with pytest.raises(ClientError, match="ShareIdentifier must be set"):
        batch.submit_job(**job, jobQueue=after["RenderGpuQueue"])
    back = stack.deploy(cloud, "fair", {"FairShare": "off"}, force=True)
    assert back["RenderGpuQueue"] == before["RenderGpuQueue"]


@pytest.mark.parametrize("keep_bucket", [False, True])
def test_what_was_torn_down_can_be_set_up_again(cloud: LocalCloud, keep_bucket: bool) -> None:
    """Under the same name, with new machines and queues that take jobs; a bucket that was kept is used on."""
    for _ in range(2):
        outputs = cloud.deploy("comes-again")
        job = {"jobName": "hare", "jobQueue": outputs["UtilityQueue"], "jobDefinition": outputs["StitchDefinition"]}
        assert cloud.client("batch").submit_job(**job)["jobId"]
        holdings = teardown.survey(cloud, "comes-again")
        teardown.teardown(cloud, holdings, keep_bucket=keep_bucket, sleep=lambda _s: None)
    left = cloud.client("batch").describe_compute_environments()["computeEnvironments"]
    assert not [each for each in left if "comes-again" in each["computeEnvironmentName"]]


def test_a_region_that_does_not_exist_is_told_so(cloud: LocalCloud) -> None:
    """On AWS its address would not be found; here the answer says why."""
    with pytest.raises(ClientError, match="There is no region mars-1"):
        cloud.client("cloudformation", region_name="mars-1").describe_stacks()
