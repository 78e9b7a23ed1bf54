# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job has cost, item by item, out of what its workers left: an estimate, since AWS bills days later. Pure.

US dollars, without tax. AWS's own bill is the account's; it can't tell one job from another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


def bill(work: Work, found: Traces, hour_price: HourPrice) -> Bill:
    """Of a job that nothing has run for: zeros."""
    market_of = {_key(pulse): pulse.market for pulse, _ in found.pulses}
    reports = {_key_of_report(report): report for report in found.reports}
    told = [spending.stay_of_report(report, market_of.get(key, "")) for key, report in reports.items()]
    silent = [
        spending.stay_of_pulse(pulse, seen, found.now) for pulse, seen in found.pulses if _key(pulse) not in reports
    ]
    stays = [*told, *silent]
    times = machine_times(stays)
    rows = {row.frame: row for report in found.reports for row in report.frames}
    gigabytes = sum(row.bytes for row in rows.values()) / _GB
    machines = _machines(times, hour_price)
    machines_usd = sum(row.usd for row in machines)
    starting_usd = _usd(times, hour_price, lambda time: time.starting_s)
    waiting_usd = _usd(times, hour_price, lambda time: time.waiting_s + time.idle_s)
    lost_usd = _lost(found.reports, market_of, hour_price) + sum(_stay_usd(each, hour_price) for each in _gone(silent))
    paid_s = sum(time.paid_s for time in times)
    loading_s = sum(report.load_s for report in found.reports)
    return Bill(
        job_id=work.job_id,
        name=work.name,
        scene=work.scene,
        created=work.created,
        frames=len(rows),
        machines=machines,
        usd=machines_usd + _requests(len(rows), len(stays)),
        rendering_usd=max(0.0, machines_usd - starting_usd - waiting_usd - lost_usd),
        starting_usd=starting_usd,
        waiting_usd=waiting_usd,
        lost_usd=lost_usd,
        starting_share=(sum(time.starting_s for time in times) + loading_s) / paid_s if paid_s else 0.0,
        attempts=len(stays),
        retries=len(stays) - len({key[:2] + key[3:] for key in _keys(found)}),
        running=sum(time.runs for time in times),
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


def _machines(times: Sequence[MachineTime], hour_price: HourPrice) -> tuple[MachineCost, ...]:
    groups: dict[tuple[str, Market], list[MachineTime]] = {}
    for time in times:
        groups.setdefault((time.instance_type, time.market), []).append(time)
    return tuple(
        MachineCost(name, market, len(own), _hours(own), _hours(own) * hour_price(name, market))
        for (name, market), own in sorted(groups.items())
    )


def _hours(times: Iterable[MachineTime]) -> float:
    return sum(time.paid_s for time in times) / 3600


def _usd(times: Iterable[MachineTime], hour_price: HourPrice, part: Callable[[MachineTime], float]) -> float:
    return sum(part(time) / 3600 * hour_price(time.instance_type, time.market) for time in times)


def _lost(reports: Iterable[ChildReport], market_of: dict[_Key, Market], hour_price: HourPrice) -> float:
    usd = 0.0
    for report in reports:
        if report.exit_code == 0:
            continue
        stay = spending.stay_of_report(report, market_of.get(_key_of_report(report), ""))
        kept_s = sum(frame.render_s + frame.upload_s for frame in report.frames)
        usd += max(0.0, stay.seconds - kept_s) / 3600 * hour_price(stay.instance_type, stay.market)
    return usd


def _gone(stays: Iterable[Stay]) -> list[Stay]:
    return [stay for stay in stays if not stay.runs]


def _stay_usd(stay: Stay, hour_price: HourPrice) -> float:
    return stay.seconds / 3600 * hour_price(stay.instance_type, stay.market)


def _requests(frames: int, attempts: int) -> float:
    return (frames * _REQUESTS_A_FRAME + attempts * 10) * prices.RATES.put
