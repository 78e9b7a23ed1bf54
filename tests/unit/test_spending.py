# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job has cost so far, and whether its limit allows more."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_render.contract import prices, spending
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import ChildReport, FrameReport, Machine
from cloud_render.contract.spending import Pulse, Stay, allows, machine_times, spent, stay_of_pulse, stay_of_report

PREFIX = Prefix("jobs/20260101-000000-shot-abcd/")
PULSE = Pulse(1, 42, 2, 1_767_268_800, "i-0abc", "g5.xlarge", "spot")


def a_dollar_an_hour(_type: str, _market: spending.Market) -> float:
    return 1.0


def stay(machine: str, started: float, ended: float, runs: bool = False) -> Stay:
    return Stay(machine, "g5.xlarge", "spot", started, ended, runs)


def report(**changes: object) -> ChildReport:
    made = ChildReport(
        "render",
        0,
        3,
        1,
        0,
        "2026-01-01T12:00:00+00:00",
        "2026-01-01T12:10:00+00:00",
        frames=(FrameReport(1, 280.0, 1.0, 10), FrameReport(2, 280.0, 1.0, 10)),
        load_s=30.0,
        machine=Machine("i-1", "g5.xlarge"),
    )
    return replace(made, **changes)


@pytest.mark.parametrize("pulse", [PULSE, Pulse(0, 0, 1, 5), replace(PULSE, market="on-demand")])
def test_a_pulse_is_read_back_from_its_key(pulse):
    """All that a listing must tell stands in the object's name."""
    assert pulse.key(PREFIX).startswith(spending.pulses(PREFIX))
    assert Pulse.of_key(pulse.key(PREFIX)) == pulse


@pytest.mark.parametrize("key", ["jobs/x/running/", "jobs/x/running/0/1-1.json", "jobs/x/reports/0/1-1.json", ""])
def test_other_keys_are_no_pulses(key):
    """A listing may hold what a later version writes."""
    assert Pulse.of_key(key) is None


def test_nothing_is_spent_without_machines():
    """A job that has not begun has cost nothing."""
    assert spent([], a_dollar_an_hour) == spending.Spending(0.0, 0.0, 0)


def test_a_machine_is_paid_from_its_start_to_its_end():
    """Boot and the wait for Batch to take it down are paid, though no worker sees them."""
    (time,) = machine_times([stay("i-1", 1000, 1600)])
    assert time.paid_s == spending.STARTING_S + 600 + spending.IDLE_S


def test_children_of_one_machine_share_its_start():
    """The second child on a machine costs its own time and the moment between the two."""
    (time,) = machine_times([stay("i-1", 1000, 1600), stay("i-1", 1610, 2000)])
    assert (time.starting_s, time.working_s, time.waiting_s) == (spending.STARTING_S, 990, 10)


def test_attempts_that_overlap_on_a_machine_count_once():
    """A machine that runs two children at a time is paid once."""
    (time,) = machine_times([stay("i-1", 0, 1000), stay("i-1", 500, 1200)])
    assert time.working_s == 1200


def test_a_long_pause_on_a_machine_belongs_to_another_job():
    """What a machine did for others meanwhile is not this job's cost."""
    (time,) = machine_times([stay("i-1", 0, 100), stay("i-1", 90_000, 90_100)])
    assert time.waiting_s == spending.STARTING_S + spending.IDLE_S


def test_machines_of_all_kinds_add_up_by_their_own_prices():
    """Spot and On-Demand, large and small: each by its price."""
    hour = {"spot": 1.0, "on-demand": 4.0}
    stays = [stay("i-1", 0, 3600), replace(stay("i-2", 0, 3600), market="on-demand")]
    each = (3600 + spending.STARTING_S + spending.IDLE_MOST_S) / 3600
    assert spent(stays, lambda _, market: hour[market]).usd == pytest.approx(5 * each)


def test_a_pulse_counts_up_to_now_while_it_lives():
    """Others see the cost of a running child before its report."""
    assert stay_of_pulse(PULSE, seen=PULSE.started + 60, now=PULSE.started + 100).seconds == 100
    assert stay_of_pulse(PULSE, seen=PULSE.started + 60, now=PULSE.started + 100).runs


def test_a_silent_pulse_counts_up_to_its_last_sign():
    """A lost machine does not cost for ever."""
    found = stay_of_pulse(PULSE, seen=PULSE.started + 60, now=PULSE.started + 86_400)
    assert (found.seconds, found.runs) == (60, False)


def test_a_clock_that_is_ahead_makes_no_negative_time():
    """The worker's clock and that of S3 may differ."""
    assert stay_of_pulse(PULSE, seen=PULSE.started - 500, now=PULSE.started - 500).seconds == 0


def test_a_report_counts_by_its_clock():
    """From the worker's start to its end, whatever the frames took."""
    assert stay_of_report(report()).seconds == 600


@pytest.mark.parametrize(
    "ended", ["2026-01-01T11:00:00+00:00", "2027-01-01T12:00:00+00:00", "2026-01-01T12:00:05+00:00"]
)
def test_a_report_whose_clock_was_set_counts_by_its_frames(ended):
    """A clock that jumps back, ahead by months, or by minutes does not change what a job costs."""
    assert stay_of_report(report(ended=ended)).seconds == 590


def test_a_limit_is_kept_with_the_frames_in_progress():
    """One more frame is allowed only if it and half a frame of each other machine fit below the limit."""
    so_far = spending.Spending(usd=1.0, usd_hour=10.0, machines=10)
    needs = (1.0 + 9.0 / 2) * 360 / 3600
    assert allows(1.0 + needs, so_far, frame_s=360, usd_hour=1.0)
    assert not allows(0.99 + needs, so_far, frame_s=360, usd_hour=1.0)


def test_the_words_of_a_reached_limit_are_known_again():
    """Also where reports and the mender have said more around them; other ends are none."""
    error = spending.over_limit(0.5, 0.41)
    assert spending.is_over_limit(f"4 children failed. {error}")
    assert not spending.is_over_limit("3 of 9 children failed alike, so the others did not begin.")
    assert not spending.is_over_limit("")


def test_without_a_limit_everything_is_allowed():
    """None is no limit."""
    assert allows(None, spending.Spending(1e9, 0, 0), 1e9, 1.0)


def test_a_machine_that_is_none_of_aws_costs_nothing():
    """The local cloud is free."""
    assert spending.typical_price("us-east-1")("", "") == 0


def test_an_unknown_type_counts_as_the_dearest():
    """A limit must hold on machines that are newer than this program."""
    price = spending.typical_price("us-east-1")
    assert price("g99.xlarge", "spot") == max(price(name, "spot") for name in prices.MACHINES)


def test_on_demand_costs_more_and_regions_differ():
    """The price is that of the market and the region."""
    here, there = spending.typical_price("us-east-1"), spending.typical_price("sa-east-1")
    assert here("g5.xlarge", "on-demand") > here("g5.xlarge", "spot") == here("g5.xlarge", "")
    assert there("g5.xlarge", "spot") > here("g5.xlarge", "spot")


def test_the_table_has_every_machine_of_the_template():
    """A stack as it comes is quoted and billed without a guess."""
    template = Path(__file__).parents[2] / "cloudformation" / "cloud-render.yaml"
    named = set(re.findall(r"\b[a-z]\d\w*\.\d*xlarge\b", template.read_text("utf-8")))
    assert named
    assert named <= set(prices.MACHINES)
