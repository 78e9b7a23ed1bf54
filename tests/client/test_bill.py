# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job has cost, out of what its workers left. All of it is arithmetic."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloud_render.client import objects
from cloud_render.client.bill import Bill, Work, bill
from cloud_render.client.control import cancel
from cloud_render.client.costs import costs, job_bill, sums
from cloud_render.client.options import Options
from cloud_render.client.reports import Traces
from cloud_render.client.submit import submit
from cloud_render.contract import keys, prices, spending
from cloud_render.contract.day_prices import DayPrices, MachinePrice
from cloud_render.contract.job import Submission
from cloud_render.contract.report import ChildReport, FrameReport, Machine
from cloud_render.contract.spending import Pulse
from local_cloud.billing import scenes
from local_cloud.billing.fleet import Fleet, Offer
from local_cloud.billing.invoice import invoice
from local_cloud.billing.simulation import BEGIN, Trouble, simulate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
WORK = Work("20260101-120000-shot-abcd", "shot", "Scene", "2026-01-01T12:00:00+00:00", 2.0)
HOUR = {"spot": 0.36, "on-demand": 1.0, "": 0.36}


def hour_price(instance_type: str, market: spending.Market) -> float:
    return HOUR[market] if instance_type else 0.0


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(NOON + seconds, UTC).isoformat()


def report(index: int, start: float, end: float, *frames: int, **changes: object) -> ChildReport:
    rows = tuple(FrameReport(frame, (end - start) / max(1, len(frames)), 0.0, 10**6) for frame in frames)
    machine = Machine(f"i-{index}", "g5.xlarge")
    return replace(ChildReport("render", 0, index, 1, 0, iso(start), iso(end), frames=rows, machine=machine), **changes)


def billed(*reports: ChildReport, pulses: tuple[tuple[Pulse, float], ...] = (), now: float = 86_400) -> Bill:
    return bill(WORK, Traces(reports, pulses, NOON + now), hour_price)


def test_a_job_that_nothing_ran_for_has_cost_nothing():
    """Zeros, no division by them."""
    found = billed()
    assert (found.usd, found.frames, found.usd_per_frame, found.starting_share) == (0, 0, 0, 0)


def test_the_parts_of_the_machines_add_up():
    """Rendering, starting, waiting and lost work are all there is."""
    found = billed(report(0, 0, 600, 1, 2), report(1, 0, 300, 3, exit_code=75), report(1, 400, 700, 4, attempt=2))
    parts = found.rendering_usd + found.starting_usd + found.waiting_usd + found.lost_usd
    assert sum(row.usd for row in found.machines) == pytest.approx(parts)
    assert found.usd == pytest.approx(parts, abs=0.001)
    assert (found.machines[0].machines, found.frames, found.attempts, found.retries) == (2, 4, 3, 1)


def test_machines_of_all_kinds_are_told_apart():
    """By type and market; the market is known from the pulse."""
    pulse = Pulse(0, 1, 1, round(NOON), "i-1", "g5.xlarge", "on-demand")
    found = billed(report(0, 0, 600, 1), report(1, 0, 600, 2), pulses=((pulse, NOON + 600),))
    assert [(row.market, row.machines) for row in found.machines] == [("", 1), ("on-demand", 1)]
    assert found.attempts == 2


def test_a_failed_attempt_is_lost_but_for_its_frames():
    """What it brought before it failed is kept."""
    rows = (FrameReport(1, 200.0, 0.0, 1),)
    found = billed(report(0, 0, 600, exit_code=70, frames=rows))
    assert found.lost_usd == pytest.approx(400 / 3600 * 0.36)


@pytest.mark.parametrize("exit_code", [0, 70])
@pytest.mark.parametrize(
    "lie",
    [
        {"started": "yesterday"},
        {"ended": "9999-12-31T23:59:59+00:00"},
        {"started": "0001-01-01T00:00:00", "ended": ""},
        {"load_s": 1e308, "frames": (FrameReport(1, 1e308, 1e308, 1),)},
        {"load_s": -1e308, "frames": (FrameReport(1, -1e308, -1e308, 1),)},
    ],
)
def test_a_lying_report_makes_a_bill_all_the_same(lie, exit_code):
    """A child's scene may have written it: the bill has its parts, none below zero, and no more than a month of it."""
    found = billed(report(0, 0, 600, 1, exit_code=exit_code), report(1, 0, 600, 2, exit_code=exit_code, **lie))
    parts = (found.rendering_usd, found.starting_usd, found.waiting_usd, found.lost_usd, found.starting_share)
    assert all(0 <= part < 31 * 24 for part in (*parts, found.usd))
    assert found.attempts == 2


def test_a_machine_that_vanished_costs_until_its_last_sign():
    """It left no report; its pulse tells."""
    pulse = Pulse(0, 0, 1, round(NOON), "i-9", "g5.xlarge", "spot")
    found = billed(pulses=((pulse, NOON + 480),))
    assert found.lost_usd == pytest.approx(480 / 3600 * 0.36)
    assert found.running == 0


