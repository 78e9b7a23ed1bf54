# SPDX-License-Identifier: GPL-3.0-or-later
"""The bills of a stack's jobs, and their sums by job, scene or month. Asks S3 and, for prices, EC2."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Literal

from cloud_render.client import ledger, objects, prices, reports
from cloud_render.client.bill import Bill, Work, account, bill, priced
from cloud_render.client.farm import Farm
from cloud_render.client.ledger import Entry, Ledger
from cloud_render.client.prices import PriceList
from cloud_render.client.records import record
from cloud_render.contract import keys
from cloud_render.contract.day_prices import DayPrices, price_of
from cloud_render.contract.errors import BadJob, NotThere
from cloud_render.contract.job import RenderJob
from cloud_render.contract.prices import MACHINES

By = Literal["job", "scene", "month"]

_AT_ONCE = 4
"""Jobs; each reads its reports in parallel too."""

_LOOKS_AT_ONCE = 16
"""Of one request each."""


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
    price_list = _prices(farm, [found.job.prices], now)
    made = bill(work, reports.traces(farm, job_id), price_of(found.job.prices, price_list.hour_price()))
    return Costs((made,), _source([found.job.prices], price_list), price_list.notices)


def costs(farm: Farm, most: int, now: datetime) -> Costs:
    """Of the newest `most` jobs; those that are still being uploaded cost nothing yet and are left out.

    What jobs used that ended an hour ago or more is kept on this computer: each costs one request then. Raises
    StorageUnavailable, CloudUnreachable or NoCredentials.
    """
    listing = objects.list_below(farm, keys.JOBS, deep=False)
    ids = [prefix.removeprefix(keys.JOBS).rstrip("/") for prefix in listing.prefixes]
    there = sorted(filter(keys.is_job_id, ids), reverse=True)
    memory = Ledger(farm.bucket)
    memory.forget_all_but(there)
    with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
        ends = list(pool.map(partial(_settled_end, farm), there[:most]))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        entries = [each for each in pool.map(partial(_entry, farm, memory), there[:most], ends) if each]
    own = [each.prices for each in entries]
    price_list = _prices(farm, own, now)
    now_price = price_list.hour_price()
    bills = tuple(priced(each.work, each.used, price_of(each.prices, now_price)) for each in entries)
    return Costs(bills, _source(own, price_list), price_list.notices)


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


def _prices(farm: Farm, own: Sequence[DayPrices | None], now: datetime) -> PriceList:
    """AWS is not asked where every job carries the prices of its day; the table has what they lack."""
    if own and all(own):
        return replace(prices.built_in(farm.s3.meta.region_name, ()), notices=())
    return prices.current(farm.connection, tuple(MACHINES), now)


def _source(own: Sequence[DayPrices | None], price_list: PriceList) -> str:
    sources = {each.source for each in own if each}
    if not sources:
        return price_list.source
    day = sources.pop() if len(sources) == 1 else "those of each job's day"
    return day if all(own) else f"{day}; for jobs without them {price_list.source}"


def _entry(farm: Farm, memory: Ledger, job_id: str, end: str) -> Entry | None:
    """None while it is being uploaded."""
    if end and (kept := memory.find(job_id, end)):
        return kept
    entry = _new_entry(farm, job_id)
    if end and entry and not entry.used.running:
        memory.keep(job_id, end, entry)
    return entry


def _settled_end(farm: Farm, job_id: str) -> str:
    """Which end.json the job has, if it has been there for long enough; else empty. A retry takes it away."""
    key = keys.Prefix.of_job(job_id).end
    listing = objects.list_below(farm, key)
    found = listing.find(key)
    if found is None or listing.now - found.modified < ledger.SETTLED_AFTER:
        return ""
    return f"{found.etag} {found.modified.isoformat()}"


def _new_entry(farm: Farm, job_id: str) -> Entry | None:
    content = objects.read_if_there(farm, keys.Prefix.of_job(job_id).job)
    if content is None:
        return None
    used = account(reports.traces(farm, job_id))
    try:
        job = RenderJob.from_json(content)
    except BadJob:
        # Another version of Cloud Render wrote it; its reports tell its machines all the same.
        return Entry(Work(job_id, job_id[16:-5], "", _created(job_id), None), None, used)
    return Entry(_work(job), job.prices, used)


def _work(job: RenderJob) -> Work:
    return Work(job.id, job.name, job.scene, job.created, job.limits.cost_usd)


def _created(job_id: str) -> str:
    return f"{job_id[:4]}-{job_id[4:6]}-{job_id[6:8]}"
