# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stack's limit for a month leaves, as its workers write it down. Asks nothing of a stack without a limit."""

from __future__ import annotations

from cloud_render.client import objects
from cloud_render.client.farm import Farm
from cloud_render.contract import month as months
from cloud_render.contract.month import Month


def month_of(farm: Farm, name: str, without: str = "") -> Month | None:
    """The month of that name, such as 2026-11, but for the job `without`; None where the stack has no limit.

    Up to a minute old. Raises BadArguments, StorageUnavailable or NoCredentials.
    """
    limit_usd = months.limit_of(farm.monthly_limit)
    if limit_usd is None:
        return None
    entries = objects.list_below(farm, months.below(name)).entries
    return Month(name, limit_usd, months.spent(name, ((entry.key, entry.size) for entry in entries), without))


def check(farm: Farm, job_id: str) -> None:
    """Raises StoppedByLimit where nothing is left of the month that the job counts in; and what month_of() raises."""
    found = month_of(farm, months.month_of(job_id))
    if found and found.left_usd <= 0:
        raise months.used_up(found)
