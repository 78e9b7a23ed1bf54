# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a stack away: what it holds goes first, what stays is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud_render.client import stack, teardown
from cloud_render.contract.errors import BadArguments, NoStack
from local_cloud.testing import LocalCloud


def _filled(cloud: LocalCloud, name: str) -> str:
    """The bucket of a new stack with versions, a deleted object and an unfinished upload in it."""
    bucket = cloud.deploy(name)["BucketName"]
    s3 = cloud.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for content in (b"one", b"other"):
        s3.put_object(Bucket=bucket, Key="jobs/a/job.json", Body=content)
    s3.put_object(Bucket=bucket, Key="store/gone", Body=b"x")
    s3.delete_object(Bucket=bucket, Key="store/gone")
    s3.create_multipart_upload(Bucket=bucket, Key="store/half")
    return bucket


def _buckets(cloud: LocalCloud) -> set[str]:
    return {bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]}


def test_everything_goes(cloud: LocalCloud) -> None:
    """Older versions, marks of deleted objects and unfinished uploads included, else the bucket could not."""
    bucket = _filled(cloud, "going")
    holdings = teardown.survey(cloud, "going")
    assert (holdings.bucket, holdings.objects, holdings.size) == (bucket, 4, 9)
    remains = teardown.teardown(cloud, holdings)
    assert remains == teardown.Remains("", 0, 0)
    assert stack.describe(cloud.client("cloudformation"), "going") is None
    assert bucket not in _buckets(cloud)


def test_the_bucket_stays_where_that_is_wished(cloud: LocalCloud) -> None:
    """With all that lies in it, and is named."""
    bucket = _filled(cloud, "kept")
    remains = teardown.teardown(cloud, teardown.survey(cloud, "kept"), keep_bucket=True)
    assert remains == teardown.Remains(bucket, 4, 9)
    assert cloud.client("s3").get_object(Bucket=bucket, Key="jobs/a/job.json")["Body"].read() == b"other"
    teardown.remove_bucket(cloud, bucket)


def test_a_removal_that_stopped_before_its_bucket_goes_on_there(cloud: LocalCloud) -> None:
    """The stack is gone by then: its bucket is found by what CloudFormation remembers of it."""
    bucket = _filled(cloud, "half")
    teardown.teardown(cloud, teardown.survey(cloud, "half"), keep_bucket=True)
    rest = teardown.survey(cloud, "half")
    assert (rest.bucket, rest.objects, rest.live) == (bucket, 4, ())
    assert teardown.teardown(cloud, rest) == teardown.Remains("", 0, 0)
    assert bucket not in _buckets(cloud)
    with pytest.raises(NoStack):
        teardown.survey(cloud, "half")


def test_whoever_may_not_list_stacks_is_told_that_there_is_none(cloud: LocalCloud) -> None:
    """That right is not needed for anything else."""
    refused = cloud.client("cloudformation")
    refused.meta.events.register("before-call.cloudformation.ListStacks", _refuse)
    clients = _One(cloud, refused)
    with pytest.raises(NoStack, match="no stack named never"):
        teardown.survey(clients, "never")


@dataclass(frozen=True)
class _One:
    """A cloud with one client in place of its own."""

    cloud: LocalCloud
    cloudformation: Any

    def client(self, service_name: str, /) -> Any:
        return self.cloudformation if service_name == "cloudformation" else self.cloud.client(service_name)


def _refuse(**_: Any) -> None:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListStacks")


def test_jobs_are_ended_first(cloud: LocalCloud) -> None:
    """So that no machine of them goes on while its queue disappears; jobs of other stacks go on."""
    outputs = cloud.deploy("busy")
    cloud.set_capacity(outputs["RenderGpuQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    batch = cloud.client("batch")
    made = batch.submit_job(
        jobName="waits", jobQueue=outputs["RenderGpuQueue"], jobDefinition=outputs["RenderGpuDefinition"]
    )
    holdings = teardown.survey(cloud, "busy")
    assert [job.name for job in holdings.live] == ["waits"]
    teardown.teardown(cloud, holdings)
    (job,) = batch.describe_jobs(jobs=[made["jobId"]])["jobs"]
    assert (job["status"], job["statusReason"]) == ("FAILED", teardown.REASON)


def test_older_revisions_of_definitions_are_forgotten_too(cloud: LocalCloud) -> None:
    """An update leaves them usable, and CloudFormation does not know of them any more."""
    outputs = cloud.deploy("revised")
    batch = cloud.client("batch")
    family = outputs["StitchDefinition"].rpartition("/")[2].rpartition(":")[0]
    properties = {"image": "x", "vcpus": 1, "memory": 16}
    batch.register_job_definition(jobDefinitionName=family, type="container", containerProperties=properties)
    teardown.forget_definitions(cloud, teardown.survey(cloud, "revised"))
    (left,) = batch.describe_job_definitions(jobDefinitionName=family, status="ACTIVE")["jobDefinitions"]
    assert left["jobDefinitionArn"] == outputs["StitchDefinition"]


def test_a_stack_that_is_not_there_holds_nothing(cloud: LocalCloud) -> None:
    """And a name typed wrong removes nothing."""
    with pytest.raises(NoStack, match="no stack named nothing"):
        teardown.survey(cloud, "nothing")
    with pytest.raises(BadArguments, match="nothing was removed"):
        teardown.confirmed("farm", "fram")
