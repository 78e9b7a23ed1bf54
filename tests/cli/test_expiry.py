# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands tell of frames that will be deleted before anybody has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud_render.client import objects
from cloud_render.client.farm import Connection, Farm
from cloud_render.contract import keys
from cloud_render.contract.job import JobFile, RenderJob
from cloud_render.contract.report import End
from local_cloud.testing import LocalCloud


@pytest.fixture
def old_job(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A job of two frames that was done 86 days ago."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in cloud.environment({}).items():
        monkeypatch.setenv(name, value)
    farm = Farm.find(Connection())
    when = datetime.now(UTC) - timedelta(days=86)
    job_id = keys.new_job_id("forgotten", when)
    prefix = keys.Prefix.of_job(job_id)
    files = (JobFile("shot.blend", "0" * 64, 1),)
    job = RenderJob(job_id, "forgotten", "shot.blend", files, "Scene", "1-2", 2, "PNG", "5.0.1", when.isoformat())
    objects.write(farm, prefix.job, job.to_json())
    objects.write(farm, prefix.frame(1, "png"), b"one")
    objects.write(farm, prefix.frame(2, "png"), b"two")
    objects.write(farm, prefix.end, End("done", 2, 2, when.isoformat()).to_json())
    yield job_id
    objects.delete(farm, [entry.key for entry in objects.list_below(farm, prefix.root).entries])


def test_a_forgotten_job_is_told_until_someone_downloads_it(
    old_job: str, cloud_render: Callable[..., Any], asked: Callable[..., Any]
) -> None:
    """By jobs and by status, with the command that helps; in JSON as `expiry`."""
    words = "in 4 days, 2 of 2 frames not downloaded"
    told = cloud_render("jobs")
    assert f"expires {words}" in told.stdout
    assert "Get them: cloud-render download JOB" in told.stderr
    told = cloud_render("status", old_job)
    assert told.stderr.splitlines() == [
        f"Note: Expires {words}.",
        f"      Get them: cloud-render download {old_job}",
    ]
    (row,) = [row for row in asked("jobs")["jobs"] if row["job"] == old_job]
    assert asked("status", old_job)["expiry"] == row["expiry"]
    assert (row["expiry"]["days_left"], row["expiry"]["not_downloaded"]) == (4, 2)
    assert len(asked("download", old_job)["frames"]) == 2
    assert asked("status", old_job)["expiry"] is None
    assert "expires" not in cloud_render("jobs").stdout
