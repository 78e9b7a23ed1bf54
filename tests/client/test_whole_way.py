# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs from submit to download, through the local cloud, with workers that render nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from cloud_render.client import batch, logs, monitor, objects
from cloud_render.client.control import cancel, delete, retry, stitch
from cloud_render.client.download import MARK, download
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.monitor import Monitor, snapshot
from cloud_render.contract import keys
from cloud_render.contract.errors import (
    BadArguments,
    CloudUnreachable,
    NoCredentials,
    NoStack,
    NotThere,
)
from cloud_render.contract.job import Submission

Submitted = Callable[..., str]
WaitFor = Callable[..., Any]


def frame_text(farm: Farm, job_id: str, frame: int) -> str:
    return objects.read(farm, keys.Prefix.of_job(job_id).frame(frame, "png")).decode()


def unended(farm: Farm, submission: Submission) -> list[str]:
    """What Batch still does, or may do, for the submission: its array, each child of that, its stitch."""
    jobs = batch.describe(farm, [submission.render_id, submission.stitch_id])
    states = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
    children = [
        f"{row['jobId']} {status}"
        for status in states
        for row in farm.batch.list_jobs(arrayJobId=submission.render_id, jobStatus=status)["jobSummaryList"]
    ]
    return [f"{batch_id} {job.status}" for batch_id, job in jobs.items() if not job.ended] + children


def test_a_job_goes_all_the_way(farm: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path) -> None:
    """Six frames by two are an array of three; frames and video come back under their names."""
    job_id = submitted(frames_per_job=2)
    state = wait_for(job_id)
    assert (state.phase, state.frames_done, state.frames_total, state.reason) == ("done", 6, 6, "")
    done = download(farm, job_id, tmp_path / "out")
    assert [path.name for path in done.frames] == [f"000{number}.png" for number in range(1, 7)]
    assert done.frames[2].read_text() == "frame 3 of submission 0"
    assert done.video == tmp_path / "out" / "video.mp4"
    assert done.video.read_text() == "video of 6 frames"


def test_two_jobs_of_one_name_keep_their_frames_apart(
    farm: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path
) -> None:
    """The shorter one that comes later has its own frames only, and the longer one keeps all of its own."""
    longer, shorter = submitted("shot 1", frames="1-5"), submitted("shot 1", frames="2-3")
    for job_id, count in ((longer, 5), (shorter, 2)):
        assert wait_for(job_id).phase == "done"
        got = download(farm, job_id, tmp_path / job_id)
        assert (len(got.frames), got.video.read_text()) == (count, f"video of {count} frames")


def test_other_outputs_come_back_in_their_folders(
    farm: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path
) -> None:
    """Passes, File Output nodes and what a post_render hook left, by their relative names."""
    job_id = submitted(frames="1")
    wait_for(job_id)
    for name in ("depth/0001.exr", "glow pass/left/0001.png", "sheet/list.txt"):
        objects.write(farm, keys.Prefix.of_job(job_id).output(name), name)
    got = download(farm, job_id, tmp_path, outputs=True)
    assert {path.relative_to(tmp_path / "outputs").as_posix(): path.read_text() for path in got.outputs} == {
        name: name for name in ("depth/0001.exr", "glow pass/left/0001.png", "sheet/list.txt")
    }


def test_more_frames_than_a_page_are_all_listed(
    farm: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path
) -> None:
    """S3 lists a thousand keys at a time: 2,000 frames are two full pages, and no empty one breaks anything."""
    job_id = submitted("hold", frames="1-2000", frames_per_job=1000)
    prefix = keys.Prefix.of_job(job_id)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda frame: objects.write(farm, prefix.frame(frame, "png"), b"x"), range(1, 2001)))
    assert snapshot(farm, job_id).frames_done == 2000
    cancel(farm, job_id)


def test_negative_frames_go_all_the_way(farm: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path) -> None:
    """Frames below zero are counted, listed and downloaded like others."""
    job_id = submitted(frames="-3..1", frames_per_job=2)
    state = wait_for(job_id)
    assert (state.phase, state.frames_done) == ("done", 5)
    names = [path.name for path in download(farm, job_id, tmp_path / "out").frames]
    assert names == ["-0003.png", "-0002.png", "-0001.png", "0000.png", "0001.png"]


