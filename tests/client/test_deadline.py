# SPDX-License-Identifier: GPL-3.0-or-later
"""What people type as a deadline, and the moment it means."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from cloud_render.client.deadline import deadline_of
from cloud_render.contract.errors import BadArguments

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
"""15:30 in Berlin."""


@pytest.fixture(autouse=True)
def berlin(monkeypatch):
    """This computer's clock shows the time of Berlin, by a rule that needs no table of zones."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system's zone can't be set for one process")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("90min", "2026-11-21 16:00"),
        (" 1h30m ", "2026-11-21 16:00"),
        ("1.5 h", "2026-11-21 16:00"),
        ("2d", "2026-11-23 14:30"),
        ("18:30", "2026-11-21 17:30"),
        ("8:05", "2026-11-22 07:05"),
        ("15:30", "2026-11-22 14:30"),
        ("15:31", "2026-11-21 14:31"),
        ("00:00", "2026-11-21 23:00"),
        ("2026-11-22T08:00", "2026-11-22 07:00"),
        ("2026-11-22 08:00", "2026-11-22 07:00"),
        ("2026-11-22t08:00:00z", "2026-11-22 08:00"),
        ("2026-11-22T08:00-05:00", "2026-11-22 13:00"),
        ("2026-11-22 08:00 +0530", "2026-11-22 02:30"),
    ],
)
def test_a_deadline_is_a_duration_a_time_of_day_or_a_date_with_it(text, then):
    """What has no zone is as the clock here shows it; a time of day that is past is tomorrow's."""
    assert f"{deadline_of(text, NOW):%Y-%m-%d %H:%M}" == then


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2", "-2h", "2 hours", "24:00", "18:60", "18", "6pm", "1h 18:30", "2026-11-22"),
        *("٢h", "9" * 400 + "h", "999999999d"),
        *("2026-02-30T08:00", "0001-01-01T00:00+14:00", "2026-11-22T08:00+99:00"),
    ],
)
def test_what_is_no_deadline_is_refused_in_words(text):
    """With a way to write one."""
    with pytest.raises(BadArguments) as refused:
        deadline_of(text, NOW)
    assert refused.value.advice


@pytest.mark.parametrize("text", ["0h", "2026-11-21T15:30", "2026-11-21T14:30Z", "1999-12-31T23:59"])
def test_a_moment_that_is_past_is_refused_with_the_time_it_is(text):
    """The person sees which clock was asked."""
    with pytest.raises(BadArguments, match="is past: it is 2026-11-21 15:30 now"):
        deadline_of(text, NOW)


def test_a_day_that_loses_an_hour_is_counted_as_it_is():
    """On the night of 2026-03-29 the clock goes from 02:00 to 03:00."""
    evening = datetime(2026, 3, 28, 21, 0, tzinfo=UTC)
    assert deadline_of("08:00", evening) == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)
    assert deadline_of("10h", evening) == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
    assert deadline_of("02:30", evening) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert deadline_of("2026-03-29T02:30", evening) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_a_time_that_the_clock_shows_twice_is_the_next_of_the_two():
    """On the night of 2026-10-25 the clock goes from 03:00 back to 02:00."""
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert deadline_of("02:30", datetime(2026, 10, 24, 20, 0, tzinfo=UTC)) == first
    assert deadline_of("02:30", first) == deadline_of("2026-10-25T02:30", first) == second
    assert deadline_of("02:30", second) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
