# SPDX-License-Identifier: GPL-3.0-or-later
"""What machines cost on the day of a submission, as job.json carries it: for its workers, and for its bill later."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from cloud_render.contract import prices
from cloud_render.contract.errors import BadJob
from cloud_render.contract.spending import HourPrice, Market

_MOST_MACHINES = 100
_MOST_USD = 1_000.0
"""An hour: ten times the dearest machine there is."""

_TYPE = re.compile(r"[a-z0-9][a-z0-9.-]{0,39}", re.ASCII)


@dataclass(frozen=True)
class MachinePrice:
    """USD for an hour of one type of machine, without its disk and its address."""

    instance_type: str
    spot: float
    on_demand: float

    def issues(self) -> list[str]:
        found = [] if _TYPE.fullmatch(self.instance_type) else [f"{self.instance_type!r} is no type of machine"]
        return found + [
            f"{name} of {self.instance_type} must lie above 0 and up to {_MOST_USD:g}"
            for name, usd in (("spot", self.spot), ("on_demand", self.on_demand))
            if not (math.isfinite(usd) and 0 < usd <= _MOST_USD)
        ]


@dataclass(frozen=True)
class DayPrices:
    """Prices that AWS told, or some of them. Raises BadJob when made with values that are none."""

    source: str
    """In words, with its date, as the quote says it."""
    machines: tuple[MachinePrice, ...]

    def __post_init__(self) -> None:
        times = Counter(row.instance_type for row in self.machines)
        issues = [issue for row in self.machines for issue in row.issues()]
        issues += [f"{name} is there {count} times" for name, count in times.items() if count > 1]
        if len(self.machines) > _MOST_MACHINES:
            issues = [f"{len(self.machines)} machines are more than {_MOST_MACHINES}"]
        if len(self.source) > 300:
            issues.append("source is longer than 300 characters")
        if issues:
            raise BadJob("prices", issues)

    def hour_price(self, otherwise: HourPrice, disk_gib: int = 100) -> HourPrice:
        """With a machine's disk and address; `otherwise` for types that are not in it. An unknown market is Spot."""
        beside = prices.host_hour(disk_gib)
        of_type = {row.instance_type: row for row in self.machines}

        def hour_price(instance_type: str, market: Market) -> float:
            row = of_type.get(instance_type)
            if row is None:
                return otherwise(instance_type, market)
            return (row.on_demand if market == "on-demand" else row.spot) + beside

        return hour_price


def price_of(then: DayPrices | None, otherwise: HourPrice) -> HourPrice:
    """By the prices of the job's day where it has them."""
    return then.hour_price(otherwise) if then else otherwise
