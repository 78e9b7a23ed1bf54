# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated cloud and its bill."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from cloud_render.contract import spending
from cloud_render.contract.report import ChildReport, FrameReport, Machine
from local_cloud.billing import scenes
from local_cloud.billing.clock import Clock
from local_cloud.billing.fleet import Fleet, Offer
from local_cloud.billing.invoice import invoice, paid_seconds
from local_cloud.billing.simulation import CostLimit, MachineLife, Trouble, simulate

G5 = Offer("g5.xlarge", 4, 16, 24, 2.0, spot=0.36, on_demand=1.0)
CALM = Fleet("calm", (G5,), 256, reclaims_per_hour=0.0)
STORMY = replace(CALM, reclaims_per_hour=3.0, silent_losses=0.5)
SCENE = scenes.constant(60, 100.0)


def exact(fleet: Fleet) -> Fleet:
    """The same with nothing left to chance."""
    return replace(fleet, launch_s=(60, 60), boot_s=(60, 60), pull_s=(30, 30), idle_s=(200, 200), place_s=0.0)


def test_appointments_are_kept_in_order():
    """The clock jumps to each of them and waits for none."""
    clock, kept = Clock(), []
    for seconds in (3600.0, 1.0, 1.0):
        clock.after(seconds, lambda: kept.append(clock.now))
    clock.run()
    assert kept == [1.0, 1.0, 3600.0]


def test_an_hour_of_64_machines_takes_seconds():
    """No one waits for a simulated job."""
    begun = time.monotonic()
    run = simulate(scenes.constant(640, 720.0), CALM, 10, seed=1)
    assert run.wall_s > 3600
    assert len(run.frames) == 640
    assert time.monotonic() - begun < 5


def test_one_machine_is_paid_from_boot_to_its_end():
    """Boot, image, loading, frames, the last upload and idling: all of it is on the bill, to the second."""
    scene = replace(scenes.constant(4, 100.0), load_s=10.0, fetch_s=0.0, upload_s=1.0)
    run = simulate(scene, exact(CALM), 4, seed=1, video=False)
    (machine,) = run.machines
    loading = run.reports[0].load_s
    rendering = sum(frame.render_s for frame in run.reports[0].frames)
    assert machine.started == 60
    assert machine.ended - machine.started == pytest.approx(60 + 30 + loading + rendering + 1 + 200)
    bill = invoice(run)
    assert bill.of("machine") == pytest.approx(paid_seconds(machine) * 0.36 / 3600)
    assert bill.of("address") == pytest.approx(paid_seconds(machine) * 0.005 / 3600)


def test_a_machine_is_paid_for_a_minute_at_least():
    """AWS's least time; and whole seconds."""
    life = MachineLife("i-1", G5, False, started=100.0, ended=110.5)
    assert paid_seconds(life) == 60
    assert paid_seconds(replace(life, ended=200.5)) == 101


def test_what_is_kept_and_downloaded_is_charged_by_the_gigabyte():
    """8 MB a frame, kept for two months, brought home once."""
    bill = invoice(simulate(SCENE, CALM, 6, seed=1), months=2, downloaded_gb=0.48)
    assert bill.of("stored") == pytest.approx(0.48 * 2 * 0.023)
    assert bill.of("downloaded") == pytest.approx(0.48 * 0.09)


def test_the_quota_bounds_the_machines():
    """16 vCPUs are four machines, which take the children one after the other."""
    run = simulate(SCENE, replace(CALM, most_vcpus=16), 3, seed=1, video=False)
    assert len(run.machines) == 4
    assert len(run.frames) == 60


def test_on_demand_steps_in_where_spot_has_nothing():
    """And costs what On-Demand costs."""
    fleet = replace(CALM, spot_vcpus=8, on_demand_vcpus=8)
    run = simulate(SCENE, fleet, 15, seed=1, video=False)
    assert [machine.on_demand for machine in run.machines] == [False, False, True, True]
    assert invoice(run).of("machine g5.xlarge On-Demand") > invoice(run).of("machine g5.xlarge Spot")


