# SPDX-License-Identifier: GPL-3.0-or-later
"""What the whole job has cost so far, as one of its workers sees it; and this worker's own part, shown to the others.

An attempt tells that it runs by a pulse (contract.spending): an empty object, written at once, each minute and at the
end. One listing of them a minute is all that a worker asks; in between, the machines it knows of go on costing. Where
the stack has a limit for the month, the job's total is told to other jobs with the pulses (worker.month).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from cloud_render.contract import spending
from cloud_render.contract.errors import CloudRenderError
from cloud_render.contract.keys import Prefix
from cloud_render.contract.report import Machine
from cloud_render.contract.spending import HourPrice, Pulse, Spending, Stay
from worker.attempt import Attempt
from worker.month import MonthlyLimit
from worker.s3 import Bucket, Listed

log = logging.getLogger(__name__)


class Account:
    """The job's costs. As a context it pulses from its beginning to its end, in a thread of its own.

    A pulse that can't be written is only logged: others then see less of this machine, the render goes on.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: Prefix,
        pulse: Pulse,
        limit_usd: float | None,
        hour_price: HourPrice,
        clock: Callable[[], float] = time.time,
        every_s: float = spending.PULSE_EVERY_S,
        month: MonthlyLimit | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._pulse = pulse
        self._limit_usd = limit_usd
        self._hour_price = hour_price
        self._clock = clock
        self._every_s = every_s
        self._month = month
        self._listed_at = -spending.PULSE_EVERY_S
        self._others: list[tuple[Pulse, float]] = []
        self._counting = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="pulse")

    def __enter__(self) -> Account:
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._write()
        self._tell_month(last=True)

    def so_far(self) -> Spending:
        """With this worker's own time up to now. Asks S3 once a minute at most.

        Raises StorageUnavailable only while nothing is known yet; later the last answer has to do.
        """
        with self._counting:
            return self._so_far()

    def check(self, frame_s: float) -> None:
        """Before the first frame and between two of them; the next one takes some `frame_s`.

        Raises StoppedByLimit if the job's cost limit, or what is left of the month's, would be passed by it.
        """
        if self._limit_usd is None and self._month is None:
            return
        hour = self._hour_price(self._pulse.instance_type, self._pulse.market)
        with self._counting:
            found = self._so_far()
            if self._limit_usd is not None and not spending.allows(self._limit_usd, found, frame_s, hour):
                raise spending.over_limit(self._limit_usd, found.usd)
            if self._month:
                self._month.tell(found.usd)
                self._month.check(found, frame_s, hour)

    def _so_far(self) -> Spending:
        now = self._clock()
        if now - self._listed_at >= spending.PULSE_EVERY_S:
            self._list(now)
        return spending.spent(self._stays(now), self._hour_price)

    def _list(self, now: float) -> None:
        try:
            rows = list(self._bucket.list(spending.pulses(self._prefix)))
        except CloudRenderError as error:
            if self._listed_at < 0:
                raise
            log.warning("warning: the job's costs are %.0f s old: %s", now - self._listed_at, error)
            return
        self._others = [found for row in rows if (found := _read(row)) and found[0] != self._pulse]
        self._listed_at = now

    def _stays(self, now: float) -> list[Stay]:
        others = [spending.stay_of_pulse(pulse, seen, now) for pulse, seen in self._others]
        return [*others, spending.stay_of_pulse(self._pulse, now, now)]

    def _beat(self) -> None:
        while not self._over.wait(self._every_s):
            self._write()
            self._tell_month()

    def _tell_month(self, last: bool = False) -> None:
        if self._month is None:
            return
        try:
            with self._counting:
                self._month.tell(self._so_far().usd, last)
        except CloudRenderError as error:
            log.warning("warning: the job's costs are not known: %s", error)

    def _write(self) -> None:
        try:
            self._bucket.put(self._pulse.key(self._prefix), b"")
        except CloudRenderError as error:
            log.warning("warning: no pulse: %s", error)


def pulse_of(submission: int, attempt: Attempt, machine: Machine, started: float) -> Pulse:
    """This process's own. `started` is its start, in seconds since 1970."""
    return Pulse(
        submission,
        attempt.index,
        attempt.number,
        round(started),
        machine.instance_id,
        machine.instance_type,
        machine.market,
    )


def _read(row: Listed) -> tuple[Pulse, float] | None:
    pulse = Pulse.of_key(row.key)
    return (pulse, row.modified) if pulse else None
