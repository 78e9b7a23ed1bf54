# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack's queues and the machines behind them, as AWS Batch describes them, and how many the account may start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cloud_render.client.farm import Connection, Farm
from cloud_render.contract.errors import CloudUnreachable
from cloud_render.store.translate import code_of, translated

_USUAL_VCPUS = 4
"""Of the smallest machine of every family that the stack uses."""


@dataclass(frozen=True)
class Kind:
    """What the account has a quota for: a family of machines on one market."""

    gpu: bool
    spot: bool

    @property
    def words(self) -> str:
        return f"{'Spot' if self.spot else 'On-Demand'} {'GPU' if self.gpu else 'CPU'} machines"


@dataclass(frozen=True)
class Quota:
    """How AWS calls the quota of a kind of machines; it counts their vCPUs."""

    code: str
    name: str


QUOTAS = {
    Kind(gpu=True, spot=True): Quota("L-3819A6DF", "All G and VT Spot Instance Requests"),
    Kind(gpu=True, spot=False): Quota("L-DB2E81BA", "Running On-Demand G and VT instances"),
    Kind(gpu=False, spot=True): Quota("L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests"),
    Kind(gpu=False, spot=False): Quota(
        "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances"
    ),
}


@dataclass(frozen=True)
class Environment:
    """A compute environment: machines of one kind."""

    arn: str
    kind: Kind
    instance_types: tuple[str, ...]
    most_vcpus: int
    running_vcpus: int
    """Of the machines that Batch keeps on at the moment."""
    problem: str
    """Why it can't start machines, in AWS's words; empty if it can."""

    @property
    def least_vcpus(self) -> int:
        """Of its smallest machine."""
        return min(map(vcpus, self.instance_types), default=_USUAL_VCPUS)


@dataclass(frozen=True)
class Queue:
    """A job queue."""

    environments: tuple[Environment, ...]
    """In the order in which they are tried."""
    problem: str
    """Why it takes no jobs, in AWS's words; empty if it does."""


def queues(farm: Farm, arns: Sequence[str]) -> list[Queue]:
    """In the order of `arns`. Raises CloudUnreachable or NoCredentials."""
    with translated("ask AWS Batch about the queues", CloudUnreachable):
        rows = {row["jobQueueArn"]: row for row in farm.batch.describe_job_queues(jobQueues=list(arns))["jobQueues"]}
        orders = {arn: _environment_arns(row) for arn, row in rows.items()}
        wanted = sorted({environment for order in orders.values() for environment in order})
        answer = farm.batch.describe_compute_environments(computeEnvironments=wanted)["computeEnvironments"]
    environments = {row["computeEnvironmentArn"]: _environment(row) for row in answer if "computeResources" in row}
    return [
        _queue(rows.get(arn), [environments[name] for name in orders.get(arn, ()) if name in environments])
        for arn in arns
    ]


def quota(connection: Connection, kind: Kind) -> float | None:
    """How many vCPUs of that kind the account may have on at a time in this region; None where AWS does not say.

    Raises CloudUnreachable or NoCredentials.
    """
    with translated("ask for the account's quotas", CloudUnreachable):
        try:
            answer = connection.client("service-quotas").get_service_quota(
                ServiceCode="ec2", QuotaCode=QUOTAS[kind].code
            )
        except ClientError as error:
            if code_of(error) == "NoSuchResourceException":
                return None
            raise
    return float(answer["Quota"]["Value"])


def vcpus(instance_type: str) -> int:
    """Of one machine: the sizes of all our families begin at 2 for `large` and count in fours from `xlarge` on."""
    match = re.fullmatch(r".+\.(\d*)xlarge", instance_type)
    if match:
        return 4 * int(match[1] or 1)
    return 2 if instance_type.endswith(".large") else _USUAL_VCPUS


def _queue(row: Mapping[str, Any] | None, environments: Sequence[Environment]) -> Queue:
    if row is None:
        return Queue((), "It does not exist any more.")
    return Queue(tuple(environments), _problem(row))


def _environment_arns(row: Mapping[str, Any]) -> list[str]:
    ordered = sorted(row["computeEnvironmentOrder"], key=lambda entry: int(entry["order"]))
    return [entry["computeEnvironment"] for entry in ordered]


def _environment(row: Mapping[str, Any]) -> Environment:
    resources = row["computeResources"]
    types = tuple(resources.get("instanceTypes", ()))
    return Environment(
        arn=row["computeEnvironmentArn"],
        kind=Kind(gpu=_has_gpu(types), spot=resources["type"] == "SPOT"),
        instance_types=types,
        most_vcpus=resources.get("maxvCpus", 0),
        running_vcpus=resources.get("desiredvCpus", 0),
        problem=_problem(row),
    )


def _has_gpu(instance_types: Iterable[str]) -> bool:
    return any(re.match(r"(g|vt)\d", name) for name in instance_types)


def _problem(row: Mapping[str, Any]) -> str:
    """Of a queue or an environment; both tell their state alike."""
    state, status = row.get("state", "ENABLED"), row.get("status", "VALID")
    if state == "ENABLED" and status == "VALID":
        return ""
    said = "switched off" if state != "ENABLED" else status.lower()
    reason = row.get("statusReason", "")
    return f"It is {said}: {reason}".rstrip(": ") + ("" if reason.endswith(".") else ".")
