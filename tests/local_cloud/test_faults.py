# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of fault really happens, to processes, machines, connections and the scheduler; and is written down."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.small_disk import way_to_mount
from local_cloud.testing import LocalCloud, running

Until = Callable[[Callable[[], object]], None]

NOW = [0, 0]
PLAN = {
    "seed": 1,
    "notice_s": 1,
    "stall_s": 0.3,
    "faults": {
        **{
            kind: {"jobs": kind, "attempts": [1], "after_s": NOW}
            for kind in ("reclaim-without-notice", "kill-blender", "kill-worker", "out-of-memory", "hang", "full-disk")
        },
        "reclaim": {"jobs": "reclaim*", "attempts": [1], "after_s": NOW},
        "s3-500": {"requests": ["GET /*/internal"]},
        "s3-slow-down": {"requests": ["GET /*/busy"]},
        "s3-expired-token": {"requests": ["GET /*/expired"]},
        "clock-jump": {"requests": ["GET /*/skewed"]},
        "s3-reset": {"requests": ["PUT /*/reset-put", "GET /*/reset-get"]},
        "s3-lost-answer": {"requests": ["* /*/lost"], "count": 1},
        "s3-stall": {"requests": ["* /*/late"]},
        "s3-truncated": {"requests": ["* /*/short"]},
        "batch-throttled": {"requests": ["POST /v1/canceljob"], "count": 1},
    },
}
if way_to_mount() is None:
    del PLAN["faults"]["full-disk"]  # type: ignore[attr-defined]

BLENDER = "CLOUD_RENDER_EVENTS_FD=9 sleep 600 & "
"""What the local cloud takes for Blender, in the background of a shell."""


class Rig:
    """A local cloud with the plan, whose jobs are shell lines."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.outputs = cloud.deploy()
        self.batch = cloud.client("batch")

    def submit(self, name: str, line: str, **more: Any) -> str:
        needs = [{"type": kind, "value": value} for kind, value in (("VCPU", "1"), ("MEMORY", "64"))]
        container = {"image": "shell", "command": [line], "resourceRequirements": needs}
        definition = self.batch.register_job_definition(
            jobDefinitionName=name, type="container", containerProperties=container
        )["jobDefinitionArn"]
        queue = next(value for name, value in self.outputs.items() if name.endswith("Queue"))
        return str(self.batch.submit_job(jobName=name, jobQueue=queue, jobDefinition=definition, **more)["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.batch.describe_jobs(jobs=[job_id])["jobs"][0]
        return found

    def attempts(self, name: str, line: str, **more: Any) -> list[dict[str, Any]]:
        """The attempts of a job that has ended."""
        job_id = self.submit(name, line, **more)
        deadline = time.monotonic() + 90
        while (job := self.job(job_id))["status"] not in ("SUCCEEDED", "FAILED"):
            assert time.monotonic() < deadline, job["status"]
            time.sleep(0.02)
        found: list[dict[str, Any]] = job["attempts"]
        return found

    def injected(self, kind: str) -> list[dict[str, Any]]:
        return [fault for fault in self.cloud.faults() if fault["kind"] == kind]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with running(slots=2, images={"shell": ("/bin/sh", "-c")}, faults=PLAN) as cloud:
        yield Rig(cloud)


@pytest.fixture
def s3(rig: Rig) -> Any:
    """A client that tries once and waits a second at most."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=5, s3={"addressing_style": "path"})
    client = rig.cloud.client("s3", config=config)
    client.create_bucket(Bucket="bucket")
    return client


# ---- attempts --------------------------------------------------------------------------------------------------------

ONCE_MORE = {"retryStrategy": {"attempts": 2}}


