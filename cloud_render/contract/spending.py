# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job has cost so far, out of when its attempts ran and on which machines; and whether a limit allows more.

Pure arithmetic, the same for the worker between two frames, for the mender, and for the bill on the artist's computer.
A machine is paid from its start until Batch takes it down. No attempt sees either: `STARTING_S` and `IDLE_S` stand for
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cloud_render.contract import keys, prices
from cloud_render.contract.errors import StoppedByLimit
from cloud_render.contract.report import ChildReport

STARTING_S = 95.0
"""Paid seconds from a machine's start to its first worker's: boot, ECS agent, image. An estimate."""

IDLE_S = 240.0
"""Paid seconds from a machine's last worker to its end: Batch looks every few minutes. An estimate."""

IDLE_MOST_S = 330.0
"""The same where a limit must hold: more than most machines idle."""

PULSE_EVERY_S = 60.0
"""How often a running attempt says that it still runs. One PUT a minute and machine is 0.0003 USD an hour."""

_ALIVE_S = 3 * PULSE_EVERY_S
"""An attempt that was silent for longer has ended, or its machine is lost."""

_LOST_CLOCK_S = 30 * 86_400.0
"""No attempt runs for a month: one that seems to had its clock set while it ran."""

Market = Literal["spot", "on-demand", ""]
"""Empty where it is not known."""

HourPrice = Callable[[str, Market], float]
"""USD for an hour of a machine of that type, with its disk and its address."""


@dataclass(frozen=True)
class Pulse:
    """That an attempt runs: an empty object whose name says all, so that one listing tells of a whole job.

    The worker writes it before anything else, again every minute, and a last time at its end: the object's own date is
    the attempt's last sign of life, by S3's clock.
    """

    submission: int
    index: int
    attempt: int
    started: int
    """Seconds since 1970, UTC."""
    instance_id: str = ""
    instance_type: str = ""
    market: Market = ""

    def key(self, prefix: keys.Prefix) -> str:
        machine = "~".join((self.instance_id, self.instance_type, self.market))
        return f"{pulses(prefix)}{self.submission}/{self.index}-{self.attempt}~{self.started}~{machine}"

    @classmethod
    def of_key(cls, key: str) -> Pulse | None:
        """None for any other key."""
        match = _KEY.search(key)
        if not match:
            return None
        submission, index, attempt, started = map(int, match.groups()[:4])
        market: Market = match[7]  # type: ignore[assignment]
        return cls(submission, index, attempt, started, match[5], match[6], market)


_KEY = re.compile(
    r"running/(\d{1,9})/(\d{1,9})-(\d{1,9})~(\d{1,12})~([A-Za-z0-9-]*)~([A-Za-z0-9.-]*)~(spot|on-demand|)$", re.ASCII
)


def pulses(prefix: keys.Prefix) -> str:
    """The prefix of all pulses of a job."""
    return f"{prefix.root}running/"


@dataclass(frozen=True)
class Stay:
    """An attempt's time on a machine."""

    machine: str
    """The instance's id, or another name that no other machine has."""
    instance_type: str
    market: Market
    started: float
    ended: float
    """Seconds since 1970; for one that runs, now."""
    runs: bool = False

    @property
    def seconds(self) -> float:
        return max(0.0, self.ended - self.started)


def stay_of_pulse(pulse: Pulse, seen: float, now: float) -> Stay:
    """`seen` is the date of its object. A clock that was wrong makes a stay of no length, never a negative one."""
    runs = now - seen < _ALIVE_S
    name = pulse.instance_id or f"{pulse.submission}/{pulse.index}-{pulse.attempt}"
    ended = max(pulse.started, now if runs else seen)
    return Stay(name, pulse.instance_type, pulse.market, pulse.started, ended, runs)


def stay_of_report(report: ChildReport, market: Market = "") -> Stay:
    """By the report's own clock; where that was set while it ran, or is none, by the seconds of its frames.

    No report makes a stay of less than nothing or of more than a month: a child's scene may have written it.
    """
    started, ended = _seconds(report.started), _seconds(report.ended)
    counted = min(max(0.0, report.load_s + sum(frame.render_s for frame in report.frames)), _LOST_CLOCK_S)
    if not counted * 0.5 <= ended - started <= _LOST_CLOCK_S:
        ended = started + counted
    machine = report.machine
    name = machine.instance_id or f"{report.action} {report.submission}/{report.index}-{report.attempt}"
    return Stay(name, machine.instance_type, market, started, ended)


