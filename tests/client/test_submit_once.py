# SPDX-License-Identifier: GPL-3.0-or-later
"""One submit makes one job, whatever breaks on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from cloud_render.client import batch, objects, pending
from cloud_render.client.control import cancel
from cloud_render.client.farm import Farm
from cloud_render.client.monitor import jobs, snapshot
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.submit import resume, submit
from cloud_render.contract import keys
from cloud_render.contract.errors import Cancelled, CloudRenderError, CloudUnreachable, FileChanged, NotThere, TryAgain
from cloud_render.contract.job import RenderJob, Submission
from cloud_render.store import Progress
from local_cloud.testing import LocalCloud

Planned = Callable[..., SubmitPlan]


class Line:
    """The line to AWS Batch: breaks the SubmitJob requests it is told to, and counts those that arrive."""

    def __init__(self, farm: Farm) -> None:
        self.arrived: list[dict[str, Any]] = []
        self._plans: list[str] = []
        client = farm.connection.client("batch", repeats=False)
        client.meta.events.register("provide-client-params.batch.SubmitJob", self._note)
        client.meta.events.register("before-send.batch.SubmitJob", self._break)

    def breaks(self, *plans: str) -> None:
        """For each request in turn: fine, before (nothing arrives), after (the answer is lost) or refused."""
        self._plans = list(plans)

    def _note(self, params: dict[str, Any], **_: object) -> None:
        self.arrived.append(params)

    def _break(self, request: Any, **_: object) -> None:
        what = self._plans.pop(0) if self._plans else "fine"
        if what == "before":
            self.arrived.pop()
            raise EndpointConnectionError(endpoint_url=request.url)
        if what == "after":
            URLLib3Session().send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        if what == "refused":
            answer = {
                "Error": {"Code": "ClientException", "Message": "no such queue"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(answer, "SubmitJob")


def no_wait(_seconds: float) -> None:
    pass


def batch_names(farm: Farm, job_id: str) -> list[str]:
    """The names of all Batch jobs of a job, in whatever state."""
    return sorted(
        row["jobName"]
        for queue, name in (
            (farm.render_gpu_queue, keys.render_job_name(job_id, 0)),
            (farm.utility_queue, keys.stitch_job_name(job_id, 0)),
        )
        for row in farm.batch.list_jobs(jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}])[
            "jobSummaryList"
        ]
    )


def both(job_id: str) -> list[str]:
    return [keys.render_job_name(job_id, 0), keys.stitch_job_name(job_id, 0)]


def submission_of(farm: Farm, job_id: str) -> Submission:
    return Submission.from_json(objects.read(farm, keys.Prefix.of_job(job_id).submission(0)))


def test_one_submit_is_two_requests_to_batch(farm: Farm, planned: Planned) -> None:
    """A thousand children are still one array and one stitch; retries and timeout are left to the definition."""
    line = Line(farm)
    job_id = submit(farm, planned(Options(name="hold", frames_per_job=1), frame_end=1000))
    render, stitch = line.arrived
    assert render["arrayProperties"] == {"size": 1000}
    assert render["parameters"]["totalFrames"] == "1000"
    assert stitch["dependsOn"] == [{"jobId": submission_of(farm, job_id).render_id}]
    assert not {"retryStrategy", "timeout", "containerOverrides"} & {*render, *stitch}
    assert render["jobDefinition"] == farm.render_gpu_definition
    cancel(farm, job_id)


def test_no_key_is_in_what_is_sent_or_remembered(farm: Farm, aws: LocalCloud, planned: Planned, tmp_path: Path) -> None:
    """Neither Batch's requests nor any object of the job nor this computer's memory of it holds a credential."""
    line = Line(farm)
    job_id = submit(farm, planned(Options(name="hold")), memory=tmp_path / "memory")
    cancel(farm, job_id)
    below = objects.list_below(farm, keys.Prefix.of_job(job_id).root).entries
    stored = [objects.read(farm, entry.key) for entry in below]
    remembered = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    everything = b"\n".join([repr(line.arrived).encode(), *stored, *remembered])
    assert job_id.encode() in everything
    assert aws.secret_key.encode() not in everything
    assert b"AWS_ACCESS_KEY" not in everything


@pytest.mark.parametrize(("frames", "per_job"), [("4", None), ("1-6", 25)])
def test_one_slice_is_a_plain_job(farm: Farm, planned: Planned, frames: str, per_job: int | None) -> None:
    """Batch refuses arrays of one; the clamped number of frames is what the worker is told."""
    line = Line(farm)
    job_id = submit(farm, planned(Options(name="hold", frames=frames, frames_per_job=per_job)))
    cancel(farm, job_id)
    assert "arrayProperties" not in line.arrived[0]
    assert line.arrived[0]["parameters"]["framesPerJob"] == line.arrived[0]["parameters"]["totalFrames"]


@pytest.mark.parametrize(
    "breaks",
    [("before",), ("after",), ("fine", "before"), ("fine", "after"), ("after", "after"), ("before", "before", "after")],
)
def test_a_lost_request_or_answer_makes_no_second_job(farm: Farm, planned: Planned, breaks: tuple[str, ...]) -> None:
    """Before SubmitJob is repeated, Batch is asked whether the job stands."""
    Line(farm).breaks(*breaks)
    job_id = submit(farm, planned(Options(name="hold")), sleep=no_wait)
    assert batch_names(farm, job_id) == both(job_id)
    assert submission_of(farm, job_id).complete
    cancel(farm, job_id)


@pytest.mark.parametrize("fine", [0, 1], ids=["array", "stitch"])
def test_a_submit_after_a_broken_one_goes_on_with_the_same_job(
    farm: Farm, planned: Planned, fine: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is dead for good: an error that says so. The same command later finds its own job and completes it."""
    monkeypatch.setattr(batch, "CLAIM_LASTS", timedelta(0))
    line = Line(farm)
    line.breaks(*["fine"] * fine, *["before"] * 10)
    with pytest.raises(CloudUnreachable, match="same again"):
        submit(farm, planned(Options(name="hold")), sleep=no_wait)
    line.breaks()
    job_id = submit(farm, planned(Options(name="hold")), sleep=no_wait)
    assert batch_names(farm, job_id) == both(job_id)
    assert len(line.arrived) == 2
    cancel(farm, job_id)


