# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Batch as our code relies on it, through boto3. What needs a job of our own runs in the local cloud alone."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from conftest import BatchQueue

    from local_cloud.testing import LocalCloud

PATIENCE_S = 90.0


def _ended(batch: Any, job_id: str) -> dict[str, Any]:
    """The job once it has ended."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        job: dict[str, Any] = batch.describe_jobs(jobs=[job_id])["jobs"][0]
        if job["status"] in ("SUCCEEDED", "FAILED"):
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.02)


def _refusal(batch: BatchQueue, **changes: Any) -> str:
    submission = {"jobName": "contract", "jobQueue": batch.queue, "jobDefinition": batch.definition, **changes}
    with pytest.raises(ClientError) as refused:
        batch.client.submit_job(**submission)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize(
    "changes",
    [
        {"arrayProperties": {"size": 1}},
        {"arrayProperties": {"size": 10_001}},
        {"jobDefinition": "no-such-definition:1"},
        {"jobQueue": "no-such-queue"},
        {"jobName": "no blanks"},
        {"timeout": {"attemptDurationSeconds": 59}},
        {"retryStrategy": {"attempts": 11}},
    ],
    ids=str,
)
def test_a_bad_submission_is_a_client_exception(batch: BatchQueue, changes: dict[str, Any]) -> None:
    """And makes no job."""
    assert _refusal(batch, **changes) == "ClientException"


def test_a_submitted_job_is_found_by_its_name_at_once(batch: BatchQueue) -> None:
    """So that a submit whose answer was lost can tell that it has been made."""
    name = f"contract-{secrets.token_hex(4)}"
    job = batch.client.submit_job(jobName=name, jobQueue=batch.queue, jobDefinition=batch.definition)
    try:
        listed = batch.client.list_jobs(jobQueue=batch.queue, filters=[{"name": "JOB_NAME", "values": [name]}])
        assert [each["jobId"] for each in listed["jobSummaryList"]] == [job["jobId"]]
    finally:
        batch.client.terminate_job(jobId=job["jobId"], reason="contract test")


def test_unknown_jobs_are_no_error(batch: BatchQueue) -> None:
    """Batch forgets ended jobs: describing gives nothing, ending does nothing."""
    unknown = "00000000-0000-0000-0000-000000000000"
    assert batch.client.describe_jobs(jobs=[unknown])["jobs"] == []
    batch.client.terminate_job(jobId=unknown, reason="contract test")


def test_a_whole_submission_runs_in_order(local: LocalCloud) -> None:
    """Array, then stitch; children know their index; the log is read through CloudWatch's own call."""
    outputs = local.deploy()
    batch = local.client("batch")
    container = {
        "image": "shell",
        "command": ["echo child $AWS_BATCH_JOB_ARRAY_INDEX of Ref::what"],
        "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": outputs["LogGroupName"], "awslogs-stream-prefix": "say"},
        },
    }
    definition = batch.register_job_definition(jobDefinitionName="say", type="container", containerProperties=container)
    job = {
        "jobQueue": outputs["RenderCpuQueue"],
        "jobDefinition": definition["jobDefinitionArn"],
        "parameters": {"what": "pottery"},
    }
    array = batch.submit_job(jobName="array", **job, arrayProperties={"size": 3})["jobId"]
    stitch = batch.submit_job(jobName="stitch", **job, dependsOn=[{"jobId": array}])["jobId"]
    assert _ended(batch, stitch)["status"] == "SUCCEEDED"
    assert batch.describe_jobs(jobs=[array])["jobs"][0]["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
    stream = batch.describe_jobs(jobs=[f"{array}:2"])["jobs"][0]["container"]["logStreamName"]
    assert stream.startswith("say/default/")
    events = local.client("logs").get_log_events(
        logGroupName=outputs["LogGroupName"], logStreamName=stream, startFromHead=True
    )
    assert [event["message"] for event in events["events"]] == ["child 2 of pottery"]


def test_ending_an_array_ends_the_stitch_that_waits_for_it(local: LocalCloud) -> None:
    """Children that run are stopped, those that wait never start."""
    outputs = local.deploy(WorkerImage="shell")
    batch = local.client("batch")
    container = {"image": "shell", "command": ["sleep 600"], "vcpus": 1, "memory": 64}
    definition = batch.register_job_definition(
        jobDefinitionName="sleep", type="container", containerProperties=container
    )
    job = {"jobQueue": outputs["RenderCpuQueue"], "jobDefinition": definition["jobDefinitionArn"]}
    array = batch.submit_job(jobName="array", **job, arrayProperties={"size": 5})["jobId"]
    stitch = batch.submit_job(jobName="stitch", **job, dependsOn=[{"jobId": array}])["jobId"]
    batch.terminate_job(jobId=array, reason="enough")
    assert _ended(batch, array)["arrayProperties"]["statusSummary"]["FAILED"] == 5
    ended = _ended(batch, stitch)
    assert (ended["status"], ended["statusReason"]) == ("FAILED", "Dependent Job failed")


def test_a_wrong_secret_is_refused_by_every_service(local: LocalCloud) -> None:
    """As on AWS, in each service's own manner."""
    for service, call in (
        ("batch", "describe_job_queues"),
        ("cloudformation", "list_stacks"),
        ("logs", "describe_log_groups"),
    ):
        client = local.client(service, aws_secret_access_key="another")
        with pytest.raises(ClientError) as refused:
            getattr(client, call)()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert "Signature" in refused.value.response["Error"]["Code"]