def test_a_reclaimed_machine_gives_notice_then_sigterm(rig: Rig) -> None:
    """The notice is on the machine's metadata service; a second later the attempt is asked, and has no exit code."""
    line = "trap 'echo asked; exit 9' TERM; while :; do sleep 0.05; done"
    (attempt,) = rig.attempts("reclaim", line)
    assert attempt["statusReason"].startswith("Host EC2 (instance i-")
    assert "exitCode" not in attempt["container"]
    (fault,) = rig.injected("reclaim")
    assert fault["instance"] in attempt["statusReason"]
    assert attempt["container"]["containerInstanceArn"].endswith(fault["instance"])


def test_a_worker_that_hears_the_notice_can_read_when_it_ends(rig: Rig) -> None:
    """IMDSv2: a token first, then the action and its time; who left by itself has its own exit code."""
    script = (
        'token=$(curl -sf -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" $U/latest/api/token); '
        'until curl -sf -H "X-aws-ec2-metadata-token: $token" $U/latest/meta-data/spot/instance-action; '
        "do sleep 0.05; done; exit 75"
    )
    (attempt,) = rig.attempts("reclaim-heard", "U=$CLOUD_RENDER_METADATA_URL; " + script)
    assert attempt["container"]["exitCode"] == 75
    log = rig.cloud.client("logs").get_log_events(
        logGroupName="/aws/batch/job", logStreamName=attempt["container"]["logStreamName"]
    )
    said = json.loads(log["events"][0]["message"])
    assert said["action"] == "terminate"


def test_a_doomed_machine_gets_no_new_attempt(rig: Rig) -> None:
    """The second attempt runs on another one."""
    line = 'test "$AWS_BATCH_JOB_ATTEMPT" = 2 || sleep 600'
    first, second = rig.attempts("reclaim", line, **ONCE_MORE)
    assert first["container"]["containerInstanceArn"] != second["container"]["containerInstanceArn"]
    assert second["container"]["exitCode"] == 0


def test_a_machine_that_vanishes_gives_no_notice(rig: Rig) -> None:
    """SIGKILL, and only Batch's words say why."""
    (attempt,) = rig.attempts("reclaim-without-notice", "trap 'echo asked' TERM; sleep 600")
    assert attempt["statusReason"].startswith("Host EC2 (instance i-")
    assert "exitCode" not in attempt["container"]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which process is Blender")
def test_blender_is_killed_and_its_worker_lives(rig: Rig) -> None:
    """The worker sees the signal and decides what to do."""
    (attempt,) = rig.attempts("kill-blender", BLENDER + "wait $!; exit $((100 + ($? == 137)))")
    assert attempt["container"]["exitCode"] == 101


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which process is Blender")
def test_blender_stands_still(rig: Rig) -> None:
    """Stopped, not ended: only who watches it notices."""
    line = BLENDER + "until grep -q '^State:.T' /proc/$!/status; do sleep 0.05; done; exit 3"
    (attempt,) = rig.attempts("hang", line)
    assert attempt["container"]["exitCode"] == 3


def test_the_worker_is_killed_with_all_it_started(rig: Rig, until: Until, tmp_path: Path) -> None:
    """Exit code 137, and even what leads a group of its own is gone."""
    pid = tmp_path / "pid"
    line = f"setsid sleep 600 & echo $! > {pid}; sleep 600"
    job = rig.submit("plain", line)
    until(lambda: pid.exists() and pid.read_text())
    until(lambda: rig.cloud.hurt(job, "kill-worker") or rig.job(job)["status"] == "FAILED")
    until(lambda: rig.job(job)["status"] == "FAILED")
    assert rig.job(job)["attempts"][0]["container"]["exitCode"] == 137
    if sys.platform == "linux":
        status = Path(f"/proc/{int(pid.read_text())}/status")
        until(lambda: not status.exists() or "State:\tZ" in status.read_text())


def test_a_planned_death_of_the_worker_comes_once(rig: Rig) -> None:
    """The plan says attempt 1; the second one is left in peace."""
    first, second = rig.attempts("kill-worker", 'test "$AWS_BATCH_JOB_ATTEMPT" = 2 || sleep 600', **ONCE_MORE)
    assert (first["container"]["exitCode"], second["container"]["exitCode"]) == (137, 0)


