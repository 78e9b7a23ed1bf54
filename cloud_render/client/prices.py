# SPDX-License-Identifier: GPL-3.0-or-later
"""What machines cost here and now: from AWS where this person may ask, else from the dated table of contract.prices."""

from __future__ import annotations

import json
import logging
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cloud_render.client.farm import Connection
from cloud_render.client.money import Range
from cloud_render.contract import prices, spending
from cloud_render.contract.day_prices import DayPrices, MachinePrice
from cloud_render.contract.errors import CloudRenderError, CloudUnreachable
from cloud_render.store.translate import translated

log = logging.getLogger(__name__)

_HISTORY = timedelta(days=7)
"""Of Spot prices: how far they moved lately."""

_PRICE_LIST_REGION = "us-east-1"
"""The price list answers in three regions only, for all of them."""

_TABLE_SPREAD = 0.4
"""Of a typical Spot price: how far the real one may lie from it."""

_MOST_PAGES = 20


@dataclass(frozen=True)
class HourPrices:
    """USD an hour of one type of machine."""

    spot: Range
    on_demand: float


@dataclass(frozen=True)
class PriceList:
    """What machines cost in a region, and who says so."""

    region: str
    of_type: Mapping[str, HourPrices]
    source: str
    """In words, with its date; for the screen."""
    notices: tuple[str, ...] = ()
    """What could not be asked, and what stands in for it."""
    told: bool = False
    """Whether AWS told any of them; else all are the table's."""

    def spot(self, instance_type: str) -> Range:
        return self._of(instance_type).spot

    def on_demand(self, instance_type: str) -> float:
        return self._of(instance_type).on_demand

    @property
    def of_the_day(self) -> DayPrices | None:
        """For job.json, without what can be no price; None where AWS told nothing: the workers have the same table."""
        rows = [MachinePrice(name, row.spot.likely, row.on_demand) for name, row in sorted(self.of_type.items())]
        return DayPrices(self.source, tuple(row for row in rows if not row.issues())) if self.told else None

    def hour_price(self, disk_gib: int = 100) -> spending.HourPrice:
        """For contract.spending: with the machine's disk and address. A machine without a type costs nothing."""
        beside = prices.host_hour(disk_gib)

        def hour_price(instance_type: str, market: spending.Market) -> float:
            if not instance_type:
                return 0.0
            found = self._of(instance_type)
            return (found.on_demand if market == "on-demand" else found.spot.likely) + beside

        return hour_price

    def _of(self, instance_type: str) -> HourPrices:
        return self.of_type.get(instance_type) or _of_table(instance_type, self.region)


def built_in(region: str, types: Iterable[str]) -> PriceList:
    """By the table alone."""
    notices = [f"AWS was not asked for prices: these are typical ones of {prices.DATE}."]
    return PriceList(
        region,
        {name: _of_table(name, region) for name in types},
        f"built-in table of {prices.DATE}",
        (*notices, *_of_region(region)),
    )


def current(connection: Connection, types: Sequence[str], now: datetime) -> PriceList:
    """From AWS as far as it tells; what it refuses or does not know comes from the table, which the notices say.

    Raises nothing but CloudNotReady for a profile that does not exist.
    """
    region = connection.session.region_name or prices.REGION
    wanted = sorted({*types})
    notices: list[str] = []
    spot = _asked("Spot prices", lambda: _spot(connection, wanted, now), notices)
    on_demand = _asked("On-Demand prices", lambda: _on_demand(connection, wanted, region), notices)
    if not spot or not on_demand:
        notices += _of_region(region)
    found = {}
    for name in wanted:
        table = _of_table(name, region)
        found[name] = HourPrices(spot.get(name, table.spot), on_demand.get(name, table.on_demand))
    return PriceList(region, found, _source(spot, on_demand, now), tuple(notices), told=bool(spot or on_demand))


@dataclass
class _Samples:
    newest: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    """By zone."""
    all: list[float] = field(default_factory=list)


