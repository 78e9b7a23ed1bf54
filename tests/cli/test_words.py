# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cloud_render.cli import words

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_234, "1.2 kB"),
        (34_000_000, "34 MB"),
        (999_950, "1.0 MB"),
        (2_100_000_000, "2.1 GB"),
    ],
)
def test_sizes_are_short_and_decimal(count, text):
    """A size has two or three digits and a unit, never 1000 of a smaller one."""
    assert words.size(count) == text


def test_memory_is_said_where_it_is_known():
    """Of the machine, of the GPU, of both."""
    assert words.memory(6_400_000_000, 9_100_000_000) == "6.4 GB, and 9.1 GB on the GPU"
    assert words.memory(6_400_000_000, 0) == "6.4 GB"
    assert words.memory(0, 9_100_000_000) == "9.1 GB on the GPU"
    assert words.memory(6_400_000_000, 0, gpu=True) == "6.4 GB, and an unknown amount on the GPU"
    assert words.memory(0, 0) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.42, "0.4 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7_620, "2 h 07 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations_show_two_units_at_most(seconds, text):
    """A duration is read at a glance, whether it is a second or a weekend."""
    assert words.duration(seconds) == text


def test_a_list_that_is_too_long_says_how_many_more():
    """Nothing is dropped silently."""
    assert words.listed([str(number) for number in range(8)], most=3) == "0, 1, 2 and 5 more"
    assert words.listed(["a", "b"]) == "a and b"
    assert words.listed([]) == ""


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5, seconds=30), "5 min ago"),
        (timedelta(hours=30), "30 h ago"),
    ],
)
def test_recent_times_are_told_by_their_distance(age, text):
    """ "5 min ago" says more than a clock time in another zone."""
    assert words.ago(NOON - age, NOON) == text


def test_a_job_id_tells_when_it_was_made():
    """The list of jobs needs no request to know their age."""
    assert words.time_of_job("20261121-120000-pottery-ab12") == NOON
    assert words.time_of_job("nonsense") is None


def test_counts_have_the_right_form():
    """One frame, two frames, many children."""
    assert [words.count(1, "frame"), words.count(12_000, "frame")] == ["1 frame", "12,000 frames"]
    assert words.count(2, "child", "children") == "2 children"