def test_a_still_is_done_without_a_stitch(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """One frame, a plain job, no video."""
    job_id = submitted(frames="4")
    state = wait_for(job_id)
    assert (state.phase, state.frames_done, state.frames_total, state.video) == ("done", 1, 1, "")
    with pytest.raises(BadArguments, match="makes no video"):
        stitch(farm, job_id)


def test_retry_renders_only_the_missing_frames(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """A failed child's reason is told; the retry renders its rest, and the frames that were there stay."""
    job_id = submitted("once fail=3", frames_per_job=2)
    state = wait_for(job_id)
    assert (state.phase, state.frames_done) == ("failed", 4)
    assert state.problem == "Blender wrote no picture for frame 3."
    assert state.advice == "Look at the scene."
    submission = retry(farm, job_id)
    assert (submission.number, submission.frames, submission.frames_per_job) == (1, "3-4", 2)
    assert wait_for(job_id).phase == "done"
    assert frame_text(farm, job_id, 2) == "frame 2 of submission 0"
    assert frame_text(farm, job_id, 3) == "frame 3 of submission 1"
    with pytest.raises(BadArguments, match="Nothing of"):
        retry(farm, job_id)


def test_a_killed_worker_is_out_of_memory_in_words(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Exit code 137 leaves no report; the person reads what it means."""
    state = wait_for(submitted("kill=2", frames="1-2", frames_per_job=2))
    assert state.phase == "failed"
    assert "out of memory" in state.problem


def test_a_failed_stitch_is_tried_again_alone(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """All frames are there: the reason is the stitch's own, and retry makes the video only."""
    job_id = submitted("once bad-stitch")
    state = wait_for(job_id)
    assert (state.phase, state.problem) == ("failed", "FFmpeg made no video.")
    submission = retry(farm, job_id)
    assert (submission.frames, submission.render_id) == ("", "")
    assert wait_for(job_id).phase == "done"


def test_gaps_are_refused_unless_allowed(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """A frame that silently never came fails the job by name; with the person's leave the video holds its neighbour."""
    job_id = submitted("skip=3")
    state = wait_for(job_id)
    assert state.phase == "failed"
    assert "Frames 3 are missing" in state.problem
    with pytest.raises(BadArguments, match="lacks frame 3"):
        stitch(farm, job_id)
    stitch(farm, job_id, allow_gaps=True)
    state = wait_for(job_id)
    assert (state.phase, state.gaps, state.frames_done) == ("done", (3,), 5)


def test_after_cancel_nothing_runs(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Array, children and stitch have ended, and the job can't be cancelled twice."""
    job_id = submitted("hold", frames_per_job=2)
    wait_for(job_id, "rendering")
    with pytest.raises(BadArguments, match="still running"):
        retry(farm, job_id)
    with pytest.raises(BadArguments, match="still running"):
        delete(farm, job_id)
    cancel(farm, job_id)
    state = snapshot(farm, job_id)
    assert (state.phase, state.frames_done) == ("cancelled", 0)
    submission = Submission.from_json(objects.read(farm, keys.Prefix.of_job(job_id).submission(0)))
    until = time.monotonic() + 30  # a child that runs is told to stop, and does
    while (left := unended(farm, submission)) and time.monotonic() < until:
        time.sleep(0.1)
    assert left == []
    with pytest.raises(BadArguments, match="cancelled"):
        cancel(farm, job_id)


def test_delete_takes_one_job_and_no_other(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Everything below its own prefix goes; a neighbour and the shared content stay."""
    gone, kept = submitted(frames="1-2"), submitted(frames="1-3")
    wait_for(gone)
    wait_for(kept)
    assert delete(farm, gone) > 4
    with pytest.raises(NotThere):
        snapshot(farm, gone)
    assert snapshot(farm, kept).phase == "done"
    assert objects.list_below(farm, keys.PACKS).entries
    ids = [row.job_id for row in monitor.jobs(farm)]
    assert kept in ids
    assert gone not in ids


def test_results_count_more_than_what_batch_remembers(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Batch forgot the job: with frames and video in S3 it is done, with frames missing it failed, and how to go on."""
    job_id = submitted(frames="1-3")
    wait_for(job_id)
    prefix = keys.Prefix.of_job(job_id)
    known = objects.read(farm, prefix.submission(0)).decode()
    forgotten = known.replace(known.split('"render_id": "')[1].split('"')[0], "00000000-0000-0000-0000-000000000000")
    forgotten = forgotten.replace(
        known.split('"stitch_id": "')[1].split('"')[0], "00000000-0000-0000-0000-000000000001"
    )
    objects.write(farm, prefix.submission(0), forgotten)
    objects.delete(farm, [prefix.end])
    assert snapshot(farm, job_id).phase == "done"
    objects.delete(farm, [prefix.frame(2, "png")])
    state = snapshot(farm, job_id)
    assert state.phase == "failed"
    assert "frame 2 never came" in state.problem
    assert "retry" in state.advice


def test_a_look_costs_one_describe_whatever_the_size(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """500 children: one DescribeJobs a look, and nothing is asked a child."""
    job_id = submitted("hold", frames="1-500", frames_per_job=1)
    watch = Monitor(farm, job_id)
    watch.look()
    asked: list[str] = []
    note = lambda model, **_: asked.append(model.name)  # noqa: E731
    farm.batch.meta.events.register("before-call", note)
    farm.s3.meta.events.register("before-call", note)
    state = watch.look()
    cancel(farm, job_id)
    assert asked[:5].count("DescribeJobs") == 1
    assert "ListJobs" not in asked[: asked.index("DescribeJobs") + 1]
    assert sum(state.children.values()) == 500


def test_jobs_are_listed_newest_first(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """Ended ones and running ones, with their frames; one DescribeJobs for all."""
    done = submitted(frames="1-2")
    wait_for(done)
    running = submitted("hold")
    asked: list[str] = []
    farm.batch.meta.events.register("before-call", lambda model, **_: asked.append(model.name))
    rows = {row.job_id: row for row in monitor.jobs(farm)}
    cancel(farm, running)
    assert asked[0] == "DescribeJobs"
    assert (rows[done].phase, rows[done].frames_done, rows[done].video) == ("done", 2, f"jobs/{done}/video.mp4")
    assert rows[running].phase in ("queued", "rendering")
    assert list(rows) == sorted(rows, reverse=True)


def test_logs_tell_which_child_wrote(farm: Farm, submitted: Submitted, wait_for: WaitFor) -> None:
    """One child's lines, the stitch's, or all in turn; a child there isn't is refused."""
    job_id = submitted(frames="1-4", frames_per_job=2)
    wait_for(job_id)
    assert [line.text for line in logs.lines(farm, job_id, index=1)][-2:] == ["frame 3 is there", "frame 4 is there"]
    told = list(logs.lines(farm, job_id, follow=True, sleep=lambda _: None))
    assert {line.child for line in told} == {0, 1, None}
    assert [line.text for line in logs.lines(farm, job_id, stitch=True)] == [f"stitch of {job_id} begins"]
    with pytest.raises(BadArguments, match="no child 2"):
        list(logs.lines(farm, job_id, index=2))


def test_a_second_download_fetches_only_what_is_new(
    farm: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path
) -> None:
    """Whole files stay, one that was damaged here comes again."""
    job_id = submitted(frames="1-3")
    wait_for(job_id)
    first = download(farm, job_id, tmp_path)
    assert first.fetched == 4
    first.frames[1].write_text("damaged, of equal len..")
    again = download(farm, job_id, tmp_path)
    assert again.fetched == 1
    assert again.frames[1].read_text() == "frame 2 of submission 0"
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_holds_one_jobs_files(farm: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path) -> None:
    """Neither another job's download nor the person's own frames folder is written over."""
    first, second = submitted(frames="1"), submitted(frames="2")
    wait_for(first)
    wait_for(second)
    download(farm, first, tmp_path / "a")
    with pytest.raises(BadArguments, match="another job"):
        download(farm, second, tmp_path / "a")
    (tmp_path / "b" / "frames").mkdir(parents=True)
    with pytest.raises(BadArguments, match="there already"):
        download(farm, second, tmp_path / "b")
    assert not (tmp_path / "b" / MARK).exists()
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "video.mp4").write_text("my own")
    longer = submitted(frames="1-2")
    wait_for(longer)
    with pytest.raises(BadArguments, match="there already"):
        download(farm, longer, tmp_path / "c")


def test_an_output_can_not_leave_the_folder(
    farm: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path
) -> None:
    """A scene may name its outputs as it likes; a name that climbs is refused, and nothing is written."""
    job_id = submitted(frames="1")
    wait_for(job_id)
    objects.write(farm, keys.Prefix.of_job(job_id).output("../../../evil.txt"), b"evil")
    with pytest.raises(BadArguments, match=r"\.\."):
        download(farm, job_id, tmp_path / "deep" / "er", outputs=True)
    assert not list(tmp_path.rglob("evil.txt"))


def test_no_stack_no_credentials_no_network_are_told_apart(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own error with what to do."""
    with pytest.raises(NoStack, match="no stack 'other'"):
        Farm.find(Connection(), "other")
    with pytest.raises(NoCredentials, match="gone"):
        Farm.find(Connection(profile="gone"))
    with pytest.raises(CloudUnreachable, match="network"):
        Farm.find(Connection(endpoint_url="http://127.0.0.1:9"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(NoCredentials):
        Farm.find(Connection())


def test_no_leave_to_read_is_not_taken_for_absence(farm: Farm, submitted: Submitted) -> None:
    """A refusal is said as one; taken for "not there", a job would be made a second time."""
    job_id = submitted("hold")
    refused = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": 403}}

    def refuse(**_: object) -> None:
        raise ClientError(refused, "GetObject")

    farm.s3.meta.events.register("before-send.s3.GetObject", refuse)
    with pytest.raises(NoCredentials, match="lack that right"):
        objects.read_if_there(farm, keys.Prefix.of_job(job_id).job)
    farm.s3.meta.events.unregister("before-send.s3.GetObject", refuse)
    cancel(farm, job_id)


def test_a_job_that_is_not_there_is_said(farm: Farm) -> None:
    """A well-formed id without a job, and text that is no id."""
    with pytest.raises(NotThere):
        snapshot(farm, "20260101-000000-gone-abcd")
    with pytest.raises(BadArguments):
        snapshot(farm, "../other")
    assert batch.describe(farm, []) == {}