def test_a_refused_stitch_takes_its_array_back(farm: Farm, planned: Planned) -> None:
    """No array runs without its stitch; the reason is told, and the same again makes both."""
    line = Line(farm)
    line.breaks("fine", "refused")
    with pytest.raises(CloudRenderError, match="no such queue"):
        submit(farm, planned(Options(name="hold")), sleep=no_wait)
    (render,) = (request for request in line.arrived if request["jobName"].endswith("-render"))
    job_id = render["jobName"].removesuffix("-0-render")
    assert submission_of(farm, job_id).render_id == ""
    array = batch.find(farm, farm.render_gpu_queue, render["jobName"])
    assert array == "" or ended(farm, array).status_reason == batch.UNDONE


def ended(farm: Farm, batch_id: str) -> batch.BatchJob:
    """The job once it has: Batch ends what runs a moment after it was told to."""
    limit = time.monotonic() + 60
    while not (job := batch.describe(farm, [batch_id])[batch_id]).ended:
        assert time.monotonic() < limit, job
        time.sleep(0.1)
    return job


def half_submitted(farm: Farm, planned: Planned, render: bool) -> str:
    """A job whose submit was killed right after its claim, or between its array and noting that array's id."""
    job_id = submit(farm, planned(Options(name="hold", frames_per_job=3)))
    cancel(farm, job_id)
    made = RenderJob.from_json(objects.read(farm, keys.Prefix.of_job(job_id).job))
    new_id = keys.new_job_id("half", batch.datetime.now(batch.UTC))
    job = replace(made, id=new_id)
    objects.create(farm, keys.Prefix.of_job(new_id).job, job.to_json())
    claimed = Submission(0, job.frames, 3, "refuse", batch.utc_now())
    assert batch.claim(farm, new_id, claimed)
    if render:
        farm.batch.submit_job(**batch._render_request(farm, job, claimed))
    return new_id


