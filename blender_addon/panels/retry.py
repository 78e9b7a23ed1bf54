# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked before a job goes on: how much of it is missing, what it has cost, and where it stops from now on."""

from __future__ import annotations

from typing import Any

from cloud_render.contract.spending import is_over_limit

from ..model import Billed
from ..words import frames, money, say
from .price import fields


def draw(layout: Any, shown: Any, billed: Billed | None, chosen: Any) -> None:
    """`chosen` has the property `limit_usd`."""
    layout.label(text=missing_words(shown), icon="RENDER_ANIMATION", translate=False)
    layout.label(text=_spent_words(shown, billed), icon="BLANK1", translate=False)
    fields(layout).prop(chosen, "limit_usd")
    if billed and too_low(chosen.limit_usd, billed):
        row = layout.row()
        row.alert = True
        row.label(text="It has cost more than that already", icon="ERROR")


def missing_words(shown: Any) -> str:
    missing = shown.frames_total - shown.frames_done
    if not missing:
        return say("All frames are there: only the video is made")
    return say("Missing: {count} of {total}", count=frames(missing), total=shown.frames_total)


def _spent_words(shown: Any, billed: Billed | None) -> str:
    if billed is None:
        return say("What it has cost is not known yet")
    spent, limit = money(billed.bill.usd), billed.bill.limit_usd
    if limit is None:
        return say("It has cost {usd} so far, without a limit", usd=spent)
    if is_over_limit(shown.problem):
        return say("It has cost {usd} so far; it stopped at its limit of {limit}", usd=spent, limit=money(limit))
    return say("It has cost {usd} so far; its limit is {limit}", usd=spent, limit=money(limit))


def too_low(limit_usd: float, billed: Billed) -> bool:
    """Whether a job with this limit, of which 0 is none, would end at once."""
    return 0 < limit_usd <= billed.bill.usd
