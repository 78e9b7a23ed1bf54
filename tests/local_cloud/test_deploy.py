# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying a stack: what goes wrong is told in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cloud_render.client import stack
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


def test_a_template_that_is_too_large_for_a_request_goes_by_a_bucket(cloud: LocalCloud) -> None:
    """CloudFormation takes 51,200 bytes in a request; the bucket is there for that minute only."""
    before = _buckets(cloud)
    text = "Resources:\n  Fine: {Type: AWS::S3::Bucket}\nOutputs:\n  Long: {Value: " + "x" * 60_000 + "}\n"
    assert len(stack.deploy(_ByName(cloud), "large", {}, text)["Long"]) == 60_000
    (made,) = _buckets(cloud) - before
    assert made.startswith("large-fine")


@dataclass(frozen=True)
class _ByName:
    """moto finds the bucket in an address of localhost, and not in one of 127.0.0.1."""

    cloud: LocalCloud

    def client(self, service_name: str, /) -> Any:
        return self.cloud.client(service_name, endpoint_url=self.cloud.endpoint_url.replace("127.0.0.1", "localhost"))


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
    assert same == {"JobVersions", "TemplateVersion"}
