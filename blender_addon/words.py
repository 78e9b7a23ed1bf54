# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and times as short words in the artist's language."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import bpy

from .names import PREFIX


def say(text: str, **values: Any) -> str:
    """`text` translated, then filled in. Show it with translate=False."""
    return bpy.app.translations.pgettext_iface(text, PREFIX).format(**values)


def duration(seconds: float) -> str:
    """3:07, or 1:02:09."""
    whole = max(round(seconds), 0)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def moment(at: datetime) -> str:
    """By this computer's clock: 14:05 for today's, 11-21 14:05 for others."""
    here = at.astimezone()
    return f"{here:%H:%M}" if here.date() == datetime.now().astimezone().date() else f"{here:%m-%d %H:%M}"


def span(seconds: float) -> str:
    """9 h 30 min, 20 min: where 20:00 beside a time of day would be one."""
    hours, minutes = divmod(max(round(seconds / 60), 1), 60)
    if hours:
        return say("{hours} h {minutes} min", hours=hours, minutes=minutes)
    return say("{minutes} min", minutes=minutes)


def frames(count: int) -> str:
    return say("1 frame") if count == 1 else say("{count} frames", count=f"{count:,}")


def days(count: int) -> str:
    """After "in"."""
    return say("1 day") if count == 1 else say("{count} days", count=count)


def machines(count: int) -> str:
    return say("1 machine") if count == 1 else say("{count} machines", count=count)


def money(usd: float) -> str:
    """$0.41, $12.30, $1,234."""
    return "< $0.01" if 0 < usd < 0.005 else f"${usd:,.0f}" if usd >= 999.5 else f"${usd:.2f}"


def money_range(low: float, likely: float, high: float) -> str:
    """$1.20 ($1.05 to $1.45); one amount alone where the ends look the same."""
    if money(low) == money(high):
        return money(likely)
    return say("{likely} ({low} to {high})", likely=money(likely), low=money(low), high=money(high))
