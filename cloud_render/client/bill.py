# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job has cost, item by item, out of what its workers left: an estimate, since AWS bills days later. Pure.

US dollars, without tax. AWS's own bill is the account's; it can't tell one job from another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from cloud_render.client.reports import Traces
from cloud_render.contract import prices, spending
from cloud_render.contract.report import ChildReport
from cloud_render.contract.spending import HourPrice, MachineTime, Market, Pulse, Stay

_GB = 10**9
_REQUESTS_A_FRAME = 4

_Key = tuple[int, int, int, bool]
"""Submission, index, attempt, and whether it is a stitch."""


@dataclass(frozen=True)
class MachineCost:
    """All machines of a type and market, with their disks and addresses."""

    instance_type: str
    """Empty for what is none of AWS's machines, and free."""
    market: Market
    machines: int
    hours: float
    usd: float


@dataclass(frozen=True)
class Bill:
    """What one job has cost, up to now or in all."""

    job_id: str
    name: str
    scene: str
    created: str
    """UTC, ISO 8601."""
    frames: int
    """That its workers rendered, each once."""
    machines: tuple[MachineCost, ...]
    usd: float
    """Machines and requests: what has been spent. Storage and download are not in it."""
    rendering_usd: float
    """Of the machines: while they worked on frames that came, on loading and uploading."""
    starting_usd: float
    """… before their first worker, loading excepted."""
    waiting_usd: float
    """… between and after their workers."""
    lost_usd: float
    """… on work that was lost: attempts that failed or vanished, less the frames they had brought."""
    starting_share: float
    """Of the paid time, loading the scene included."""
    attempts: int
    retries: int
    """Attempts beyond the first one of each child."""
    running: int
    """Machines that work on it at the moment."""
    stored_usd_month: float
    """For as long as its frames are kept."""
    download_usd: float
    """For bringing its frames out of AWS once, beyond the free allowance."""
    limit_usd: float | None

    @property
    def usd_per_frame(self) -> float:
        return self.usd / self.frames if self.frames else 0.0


@dataclass(frozen=True)
class Work:
    """The job that a bill is for."""

    job_id: str
    name: str
    scene: str
    created: str
    limit_usd: float | None


@dataclass(frozen=True)
class PaidTime:
    """Seconds of all machines of a type and market."""

    instance_type: str
    market: Market
    machines: int
    paid_s: float
    starting_s: float
    waiting_s: float
    lost_s: float


@dataclass(frozen=True)
class Account:
    """What a job has used, before any price: it no longer changes once the job has ended and its machines are gone."""

    times: tuple[PaidTime, ...]
    frames: int
    size: int
    """Of the frames, in bytes."""
    loading_s: float
    attempts: int
    retries: int
    running: int


def bill(work: Work, found: Traces, hour_price: HourPrice) -> Bill:
    """Of a job that nothing has run for: zeros."""
    return priced(work, account(found), hour_price)


def account(found: Traces) -> Account:
    """Out of what its workers left."""
    market_of = {_key(pulse): pulse.market for pulse, _ in found.pulses}
    reports = {_key_of_report(report): report for report in found.reports}
    told = {key: spending.stay_of_report(report, market_of.get(key, "")) for key, report in reports.items()}
    silent = [
        spending.stay_of_pulse(pulse, seen, found.now) for pulse, seen in found.pulses if _key(pulse) not in reports
    ]
    stays = [*told.values(), *silent]
    times = machine_times(stays)
    lost = [
        *((told[key], _lost_s(report, told[key])) for key, report in reports.items()),
        *((stay, stay.seconds) for stay in silent if not stay.runs),
    ]
    rows = {row.frame: row for report in found.reports for row in report.frames}
    return Account(
        times=_paid_times(times, lost),
        frames=len(rows),
        size=sum(row.bytes for row in rows.values()),
        loading_s=sum(min(max(0.0, report.load_s), told[key].seconds) for key, report in reports.items()),
        attempts=len(stays),
        retries=len(stays) - len({key[:2] + key[3:] for key in _keys(found)}),
        running=sum(time.runs for time in times),
    )


