# SPDX-License-Identifier: GPL-3.0-or-later
"""The hard limit of a job's cost, as its children keep it with the artist's computer off."""

from __future__ import annotations

import time

from cloud_render.contract.day_prices import DayPrices, MachinePrice
from cloud_render.contract.job import Limits, Submission
from cloud_render.contract.spending import Pulse


def has_cost(rig, hours):
    """Another machine of the job has run for so long, and still does."""
    pulse = Pulse(0, 1, 1, round(time.time() - hours * 3600), "i-0other", "g6e.2xlarge", "spot")
    rig.put(pulse.key(rig.prefix), b"")


def test_no_frame_begins_that_the_job_cannot_pay(rig):
    """Exit code 72 in words with both amounts; Blender gets no frame, and what is rendered stays."""
    rig.job(frames="1-4", frames_per_job=2, limits=Limits(cost_usd=1.0))
    rig.put(rig.prefix.frame(1, "png"), b"rendered before")
    has_cost(rig, hours=10)
    rig.fake()
    ended = rig.render(2, AWS_BATCH_JOB_ARRAY_INDEX="0", AWS_BATCH_JOB_ARRAY_SIZE="2")
    assert ended.code == 72
    assert "The job has cost about $" in ended.last_line
    assert "limit of $1.00" in ended.last_line
    assert not (rig.folder / "state" / "rendered").exists()
    assert rig.keys("frames/") == ["frames/0001.png"]
    assert rig.report().exit_code == 72
    assert rig.keys("failures/") == []


def test_the_limit_counts_by_the_prices_of_the_jobs_day(rig):
    """Ten hours of that machine cost 10 USD by the table; what AWS asked when the job was sent is what counts."""
    cheap = DayPrices("AWS, 2026-11-21 10:14 UTC", (MachinePrice("g6e.2xlarge", 0.01, 2.2),))
    rig.job(frames="1-2", limits=Limits(cost_usd=1.0), prices=cheap)
    has_cost(rig, hours=10)
    assert rig.render(2).code == 0
    dear = DayPrices("AWS, 2026-11-21 10:14 UTC", (MachinePrice("g6e.2xlarge", 2.0, 2.2),))
    rig.job(frames="3-4", limits=Limits(cost_usd=15.0), prices=dear)
    assert rig.render(2).code == 72


def test_the_month_ends_a_job_and_a_raised_limit_lets_it_go_on(rig):
    """What the others have spent is spent; a retry is given the stack's new limit by Batch."""
    rig.job(frames="1-2")
    rig.put("spending/2026-11/20261102-080000-other-cd34", b"c" * 5_100)
    ended = rig.render(2, CLOUD_RENDER_MONTHLY_LIMIT_USD="50")
    assert ended.code == 72
    assert "jobs of 2026-11 have cost about $51.00" in ended.last_line
    assert not (rig.folder / "state" / "rendered").exists()
    assert rig.report().advice.startswith("What is rendered stays. Raise the limit (cloud-render setup --parameter")
    assert rig.render(2, CLOUD_RENDER_MONTHLY_LIMIT_USD="60").code == 0


def test_a_limit_that_is_no_amount_stops_everything(rig):
    """A worker that took it for none would spend without end."""
    rig.job(frames="1-2")
    ended = rig.render(2, CLOUD_RENDER_MONTHLY_LIMIT_USD="fifty")
    assert (ended.code, "no amount" in ended.last_line) == (64, True)


def test_a_submission_may_raise_the_limit(rig):
    """The job's own limit stays written down; the retry's counts."""
    rig.job(frames="1-2", limits=Limits(cost_usd=1.0))
    has_cost(rig, hours=10)
    raised = Submission(1, "1-2", 2, "refuse", "2026-11-21T10:15:00+00:00", cost_usd=100.0)
    rig.put(rig.prefix.submission(1), raised.to_json().encode())
    rig.fake()
    assert rig.render(2, "--submission", "1").code == 0


def test_a_job_below_its_limit_renders_and_shows_its_own_part(rig):
    """The others see by its pulse that this machine costs too."""
    rig.job(frames="1-2", limits=Limits(cost_usd=100.0))
    has_cost(rig, hours=1)
    rig.fake()
    assert rig.render(2).code == 0
    assert len(rig.keys("running/")) == 2
