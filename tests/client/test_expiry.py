# SPDX-License-Identifier: GPL-3.0-or-later
"""Who lets frames lie until the bucket deletes them hears of it in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud_render.client import monitor, objects
from cloud_render.client.download import download
from cloud_render.client.expiry import Expiry, end_of, expiries, expiry, note_download
from cloud_render.client.farm import JOB_LIFETIME, Farm
from cloud_render.contract import keys

Submitted = Callable[..., str]
WaitFor = Callable[..., Any]
JOB = "20260301-101500-shot-ab12"
END = datetime(2026, 5, 31, tzinfo=UTC)
"""The first midnight after 90 days."""


@pytest.fixture
def expiring(farm: Farm) -> Farm:
    """A stack that keeps jobs no longer than the day on which they were made."""
    return replace(farm, job_lifetime=timedelta(0))


@pytest.fixture
def noted(farm: Farm, tmp_path: Path) -> Callable[..., None]:
    """Notes a download of frames of JOB to a folder of that name; all notes are gone after the test."""
    yield lambda *frames, folder="a": note_download(farm, JOB, frames, tmp_path / folder)
    entries = objects.list_below(farm, keys.Prefix.of_job(JOB).downloads).entries
    objects.delete(farm, [entry.key for entry in entries])


def test_a_job_ends_at_the_midnight_after_its_last_day() -> None:
    """As S3's lifecycle deletes; the first of its objects counts."""
    assert end_of(JOB, JOB_LIFETIME) == END
    assert end_of("20260301-000000-shot-ab12", timedelta(days=1)) == datetime(2026, 3, 3, tzinfo=UTC)


def test_the_stack_tells_how_long_jobs_are_kept(farm: Farm) -> None:
    """By its parameter, as it is deployed."""
    assert farm.job_lifetime == timedelta(days=90)


def test_the_warning_comes_in_the_last_days(farm: Farm) -> None:
    """Seven of them; on the last one, and after it, none is left."""
    assert expiry(farm, JOB, 24, END - timedelta(days=7, seconds=1)) is None
    assert expiry(farm, JOB, 24, END - timedelta(days=7)) == Expiry(END.isoformat(), 7, 24, 24)
    assert expiry(farm, JOB, 24, END - timedelta(hours=3)) == Expiry(END.isoformat(), 0, 24, 24)
    assert expiry(farm, JOB, 24, END + timedelta(hours=30)) == Expiry(END.isoformat(), 0, 24, 24)


@pytest.mark.parametrize(("kept_days", "warns_days"), [(365, 7), (20, 5), (2, 1)])
def test_what_is_kept_for_a_short_time_is_warned_of_later(farm: Farm, kept_days: int, warns_days: int) -> None:
    """A quarter of it, but a day at least: else the warning would be there from the start, or never seen."""
    kept = timedelta(days=kept_days)
    farm, begins = replace(farm, job_lifetime=kept), end_of(JOB, kept) - timedelta(days=warns_days)
    assert expiry(farm, JOB, 1, begins - timedelta(minutes=1)) is None
    assert expiry(farm, JOB, 1, begins) is not None


def test_before_the_last_days_nothing_is_asked(farm: Farm) -> None:
    """Lists of jobs cost what they cost before."""
    asked: list[str] = []
    farm.s3.meta.events.register("before-call", lambda model, **_: asked.append(model.name))
    assert expiries(farm, {JOB: 24}, END - timedelta(days=30)) == {}
    assert asked == []
    expiries(farm, {JOB: 24}, END - timedelta(days=3))
    assert asked == ["ListObjectsV2"]


def test_downloads_of_all_computers_count(farm: Farm, noted: Callable[..., None]) -> None:
    """Frames that two of them have count once; a folder's newer note takes the place of its older one."""
    now = END - timedelta(days=3)
    noted(1, 2, 3)
    noted(3, 4, folder="b")
    assert expiry(farm, JOB, 6, now) == Expiry(END.isoformat(), 3, 2, 6)
    noted(1, 2, 3, 4, 5, 6)
    assert expiry(farm, JOB, 6, now) is None
    assert len(objects.list_below(farm, keys.Prefix.of_job(JOB).downloads).entries) == 2


@pytest.mark.parametrize("content", ["", "{", '{"frames": "1-3"}', '{"frames": [1e999]}', '{"frames": [1], "x": 0}'])
def test_a_note_that_is_none_does_not_count(farm: Farm, noted: Callable[..., None], content: str) -> None:
    """A child's scene may write there; the others are believed all the same."""
    noted(1)
    objects.write(farm, keys.Prefix.of_job(JOB).download("zz"), content)
    found = expiry(farm, JOB, 3, END - timedelta(days=1))
    assert found
    assert found.not_downloaded == 2


def test_a_download_ends_the_warning(expiring: Farm, submitted: Submitted, wait_for: WaitFor, tmp_path: Path) -> None:
    """In the list and in the look; the video alone is no download of the frames."""
    job_id = submitted(frames="1-3")
    wait_for(job_id)
    download(expiring, job_id, tmp_path, frames=False)
    seen = {row.job_id: row.expiry for row in monitor.jobs(expiring)}
    assert seen[job_id] == monitor.snapshot(expiring, job_id).expiry
    assert seen[job_id] == Expiry(end_of(job_id, timedelta(0)).isoformat(), 0, 3, 3)
    download(expiring, job_id, tmp_path)
    assert monitor.snapshot(expiring, job_id).expiry is None
    assert {row.job_id: row.expiry for row in monitor.jobs(expiring)}[job_id] is None
