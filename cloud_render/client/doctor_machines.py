# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor's findings on machines: do queues take jobs, has the region the machines, may the account start them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from cloud_render.client import machines, preflight
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.findings import Finding, Findings, known, learned
from cloud_render.client.machines import QUOTAS, Kind, Queue
from cloud_render.contract.errors import CloudRenderError

BEFORE_SET_UP = {Kind(gpu=True, spot=True): 4, Kind(gpu=False, spot=False): 4}
"""The machines that a new stack starts for frames and for the video, and the vCPUs of the smallest of each."""


def of_queues(farm: Farm) -> Findings[list[Queue]]:
    """Whether each queue and its machines can take jobs."""
    named = {
        farm.render_gpu_queue: "GPU queue",
        farm.render_gpu_medium_queue: "Medium GPU queue",
        farm.render_gpu_large_queue: "Large GPU queue",
        farm.render_gpu_on_demand_queue: "On-Demand GPU queue",
        farm.render_cpu_queue: "CPU queue",
        farm.utility_queue: "Video queue",
    }
    named.pop("", None)  # those that the stack does without
    found = yield from learned("Queues", partial(machines.queues, farm, list(named)))
    for name, queue in zip(named.values(), found or (), strict=False):
        yield _of_queue(name, queue)
    return found or []


def _of_queue(name: str, queue: Queue) -> Finding:
    problems = [queue.problem, *(f"{each.kind.words}: {each.problem}" for each in queue.environments if each.problem)]
    if any(problems):
        words = f"{' '.join(filter(None, problems))} If it stays so, update the stack, or set it up anew."
        return Finding(name, words, False, "update")
    each = [
        f"{environment.kind.words} ({', '.join(environment.instance_types)}), up to {environment.most_vcpus:,} vCPUs"
        for environment in queue.environments
    ]
    return Finding(name, f"It takes jobs, for {'; then '.join(each)}.", True, "")


def needed(queues: Sequence[Queue]) -> dict[Kind, int]:
    """Kinds of machines that the stack starts, and the vCPUs of the smallest of each."""
    found: dict[Kind, int] = {}
    for environment in (each for queue in queues for each in queue.environments):
        least = environment.least_vcpus
        found[environment.kind] = min(least, found.get(environment.kind, least))
    return found


def of_region(connection: Connection, types: Sequence[str]) -> Findings[None]:
    """Whether the region still has the machines: families come, and older ones go."""
    there = yield from known("Machines", partial(preflight.offers, connection, types))
    if there is None:
        return
    lacking = [each for each in types if each not in there]
    if not lacking:
        yield Finding("Machines", f"The region has {', '.join(types)}.", True, "")
    elif there:
        yield Finding("Machines", f"The region has {', '.join(there)}, and no {', '.join(lacking)}.", True, "update")
    else:
        words = f"The region has none of {', '.join(types)}: no job can start. Name others: cloud-render setup -P …"
        yield Finding("Machines", words, False, "update")


def types_of(queues: Sequence[Queue]) -> tuple[str, ...]:
    """Every machine that the stack may start, each once."""
    rows = (name for queue in queues for environment in queue.environments for name in environment.instance_types)
    return tuple(dict.fromkeys(rows))


def of_quotas(connection: Connection, needed: Mapping[Kind, int]) -> Iterator[Finding]:
    """Whether the account may start a machine of each kind; `needed`: the vCPUs of the smallest one."""
    for kind, least in needed.items():
        yield _of_quota(connection, kind, least)


def _of_quota(connection: Connection, kind: Kind, least: int) -> Finding:
    subject = f"Quota for {kind.words}"
    try:
        value = machines.quota(connection, kind)
    except CloudRenderError as error:
        return Finding(subject, f"It is not known. {error.problem}", True, "")
    if value is None:
        return Finding(subject, "It is not known: there are no quotas here.", True, "")
    if value >= least:
        words = f"{value:,.0f} vCPUs at a time, which is up to {value // least:,.0f} machines."
        return Finding(subject, words, True, "")
    instead = " Until then render on the CPU." if kind.gpu else ""
    words = (
        f"{value:,.0f} vCPUs at a time, and the smallest machine has {least}: no job can start. Ask AWS for more: "
        f"cloud-render setup --ask-for-quota, or Service Quotas, Amazon EC2, “{QUOTAS[kind].name}”.{instead}"
    )
    return Finding(subject, words, False, "quota")