def _asked(what: str, ask: Any, notices: list[str]) -> dict[str, Any]:
    """The answer; empty, with a notice, where there is none."""
    try:
        found: dict[str, Any] = ask()
    except CloudRenderError as error:
        log.info("no %s: %s", what, error)
        problem = error.problem.rstrip(".")
        notices.append(f"AWS did not tell its {what}: {problem}. Typical ones of {prices.DATE} are used.")
        return {}
    if not found:
        notices.append(f"AWS told no {what} for these machines: typical ones of {prices.DATE} are used.")
    return found


def _source(spot: Mapping[str, Range], on_demand: Mapping[str, float], now: datetime) -> str:
    today = f"AWS, {now:%Y-%m-%d %H:%M} UTC"
    table = f"built-in table of {prices.DATE}"
    if spot and on_demand:
        return today
    if not spot and not on_demand:
        return table
    return f"Spot: {today if spot else table}; On-Demand: {today if on_demand else table}"


def _spot(connection: Connection, types: Sequence[str], now: datetime) -> dict[str, Range]:
    """The mean of the zones' current prices, between the lowest and the highest of the last days."""
    question = {
        "InstanceTypes": list(types),
        "ProductDescriptions": ["Linux/UNIX"],
        "StartTime": now - _HISTORY,
        "PaginationConfig": {"PageSize": 1000, "MaxItems": 1000 * _MOST_PAGES},
    }
    samples: dict[str, _Samples] = {}
    with translated("ask EC2 for Spot prices", CloudUnreachable):
        for page in connection.client("ec2").get_paginator("describe_spot_price_history").paginate(**question):
            for row in page["SpotPriceHistory"]:
                _take(samples.setdefault(row["InstanceType"], _Samples()), row)
    return {name: _range_of(found) for name, found in samples.items() if found.all}


def _take(samples: _Samples, row: Mapping[str, Any]) -> None:
    price, zone, when = float(row["SpotPrice"]), str(row["AvailabilityZone"]), row["Timestamp"]
    if price <= 0:
        return
    samples.all.append(price)
    if zone not in samples.newest or when > samples.newest[zone][0]:
        samples.newest[zone] = (when, price)


def _range_of(samples: _Samples) -> Range:
    likely = statistics.fmean(price for _, price in samples.newest.values())
    return Range(min(samples.all), likely, max(samples.all))


def _on_demand(connection: Connection, types: Sequence[str], region: str) -> dict[str, float]:
    from botocore.config import Config

    # Two attempts: the table stands ready, and who waits for a quote should not wait for the patience of an upload.
    config = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=10)
    with translated("ask for AWS's price list", CloudUnreachable):
        client = connection.session.client(
            "pricing",
            region_name=_PRICE_LIST_REGION,
            endpoint_url=connection.endpoint_url or None,
            config=config,
        )
        answers = {name: client.get_products(**_question(name, region))["PriceList"] for name in types}
    found = {name: _price_in(rows) for name, rows in answers.items()}
    return {name: price for name, price in found.items() if price}


def _question(instance_type: str, region: str) -> dict[str, Any]:
    wanted = {
        "instanceType": instance_type,
        "regionCode": region,
        "operatingSystem": "Linux",
        "preInstalledSw": "NA",
        "tenancy": "Shared",
        "capacitystatus": "Used",
    }
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    return {"ServiceCode": "AmazonEC2", "Filters": filters, "MaxResults": 10}


def _price_in(rows: Sequence[str]) -> float:
    """USD an hour, out of the price list's own JSON; 0 where none is in it."""
    for row in rows:
        terms = json.loads(row).get("terms", {}).get("OnDemand", {})
        for term in terms.values():
            for dimension in term.get("priceDimensions", {}).values():
                price = float(dimension.get("pricePerUnit", {}).get("USD", 0))
                if price > 0 and dimension.get("unit") == "Hrs":
                    return price
    return 0.0


def _of_table(instance_type: str, region: str) -> HourPrices:
    """A type that the table lacks counts as the dearest of its kind."""
    share = prices.region_share(region)
    machine = prices.machine_like(instance_type)
    return HourPrices(Range.around(machine.spot * share, _TABLE_SPREAD), machine.on_demand * share)


def _of_region(region: str) -> list[str]:
    if region == prices.REGION:
        return []
    known = prices.known_region(region)
    share = f"{prices.region_share(region):g} times those of {prices.REGION}"
    return [f"The table's prices for {region} are {share}" + ("." if known else ", a guess.")]