@pytest.mark.parametrize("seed", range(20))
def test_reclaimed_machines_cost_more_and_lose_no_frame(seed):
    """Every frame comes in the end; lost attempts leave no report and are paid all the same."""
    run = simulate(SCENE, STORMY, 6, seed=seed)
    assert run.frames == frozenset(SCENE.frames)
    rendered = [frame.frame for report in run.reports for frame in report.frames]
    assert len(rendered) <= 60
    assert all(machine.ended < float("inf") for machine in run.machines)


def test_losses_make_it_dearer():
    """Twenty stormy jobs cost more than twenty calm ones."""
    long_frames = scenes.constant(60, 1200.0)
    cost = {
        fleet.reclaims_per_hour: sum(invoice(simulate(long_frames, fleet, 6, seed)).machines_usd for seed in range(20))
        for fleet in (CALM, STORMY)
    }
    assert cost[3.0] > 1.1 * cost[0.0]


def test_the_same_seed_gives_the_same_run():
    """A figure can be looked into again."""
    assert simulate(SCENE, STORMY, 6, seed=7) == simulate(SCENE, STORMY, 6, seed=7)


def test_a_scene_that_does_not_fit_ends_with_71():
    """Memory and VRAM are hard limits."""
    for scene in (replace(SCENE, memory_gib=15.0), replace(SCENE, vram_gb=30.0)):
        run = simulate(scene, CALM, 30, seed=1)
        assert {report.exit_code for report in run.reports} == {71}
        assert not run.frames


def test_a_cancelled_job_is_paid_until_its_machines_are_gone():
    """Cancelling stops the work, not at once the bill."""
    run = simulate(SCENE, CALM, 6, seed=1, trouble=Trouble(cancel_s=300.0))
    assert len(run.frames) < 60
    assert max(machine.ended for machine in run.machines) > 300.0 + 100
    assert all(report.action != "stitch" for report in run.reports)


def test_crashes_cost_time():
    """A frame that is rendered twice is paid twice."""
    calm = simulate(SCENE, CALM, 6, seed=1)
    crashing = simulate(SCENE, CALM, 6, seed=1, trouble=Trouble(crashes=0.5))
    assert invoice(crashing).machines_usd > 1.1 * invoice(calm).machines_usd


def test_a_limit_stops_the_job_with_72_below_it():
    """What is rendered stays, the rest is not begun."""
    price = 0.36 + (8 + 5) / 730 + 0.005
    limit = CostLimit(1.0, lambda _type, _market: price)
    run = simulate(scenes.constant(400, 200.0), CALM, 40, seed=1, limit=limit)
    assert {report.exit_code for report in run.reports} == {72}
    assert 0.8 < invoice(run).machines_usd <= 1.0
    assert 0 < len(run.frames) < 400


def test_a_bill_out_of_the_reports_comes_near():
    """What the artist is told afterwards is what AWS charges, within a few per cent."""
    run = simulate(scenes.growing(300, 40.0, 160.0), CALM, 5, seed=3)
    hour = {"g5.xlarge": 0.36, "m6i.xlarge": 0.08}
    beside = (8 + 5) / 730 + 0.005
    times = spending.machine_times(map(spending.stay_of_report, run.reports))
    told = sum(time.paid_s * (hour[time.instance_type] + beside) / 3600 for time in times)
    assert told == pytest.approx(invoice(run).machines_usd, rel=0.05)


def test_recorded_frame_times_make_a_scene():
    """A real render can be simulated again, on other machines."""
    rows = tuple(FrameReport(frame, 2.0 * frame, 0.5, 1000) for frame in (1, 2, 3))
    day = "2026-01-01T12:00:00+00:00"
    reports = [ChildReport("render", 0, 0, 1, 0, day, day, frames=rows, load_s=20.0, machine=Machine("i-1"))]
    scene = scenes.recorded("again", reports)
    assert (scene.frame_s, scene.load_s, scene.frame_bytes) == ((2.0, 4.0, 6.0), 20.0, 1000)
