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

from cloud_render.client.audit import audit
from cloud_render.client.control import cancel, delete, retry
from cloud_render.client.dropped import job_of
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.monitor import jobs, snapshot
from cloud_render.client.records import record
from cloud_render.contract.job import Submission
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
def farm(cloud: LocalCloud, outputs: dict[str, str]) -> Iterator[Farm]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        yield Farm.find(Connection(), "drop")


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


def _drop(cloud: LocalCloud, outputs: dict[str, str], name: str, body: bytes) -> str:
    """The ARN of the execution that it started."""
    before = {row["executionArn"] for row in _executions(cloud, outputs)}
    cloud.client("s3").put_object(Bucket=outputs["BucketName"], Key=f"inbox/{name}", Body=body)
    rows = _until(lambda: [row for row in _executions(cloud, outputs) if row["executionArn"] not in before])
    return str(rows[0]["executionArn"])


def _submission(farm: Farm, job_id: str) -> Submission | None:
    """The job's, once Batch has all of it."""
    latest = record(farm, job_id).latest
    return latest if latest and latest.complete else None


def _start(cloud: LocalCloud, outputs: dict[str, str], name: str, **given: Any) -> str:
    steps = cloud.client("stepfunctions")
    started = steps.start_execution(stateMachineArn=outputs["DropMachine"], name=name, input=json.dumps(given))
    return str(started["executionArn"])


def test_a_file_that_is_dropped_becomes_a_video(
    cloud: LocalCloud, outputs: dict[str, str], farm: Farm, scene: Callable[[int], bytes]
) -> None:
    """Real Blender reads it, renders it as an array, FFmpeg makes the video; it's a job like any other."""
    ended = _ended(cloud, _drop(cloud, outputs, "my ball.blend", scene(2)))
    assert ended["status"] == "SUCCEEDED", ended
    (job_id,) = [summary.job_id for summary in jobs(farm)]
    assert _keys(cloud, outputs, f"jobs/{job_id}/frames/") == ["0001.png", "0002.png"]
    state = snapshot(farm, job_id)
    assert (state.phase, state.name, state.frames_done, state.frames_total) == ("done", "my ball", 2, 2)
    assert state.video == f"jobs/{job_id}/video.mp4"
    submission = record(farm, job_id).latest
    assert submission
    assert submission.complete
    found = audit(farm, job_id)
    assert [child.state for child in found.children] == ["SUCCEEDED"] * 3
    assert not found.unreadable


