# SPDX-License-Identifier: GPL-3.0-or-later
"""What the command line says of the stack's limit for a month."""

from __future__ import annotations

from dataclasses import replace

from cloud_render.cli import month, quote
from cloud_render.cli.output import Output
from cloud_render.client import prices as price_lists
from cloud_render.client.frame_times import FrameFact, Measured
from cloud_render.client.quote import quote as quoted
from cloud_render.client.slices import Pool
from cloud_render.contract.month import Month

CPU = Pool("CPU", ("m6i.xlarge",), 64, False, 16, 0)
KNOWN = Measured("probes", (FrameFact(1, 600.0, "m6i.xlarge", 1_000),), load_s=40.0, peak_memory=2**30, device="CPU")
QUOTE = quoted(KNOWN, range(1, 251), [CPU], price_lists.built_in("us-east-1", CPU.types))


def test_a_month_is_one_line():
    """Both amounts and what is left; a limit that was passed leaves nothing."""
    assert month.line(Month("2026-11", 50.0, 12.3)) == "2026-11: $12.30 of $50.00 spent, $37.70 left."
    assert month.line(Month("2026-11", 50.0, 50.2)) == "2026-11: $50.20 of $50.00 spent, $0.00 left."


def test_a_quote_tells_the_month_where_there_is_a_limit():
    """In words and in JSON."""
    found = replace(QUOTE, month=Month("2026-11", 50.0, 12.3))
    assert quote.lines(found)[-1] == "This month's limit, 2026-11: $12.30 of $50.00 spent, $37.70 left."
    assert quote.plain(found)["month"] == {"name": "2026-11", "limit_usd": 50.0, "spent_usd": 12.3}
    assert "This month" not in " ".join(quote.lines(QUOTE))


def test_a_price_above_what_the_month_leaves_is_a_warning(capsys):
    """With what to do; one that fits is none."""
    month.warn_if_too_dear(Output(), QUOTE)
    month.warn_if_too_dear(Output(), replace(QUOTE, month=Month("2026-11", 50.0, 12.3)))
    assert capsys.readouterr().err == ""
    month.warn_if_too_dear(Output(), replace(QUOTE, month=Month("2026-11", 50.0, 49.9)))
    said = " ".join(capsys.readouterr().err.split())
    assert "more than the $0.10 that the month's limit leaves" in said
    assert "MonthlyLimitUsd=" in said
