# SPDX-License-Identifier: GPL-3.0-or-later
"""EC2's Spot price history and AWS's price list, out of the table of contract.prices: what moto has no prices for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from cloud_render.contract import prices
from cloud_render.contract.prices import MachineType
from local_cloud.http_types import Answer

SPOT_HISTORY = b"Action=DescribeSpotPriceHistory"

_ZONES = (("a", 1.0), ("b", 0.95), ("c", 1.08))
"""Of a region, and how its price differs from the table's."""


class PriceApi:
    """Answers as AWS would for the machines of the table; for others there is no price."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock

    def answer(self, service: str, body: bytes, region: str) -> Answer | None:
        """None where the request asks for something else than prices."""
        if service == "pricing":
            return _json({"PriceList": [json.dumps(row) for row in _products(json.loads(body or b"{}"))]})
        if service == "ec2" and SPOT_HISTORY in body:
            return Answer(200, [("Content-Type", "text/xml")], self._history(dict(parse_qsl(body.decode())), region))
        return None

    def _history(self, asked: dict[str, str], region: str) -> bytes:
        wanted = [value for name, value in asked.items() if name.startswith("InstanceType.")] or list(prices.MACHINES)
        when = self._clock().strftime("%Y-%m-%dT%H:%M:%S.000Z")
        rows = [
            _row(prices.MACHINES[name], region, zone, share, when)
            for name in wanted
            if name in prices.MACHINES
            for zone, share in _ZONES
        ]
        history = f"<spotPriceHistorySet>{''.join(rows)}</spotPriceHistorySet><nextToken></nextToken>"
        return f"<DescribeSpotPriceHistoryResponse>{history}</DescribeSpotPriceHistoryResponse>".encode()


def _row(machine: MachineType, region: str, zone: str, share: float, when: str) -> str:
    price = machine.spot * prices.region_share(region) * share
    fields = {
        "instanceType": machine.name,
        "productDescription": "Linux/UNIX",
        "spotPrice": f"{price:.6f}",
        "availabilityZone": region + zone,
        "timestamp": when,
    }
    return "<item>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items()) + "</item>"


def _products(asked: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = {row["Field"]: row["Value"] for row in asked.get("Filters", ())}
    machine = prices.machine(str(wanted.get("instanceType", "")))
    if machine is None:
        return []
    price = machine.on_demand * prices.region_share(str(wanted.get("regionCode", prices.REGION)))
    dimension = {"unit": "Hrs", "pricePerUnit": {"USD": f"{price:.10f}"}}
    product = {"attributes": {"instanceType": machine.name}}
    return [{"product": product, "terms": {"OnDemand": {"term": {"priceDimensions": {"rate": dimension}}}}}]


def _json(document: dict[str, Any]) -> Answer:
    return Answer(200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(document).encode())
