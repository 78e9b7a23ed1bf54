# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploying a stack: what goes wrong is told in words."""

from __future__ import annotations

from collections.abc import Iterator

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


def test_a_stack_that_fails_names_the_first_cause(cloud: LocalCloud) -> None:
    """The resource that failed, not the ones that failed because of it; the same when asked again later."""
    with pytest.raises(CloudNotReady) as failed:
        stack.deploy(cloud, "broken", {}, QUEUE_WITHOUT_MACHINES)
    assert failed.value.advice.startswith("Machines failed: ")
    with pytest.raises(CloudNotReady, match="ROLLBACK_COMPLETE"):
        stack.deploy(cloud, "broken", {}, QUEUE_WITHOUT_MACHINES)


def test_a_template_that_is_too_large_is_refused_before_it_is_sent(cloud: LocalCloud) -> None:
    """CloudFormation takes 51,200 bytes in a request; comments don't count, they are not sent."""
    with pytest.raises(BadArguments, match="60002 bytes"):
        stack.deploy(cloud, "large", {}, "x" * 60_001)


def test_a_stack_that_is_not_there_is_told_so(cloud: LocalCloud) -> None:
    """NoStack, with what to do."""
    with pytest.raises(NoStack, match="no stack named nothing"):
        stack.outputs(cloud.client("cloudformation"), "nothing")


def test_two_stacks_live_side_by_side(cloud: LocalCloud) -> None:
    """Nothing has a fixed name, so their buckets, queues and definitions differ."""
    first, second = (
        cloud.deploy("one"),
        cloud.deploy("two", DefaultDevice="cpu", SubnetIds="s-1,s-2", OnDemandMaxvCpus="8"),
    )
    same = {name for name in first if first[name] == second[name]}
    assert same == {"JobVersions", "TemplateVersion"}
