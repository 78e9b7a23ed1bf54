# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for the stack's limit of a month: what is left of it, and a price that does not fit in."""

from __future__ import annotations

from cloud_render.cli.output import Output
from cloud_render.client.money import usd
from cloud_render.client.quote import Quote
from cloud_render.contract.month import Month


def line(month: Month) -> str:
    """`2026-11: $12.30 of $50.00 spent, $37.70 left.`"""
    return f"{month.name}: {usd(month.spent_usd)} of {usd(month.limit_usd)} spent, {usd(month.left_usd)} left."


def warn_if_too_dear(output: Output, found: Quote) -> None:
    """By the likely price of the first offer."""
    first = found.offers[0]
    if found.month is not None and not found.fits_month(first):
        output.warn(
            f"The likely price, {usd(first.usd.likely)}, is more than the {usd(found.month.left_usd)} that the month's "
            "limit leaves: the render would stop there.",
            "Raise the limit: cloud-render setup --parameter MonthlyLimitUsd=…",
        )