def test_running_out_of_memory_has_batchs_words(rig: Rig) -> None:
    """Those that evaluateOnExit rules look for."""
    (attempt,) = rig.attempts("out-of-memory", "sleep 600")
    assert attempt["container"]["exitCode"] == 137
    assert attempt["container"]["reason"].startswith("OutOfMemoryError: ")


@pytest.mark.skipif(way_to_mount() is None, reason="needs root or user namespaces")
def test_the_disk_is_full(rig: Rig) -> None:
    """ENOSPC in the scratch, and nowhere else."""
    line = "n=0; while dd if=/dev/zero of=$n bs=8k count=1; do n=$((n + 1)); sleep 0.05; done; touch /tmp && exit 28"
    (attempt,) = rig.attempts("full-disk", line)
    assert attempt["container"]["exitCode"] == 28
    assert len(rig.injected("full-disk")) == 1


def test_the_log_names_child_and_attempt(rig: Rig) -> None:
    """Kind, time, submission, child, attempt, instance."""
    before = len(rig.injected("out-of-memory"))
    rig.attempts("out-of-memory", "sleep 600", arrayProperties={"size": 2})
    found = rig.injected("out-of-memory")[before:]
    assert sorted((fault["child"], fault["attempt"]) for fault in found) == [(0, 1), (1, 1)]
    assert all(abs(fault["time"] - time.time()) < 60 and fault["instance"] for fault in found)


def test_what_does_not_run_can_not_be_hurt(rig: Rig) -> None:
    """Nor is there a kind by any name."""
    assert not rig.cloud.hurt("no-such-job", "kill-worker")
    assert not rig.cloud.hurt("no-such-job", "no-such-kind")


# ---- machines --------------------------------------------------------------------------------------------------------


def test_metadata_wants_a_token(rig: Rig) -> None:
    """Version 1 of the service is off, as in the stack."""
    job = rig.submit("plain", "echo $CLOUD_RENDER_METADATA_URL; sleep 600")
    address = _first_line(rig, job)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{address}/latest/meta-data/instance-id")
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(urllib.request.Request(f"{address}/latest/api/token", method="PUT"))
    rig.batch.terminate_job(jobId=job, reason="seen")


def _first_line(rig: Rig, job: str) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        stream = rig.job(job)["container"].get("logStreamName")
        if stream:
            logs = rig.cloud.client("logs")
            try:
                events = logs.get_log_events(logGroupName="/aws/batch/job", logStreamName=stream)["events"]
            except logs.exceptions.ResourceNotFoundException:
                events = []
            if events:
                return str(events[0]["message"])
        time.sleep(0.05)
    raise AssertionError("it printed nothing")


# ---- requests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "code", "status"),
    [
        ("internal", "InternalError", 500),
        ("busy", "SlowDown", 503),
        ("expired", "ExpiredToken", 400),
        ("skewed", "RequestTimeTooSkewed", 403),
    ],
)
def test_s3_refuses(s3: Any, key: str, code: str, status: int) -> None:
    """With its own codes, so that a client takes them for what they are."""
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket="bucket", Key=key)
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


def test_a_connection_is_reset_in_both_directions(rig: Rig, s3: Any) -> None:
    """Half of an upload arrives and nothing is stored; half of a download, and its reader gets an error."""
    with pytest.raises(BotoCoreError):
        s3.put_object(Bucket="bucket", Key="reset-put", Body=b"x" * 300_000)
    assert "Contents" not in s3.list_objects_v2(Bucket="bucket", Prefix="reset")
    s3.put_object(Bucket="bucket", Key="reset-get", Body=b"x" * 300_000)
    with pytest.raises(BotoCoreError):
        s3.get_object(Bucket="bucket", Key="reset-get")["Body"].read()


