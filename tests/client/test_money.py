# SPDX-License-Identifier: GPL-3.0-or-later
"""Amounts and their ranges."""

from __future__ import annotations

import pytest

from cloud_render.client.money import NOTHING, Range, combined, total, usd, usd_range


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (0.0001, "< $0.01"),
        (0.005, "$0.01"),
        (0.41, "$0.41"),
        (12.3, "$12.30"),
        (999.49, "$999.49"),
        (999.5, "$1,000"),
        (1234.5, "$1,234"),
        (1_234_567, "$1,234,567"),
        (-3.5, "-$3.50"),
    ],
)
def test_an_amount_is_written_as_people_write_dollars(amount, text):
    """Cents where they matter, none where they don't, and never `$0.00` for something."""
    assert usd(amount) == text


def test_a_range_is_written_with_its_ends():
    """Unless they look the same."""
    assert usd_range(Range(1.05, 1.2, 1.45)) == "$1.20 ($1.05 to $1.45)"
    assert usd_range(Range(1.201, 1.202, 1.203)) == "$1.20"


def test_a_range_around_a_value_is_never_negative():
    """Three times off to the one side is a quarter to the other."""
    assert Range.around(8.0, 3.0) == Range(2.0, 8.0, 32.0)


def test_ranges_add_up():
    """The sum of nothing is nothing."""
    assert total([Range(1, 2, 3), Range.exactly(1)]) == Range(2, 3, 4)
    assert total([]) == NOTHING


def test_independent_uncertainties_add_less_than_they_are():
    """3 and 4 are 5."""
    assert combined(0.3, 0.4) == pytest.approx(0.5)