@pytest.mark.parametrize("render", [False, True], ids=["after the claim", "after the array"])
def test_a_killed_submit_is_mended(farm: Farm, planned: Planned, render: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a claim without jobs nor an array without its stitch stays; nothing is submitted twice."""
    job_id = half_submitted(farm, planned, render)
    assert resume(farm, job_id) is False  # its submit may still be at work
    monkeypatch.setattr(batch, "CLAIM_LASTS", timedelta(0))
    assert snapshot(farm, job_id).half_submitted
    assert resume(farm, job_id) is True
    assert batch_names(farm, job_id) == both(job_id)
    assert not snapshot(farm, job_id).half_submitted
    assert resume(farm, job_id) is False
    cancel(farm, job_id)


def test_a_half_submitted_job_can_be_cancelled(farm: Farm, planned: Planned, wait_for: Callable[..., Any]) -> None:
    """The array whose id no one wrote down is found by its name and ended."""
    job_id = half_submitted(farm, planned, render=True)
    cancel(farm, job_id)
    array = batch.find(farm, farm.render_gpu_queue, keys.render_job_name(job_id, 0))
    assert batch.describe(farm, [array])[array].status in ("FAILED", "PENDING")
    assert snapshot(farm, job_id).phase == "cancelled"
    assert resume(farm, job_id) is False


def test_the_same_scene_again_is_a_new_job(farm: Farm, submitted: Callable[..., str]) -> None:
    """A submit that ended is forgotten: doing it again on purpose renders again."""
    first, second = submitted("hold"), submitted("hold")
    assert first != second
    cancel(farm, first)
    cancel(farm, second)


def test_the_same_submit_twice_at_once_makes_one_job(farm: Farm, planned: Planned) -> None:
    """The second one is refused while the first one is at it, in whatever step; other scenes are not."""
    refusals: list[str] = []

    def all_jobs() -> set[str]:
        return {each.job_id for each in jobs(farm, 1000)}

    before = all_jobs()

    def meanwhile() -> bool:
        with pytest.raises(TryAgain, match="another process") as refused:
            submit(farm, planned(Options(name="hold")))
        refusals.append(refused.value.advice)
        return False

    job_id = submit(farm, planned(Options(name="hold")), cancelled=meanwhile)
    other = submit(farm, planned(Options(name="hold", samples=7)))
    assert refusals
    assert all_jobs() - before == {job_id, other}
    cancel(farm, job_id)
    cancel(farm, other)


def test_the_slower_of_two_that_were_started_together_goes_on_with_the_same_job(farm: Farm, planned: Planned) -> None:
    """Though the other one has ended before it comes to its turn; what is asked for after that is a new job."""
    asked = datetime.now(UTC).isoformat()
    first = submit(farm, replace(planned(Options(name="hold")), asked=asked))
    slower = submit(farm, replace(planned(Options(name="hold")), asked=asked))
    later = submit(farm, replace(planned(Options(name="hold")), asked=datetime.now(UTC).isoformat()))
    assert (first == slower, first == later) == (True, False)
    assert batch_names(farm, first) == both(first)
    cancel(farm, first)
    cancel(farm, later)


def test_old_submits_are_forgotten(tmp_path: Path) -> None:
    """The memory of this computer does not grow."""
    now = datetime.now(UTC)
    for mark in ("old", "young", "new"):
        pending.end(mark, keys.new_job_id("shot", now), now, tmp_path)
    two_days_ago = (now - timedelta(days=2)).timestamp()
    os.utime(tmp_path / "pending/old.json", (two_days_ago, two_days_ago))
    pending.end("new", keys.new_job_id("shot", now), now, tmp_path)
    assert {path.name for path in (tmp_path / "pending").iterdir()} == {"new.json", "young.json"}


HOLDS = """
import sys
from pathlib import Path
from cloud_render.client import pending
with pending.alone("mark", Path(sys.argv[1])):
    print("mine", flush=True)
    sys.stdin.read()
"""


def test_a_killed_submit_keeps_nobody_out(tmp_path: Path) -> None:
    """As long as the other process lives, the same can't be submitted; once it is dead it can, and no lock stays."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline().strip() == b"mine"
        with pytest.raises(TryAgain), pending.alone("mark", tmp_path):
            pass
        with pending.alone("another mark", tmp_path):
            pass
        other.kill()
    with pending.alone("mark", tmp_path):
        pass
    assert list((tmp_path / "pending").iterdir()) == []


def test_only_one_of_many_at_once_has_its_turn(tmp_path: Path) -> None:
    """Though each removes its lock file when it has done: two are never within it at a time."""
    within = threading.Lock()

    def turn(_: int) -> bool:
        try:
            with pending.alone("mark", tmp_path):
                assert within.acquire(blocking=False)
                list(tmp_path.rglob("*"))
                within.release()
                return True
        except TryAgain:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert any(pool.map(turn, range(2000)))
    assert list((tmp_path / "pending").iterdir()) == []


def test_a_memory_that_cant_be_written_hinders_no_submit(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is a convenience: the log says that it is not there."""
    (tmp_path / "pending").write_text("a file in the folder's place")
    with pending.alone("mark", tmp_path):
        assert "another process" in caplog.text


def test_a_cancelled_upload_leaves_no_job(farm: Farm, planned: Planned) -> None:
    """Nothing is submitted; the same again goes on with the same job id."""
    plan = planned(Options(name="hold"))
    with pytest.raises(Cancelled):
        submit(farm, plan, cancelled=lambda: True)
    with pytest.raises(NotThere):
        snapshot(farm, plan.job_id)
    job_id = submit(farm, planned(Options(name="hold")))
    assert job_id == plan.job_id
    cancel(farm, job_id)


def test_a_submit_after_its_unfinished_job_was_cancelled_is_a_new_job(farm: Farm, planned: Planned) -> None:
    """Who stops an upload and then cancels the job may still render the scene."""
    plan = planned(Options(name="hold"))
    uploaded = keys.Prefix.of_job(plan.job_id).job
    with pytest.raises(Cancelled):
        submit(farm, plan, cancelled=lambda: objects.read_if_there(farm, uploaded) is not None)
    cancel(farm, plan.job_id)
    again = submit(farm, planned(Options(name="hold")))
    assert again != plan.job_id
    assert snapshot(farm, again).phase != "cancelled"
    cancel(farm, again)


def test_a_file_that_changes_during_the_upload_leaves_no_job(farm: Farm, planned: Planned) -> None:
    """FileChanged, and no job.json: an upload is whole or it is none."""
    plan = planned()
    blend = plan.files[0].path

    class Meddler(Progress):
        def total(self, size: int) -> None:
            with open(blend, "ab") as file:  # noqa: PTH123
                file.write(b"more")

    with pytest.raises(FileChanged):
        submit(farm, plan, Meddler())
    assert objects.read_if_there(farm, keys.Prefix.of_job(plan.job_id).job) is None
