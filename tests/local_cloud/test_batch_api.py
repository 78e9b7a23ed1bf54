# SPDX-License-Identifier: GPL-3.0-or-later
"""The Batch API's own words: what it refuses, how it shows jobs, how it pages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.batch_api import BatchApi
from local_cloud.jobs import State
from local_cloud.registry import Definition, Queue

if TYPE_CHECKING:
    from conftest import Rig

QUEUE = "arn:aws:batch:us-east-1:123456789012:job-queue/render"
DEFINITION = "arn:aws:batch:us-east-1:123456789012:job-definition/shell:3"


class Registry:
    """One queue and one definition, by name or ARN."""

    def queue(self, region: str, name: str) -> Queue | None:
        return {
            "render": Queue(QUEUE),
            QUEUE: Queue(QUEUE),
            "off": Queue("off", enabled=False),
            "fair": Queue("fair", fair_share=True),
        }.get(name)

    def definition(self, region: str, name: str) -> Definition | None:
        container = {
            "image": "shell",
            "command": ["run", "Ref::what"],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            "resourceRequirements": [{"type": "VCPU", "value": "4"}, {"type": "MEMORY", "value": "1000"}],
        }
        retry = {"Attempts": 2, "evaluateOnExit": [{"OnReason": "*", "Action": "exit"}]}
        found = Definition(
            DEFINITION,
            container,
            parameters={"what": "all"},
            retry_strategy=retry,
            timeout={"attemptDurationSeconds": 600},
        )
        return found if name in ("shell", "shell:3", DEFINITION) else None


class Client:
    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._api = BatchApi(rig.engine, Registry())

    def ask(self, call: str, **request: Any) -> dict[str, Any]:
        answer = self._api.answer(f"/v1/{call.lower()}", json.dumps(request).encode(), "us-east-1")
        assert isinstance(answer.body, bytes)
        values: dict[str, Any] = json.loads(answer.body)
        assert (answer.status == 400) == ("__type" in values)
        return values

    def submit(self, **changes: Any) -> dict[str, Any]:
        return self.ask("SubmitJob", **{"jobName": "job", "jobQueue": "render", "jobDefinition": "shell", **changes})

    def describe(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("DescribeJobs", jobs=[job_id])["jobs"][0]
        return found


@pytest.fixture
def batch(rig: Rig) -> Client:
    return Client(rig)


@pytest.mark.parametrize("rig", [0], indirect=True)
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"jobName": "-starts-with-a-dash"}, "jobName"),
        ({"jobName": "has blanks"}, "jobName"),
        ({"jobName": "x" * 129}, "jobName"),
        ({"jobQueue": "nowhere"}, "Job queue nowhere does not exist"),
        ({"jobQueue": "off"}, "not in ENABLED state"),
        ({"jobDefinition": "nothing:1"}, "JobDefinition nothing:1 does not exist"),
        ({"arrayProperties": {"size": 1}}, "between 2 and 10000"),
        ({"arrayProperties": {"size": 10_001}}, "between 2 and 10000"),
        ({"dependsOn": [{"jobId": "unknown"}]}, "Job unknown"),
        ({"dependsOn": [{"jobId": "unknown"}] * 21}, "at most 20"),
        ({"dependsOn": [{"type": "SEQUENTIAL"}]}, "needs an array"),
        ({"dependsOn": [{"type": "SEQUENTIAL", "jobId": "x"}], "arrayProperties": {"size": 2}}, "takes no jobId"),
        ({"retryStrategy": {"attempts": 0}}, "between 1 and 10"),
        ({"retryStrategy": {"attempts": 11}}, "between 1 and 10"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "EXIT", "onReason": "*"}] * 6}}, "at most 5"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "MAYBE", "onReason": "*"}]}}, "RETRY or EXIT"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "EXIT", "onExitCode": "7?"}]}}, "onExitCode"),
        ({"retryStrategy": {"evaluateOnExit": [{"action": "EXIT", "onStatusReason": "*Host*"}]}}, "onStatusReason"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "at least 60"),
        ({"shareIdentifier": "team"}, "ShareIdentifier"),
        ({"jobQueue": "fair"}, "ShareIdentifier must be set"),
        ({"containerOverrides": {"environment": [{"name": "AWS_BATCH_MINE", "value": "1"}]}}, "AWS_BATCH"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "TPU", "value": "1"}]}}, "TPU"),
        ({"containerOverrides": {"resourceRequirements": [{"type": "GPU", "value": "none"}]}}, "GPU must be a number"),
        ({"containerOverrides": {"image": "mine"}}, "Unknown parameter"),
        ({"parameters": {"what": 5}}, "Invalid type"),
        ({"parameters": {"what": "x" * 31_000}}, "30720 bytes"),
    ],
)
def test_a_bad_submission_is_refused(batch: Client, changes: dict[str, Any], words: str) -> None:
    """With a ClientException that names what is wrong, and no job."""
    refused = batch.submit(**changes)
    assert refused["__type"] == "ClientException"
    assert words in refused["message"]
    assert batch.rig.engine.jobs() == []


@pytest.mark.parametrize("rig", [0], indirect=True)
def test_what_is_submitted_lies_over_the_definition(batch: Client) -> None:
    """Parameters, command, variables, resources and timeout win one by one; the rest is the definition's."""
    overrides = {
        "command": ["other"],
        "environment": [{"name": "B", "value": "3"}],
        "resourceRequirements": [{"type": "MEMORY", "value": "2000"}],
    }
    job = batch.describe(batch.submit(containerOverrides=overrides, timeout={"attemptDurationSeconds": 60})["jobId"])
    container = job["container"]
    assert container["command"] == ["other"]
    assert {entry["name"]: entry["value"] for entry in container["environment"]} == {"A": "1", "B": "3"}
    assert {entry["type"]: entry["value"] for entry in container["resourceRequirements"]} == {
        "VCPU": "4",
        "MEMORY": "2000",
    }
    assert (job["timeout"], job["parameters"]) == ({"attemptDurationSeconds": 60}, {"what": "all"})
    assert job["retryStrategy"] == {"attempts": 2, "evaluateOnExit": [{"action": "EXIT", "onReason": "*"}]}


