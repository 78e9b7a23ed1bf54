# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines that a stack may start, as quotes need them: types, how many, memory; limited by stack and account."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cloud_render.client import machines
from cloud_render.client.farm import Farm
from cloud_render.client.machines import Environment, Kind, Queue
from cloud_render.client.slices import Pool
from cloud_render.contract import prices
from cloud_render.contract.errors import CloudRenderError

log = logging.getLogger(__name__)

_DEFAULT_MEMORY_GIB = 16


def pools(farm: Farm) -> list[Pool]:
    """GPU machines from the smallest class to the largest, then those for the CPU. Classes without machines are left
    out. Raises CloudUnreachable or NoCredentials.
    """
    classes = farm.machine_classes("gpu")
    names = [*classes, "CPU"]
    arns = [*(farm.render_queue("gpu", machine) for machine in classes), farm.render_cpu_queue]
    quotas: dict[Kind, float | None] = {}
    found = [_pool(farm, name, queue, quotas) for name, queue in zip(names, machines.queues(farm, arns), strict=True)]
    return [pool for pool in found if pool]


def _pool(farm: Farm, name: str, queue: Queue, quotas: dict[Kind, float | None]) -> Pool | None:
    """By the environment that is tried first; None where the queue has none that works."""
    working = [environment for environment in queue.environments if not environment.problem]
    if not working or not working[0].instance_types:
        return None
    first = working[0]
    types = first.instance_types
    return Pool(
        name=name,
        types=types,
        most_machines=max(1, int(_most_vcpus(farm, first, quotas)) // machines.vcpus(types[0])),
        gpu=first.kind.gpu,
        memory_gib=_least_memory(types),
        vram_gb=min((row.vram_gb for row in map(prices.machine, types) if row), default=0),
        spot=first.kind.spot,
    )


def _most_vcpus(farm: Farm, environment: Environment, quotas: dict[Kind, float | None]) -> float:
    kind = environment.kind
    if kind not in quotas:
        try:
            quotas[kind] = machines.quota(farm.connection, kind)
        except CloudRenderError as error:  # a quote without the account's quota is still a quote
            log.info("the quota for %s is not known: %s", kind.words, error)
            quotas[kind] = None
    quota = quotas[kind]
    return environment.most_vcpus if quota is None else min(environment.most_vcpus, quota)


def _least_memory(types: Sequence[str]) -> int:
    return min((row.memory_gib for row in map(prices.machine, types) if row), default=_DEFAULT_MEMORY_GIB)
