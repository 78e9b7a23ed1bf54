# SPDX-License-Identifier: GPL-3.0-or-later
"""Drop a file, get a video: the stack's state machine in moto's interpreter, its Batch steps in our engine."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local_cloud.testing import LocalCloud, running

SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.frame_start, scene.frame_end = 1, int(sys.argv[2])
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1])
"""

pytestmark = pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="no bpy in this Python")


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with running(slots=2) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def outputs(cloud: LocalCloud) -> dict[str, str]:
    return cloud.deploy("drop", DropAFile="on", DefaultDevice="cpu")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], bytes]:
    """A .blend of so many frames."""

    def made(count: int) -> bytes:
        path = tmp_path_factory.mktemp("scene") / "ball.blend"
        subprocess.run([sys.executable, "-c", SCENE, str(path), str(count)], check=True, capture_output=True)
        return path.read_bytes()

    return made


def _until(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.1)
    return found


def _executions(cloud: LocalCloud, outputs: dict[str, str]) -> list[dict[str, Any]]:
    return list(cloud.client("stepfunctions").list_executions(stateMachineArn=outputs["DropMachine"])["executions"])


def _ended(cloud: LocalCloud, execution: str) -> dict[str, Any]:
    steps = cloud.client("stepfunctions")

    def look() -> Any:
        found = steps.describe_execution(executionArn=execution)
        return found if found["status"] != "RUNNING" else None

    return dict(_until(look))


def _keys(cloud: LocalCloud, outputs: dict[str, str], prefix: str) -> list[str]:
    listed = cloud.client("s3").list_objects_v2(Bucket=outputs["BucketName"], Prefix=prefix)
    return [row["Key"].removeprefix(prefix) for row in listed.get("Contents", [])]


def _read(cloud: LocalCloud, outputs: dict[str, str], key: str) -> Any:
    return json.loads(cloud.client("s3").get_object(Bucket=outputs["BucketName"], Key=key)["Body"].read())


def _drop(cloud: LocalCloud, outputs: dict[str, str], name: str, body: bytes) -> str:
    """The ARN of the execution that it started."""
    before = {row["executionArn"] for row in _executions(cloud, outputs)}
    cloud.client("s3").put_object(Bucket=outputs["BucketName"], Key=f"inbox/{name}", Body=body)
    rows = _until(lambda: [row for row in _executions(cloud, outputs) if row["executionArn"] not in before])
    return str(rows[0]["executionArn"])


def _start(cloud: LocalCloud, outputs: dict[str, str], name: str, **given: Any) -> str:
    steps = cloud.client("stepfunctions")
    started = steps.start_execution(stateMachineArn=outputs["DropMachine"], name=name, input=json.dumps(given))
    return str(started["executionArn"])


def test_a_file_that_is_dropped_becomes_a_video(
    cloud: LocalCloud, outputs: dict[str, str], scene: Callable[[int], bytes]
) -> None:
    """Real Blender reads it, renders it as an array, FFmpeg makes the video; the job is there for the artist to see."""
    ended = _ended(cloud, _drop(cloud, outputs, "my ball.blend", scene(2)))
    assert ended["status"] == "SUCCEEDED", ended
    (video,) = [key for key in _keys(cloud, outputs, "jobs/") if key.endswith("/video.mp4")]
    job_id = video.partition("/")[0]
    assert _keys(cloud, outputs, f"jobs/{job_id}/frames/") == ["0001.png", "0002.png"]
    end = _read(cloud, outputs, f"jobs/{job_id}/end.json")
    assert (end["state"], end["frames"], end["frames_total"], end["video"]) == ("done", 2, 2, "video.mp4")
    assert _read(cloud, outputs, f"jobs/{job_id}/job.json")["id"] == job_id


def test_an_execution_takes_the_originals_input(
    cloud: LocalCloud, outputs: dict[str, str], scene: Callable[[int], bytes]
) -> None:
    """One frame is a plain job, since an array has two children at least, and makes no video."""
    bucket = outputs["BucketName"]
    cloud.client("s3").put_object(Bucket=bucket, Key="inbox/still.txt.blend", Body=scene(1))
    execution = _start(
        cloud,
        outputs,
        "by-hand",
        jobName="hare",
        inputUri=f"s3://{bucket}/inbox/still.txt.blend",
        outputUri=f"s3://{bucket}/jobs/here",
        jobDefinitionArn=outputs["RenderCpuDefinition"],
        jobQueueArn=outputs["RenderCpuQueue"],
        framesPerJob=1,
    )
    assert _ended(cloud, execution)["status"] == "SUCCEEDED"
    assert _keys(cloud, outputs, "jobs/here/frames/") == ["0001.png"]
    rows = cloud.client("batch").list_jobs(
        jobQueue=outputs["RenderCpuQueue"], filters=[{"name": "JOB_NAME", "values": ["hare-render-drop"]}]
    )["jobSummaryList"]
    assert [row.get("arrayProperties") for row in rows] == [None]


def test_a_file_that_can_not_be_read_ends_in_words(cloud: LocalCloud, outputs: dict[str, str]) -> None:
    """The execution fails, and so does the job, with where to look; nothing is rendered."""
    before = set(_keys(cloud, outputs, "jobs/"))
    ended = _ended(cloud, _drop(cloud, outputs, "no.blend", b"this is no scene"))
    assert (ended["status"], ended["error"]) == ("FAILED", "NotRendered")
    came = set(_keys(cloud, outputs, "jobs/")) - before
    (key,) = [key for key in came if key.endswith("/end.json")]
    assert _read(cloud, outputs, f"jobs/{key}")["state"] == "failed"
    assert not [key for key in came if "/frames/" in key]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("s3://elsewhere/inbox/a.blend", ""),
        ("s3://{}/store/a.blend", ""),
        ("s3://{}/inbox/a.blend", "s3://elsewhere/jobs/a"),
        ("s3://{}/inbox/a.blend", "s3://{}/blender/a"),
        ("s3://{}/inbox/a.blend", "s3://{}/jobs/a/b"),
    ],
)
def test_what_lies_elsewhere_is_refused(cloud: LocalCloud, outputs: dict[str, str], source: str, target: str) -> None:
    """Before any job is submitted: the input comes from the inbox, the output goes to a job of its own."""
    given = {"inputUri": source, **({"outputUri": target} if target else {})}
    given = {name: value.format(outputs["BucketName"]) for name, value in given.items()}
    ended = _ended(cloud, _start(cloud, outputs, f"refused-{abs(hash((source, target)))}", **given))
    assert (ended["status"], ended["error"]) == ("FAILED", "OutsideOfTheBucket")


def test_stopping_an_execution_ends_its_job(
    cloud: LocalCloud, outputs: dict[str, str], scene: Callable[[int], bytes]
) -> None:
    """As AWS does for the steps that wait for their job."""
    cloud.set_capacity(outputs["UtilityQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    execution = _drop(cloud, outputs, "stopped.blend", b"whatever")
    batch = cloud.client("batch")
    waiting = {"jobQueue": outputs["UtilityQueue"], "jobStatus": "RUNNABLE"}
    (job,) = _until(lambda: batch.list_jobs(**waiting)["jobSummaryList"])
    cloud.client("stepfunctions").stop_execution(executionArn=execution)
    assert _ended(cloud, execution)["status"] == "ABORTED"
    (ended,) = batch.describe_jobs(jobs=[job["jobId"]])["jobs"]
    cloud.set_capacity(outputs["UtilityQueue"])
    assert (ended["status"], ended["statusReason"]) == ("FAILED", "The execution was stopped.")