@dataclass(frozen=True)
class MachineTime:
    """What is paid for one machine, in seconds."""

    name: str
    instance_type: str
    market: Market
    starting_s: float
    """Before its first worker."""
    working_s: float
    waiting_s: float
    """Between two workers."""
    idle_s: float
    """After its last one."""
    runs: bool

    @property
    def paid_s(self) -> float:
        return self.starting_s + self.working_s + self.waiting_s + self.idle_s


def machine_times(stays: Iterable[Stay], idle_s: float = IDLE_S) -> list[MachineTime]:
    """One row a machine, in the order of their first stay. Attempts that overlap on one machine count once."""
    of_machine: dict[str, list[Stay]] = {}
    for stay in sorted(stays, key=lambda stay: (stay.started, stay.ended)):
        of_machine.setdefault(stay.machine, []).append(stay)
    return [_machine_time(name, own, idle_s) for name, own in of_machine.items()]


def _machine_time(name: str, stays: Sequence[Stay], idle_s: float) -> MachineTime:
    working_s = waiting_s = 0.0
    until = stays[0].started
    for stay in stays:
        # A machine that had nothing to do for longer worked for another job meanwhile, or was another one.
        waiting_s += min(max(0.0, stay.started - until), STARTING_S + idle_s)
        working_s += max(0.0, stay.ended - max(until, stay.started))
        until = max(until, stay.ended)
    first = stays[0]
    runs = any(stay.runs for stay in stays)
    return MachineTime(name, first.instance_type, first.market, STARTING_S, working_s, waiting_s, idle_s, runs)


@dataclass(frozen=True)
class Spending:
    """What a job has cost up to now; with what its machines cost until they are gone, which can't be saved any more,
    carefully estimated.
    """

    usd: float
    usd_hour: float
    """Of the machines that work at the moment."""
    machines: int
    """That work at the moment."""


def spent(stays: Iterable[Stay], hour_price: HourPrice) -> Spending:
    """Nothing for a job without stays."""
    times = machine_times(stays, IDLE_MOST_S)
    rates = [hour_price(time.instance_type, time.market) for time in times]
    at_work = [rate for time, rate in zip(times, rates, strict=True) if time.runs]
    usd = sum(rate * time.paid_s / 3600 for time, rate in zip(times, rates, strict=True))
    return Spending(usd, sum(at_work), len(at_work))


def allows(limit_usd: float | None, spending: Spending, frame_s: float, usd_hour: float) -> bool:
    """Whether a worker, whose machine costs `usd_hour`, may take one more frame, which will take some `frame_s`.

    All others are in the middle of a frame: they need half of its time on average until they ask the same.
    """
    if limit_usd is None:
        return True
    others = max(0.0, spending.usd_hour - usd_hour)
    return spending.usd + (usd_hour + others / 2) * frame_s / 3600 <= limit_usd


def over_limit(limit_usd: float, usd: float) -> StoppedByLimit:
    """The words for a job that its cost limit ends."""
    return StoppedByLimit(
        f"The job has cost about ${usd:.2f}; one more frame would pass its limit of ${limit_usd:.2f}.",
        "What is rendered stays. Raise the limit and retry: only the missing frames are rendered.",
    )


def is_over_limit(problem: str) -> bool:
    """Whether over_limit() wrote this, or a part of it: reports and end.json keep a reason in words alone."""
    return _OVER_LIMIT.search(problem) is not None


_OVER_LIMIT = re.compile(r"one more frame would pass its limit of \$\d", re.ASCII)


def typical_price(region: str, disk_gib: int = 100) -> HourPrice:
    """By the table of contract.prices. A market that is not known counts as Spot; a type that the table lacks as the
    dearest of its kind; a machine without a type, which is none of AWS's, costs nothing.
    """
    share = prices.region_share(region)
    beside = prices.host_hour(disk_gib)

    def hour_price(instance_type: str, market: Market) -> float:
        if not instance_type:
            return 0.0
        machine = prices.machine_like(instance_type)
        return share * (machine.on_demand if market == "on-demand" else machine.spot) + beside

    return hour_price


def _seconds(iso: str) -> float:
    """Since 1970; 0 for what is no time."""
    try:
        return datetime.fromisoformat(iso).timestamp()
    except (ValueError, OverflowError):
        return 0.0