def test_a_job_keeps_the_revision_it_was_submitted_with(batch: Client) -> None:
    """The name of a definition is resolved to an ARN with revision."""
    assert batch.describe(batch.submit(jobDefinition="shell")["jobId"])["jobDefinition"] == DEFINITION


def test_an_ended_child_shows_its_attempts(batch: Client) -> None:
    """Exit code, reason and log stream, for the child; the parent has counts alone."""
    array = batch.submit(arrayProperties={"size": 2})["jobId"]
    index = batch.rig.end_next(3).index
    batch.rig.end_next(0)
    parent, child = batch.describe(array), batch.describe(f"{array}:{index}")
    assert parent["arrayProperties"]["statusSummary"] == {**dict.fromkeys(State, 0), "SUCCEEDED": 1, "FAILED": 1}
    assert (parent["status"], parent["attempts"], "exitCode" in parent["container"]) == ("FAILED", [], False)
    assert (child["arrayProperties"], child["container"]["exitCode"]) == ({"index": index}, 3)
    assert child["attempts"][0]["container"]["logStreamName"] == child["container"]["logStreamName"]
    assert child["startedAt"] <= child["stoppedAt"]


@pytest.mark.parametrize("rig", [0], indirect=True)
def test_unknown_jobs_are_left_out_of_a_description(batch: Client) -> None:
    """Batch forgets; that is no error."""
    known = batch.submit()["jobId"]
    assert [job["jobId"] for job in batch.ask("DescribeJobs", jobs=["gone", known, f"{known}:0"])["jobs"]] == [known]
    assert batch.ask("DescribeJobs", jobs=["x"] * 101)["__type"] == "ClientException"


