# SPDX-License-Identifier: GPL-3.0-or-later
"""What the jobs of a month have cost together: where it lies, and how much a limit leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cloud_render.contract import month
from cloud_render.contract.errors import BadArguments
from cloud_render.contract.month import Month

LAST = "20261130-235959-shot-ab12"
FIRST = "20261201-000000-shot-ab12"


def test_a_job_counts_in_the_month_of_its_submission():
    """To the second, in UTC, however long it renders."""
    assert month.month_of(LAST) == "2026-11"
    assert month.month_of(FIRST) == "2026-12"
    assert month.key(LAST) == f"spending/2026-11/{LAST}"


def test_a_month_begins_at_the_same_time_everywhere():
    """On New Year's Eve in Auckland it is still December for a bill."""
    auckland = datetime(2027, 1, 1, 9, tzinfo=timezone(timedelta(hours=13)))
    assert month.month_at(auckland) == "2026-12"
    assert month.month_at(datetime(2027, 1, 1, tzinfo=UTC)) == "2027-01"


@pytest.mark.parametrize(
    ("usd", "cents"), [(0.0, 0), (-1.0, 0), (0.001, 1), (0.01, 1), (0.29, 29), (12.3, 1230), (1e9, 10_000_000)]
)
def test_a_total_is_written_in_cents_and_never_too_small(usd, cents):
    """Rounded up; no object is larger than the highest limit makes it."""
    assert len(month.content(usd)) == month.cents(usd) == cents


def test_the_sizes_of_a_months_objects_are_its_cost():
    """A job may be left out, which then counts itself; what is no job's total does not count."""
    sizes = [(month.key(LAST), 1230), ("spending/2026-11/20261101-120000-other-cd34", 70), ("spending/2026-11/x", 999)]
    assert month.spent("2026-11", sizes) == 13.0
    assert month.spent("2026-11", sizes, without=LAST) == 0.7
    assert month.spent("2026-11", []) == 0.0


def test_what_is_left_is_never_negative():
    """A limit that was lowered below what is spent leaves nothing."""
    assert Month("2026-11", 50.0, 12.5).left_usd == 37.5
    assert Month("2026-11", 10.0, 12.5).left_usd == 0.0


@pytest.mark.parametrize(("text", "limit"), [("", None), ("0", None), ("0.0", None), ("50", 50.0), ("12.5", 12.5)])
def test_no_limit_is_written_as_zero(text, limit):
    """As the stack's parameter has it."""
    assert month.limit_of(text) == limit


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1e3", "fifty", "100001", " 5", "٥"])
def test_a_limit_that_is_no_amount_is_refused(text):
    """Never taken for no limit."""
    with pytest.raises(BadArguments, match="no amount from 0 to 100,000"):
        month.limit_of(text)


def test_the_words_say_which_limit_and_what_to_do():
    """Both amounts, the month and the command."""
    for error in (month.one_frame_too_many(Month("2026-11", 50, 49.8)), month.used_up(Month("2026-11", 50, 50.1))):
        assert error.exit_code == 72
        assert all(words in str(error) for words in ("2026-11", "$50.00", "MonthlyLimitUsd=", "month's limit"))
