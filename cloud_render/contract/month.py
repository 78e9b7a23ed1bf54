# SPDX-License-Identifier: GPL-3.0-or-later
"""What the jobs of one month have cost together, how it lies in the bucket, and the words where its limit ends them.

A job counts wholly in the UTC month of its submission, which its id tells. Its total is an object whose size in bytes
is the amount in cents: one listing of a month tells all of it, and nothing has to be read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments, StoppedByLimit

PLACE = "spending/"
"""Beside jobs/, since money stays spent when a job is deleted."""

MOST_USD = 100_000.0
"""The highest limit. No job's total is written larger, which keeps its object below 10 MB."""

LIMIT_VARIABLE = "CLOUD_RENDER_MONTHLY_LIMIT_USD"
"""Of a worker's environment."""

_RAISE = "cloud-render setup --parameter MonthlyLimitUsd=…"


@dataclass(frozen=True)
class Month:
    """A month's limit, and what its jobs have cost so far."""

    name: str
    """Such as 2026-11, of UTC."""
    limit_usd: float
    spent_usd: float

    @property
    def left_usd(self) -> float:
        """Never negative."""
        return max(0.0, self.limit_usd - self.spent_usd)


def month_of(job_id: str) -> str:
    """In which a job counts."""
    return f"{job_id[:4]}-{job_id[4:6]}"


def month_at(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y-%m}"


def below(month: str) -> str:
    """The prefix of all totals of a month."""
    return f"{PLACE}{month}/"


def key(job_id: str) -> str:
    """Of a job's total."""
    return below(month_of(job_id)) + job_id


def content(usd: float) -> bytes:
    """Of a job's total: one byte a cent, rounded up."""
    return b"c" * cents(usd)


def cents(usd: float) -> int:
    """Rounded up, so that many small jobs don't count as nothing."""
    return math.ceil(min(max(0.0, usd), MOST_USD) * 100 - 1e-6)


def spent(month: str, sizes: Iterable[tuple[str, int]], without: str = "") -> float:
    """USD of all jobs of the month but `without`; `sizes` are keys below its prefix with their objects' sizes."""
    of_job = {name.removeprefix(below(month)): size for name, size in sizes}
    return sum(size for job_id, size in of_job.items() if keys.is_job_id(job_id) and job_id != without) / 100


def limit_of(text: str) -> float | None:
    """The limit as the stack's parameter has it, in USD; None where it is empty or 0, for none. Raises BadArguments."""
    if not text:
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?", text, re.ASCII) or float(text) > MOST_USD:
        raise BadArguments(
            f"The stack's limit for a month, {text!r}, is no amount from 0 to {MOST_USD:,.0f} US dollars.",
            f"Set another: {_RAISE}",
        )
    return float(text) or None


def one_frame_too_many(month: Month) -> StoppedByLimit:
    """The words for a job that the month's limit ends."""
    return StoppedByLimit(
        f"The cloud's jobs of {month.name} have cost about ${month.spent_usd:.2f}; one more frame would pass the "
        f"month's limit of ${month.limit_usd:.2f}.",
        f"What is rendered stays. Raise the limit ({_RAISE}) and retry: only the missing frames are rendered.",
    )


def used_up(month: Month) -> StoppedByLimit:
    """The words for a job that does not begin."""
    return StoppedByLimit(
        f"The cloud's jobs of {month.name} have cost about ${month.spent_usd:.2f}: nothing is left of the month's "
        f"limit of ${month.limit_usd:.2f}.",
        f"Raise the limit ({_RAISE}), or submit next month.",
    )