@pytest.mark.parametrize("rig", [0], indirect=True)
def test_a_name_finds_its_job_whatever_its_state(batch: Client) -> None:
    """The filter JOB_NAME ignores case and state; a * at the end is a prefix; newest first."""
    ids = [batch.submit(jobName=name)["jobId"] for name in ("Scene-1-render", "scene-2-render", "other")]

    def found(name: str) -> list[str]:
        listed = batch.ask("ListJobs", jobQueue="render", filters=[{"name": "JOB_NAME", "values": [name]}])
        return [job["jobId"] for job in listed["jobSummaryList"]]

    assert found("scene-1-RENDER") == [ids[0]]
    assert found("scene-*") == [ids[1], ids[0]]
    assert found("scene") == []


@pytest.mark.parametrize("rig", [0], indirect=True)
def test_without_a_state_only_running_jobs_are_listed(batch: Client) -> None:
    """That is Batch's default; RUNNABLE ones must be asked for."""
    job = batch.submit()["jobId"]
    assert batch.ask("ListJobs", jobQueue="render")["jobSummaryList"] == []
    listed = batch.ask("ListJobs", jobQueue="render", jobStatus="RUNNABLE")["jobSummaryList"]
    assert [one["jobId"] for one in listed] == [job]


@pytest.mark.parametrize("rig", [0], indirect=True)
def test_pages_of_children_join_without_gap(batch: Client) -> None:
    """Children come by index; the token leads to the next page."""
    array = batch.submit(arrayProperties={"size": 25})["jobId"]
    seen, token = [], None
    while True:
        more = {"nextToken": token} if token else {}
        page = batch.ask("ListJobs", arrayJobId=array, jobStatus="RUNNABLE", maxResults=10, **more)
        seen.append([child["arrayProperties"]["index"] for child in page["jobSummaryList"]])
        token = page.get("nextToken")
        if not token:
            break
    assert seen == [list(range(10)), list(range(10, 20)), list(range(20, 25))]


@pytest.mark.parametrize("rig", [0], indirect=True)
@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"jobQueue": "render", "arrayJobId": "x"},
        {"arrayJobId": "unknown"},
        {"jobQueue": "nowhere"},
        {"jobQueue": "render", "jobStatus": "DONE"},
        {"jobQueue": "render", "nextToken": "made up", "jobStatus": "RUNNABLE"},
        {"jobQueue": "render", "filters": [{"name": "COLOUR", "values": ["red"]}]},
    ],
)
def test_a_bad_listing_is_refused(batch: Client, request_: dict[str, Any]) -> None:
    """With a ClientException."""
    batch.submit()
    assert batch.ask("ListJobs", **request_)["__type"] == "ClientException"


@pytest.mark.parametrize("rig", [0], indirect=True)
def test_many_jobs_are_ended_with_one_call(batch: Client) -> None:
    """Unknown ids count as done; more than fifty are refused."""
    ids = [batch.submit()["jobId"] for _ in range(3)]
    answer = batch.ask("TerminateJobs", jobs=[*ids, "unknown"], reason="enough")
    assert answer == {"successful": [*ids, "unknown"], "errors": []}
    job = batch.describe(ids[0])
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "enough", True)
    assert batch.ask("CancelJobs", jobs=["x"] * 51, reason="enough")["__type"] == "ClientException"


@pytest.mark.parametrize("rig", [0], indirect=True)
def test_a_reason_has_at_most_1024_characters(batch: Client) -> None:
    """As on AWS."""
    job = batch.submit()["jobId"]
    assert batch.ask("TerminateJob", jobId=job, reason="x" * 1025)["__type"] == "ClientException"
    assert batch.ask("TerminateJob", jobId=job, reason="x" * 1024) == {}
    assert batch.ask("TerminateJob", jobId="unknown", reason="x") == {}
