# SPDX-License-Identifier: GPL-3.0-or-later
"""The bills of a stack's jobs, and their sums by job, scene or month. Asks S3 and, for prices, EC2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal

from cloud_render.client import objects, prices, reports
from cloud_render.client.bill import Bill, Work, bill, machine_times
from cloud_render.client.farm import Farm
from cloud_render.client.prices import PriceList
from cloud_render.client.records import record
from cloud_render.contract import keys, spending
from cloud_render.contract.day_prices import price_of
from cloud_render.contract.errors import BadJob, NotThere
from cloud_render.contract.job import RenderJob
from cloud_render.contract.prices import MACHINES
from cloud_render.contract.spending import HourPrice, Pulse

By = Literal["job", "scene", "month"]

_AT_ONCE = 4
"""Jobs; each reads its reports in parallel too."""


@dataclass(frozen=True)
class Costs:
    """The bills of some jobs, the newest job first."""

    bills: tuple[Bill, ...]
    prices: str
    """Where the prices come from; those of its day, where a job carries them."""
    notices: tuple[str, ...]


@dataclass(frozen=True)
class Sum:
    """The cost of the jobs that belong together."""

    name: str
    """A job's id, a scene's name, or a month such as 2026-11."""
    jobs: int
    frames: int
    hours: float
    """Of machines."""
    usd: float
    lost_usd: float
    stored_usd_month: float


def job_bill(farm: Farm, job_id: str, now: datetime) -> Costs:
    """Of one job, running or ended. Raises NotThere, BadArguments, StorageUnavailable or NoCredentials."""
    found = record(farm, job_id)
    if found.job is None:
        raise NotThere(f"The upload of {job_id} has not ended.", "Submit the same scene again: it goes on there.")
    work = _work(found.job)
    if found.latest is not None:  # a retry may have raised the limit
        work = replace(work, limit_usd=found.latest.cost_limit(found.job))
    price_list = _prices(farm, [found.job], now)
    made = bill(work, reports.traces(farm, job_id), price_of(found.job.prices, price_list.hour_price()))
    return Costs((made,), _source([found.job], price_list), price_list.notices)


@dataclass(frozen=True)
class SoFar:
    """What a job has cost up to now, as one listing tells; a bill is more exact."""

    usd: float
    machines: int
    """That work on it at the moment."""


def so_far(farm: Farm, job_id: str, hour_price: HourPrice) -> SoFar:
    """Cheap enough for every look at a job. `hour_price` is that of a PriceList, asked once.

    Raises BadArguments, StorageUnavailable or NoCredentials.
    """
    beats = objects.list_below(farm, spending.pulses(keys.Prefix.of_job(job_id)))
    now = beats.now.timestamp()
    pulses = [(Pulse.of_key(entry.key), entry.modified.timestamp()) for entry in beats.entries]
    times = machine_times(spending.stay_of_pulse(pulse, seen, now) for pulse, seen in pulses if pulse)
    usd = sum(time.paid_s / 3600 * hour_price(time.instance_type, time.market) for time in times)
    return SoFar(usd, sum(time.runs for time in times))


def costs(farm: Farm, most: int, now: datetime) -> Costs:
    """Of the newest `most` jobs; those that are still being uploaded cost nothing yet and are left out.

    Raises StorageUnavailable, CloudUnreachable or NoCredentials.
    """
    listing = objects.list_below(farm, keys.JOBS, deep=False)
    ids = [prefix.removeprefix(keys.JOBS).rstrip("/") for prefix in listing.prefixes]
    newest = sorted(filter(keys.is_job_id, ids), reverse=True)[:most]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        known = [each for each in pool.map(partial(_known, farm), newest) if each]
        jobs = [each.job for each in known]
        price_list = _prices(farm, jobs, now)
        bills = tuple(pool.map(partial(_bill, farm, price_list.hour_price()), known))
    return Costs(bills, _source(jobs, price_list), price_list.notices)


def sums(bills: Iterable[Bill], by: By) -> list[Sum]:
    """One row a group, in the order in which the groups first come."""
    groups: dict[str, list[Bill]] = {}
    for each in bills:
        groups.setdefault(_GROUP[by](each), []).append(each)
    return [_sum(name, own) for name, own in groups.items()]


_GROUP: dict[By, Callable[[Bill], str]] = {
    "job": lambda each: each.job_id,
    "scene": lambda each: each.name if each.scene == each.name else f"{each.name} · {each.scene}",
    "month": lambda each: each.created[:7],
}


def _sum(name: str, bills: Sequence[Bill]) -> Sum:
    return Sum(
        name,
        len(bills),
        sum(each.frames for each in bills),
        sum(row.hours for each in bills for row in each.machines),
        sum(each.usd for each in bills),
        sum(each.lost_usd for each in bills),
        sum(each.stored_usd_month for each in bills),
    )


def _prices(farm: Farm, jobs: Sequence[RenderJob | None], now: datetime) -> PriceList:
    """AWS is not asked where every job carries the prices of its day; the table has what they lack."""
    if jobs and all(job and job.prices for job in jobs):
        return replace(prices.built_in(farm.s3.meta.region_name, ()), notices=())
    return prices.current(farm.connection, tuple(MACHINES), now)


def _source(jobs: Sequence[RenderJob | None], price_list: PriceList) -> str:
    own = {job.prices.source for job in jobs if job and job.prices}
    if not own:
        return price_list.source
    day = own.pop() if len(own) == 1 else "those of each job's day"
    return day if all(job and job.prices for job in jobs) else f"{day}; for jobs without them {price_list.source}"


@dataclass(frozen=True)
class _Known:
    """A job that was submitted."""

    id: str
    job: RenderJob | None
    """None where another version of Cloud Render wrote it; its reports tell its machines all the same."""


def _known(farm: Farm, job_id: str) -> _Known | None:
    content = objects.read_if_there(farm, keys.Prefix.of_job(job_id).job)
    if content is None:
        return None
    try:
        return _Known(job_id, RenderJob.from_json(content))
    except BadJob:
        return _Known(job_id, None)


def _bill(farm: Farm, hour_price: HourPrice, known: _Known) -> Bill:
    traces = reports.traces(farm, known.id)
    if known.job is None:
        return bill(Work(known.id, known.id[16:-5], "", _created(known.id), None), traces, hour_price)
    return bill(_work(known.job), traces, price_of(known.job.prices, hour_price))


def _work(job: RenderJob) -> Work:
    return Work(job.id, job.name, job.scene, job.created, job.limits.cost_usd)


def _created(job_id: str) -> str:
    return f"{job_id[:4]}-{job_id[4:6]}-{job_id[6:8]}"
