# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack's limit for a month, as a worker keeps it: its job's total is told, those of other jobs are heard."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from cloud_render.contract import month, spending
from cloud_render.contract.errors import CloudRenderError
from cloud_render.contract.month import Month
from cloud_render.contract.spending import Spending
from worker.s3 import Bucket

log = logging.getLogger(__name__)


class MonthlyLimit:
    """Asks S3 once a minute at most, and writes as seldom. Its methods are for one thread at a time."""

    def __init__(self, bucket: Bucket, job_id: str, limit_usd: float, clock: Callable[[], float] = time.time) -> None:
        self._bucket = bucket
        self._job_id = job_id
        self._limit_usd = limit_usd
        self._clock = clock
        self._others_usd = 0.0
        self._listed_at = -spending.PULSE_EVERY_S
        self._told_at = -spending.PULSE_EVERY_S
        self._told_cents = -1

    @classmethod
    def of_environment(cls, bucket: Bucket, job_id: str) -> MonthlyLimit | None:
        """None where the stack has no limit. Raises BadArguments for one that is no amount."""
        limit_usd = month.limit_of(os.environ.get(month.LIMIT_VARIABLE, ""))
        return cls(bucket, job_id, limit_usd) if limit_usd else None

    def tell(self, usd: float, last: bool = False) -> None:
        """What the job has cost so far; at once if it is this worker's `last` word. One that can't be written is only
        logged: other workers, and clients, then see less of this job.
        """
        now, cents = self._clock(), month.cents(usd)
        if cents == self._told_cents or (now - self._told_at < spending.PULSE_EVERY_S and not last):
            return
        try:
            self._bucket.put(month.key(self._job_id), month.content(usd))
        except CloudRenderError as error:
            log.warning("warning: the job's costs are not in the month's: %s", error)
            return
        self._told_at, self._told_cents = now, cents

    def check(self, job: Spending, frame_s: float, usd_hour: float) -> None:
        """As spending.allows(), with what the month's other jobs leave of its limit.

        Raises StoppedByLimit; StorageUnavailable only while nothing is known of the others.
        """
        now = self._clock()
        if now - self._listed_at >= spending.PULSE_EVERY_S:
            self._list(now)
        if not spending.allows(self._limit_usd - self._others_usd, job, frame_s, usd_hour):
            name = month.month_of(self._job_id)
            raise month.one_frame_too_many(Month(name, self._limit_usd, self._others_usd + job.usd))

    def _list(self, now: float) -> None:
        name = month.month_of(self._job_id)
        try:
            rows = [(row.key, row.size) for row in self._bucket.list(month.below(name))]
        except CloudRenderError as error:
            if self._listed_at < 0:
                raise
            log.warning("warning: the month's costs are %.0f s old: %s", now - self._listed_at, error)
            return
        self._others_usd = month.spent(name, rows, without=self._job_id)
        self._listed_at = now
