# SPDX-License-Identifier: GPL-3.0-or-later
"""What machines are and what AWS asks for them: a dated table for where AWS itself can't be asked. Facts alone.

US dollars, without tax. None of it was read from AWS, which could not be asked where the table was made:

- On-Demand prices are for Linux in us-east-1. They were compared with tables that other programs and articles publish,
  which have the same; for g6e.xlarge, m6a.xlarge and m7a.xlarge nothing was found to compare.
- Spot prices move. Those here are estimates, 0.40 to 0.46 of On-Demand; neither current nor measured.
- Speeds are estimates of how Cycles would compare on these GPUs and cores; nobody rendered on them for this table.
- What a region costs beside us-east-1 is an estimate, to the nearest few per cent.
- Rates are those AWS publishes for us-east-1, as far as they are known; not compared with anything.
"""

from __future__ import annotations

from dataclasses import dataclass

DATE = "2026-11"
"""When the table was made, and compared as far as it was."""

REGION = "us-east-1"
"""Whose prices the table holds."""


@dataclass(frozen=True)
class MachineType:
    """One instance type of EC2."""

    name: str
    vcpus: int
    memory_gib: int
    gpu: str
    """Its name; empty where there is none."""
    vram_gb: int
    """Of the one GPU; 0 where there is none."""
    speed: float
    """How many times as fast as a g4dn.xlarge (GPU) or an m6i.xlarge (CPU) it renders, as an estimate; the two are not
    comparable.
    """
    on_demand: float
    """USD an hour."""
    spot: float
    """USD an hour; an estimate."""


_TABLE = (
    MachineType("g4dn.xlarge", 4, 16, "T4", 16, 1.0, 0.526, 0.21),
    MachineType("g4dn.2xlarge", 8, 32, "T4", 16, 1.05, 0.752, 0.30),
    MachineType("g5.xlarge", 4, 16, "A10G", 24, 2.2, 1.006, 0.45),
    MachineType("g5.2xlarge", 8, 32, "A10G", 24, 2.25, 1.212, 0.52),
    MachineType("g6.xlarge", 4, 16, "L4", 24, 2.1, 0.8048, 0.36),
    MachineType("g6.2xlarge", 8, 32, "L4", 24, 2.15, 0.9776, 0.43),
    MachineType("g6e.xlarge", 4, 32, "L40S", 48, 5.0, 1.861, 0.85),
    MachineType("g6e.2xlarge", 8, 64, "L40S", 48, 5.1, 2.24208, 1.00),
    MachineType("m6i.xlarge", 4, 16, "", 0, 1.0, 0.192, 0.080),
    MachineType("m6a.xlarge", 4, 16, "", 0, 1.0, 0.1728, 0.072),
    MachineType("m7i.xlarge", 4, 16, "", 0, 1.15, 0.2016, 0.085),
    # Its vCPUs are whole cores, those of the other three are halves.
    MachineType("m7a.xlarge", 4, 16, "", 0, 1.7, 0.23184, 0.105),
)
MACHINES = {machine.name: machine for machine in _TABLE}
"""By name: the types that the stack's template offers, and their neighbours."""

_SHARE_OF_REGION = {
    "us-east-1": 1.0,
    "us-east-2": 1.0,
    "us-west-2": 1.0,
    "us-west-1": 1.2,
    "ca-central-1": 1.11,
    "eu-west-1": 1.12,
    "eu-west-2": 1.17,
    "eu-central-1": 1.25,
    "eu-north-1": 1.06,
    "ap-south-1": 1.10,
    "ap-northeast-1": 1.35,
    "ap-southeast-1": 1.40,
    "ap-southeast-2": 1.30,
    "sa-east-1": 1.70,
}
_SHARE_ELSEWHERE = 1.4


@dataclass(frozen=True)
class Rates:
    """What else is charged, in us-east-1; elsewhere some of it costs more, which is left out."""

    disk_gib_month: float = 0.08
    """gp3."""
    disk_throughput_month: float = 0.04
    """For each MB/s above 125, a month."""
    ipv4_hour: float = 0.005
    stored_gb_month: float = 0.023
    """S3 Standard."""
    put: float = 0.000005
    """A PUT, COPY, POST or LIST request."""
    get: float = 0.0000004
    download_gb: float = 0.09
    """To the internet, once the account's free allowance of the month is used up."""
    log_gb: float = 0.50


RATES = Rates()

FREE_DOWNLOAD_GB = 100
"""A month and account that AWS does not charge."""

HOURS_A_MONTH = 730
"""As AWS prorates what it charges by the month."""


def machine(name: str) -> MachineType | None:
    """None for a type that the table lacks."""
    return MACHINES.get(name)


def machine_like(name: str) -> MachineType:
    """The type of that name; for one that the table lacks the dearest of its kind, with GPU or without."""
    gpu = name.startswith(("g", "p", "vt"))
    like = (row for row in MACHINES.values() if bool(row.gpu) == gpu)
    return MACHINES.get(name) or max(like, key=lambda row: row.on_demand)


def region_share(region: str) -> float:
    """How many times the table's prices a machine costs in that region, roughly."""
    return _SHARE_OF_REGION.get(region, _SHARE_ELSEWHERE)


def known_region(region: str) -> bool:
    return region in _SHARE_OF_REGION


def speed(name: str) -> float:
    """Relative to the first machine of its kind; 1 for types that the table lacks."""
    found = machine(name)
    return found.speed if found else 1.0


def host_hour(disk_gib: int, throughput_mb_s: int = 250, rates: Rates = RATES) -> float:
    """USD an hour for what every machine has beside itself: its disk and its public address."""
    disk = disk_gib * rates.disk_gib_month + max(0, throughput_mb_s - 125) * rates.disk_throughput_month
    return disk / HOURS_A_MONTH + rates.ipv4_hour
