# SPDX-License-Identifier: GPL-3.0-or-later
"""Estimates of money and time as what they are: the likely value between a low and a high one. And how to write USD."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """A value that is not known exactly."""

    low: float
    likely: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Range:
        return cls(value, value, value)

    @classmethod
    def around(cls, value: float, share: float) -> Range:
        """`share` of 0.2: from a sixth less to a fifth more, so that no share makes it negative."""
        return cls(value / (1 + share), value, value * (1 + share))

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: float) -> Range:
        return Range(self.low * factor, self.likely * factor, self.high * factor)

    @property
    def share(self) -> float:
        """How far the high end lies above the likely value."""
        return self.high / self.likely - 1 if self.likely > 0 else 0.0


NOTHING = Range.exactly(0.0)


def total(ranges: Iterable[Range]) -> Range:
    """Their sum as if all were high, or low, at once: a careful range."""
    added = NOTHING
    for each in ranges:
        added = added + each
    return added


def combined(*shares: float) -> float:
    """The share of uncertainty that several independent ones make together."""
    return math.sqrt(sum(share * share for share in shares))


def usd(amount: float) -> str:
    """`$0.41`, `$12.30`, `$1,234`; below a cent `< $0.01`, nothing `$0.00`."""
    if 0 < amount < 0.005:
        return "< $0.01"
    if amount < 0:
        return f"-{usd(-amount)}"
    return f"${amount:,.0f}" if amount >= 999.5 else f"${amount:.2f}"


def usd_range(amount: Range) -> str:
    """`$1.20 ($1.05 to $1.45)`; one amount alone where the ends look the same."""
    low, likely, high = map(usd, (amount.low, amount.likely, amount.high))
    return likely if low == high else f"{likely} ({low} to {high})"
