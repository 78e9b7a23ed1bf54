# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of ended jobs are read once; what was made of them is only a memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud_render.client import costs, ledger, objects
from cloud_render.client.bill import Bill
from cloud_render.client.farm import Farm
from cloud_render.contract import keys
from cloud_render.contract.report import ChildReport, End, FrameReport, Machine
from cloud_render.contract.spending import Pulse

JOB = "20260301-101500-shot-ab12"
PREFIX = keys.Prefix.of_job(JOB)
NOON = "2026-03-01T12:00:00+00:00"


@pytest.fixture
def farm(farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Farm:
    """A bucket with one ended job, which counts as settled at once."""
    monkeypatch.setattr(ledger, "SETTLED_AFTER", timedelta(seconds=-5))
    monkeypatch.setenv("CLOUD_RENDER_STORE_CACHE", str(tmp_path / "cache"))
    own = replace(farm, bucket=f"ledger-{time.time_ns()}")
    own.s3.create_bucket(Bucket=own.bucket)
    objects.write(own, PREFIX.job, "{}")  # of another version: its reports count all the same
    report(own, 0)
    end(own, 1)
    return own


@pytest.fixture
def memory(farm: Farm, tmp_path: Path) -> Path:
    """Where the job is remembered."""
    return tmp_path / "cache" / "costs" / farm.bucket / f"{JOB}.json"


@pytest.fixture
def asked(farm: Farm) -> list[str]:
    """Requests that read objects."""
    names: list[str] = []
    farm.s3.meta.events.register("before-call.s3.GetObject", lambda model, **_: names.append(model.name))
    return names


def report(farm: Farm, child: int) -> None:
    rows = (FrameReport(child, 100.0, 1.0, 10**6),)
    machine = Machine(f"i-{child}", "g5.xlarge")
    done = ChildReport("render", 0, child, 1, 0, NOON, "2026-03-01T12:02:00+00:00", frames=rows, machine=machine)
    objects.write(farm, PREFIX.report(0, child, 1), done.to_json())


def end(farm: Farm, frames: int) -> None:
    objects.write(farm, PREFIX.end, End("done", frames, frames, NOON).to_json())


def billed(farm: Farm) -> Bill:
    (found,) = costs.costs(farm, 50, datetime.now(UTC)).bills
    return found


def test_reports_of_an_ended_job_are_read_once(farm: Farm, asked: list[str]) -> None:
    """The bill is the same each time."""
    first = billed(farm)
    assert (first.frames, first.machines[0].machines) == (1, 1)
    asked.clear()
    assert billed(farm) == first
    assert asked == []


def test_what_came_after_the_end_just_now_counts(
    farm: Farm, asked: list[str], memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Children that were cancelled report later: for an hour nothing is kept."""
    monkeypatch.setattr(ledger, "SETTLED_AFTER", timedelta(hours=1))
    assert billed(farm).frames == 1
    assert not memory.exists()
    report(farm, 1)
    assert billed(farm).frames == 2


def test_a_machine_that_still_works_is_not_the_end(farm: Farm, memory: Path) -> None:
    """Its pulse tells."""
    objects.write(farm, Pulse(0, 7, 1, round(time.time()) - 60, "i-7", "g5.xlarge", "spot").key(PREFIX), b"")
    assert billed(farm).running == 1
    assert not memory.exists()


def test_a_job_that_was_retried_is_counted_anew(farm: Farm) -> None:
    """It has another end, and none meanwhile."""
    assert billed(farm).frames == 1
    objects.delete(farm, [PREFIX.end])
    report(farm, 1)
    assert billed(farm).frames == 2
    end(farm, 3)
    report(farm, 2)
    assert billed(farm).frames == 3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("paid_s", "paid"),
        lambda text: text.replace('"frames": 1', '"frames": "1"'),
    ],
    ids=["empty", "half", "of another version", "of another type"],
)
def test_a_broken_memory_costs_time_alone(farm: Farm, memory: Path, spoil: Callable[[str], str]) -> None:
    """It is worked out again, and kept again."""
    first, text = billed(farm), memory.read_text()
    memory.write_text(spoil(text))
    assert billed(farm) == first
    assert memory.read_text() == text


def test_a_memory_that_can_not_be_kept_is_done_without(farm: Farm, tmp_path: Path) -> None:
    """A cache folder that is none, say."""
    (tmp_path / "cache").write_text("a file")
    assert billed(farm).frames == 1


def test_deleted_jobs_are_forgotten(farm: Farm, memory: Path) -> None:
    """With the next look at the costs; files of others stay."""
    billed(farm)
    stranger = memory.with_name("notes.txt")
    stranger.write_text("mine")
    objects.delete(farm, [PREFIX.job, PREFIX.end, PREFIX.report(0, 0, 1)])
    assert costs.costs(farm, 50, datetime.now(UTC)).bills == ()
    assert (memory.exists(), stranger.exists()) == (False, True)
