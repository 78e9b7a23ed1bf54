# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate and time left, as a person reads them beside the bar."""

from __future__ import annotations

import pytest

from cloud_render.store.flow import Flow


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def flow(clock: Clock) -> Flow:
    flow = Flow(clock)
    flow.total(1_000)
    return flow


def run(flow: Flow, clock: Clock, seconds: int, sent: int = 0, present: int = 0) -> None:
    """So many seconds in tenths, with the given amounts a second."""
    for _ in range(seconds * 10):
        clock.now += 0.1
        flow.sent(sent // 10)
        flow.present(present // 10)


def test_a_steady_transfer_tells_its_rate_and_time_left(flow: Flow, clock: Clock) -> None:
    """Five seconds at 100 bytes a second leave another five."""
    run(flow, clock, 5, sent=100)
    assert flow.rate == pytest.approx(100)
    assert flow.seconds_left == pytest.approx(5)


def test_nothing_is_told_before_it_is_known(flow: Flow, clock: Clock) -> None:
    """The first second says little about a line."""
    assert (flow.rate, flow.seconds_left) == (None, None)
    clock.now += 0.5
    flow.sent(500)
    assert (flow.rate, flow.seconds_left) == (None, None)


def test_a_line_that_gets_slower_is_noticed(flow: Flow, clock: Clock) -> None:
    """The last seconds count, not the average since the start."""
    run(flow, clock, 5, sent=100)
    run(flow, clock, 11, sent=10)
    assert flow.rate == pytest.approx(10, rel=0.2)


def test_what_is_there_makes_the_end_nearer_but_no_rate(flow: Flow, clock: Clock) -> None:
    """Content that the bucket has passes faster than any line."""
    run(flow, clock, 2, sent=50, present=200)
    assert flow.rate == pytest.approx(50)
    assert flow.seconds_left == pytest.approx(2)


def test_a_line_that_stands_still_has_no_end(flow: Flow, clock: Clock) -> None:
    """No time left is told, and the rate falls to nothing."""
    run(flow, clock, 1, sent=100)
    clock.now += 60
    flow.sent(0)
    clock.now += 5
    assert flow.seconds_left is None
    assert flow.rate == 0
    flow.sent(-100)  # a request starts over
    assert flow.rate == 0
