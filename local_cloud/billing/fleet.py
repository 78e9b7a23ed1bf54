# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines of a simulated cloud: types and their prices, how many, how long they take to come and to go."""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[float, float]
"""From and to; the simulation draws evenly between them."""


@dataclass(frozen=True)
class Offer:
    """One type of machine that the fleet may start."""

    name: str
    vcpus: int
    memory_gib: float
    vram_gb: float
    """0 without a GPU."""
    speed: float
    """Frames take their reference time divided by this."""
    spot: float
    on_demand: float
    """USD an hour, both."""
    share: float = 1.0
    """How often Spot has this one, beside the others."""


@dataclass(frozen=True)
class Fleet:
    """A compute environment, and how AWS behaves there."""

    name: str
    offers: tuple[Offer, ...]
    most_vcpus: int
    """Quota or limit of the environment, the lower one."""
    on_demand_vcpus: int = 0
    """Of the environment that steps in where Spot has no machine."""
    spot_vcpus: int = 1_000_000
    """That Spot has at all."""
    launch_s: Span = (20.0, 90.0)
    """From the wish for a machine to its start; not paid."""
    boot_s: Span = (45.0, 85.0)
    """Paid, until the machine has joined the cluster."""
    pull_s: Span = (20.0, 40.0)
    """Of the worker's image, on a machine's first job."""
    place_s: float = 2.0
    """From a free machine and a waiting job to the worker's start."""
    idle_s: Span = (120.0, 360.0)
    """Until Batch takes a machine down that has nothing to do."""
    reclaims_per_hour: float = 0.03
    """Of a Spot machine; by AWS's Spot advisor a few per cent a month to over 20, so an hour's is small."""
    silent_losses: float = 0.1
    """Share of the losses that come without notice."""
    disk_gib: int = 100
    disk_mb_s: int = 250
