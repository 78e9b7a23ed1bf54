# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame rates."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cloud_render.contract import rate
from cloud_render.contract.errors import BadArguments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25", Fraction(25)),
        ("29.97", Fraction(30000, 1001)),
        ("23.976", Fraction(24000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
        (" 12.5 ", Fraction(25, 2)),
    ],
)
def test_rates_are_read_as_people_mean_them(text: str, expected: Fraction) -> None:
    """The rounded NTSC rates stand for the exact ones."""
    assert rate.parse(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-25", "1001", "25/0", "1e3", "nan", "24 fps", "9" * 40])
def test_what_is_no_rate_is_refused(text: str) -> None:
    """With a word on how to write one."""
    with pytest.raises(BadArguments, match="30000/1001"):
        rate.parse(text)
