# SPDX-License-Identifier: GPL-3.0-or-later
"""From what S3 and Batch say to a phase and a time, and what is remembered of an unfinished submit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud_render.client import pending, phases, reasons
from cloud_render.client.batch import BatchJob
from cloud_render.client.phases import Facts, phase_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB = "20260102-030405-shot-abcd"


def batch_job(status: str, children: Mapping[str, int] | None = None) -> BatchJob:
    return BatchJob("id", status, "", None, "", children or {}, ())


FACTS = Facts(
    submitted=True,
    renders=True,
    stitches=True,
    render_id="r",
    stitch_id="s",
    render=batch_job("SUCCEEDED"),
    stitch=batch_job("SUCCEEDED"),
    frames_complete=True,
    video_there=True,
)


@pytest.mark.parametrize(
    ("facts", "phase"),
    [
        (replace(FACTS, submitted=False), "submitted"),
        (replace(FACTS, render_id="", render=None), "submitted"),
        (replace(FACTS, stitch_id="", stitch=None), "submitted"),
        (replace(FACTS, render=batch_job("RUNNABLE")), "queued"),
        (replace(FACTS, render=batch_job("STARTING")), "queued"),
        (replace(FACTS, render=batch_job("RUNNING")), "rendering"),
        (replace(FACTS, render=batch_job("PENDING", {"RUNNABLE": 3})), "queued"),
        (replace(FACTS, render=batch_job("PENDING", {"RUNNABLE": 2, "RUNNING": 1})), "rendering"),
        (replace(FACTS, render=batch_job("PENDING", {"RUNNABLE": 2, "FAILED": 1})), "rendering"),
        (replace(FACTS, render=batch_job("FAILED", {"FAILED": 1}), frames_complete=False), "failed"),
        (replace(FACTS, stitch=batch_job("PENDING")), "stitching"),
        (replace(FACTS, stitch=batch_job("FAILED")), "failed"),
        (FACTS, "done"),
        (replace(FACTS, frames_complete=False), "done"),  # the stitch was allowed to hold gaps
        (replace(FACTS, video_there=False), "failed"),
        (replace(FACTS, stitches=False, stitch_id="", stitch=None, video_there=False), "done"),
        (replace(FACTS, stitches=False, stitch_id="", stitch=None, frames_complete=False), "failed"),
        (replace(FACTS, renders=False, render_id="", render=None, stitch=batch_job("RUNNING")), "stitching"),
        (replace(FACTS, render=None, stitch=None), "done"),
        (replace(FACTS, render=None, stitch=None, frames_complete=False), "failed"),
        (replace(FACTS, render=None, stitch=None, video_there=False), "failed"),
    ],
)
def test_every_state_of_a_job_has_its_phase(facts: Facts, phase: str) -> None:
    """S3 counts more than Batch, which forgets; a job is done only when what was ordered is there."""
    assert phase_of(facts) == phase


def arrivals(bursts: int, at_once: int, every_s: float) -> list[datetime]:
    return [NOW + timedelta(seconds=burst * every_s) for burst in range(bursts) for _ in range(at_once)]


@pytest.mark.parametrize("at_once", [1, 4, 30])
def test_the_time_left_follows_the_pace(at_once: int) -> None:
    """Machines that deliver together every 10 s: the rest takes what it takes, however many they are."""
    arrived = arrivals(5, at_once, 10.0)
    left = phases.seconds_left(arrived, remaining=6 * at_once, at_once=at_once, now=arrived[-1])
    assert left == pytest.approx(60.0)


def test_the_first_burst_tells_no_pace() -> None:
    """Frames that came together say nothing of how long the next take."""
    assert phases.seconds_left(arrivals(1, 4, 10.0), 100, 4, NOW) is None
    assert phases.seconds_left([], 100, 4, NOW) is None
    assert phases.seconds_left(arrivals(3, 1, 1.0), 0, 1, NOW) == 0.0


def test_batchs_reasons_for_waiting_come_with_a_remedy() -> None:
    """The four reasons AWS documents are understood, also with their details behind them; others stay as they are."""
    said = "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - CE cannot support the job"
    assert "MaxvCpus" in reasons.of_waiting(said).advice
    assert reasons.of_waiting("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY").problem
    assert reasons.of_waiting("something new") == reasons.NO_REASON
    assert reasons.of_waiting("") == reasons.NO_REASON


def test_an_unfinished_submit_is_remembered_for_a_day(tmp_path: Path) -> None:
    """On a fresh computer too, where the folder isn't there yet; the submit's end ends it."""
    folder = tmp_path / "not" / "yet"
    pending.remember("mark", JOB, NOW, folder)
    assert pending.job_id_of("mark", NOW + timedelta(hours=23), folder) == JOB
    assert pending.job_id_of("mark", NOW + timedelta(hours=25), folder) == ""
    assert pending.job_id_of("other", NOW, folder) == ""
    pending.end("mark", JOB, NOW, folder)
    assert pending.job_id_of("mark", NOW, folder) == ""


@pytest.mark.parametrize("content", ["", "[]", "{", '{"job_id": "../x", "begun": "2026-01-02T03:04:05+00:00"}'])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    """Half-written or foreign files don't stop a submit."""
    (tmp_path / "pending").mkdir()
    (tmp_path / "pending" / "mark.json").write_text(content)
    assert pending.job_id_of("mark", NOW, tmp_path) == ""


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    """The submit goes on."""
    (tmp_path / "file").write_text("in the way")
    pending.remember("mark", JOB, NOW, tmp_path / "file")
    assert pending.job_id_of("mark", NOW, tmp_path / "file") == ""


def test_the_state_folder_is_where_each_system_wants_it() -> None:
    """Linux, macOS and Windows each have their place; CLOUD_RENDER_STATE overrules."""
    assert pending.state_folder({"CLOUD_RENDER_STATE": "/s"}, "win32") == Path("/s")
    assert pending.state_folder({"XDG_STATE_HOME": "/x"}, "linux") == Path("/x/cloud-render")
    assert pending.state_folder({}, "linux") == Path.home() / ".local/state/cloud-render"
    assert pending.state_folder({"LOCALAPPDATA": "/l"}, "win32") == Path("/l/cloud-render")
    assert pending.state_folder({}, "darwin").parts[-2:] == ("Application Support", "cloud-render")
