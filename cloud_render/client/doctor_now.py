# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor's findings on what goes on now and what it costs: jobs, machines, bytes, the month's bill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from cloud_render.client import batch, expenses, monitor, month
from cloud_render.client.expenses import Bill, Machine, Stored
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.findings import Finding, Findings, known, learned
from cloud_render.client.machines import Queue
from cloud_render.client.money import usd
from cloud_render.client.monitor import JobState
from cloud_render.client.sizes import size
from cloud_render.contract import keys
from cloud_render.contract.month import month_at

_LOOKED_AT = 5
"""Jobs whose state is told one by one; a look at one is some four requests."""

_LONG = timedelta(minutes=30)
"""After which a job that waits is worth a line of its own. Batch itself says why after some ten minutes, mostly."""


@dataclass(frozen=True)
class _Active:
    """The jobs that Batch has not ended."""

    ids: tuple[str, ...]
    """The newest first."""
    versions: tuple[str, ...]
    """Of Blender, that are being installed."""


def of_jobs(farm: Farm, queues: Sequence[Queue], now: datetime) -> Findings[None]:
    """What runs, and why what waits does."""
    active = yield from learned("Running now", partial(_active, farm))
    if active is None:
        return
    states: list[JobState] = []
    for job_id in active.ids[:_LOOKED_AT]:
        state = yield from learned(f"Job {job_id}", partial(monitor.snapshot, farm, job_id))
        states += [state] if state else []
    vcpus = {each.arn: each.running_vcpus for queue in queues for each in queue.environments}
    yield Finding("Running now", _of_running(active, states, sum(vcpus.values())), True, "")
    for state in states:
        if words := _stuck(state, now):
            yield Finding(f"Job {state.job_id}", words, False, "")


def _active(farm: Farm) -> _Active:
    arns = (
        farm.render_gpu_queue,
        farm.render_gpu_medium_queue,
        farm.render_gpu_large_queue,
        farm.render_gpu_on_demand_queue,
        farm.render_cpu_queue,
        farm.utility_queue,
    )
    names = [name for arn in filter(None, arns) for name in batch.names_of_active(farm, arn)]
    ids = {job_id for name in names if (job_id := keys.job_id_of_name(name))}
    versions = {version for name in names if (version := keys.version_of_name(name))}
    return _Active(tuple(sorted(ids, reverse=True)), tuple(sorted(versions)))


def _of_running(active: _Active, states: Sequence[JobState], vcpus: int) -> str:
    on = f"machines with {vcpus:,} vCPUs are on" if vcpus else ""
    jobs = [f"{state.job_id} ({state.frames_done} of {state.frames_total} frames)" for state in states]
    jobs += [f"{len(active.ids) - len(jobs)} more jobs"] if len(active.ids) > len(jobs) else []
    jobs += [f"Blender {version} is being installed" for version in active.versions]
    if not jobs:
        return f"No job, but {on}: they end by themselves within minutes." if on else "Nothing is running now."
    return f"{', '.join(jobs)}{f'; {on}' if on else ''}."


def _stuck(state: JobState, now: datetime) -> str:
    """What stands in its way; empty where nothing is known to."""
    if state.problem:
        return state.reason
    if state.waiting_because:
        return f"It waits. AWS Batch says: {state.waiting_because}"
    age = now - keys.time_of_job(state.job_id)
    if state.phase == "queued" and age > _LONG:
        minutes = int(age.total_seconds() // 60)
        return f"It has waited for {minutes:,} minutes; AWS Batch gives no reason. See the queues and quotas above."
    return ""


def of_machines(farm: Farm, now: datetime) -> Findings[None]:
    """What is on, and since when: what costs money this minute."""
    on = yield from known("Machines on", partial(expenses.machines_on, farm))
    if on is not None:
        yield Finding("Machines on", _of_machines(on, now), True, "")


def _of_machines(on: Sequence[Machine], now: datetime) -> str:
    if not on:
        return "None: only what is stored costs money now."
    each = [
        f"{machine.id} ({machine.instance_type}, {'Spot' if machine.spot else 'On-Demand'}) for "
        f"{int((now - machine.since).total_seconds() // 60):,} minutes"
        for machine in on
    ]
    return f"{', '.join(each)}."


def of_stored(farm: Farm) -> Findings[None]:
    """How much lies in the bucket."""
    found = yield from known("Stored", partial(expenses.stored, farm))
    if found is not None:
        yield Finding("Stored", _of_stored(found), True, "")


def _of_stored(found: Stored) -> str:
    if not found.objects:
        return "Nothing."
    least = "" if found.whole else "at least "
    places = ", ".join(f"{size(count)} in {name}" for name, count in _by_size(found.by_place))
    return f"{least}{found.objects:,} objects, {size(found.size)}: {places}."


def _by_size(by_place: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(by_place.items(), key=lambda pair: -pair[1])


def of_month(farm: Farm, now: datetime) -> Findings[None]:
    """What is left of the stack's limit for this month; nothing is said of a stack without one."""
    found = yield from learned("This month's limit", partial(month.month_of, farm, month_at(now)))
    if found is not None:
        spent = f"{usd(found.spent_usd)} of {usd(found.limit_usd)} spent in {found.name}, as the workers count it"
        yield Finding("This month's limit", f"{spent}.{_RAISE if found.left_usd <= 0 else ''}", found.left_usd > 0, "")


_RAISE = " Nothing is rendered until next month, unless you raise it: cloud-render setup --parameter MonthlyLimitUsd=…"


def of_bill(connection: Connection, stack: str, now: datetime) -> Findings[None]:
    """What the month has cost so far, as far as AWS has counted it."""
    bill = yield from known("This month", partial(expenses.this_month, connection, stack, now.date()))
    if bill is not None:
        yield Finding("This month", _of_bill(bill), True, "")


def _of_bill(bill: Bill) -> str:
    said = f"{bill.total:,.2f} {bill.currency} for the whole account, as AWS has counted up to a day ago"
    if bill.tagged is None:
        return (
            f"{said}. To see this cloud's machines alone, switch on the cost allocation tag {expenses.TAG} in Billing."
        )
    return f"{said}; {bill.tagged:,.2f} {bill.currency} of it for this cloud's machines."