def test_a_running_job_is_billed_up_to_now():
    """So far: what runs costs too, and is not lost."""
    pulse = Pulse(0, 0, 1, round(NOON), "i-9", "g5.xlarge", "spot")
    found = billed(pulses=((pulse, NOON + 480),), now=500)
    assert (found.running, found.lost_usd) == (1, 0)
    assert found.rendering_usd == pytest.approx(500 / 3600 * 0.36)
    assert found.waiting_usd == 0


def test_a_bill_tells_the_limit_of_the_last_submission(farm, submitted, wait_for):
    """Which a retry may have raised."""
    job_id = submitted("shot", frames="1-2", cost_limit_usd=0.5)
    assert job_bill(farm, job_id, datetime.now(UTC)).bills[0].limit_usd == 0.5
    wait_for(job_id, "done")
    raised = Submission(1, "1-2", 2, "refuse", "2026-11-21T10:15:00+00:00", cost_usd=4.0)
    objects.write(farm, keys.Prefix.of_job(job_id).submission(1), raised.to_json().encode())
    assert job_bill(farm, job_id, datetime.now(UTC)).bills[0].limit_usd == 4.0


def test_a_bill_counts_by_the_prices_of_the_jobs_day(farm, planned):
    """Which were asked for once: where the job carries them, a bill asks nobody."""
    prices_then = DayPrices("AWS, 2026-11-21 10:14 UTC", (MachinePrice("g5.xlarge", 36.0, 72.0),))
    job_id = submit(farm, replace(planned(Options(name="hold")), prices=prices_then))
    try:
        began = round(time.time()) - 360
        objects.write(farm, Pulse(0, 0, 1, began, "i-1", "g5.xlarge", "on-demand").key(keys.Prefix.of_job(job_id)), b"")
        found = job_bill(farm, job_id, datetime.now(UTC))
        assert (found.prices, found.notices) == (prices_then.source, ())
        assert found.bills[0].usd == pytest.approx(2 * 0.01 * (360 + spending.STARTING_S), abs=0.3)
        assert prices_then.source in costs(farm, 50, datetime.now(UTC)).prices
    finally:
        cancel(farm, job_id)


def test_a_frame_that_was_rendered_twice_counts_once():
    """A retry brings no second frame."""
    assert billed(report(0, 0, 100, 1), report(0, 200, 300, 1, attempt=2)).frames == 1


def test_a_stitch_and_a_child_are_two():
    """Both have index 0 and attempt 1."""
    found = billed(report(0, 0, 600, 1), report(0, 700, 720, action="stitch"))
    assert (found.attempts, found.retries) == (2, 0)


def test_the_local_cloud_is_free():
    """Its machines have no type."""
    found = billed(report(0, 0, 600, 1, machine=Machine()))
    assert found.usd == pytest.approx(0, abs=1e-3)
    assert found.machines[0].usd == 0


def test_what_is_kept_costs_by_the_month():
    """And a download by its size; neither is in the sum."""
    found = billed(report(0, 0, 600, *range(1, 1001)))
    assert found.stored_usd_month == pytest.approx(prices.RATES.stored_gb_month)
    assert found.download_usd == pytest.approx(prices.RATES.download_gb)


@pytest.mark.parametrize("trouble", [Trouble(), Trouble(crashes=0.1), Trouble(cancel_s=700.0)])
@pytest.mark.parametrize("seed", range(4))
def test_the_bill_comes_near_to_that_of_aws(trouble, seed):
    """Whole, crashed and cancelled jobs, on Spot machines that come and go."""
    offer = Offer("g5.xlarge", 4, 16, 24, 2.0, spot=0.36, on_demand=1.0)
    fleet = Fleet("g5", (offer,), 128, reclaims_per_hour=0.3, silent_losses=0.0)
    run = simulate(scenes.growing(300, 60.0, 240.0), fleet, 6, seed, trouble=trouble, video=False)
    beside = prices.host_hour(100)
    found = bill(WORK, Traces(run.reports, (), BEGIN.timestamp() + 1e6), lambda name, _: 0.36 + beside)
    assert found.usd == pytest.approx(invoice(run).machines_usd, rel=0.08)


def test_bills_are_summed_by_scene_and_month():
    """In the order in which they first come."""
    first = billed(report(0, 0, 600, 1))
    bills = [
        first,
        replace(first, job_id="b", created="2025-12-31T23:00:00+00:00"),
        replace(first, job_id="c", name="shot 2"),
    ]
    assert [(row.name, row.jobs) for row in sums(bills, "month")] == [("2026-01", 2), ("2025-12", 1)]
    assert [(row.name, row.jobs) for row in sums(bills, "scene")] == [("shot · Scene", 2), ("shot 2 · Scene", 1)]
    assert [row.usd for row in sums(bills, "job")] == [pytest.approx(first.usd)] * 3