def test_a_write_whose_answer_is_lost_is_done(s3: Any) -> None:
    """The hardest case for a client: it can't know."""
    with pytest.raises(BotoCoreError):
        s3.put_object(Bucket="bucket", Key="lost", Body=b"x")
    assert s3.get_object(Bucket="bucket", Key="lost")["Body"].read() == b"x"


def test_a_stalled_answer_is_late_and_whole(s3: Any) -> None:
    """Half of it, a pause, and the rest."""
    s3.put_object(Bucket="bucket", Key="late", Body=b"z" * 300_000)
    started = time.monotonic()
    assert s3.get_object(Bucket="bucket", Key="late")["Body"].read() == b"z" * 300_000
    assert time.monotonic() - started >= 0.3


def test_a_truncated_answer_is_shorter_than_it_says(s3: Any) -> None:
    """The connection ends in order, and too early."""
    s3.put_object(Bucket="bucket", Key="short", Body=b"z" * 300_000)
    with pytest.raises(BotoCoreError):
        s3.get_object(Bucket="bucket", Key="short")["Body"].read()


def test_batch_throttles(rig: Rig) -> None:
    """TooManyRequestsException with 429; boto3 repeats such a call by itself."""
    batch = rig.cloud.client("batch", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError) as refused:
        batch.cancel_job(jobId="none", reason="test")
    assert refused.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    batch.cancel_job(jobId="none", reason="test")


def test_a_request_of_a_child_is_logged_with_the_child(rig: Rig, s3: Any) -> None:
    """Its User-Agent says who it is."""
    program = "import boto3, contextlib, botocore\n" + (
        "with contextlib.suppress(botocore.exceptions.ClientError):\n"
        "    boto3.client('s3').get_object(Bucket='bucket', Key='expired')\n"
    )
    rig.attempts("plain", f'{sys.executable} -c "{program}"', arrayProperties={"size": 2})
    children = {(fault["child"], fault["attempt"]) for fault in rig.injected("s3-expired-token")}
    assert {(0, 1), (1, 1)} <= children


# ---- the engine ------------------------------------------------------------------------------------------------------


def test_a_restarted_engine_goes_on_from_its_journal(rig: Rig, until: Until, tmp_path: Path) -> None:
    """What ran is gone without a trace and runs again, as the same attempt; what had ended stays so."""
    line = f"echo $AWS_BATCH_JOB_ATTEMPT >> {tmp_path}/$AWS_BATCH_JOB_ARRAY_INDEX; test -e {tmp_path}/go || sleep 600"
    job = rig.submit("plain", line, arrayProperties={"size": 2})
    until(lambda: (tmp_path / "0").exists() and (tmp_path / "1").exists())
    (tmp_path / "go").touch()
    rig.cloud.restart_engine()
    until(lambda: rig.job(job)["status"] == "SUCCEEDED")
    assert [(tmp_path / name).read_text() for name in "01"] == ["1\n1\n"] * 2
    assert [len(rig.job(f"{job}:{index}")["attempts"]) for index in (0, 1)] == [1, 1]


def test_a_plan_restarts_the_engine(until: Until) -> None:
    """As often as it says, from the first job on."""
    plan = {"faults": {"restart-engine": {"count": 2, "after_s": [0.1, 0.2]}}}
    with running(slots=1, images={"shell": ("/bin/sh", "-c")}, faults=plan) as cloud:
        rig = Rig(cloud)
        job = rig.submit("plain", "sleep 1")
        until(lambda: rig.job(job)["status"] == "SUCCEEDED")
        assert len(rig.injected("restart-engine")) == 2


# ---- the command line ------------------------------------------------------------------------------------------------


def test_a_bad_plan_is_one_clear_line(tmp_path: Path) -> None:
    """Exit code 2, the file, the place."""
    plan = tmp_path / "plan.json"
    plan.write_text('{"faults": {"relcaim": 1}}')
    command = [sys.executable, "-m", "local_cloud", "--faults", str(plan)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{plan}: faults.'relcaim' is not one of reclaim" in done.stderr
