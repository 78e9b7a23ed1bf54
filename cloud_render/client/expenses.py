# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a stack costs money: machines that are on now, bytes that are stored, and the account's bill this month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from cloud_render.client.farm import Connection, Farm
from cloud_render.contract.errors import CloudUnreachable, StorageUnavailable
from cloud_render.store.listing import pages
from cloud_render.store.translate import translated

TAG = "cloud-render-stack"
"""Of every machine that the stack starts; its value is the stack's name."""

_MOST_PAGES = 200
"""Of a thousand objects each: some 20 s and 0.001 USD of requests. CloudWatch's BucketSizeBytes would be a day old."""


@dataclass(frozen=True)
class Machine:
    """An instance that is on, and so is paid for."""

    id: str
    instance_type: str
    since: datetime
    spot: bool


@dataclass(frozen=True)
class Stored:
    """What lies in the bucket."""

    objects: int
    size: int
    """In bytes."""
    by_place: Mapping[str, int]
    """Bytes below each prefix of the first level, such as `jobs`."""
    whole: bool
    """Whether all of it was counted; else there is more."""


@dataclass(frozen=True)
class Bill:
    """What the account has cost in a month so far, as Cost Explorer has it: up to a day late."""

    total: float
    tagged: float | None
    """Of that, what carries the stack's tag: its machines. None where the tag is not switched on for bills."""
    currency: str


def machines_on(farm: Farm) -> tuple[Machine, ...]:
    """Of this stack, the oldest first. Raises CloudUnreachable or NoCredentials."""
    filters = [
        {"Name": f"tag:{TAG}", "Values": [farm.stack]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "shutting-down", "stopping"]},
    ]
    with translated("ask which machines are on", CloudUnreachable):
        answers = farm.connection.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
        rows = [row for answer in answers for group in answer["Reservations"] for row in group["Instances"]]
    found = [
        Machine(row["InstanceId"], row["InstanceType"], row["LaunchTime"], row.get("InstanceLifecycle") == "spot")
        for row in rows
    ]
    return tuple(sorted(found, key=lambda machine: machine.since))


def stored(farm: Farm) -> Stored:
    """Of up to 200,000 objects. Raises StorageUnavailable or NoCredentials."""
    count, by_place, whole = 0, Counter[str](), True
    with translated("count what is stored", StorageUnavailable):
        for page in islice(pages(farm.s3, Bucket=farm.bucket), _MOST_PAGES):
            for row in page.get("Contents", ()):
                count += 1
                by_place[row["Key"].partition("/")[0]] += row["Size"]
            whole = not page["IsTruncated"]
    return Stored(count, sum(by_place.values()), dict(by_place), whole)


def this_month(connection: Connection, stack: str, today: date) -> Bill:
    """One request to Cost Explorer, for which AWS takes 0.01 USD. Raises CloudUnreachable or NoCredentials."""
    period = {"Start": today.replace(day=1).isoformat(), "End": (today + timedelta(days=1)).isoformat()}
    with translated("ask for the month's cost", CloudUnreachable):
        answer = connection.client("ce").get_cost_and_usage(
            TimePeriod=period,
            Granularity="MONTHLY",
            Metrics=["UnblendedCost"],
            GroupBy=[{"Type": "TAG", "Key": TAG}],
        )
    groups = [group for row in answer["ResultsByTime"] for group in row["Groups"]]
    amounts = {group["Keys"][0].partition("$")[2]: group["Metrics"]["UnblendedCost"] for group in groups}
    currency = next((amount["Unit"] for amount in amounts.values()), "USD")
    total = sum(float(amount["Amount"]) for amount in amounts.values())
    # Where the tag is not switched on, all that there is has the empty value.
    known = any(amounts)
    tagged = float(amounts[stack]["Amount"]) if stack in amounts else 0.0
    return Bill(total, tagged if known else None, currency)