def priced(work: Work, used: Account, hour_price: HourPrice) -> Bill:
    """By prices of then or of now."""
    rates = [hour_price(row.instance_type, row.market) / 3600 for row in used.times]
    rows = list(zip(used.times, rates, strict=True))
    machines_usd = sum(row.paid_s * rate for row, rate in rows)
    starting_usd = sum(row.starting_s * rate for row, rate in rows)
    waiting_usd = sum(row.waiting_s * rate for row, rate in rows)
    lost_usd = sum(row.lost_s * rate for row, rate in rows)
    paid_s = sum(row.paid_s for row in used.times)
    starting_s = sum(row.starting_s for row in used.times)
    gigabytes = used.size / _GB
    return Bill(
        job_id=work.job_id,
        name=work.name,
        scene=work.scene,
        created=work.created,
        frames=used.frames,
        machines=tuple(
            MachineCost(row.instance_type, row.market, row.machines, row.paid_s / 3600, row.paid_s * rate)
            for row, rate in rows
            if row.machines
        ),
        usd=machines_usd + _requests(used.frames, used.attempts),
        rendering_usd=max(0.0, machines_usd - starting_usd - waiting_usd - lost_usd),
        starting_usd=starting_usd,
        waiting_usd=waiting_usd,
        lost_usd=lost_usd,
        starting_share=(starting_s + used.loading_s) / paid_s if paid_s else 0.0,
        attempts=used.attempts,
        retries=used.retries,
        running=used.running,
        stored_usd_month=gigabytes * prices.RATES.stored_gb_month,
        download_usd=gigabytes * prices.RATES.download_gb,
        limit_usd=work.limit_usd,
    )


def machine_times(stays: Iterable[Stay]) -> list[MachineTime]:
    """What has been paid for: a machine that works has not idled yet."""
    return [replace(time, idle_s=0.0) if time.runs else time for time in spending.machine_times(stays)]


def _key(pulse: Pulse) -> _Key:
    return (pulse.submission, pulse.index, pulse.attempt, False)


def _key_of_report(report: ChildReport) -> _Key:
    return (report.submission, report.index, report.attempt, report.action == "stitch")


def _keys(found: Traces) -> set[_Key]:
    return {*map(_key_of_report, found.reports), *(_key(pulse) for pulse, _ in found.pulses)}


def _paid_times(times: Sequence[MachineTime], lost: Sequence[tuple[Stay, float]]) -> tuple[PaidTime, ...]:
    spent_on: list[MachineTime | Stay] = [*times, *(stay for stay, _ in lost)]
    kinds = {(each.instance_type, each.market) for each in spent_on}
    return tuple(_paid_time(kind, times, lost) for kind in sorted(kinds))


def _paid_time(kind: tuple[str, Market], times: Sequence[MachineTime], lost: Sequence[tuple[Stay, float]]) -> PaidTime:
    own = [time for time in times if (time.instance_type, time.market) == kind]
    return PaidTime(
        *kind,
        machines=len(own),
        paid_s=sum(time.paid_s for time in own),
        starting_s=sum(time.starting_s for time in own),
        waiting_s=sum(time.waiting_s + time.idle_s for time in own),
        lost_s=sum(lost_s for stay, lost_s in lost if (stay.instance_type, stay.market) == kind),
    )


def _lost_s(report: ChildReport, stay: Stay) -> float:
    """Of an attempt that failed, less its frames: they came."""
    if report.exit_code == 0:
        return 0.0
    kept_s = sum(frame.render_s + frame.upload_s for frame in report.frames)
    return min(max(0.0, stay.seconds - kept_s), stay.seconds)


def _requests(frames: int, attempts: int) -> float:
    return (frames * _REQUESTS_A_FRAME + attempts * 10) * prices.RATES.put