def test_frames_that_are_lost_are_rendered_once_more(
    cloud: LocalCloud, outputs: dict[str, str], farm: Farm, scene: Callable[[int], bytes]
) -> None:
    """The array's mender works for it as for any job, and the execution waits for what comes of that."""
    cloud.set_capacity(outputs["RenderCpuQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    execution = _drop(cloud, outputs, "lost.blend", scene(2))
    job_id = _until(lambda: job_of(farm, execution))
    first = _until(lambda: _submission(farm, job_id))
    cloud.client("batch").terminate_job(jobId=first.render_id, reason="Host EC2 (instance i-1) terminated.")
    cloud.set_capacity(outputs["RenderCpuQueue"])
    ended = _ended(cloud, execution)
    assert ended["status"] == "SUCCEEDED", ended
    latest = record(farm, job_id).latest
    assert latest
    assert (latest.number, latest.round, latest.frames) == (1, 1, "1-2")
    assert snapshot(farm, job_id).phase == "done"


def test_an_execution_takes_the_originals_input(
    cloud: LocalCloud, outputs: dict[str, str], farm: Farm, scene: Callable[[int], bytes]
) -> None:
    """One frame is a plain job, since an array has two children at least, and makes no video."""
    bucket, job_id = outputs["BucketName"], "20260101-120000-here-ab12"
    cloud.client("s3").put_object(Bucket=bucket, Key="inbox/still.txt.blend", Body=scene(1))
    execution = _start(
        cloud,
        outputs,
        "by-hand",
        jobName="hare",
        inputUri=f"s3://{bucket}/inbox/still.txt.blend",
        outputUri=f"s3://{bucket}/jobs/{job_id}",
        jobDefinitionArn=outputs["RenderCpuDefinition"],
        jobQueueArn=outputs["RenderCpuQueue"],
        framesPerJob=1,
    )
    assert _ended(cloud, execution)["status"] == "SUCCEEDED"
    assert _keys(cloud, outputs, f"jobs/{job_id}/frames/") == ["0001.png"]
    state = snapshot(farm, job_id)
    assert (state.phase, state.name, state.video) == ("done", "hare", "")
    found = record(farm, job_id).job
    assert found
    assert (found.device, found.client) == ("cpu", execution)


def test_a_file_that_can_not_be_read_ends_in_words(cloud: LocalCloud, outputs: dict[str, str], farm: Farm) -> None:
    """The execution fails, and so does the job, with Blender's reason; nothing is rendered, and it can be deleted."""
    before = {summary.job_id for summary in jobs(farm)}
    ended = _ended(cloud, _drop(cloud, outputs, "no.blend", b"this is no scene"))
    assert (ended["status"], ended["error"]) == ("FAILED", "NotRendered")
    (failed,) = [summary for summary in jobs(farm) if summary.job_id not in before]
    assert failed.phase == "failed"
    assert "no.blend" in failed.problem
    assert snapshot(farm, failed.job_id).problem == failed.problem
    assert not _keys(cloud, outputs, f"jobs/{failed.job_id}/frames/")
    delete(farm, failed.job_id)
    assert not _keys(cloud, outputs, f"jobs/{failed.job_id}/")


def test_a_scene_that_fails_ends_in_the_menders_words(
    cloud: LocalCloud, outputs: dict[str, str], farm: Farm, scene: Callable[[int], bytes]
) -> None:
    """What comes again the same way is not tried again; the execution fails, and the job says why."""
    cloud.set_capacity(outputs["RenderCpuQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    execution = _drop(cloud, outputs, "broken.blend", scene(2))
    job_id = _until(lambda: job_of(farm, execution))
    first = _until(lambda: _submission(farm, job_id))
    cloud.client("batch").terminate_job(jobId=first.render_id, reason="CannotPullContainerError: manifest unknown")
    cloud.set_capacity(outputs["RenderCpuQueue"])
    ended = _ended(cloud, execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "NotRendered")
    state = snapshot(farm, job_id)
    assert (state.phase, state.frames_done, state.frames_total) == ("failed", 0, 2)
    assert state.problem
    assert retry(farm, job_id).frames == "1-2"
    cancel(farm, job_id)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("s3://elsewhere/inbox/a.blend", ""),
        ("s3://{}/store/a.blend", ""),
        ("s3://{}/inbox/a.blend", "s3://elsewhere/jobs/20260101-120000-a-ab12"),
        ("s3://{}/inbox/a.blend", "s3://{}/blender/20260101-120000-a-ab12"),
        ("s3://{}/inbox/a.blend", "s3://{}/jobs/20260101-120000-a-ab12/b"),
        ("s3://{}/inbox/a.blend", "s3://{}/jobs/here"),
    ],
)
def test_what_lies_elsewhere_is_refused(cloud: LocalCloud, outputs: dict[str, str], source: str, target: str) -> None:
    """Before any job is submitted: the input comes from the inbox, the output goes to a job of its own."""
    given = {"inputUri": source, **({"outputUri": target} if target else {})}
    given = {name: value.format(outputs["BucketName"]) for name, value in given.items()}
    ended = _ended(cloud, _start(cloud, outputs, f"refused-{abs(hash((source, target)))}", **given))
    assert (ended["status"], ended["error"]) == ("FAILED", "OutsideOfTheStack")


@pytest.mark.parametrize("name", ["jobQueueArn", "jobDefinitionArn"])
def test_queues_and_definitions_of_others_are_refused(cloud: LocalCloud, outputs: dict[str, str], name: str) -> None:
    """A render goes to the stack's own, whatever the input names."""
    given = {"inputUri": f"s3://{outputs['BucketName']}/inbox/a.blend", name: outputs["UtilityQueue"]}
    ended = _ended(cloud, _start(cloud, outputs, f"foreign-{name}", **given))
    assert (ended["status"], ended["error"]) == ("FAILED", "OutsideOfTheStack")


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


def test_stopping_an_execution_cancels_what_it_has_begun(
    cloud: LocalCloud, outputs: dict[str, str], farm: Farm, scene: Callable[[int], bytes]
) -> None:
    """As the artist's own cancelling does: no child is left, and the mender stays quiet."""
    cloud.set_capacity(outputs["RenderCpuQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    execution = _drop(cloud, outputs, "begun.blend", scene(2))
    job_id = _until(lambda: job_of(farm, execution))
    submission = _until(lambda: _submission(farm, job_id))
    cloud.client("stepfunctions").stop_execution(executionArn=execution)
    _until(lambda: snapshot(farm, job_id).phase == "cancelled")
    cloud.set_capacity(outputs["RenderCpuQueue"])
    found = cloud.client("batch").describe_jobs(jobs=[submission.render_id, submission.stitch_id])["jobs"]
    assert {job["status"] for job in found} == {"FAILED"}
    (latest,) = [record(farm, job_id).latest]
    assert latest == submission
