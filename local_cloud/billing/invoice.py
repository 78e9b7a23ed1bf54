# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS would charge for a simulated run: machines, disks and addresses by the second, the rest by its amount.

The rules are AWS's own: a machine is paid from the second it runs until it is ended, 60 s at least, in whole seconds; a
gp3 disk and a public IPv4 address likewise, by the share of the month or the hour; S3 by gigabyte and month and by
request; what leaves AWS by gigabyte.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from cloud_render.contract import prices
from local_cloud.billing.fleet import Fleet
from local_cloud.billing.simulation import MachineLife, Run

LEAST_S = 60
_SECONDS_A_MONTH = 730 * 3600
_LOG_BYTES_A_FRAME = 2_000
_GB = 10**9


@dataclass(frozen=True)
class Item:
    """A line of the invoice."""

    name: str
    amount: float
    unit: str
    usd: float


@dataclass(frozen=True)
class Invoice:
    """All of what a run costs."""

    items: tuple[Item, ...]

    @property
    def usd(self) -> float:
        return sum(item.usd for item in self.items)

    def of(self, *names: str) -> float:
        """USD of the items whose names begin so."""
        return sum(item.usd for item in self.items if item.name.startswith(names))

    @property
    def machines_usd(self) -> float:
        """Machines with their disks and addresses."""
        return self.of("machine", "disk", "address")


def invoice(run: Run, months: float = 0.0, downloaded_gb: float = 0.0) -> Invoice:
    """For the run, for `months` of keeping its frames, and for bringing so many gigabytes out of AWS."""
    rates = prices.RATES
    frames = len(run.frames)
    stored_gb = frames * run.scene.frame_bytes / _GB
    children = len(run.reports) + run.lost
    puts = 2 * frames + run.pulses + children
    items = [
        *_machines(run),
        Item("stored", stored_gb * months, "GB months", stored_gb * months * rates.stored_gb_month),
        Item("writes", puts, "requests", puts * rates.put),
        Item("reads", 12 * children, "requests", 12 * children * rates.get),
        Item("downloaded", downloaded_gb, "GB", downloaded_gb * rates.download_gb),
        Item("logs", frames * _LOG_BYTES_A_FRAME / _GB, "GB", frames * _LOG_BYTES_A_FRAME / _GB * rates.log_gb),
    ]
    return Invoice(tuple(items))


def _machines(run: Run) -> list[Item]:
    groups: dict[tuple[str, bool], list[MachineLife]] = {}
    for machine in run.machines:
        groups.setdefault((machine.offer.name, machine.on_demand), []).append(machine)
    items = []
    for (name, on_demand), machines in sorted(groups.items()):
        seconds = sum(map(paid_seconds, machines))
        price = machines[0].offer.on_demand if on_demand else machines[0].offer.spot
        market = "On-Demand" if on_demand else "Spot"
        items.append(Item(f"machine {name} {market}", seconds / 3600, "hours", seconds * price / 3600))
    seconds = sum(map(paid_seconds, run.machines))
    items.append(Item("disk", seconds / 3600, "hours", seconds * _disk_second(run.fleet)))
    items.append(Item("address", seconds / 3600, "hours", seconds / 3600 * prices.RATES.ipv4_hour))
    return items


def paid_seconds(machine: MachineLife) -> int:
    """Whole seconds, 60 at least."""
    return max(LEAST_S, math.ceil(machine.ended - machine.started))


def _disk_second(fleet: Fleet) -> float:
    month = fleet.disk_gib * prices.RATES.disk_gib_month
    month += (fleet.disk_mb_s - 125) * prices.RATES.disk_throughput_month
    return month / _SECONDS_A_MONTH
