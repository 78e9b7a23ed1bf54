# SPDX-License-Identifier: GPL-3.0-or-later
"""Where prices come from: AWS's two sources, denied, missing or silent, and the table in their place."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cloud_render.client.farm import Connection
from cloud_render.client.prices import PriceList, built_in, current
from cloud_render.contract import prices

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TYPES = ("g5.xlarge", "g6.xlarge")

Row = tuple[str, str, str, str]
"""Type, zone, USD, when."""

ROWS: list[Row] = [
    ("g5.xlarge", "us-east-1a", "0.40", "2026-11-21T11:00:00Z"),
    ("g5.xlarge", "us-east-1a", "0.90", "2026-11-18T11:00:00Z"),
    ("g5.xlarge", "us-east-1b", "0.50", "2026-11-20T11:00:00Z"),
    ("g6.xlarge", "us-east-1a", "0.30", "2026-11-21T11:00:00Z"),
]


class Aws(ThreadingHTTPServer):
    """EC2's Spot price history and the price list, on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spot: list[Row] | None = ROWS
        """None: denied."""
        self.on_demand: dict[str, str] | None = {"g5.xlarge": "1.006", "g6.xlarge": "0.8048"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Aws

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if "DescribeSpotPriceHistory" in asked:
            self._spot()
        else:
            self._on_demand(json.loads(asked))

    def _spot(self) -> None:
        if self.server.spot is None:
            error = "<Error><Code>UnauthorizedOperation</Code><Message>You may not.</Message></Error>"
            self._say(403, "text/xml", f"<Response><Errors>{error}</Errors></Response>")
            return
        items = "".join(
            f"<item><instanceType>{name}</instanceType><availabilityZone>{zone}</availabilityZone>"
            f"<spotPrice>{usd}</spotPrice><timestamp>{when}</timestamp></item>"
            for name, zone, usd, when in self.server.spot
        )
        history = f"<spotPriceHistorySet>{items}</spotPriceHistorySet>"
        self._say(200, "text/xml", f"<DescribeSpotPriceHistoryResponse>{history}</DescribeSpotPriceHistoryResponse>")

    def _on_demand(self, asked: dict[str, list[dict[str, str]]]) -> None:
        if self.server.on_demand is None:
            self._say(400, "application/x-amz-json-1.1", json.dumps({"__type": "AccessDeniedException"}))
            return
        wanted = {row["Field"]: row["Value"] for row in asked["Filters"]}
        price = self.server.on_demand.get(wanted["instanceType"])
        dimension = {"unit": "Hrs", "pricePerUnit": {"USD": price}}
        rows = [json.dumps({"terms": {"OnDemand": {"a": {"priceDimensions": {"b": dimension}}}}})] if price else []
        self._say(200, "application/x-amz-json-1.1", json.dumps({"PriceList": rows}))

    def _say(self, status: int, kind: str, body: str) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Silent."""


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    with Aws() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def read(server: Aws, region: str = "us-east-1") -> PriceList:
    return current(Connection(region=region, endpoint_url=server.url, attempts=1), TYPES, NOW)


def test_spot_prices_are_the_mean_of_the_zones_now(aws):
    """With the lowest and the highest of the last days around it."""
    spot = read(aws).spot("g5.xlarge")
    assert (spot.low, spot.likely, spot.high) == (0.40, pytest.approx(0.45), 0.90)


def test_both_sources_together_need_no_table(aws):
    """The list says when AWS was asked."""
    found = read(aws)
    assert found.on_demand("g6.xlarge") == 0.8048
    assert (found.source, found.notices) == ("AWS, 2026-11-21 12:00 UTC", ())


def test_denied_on_demand_prices_come_from_the_table(aws):
    """An artist's rights usually lack the price list; that is said, with the table's date."""
    aws.on_demand = None
    found = read(aws)
    assert found.on_demand("g5.xlarge") == prices.MACHINES["g5.xlarge"].on_demand
    assert found.source == f"Spot: AWS, 2026-11-21 12:00 UTC; On-Demand: built-in table of {prices.DATE}"
    assert any("On-Demand" in notice and prices.DATE in notice for notice in found.notices)


def test_denied_spot_prices_come_from_the_table(aws):
    """With a wide range, because typical prices are no promise."""
    aws.spot = None
    found = read(aws)
    assert found.spot("g5.xlarge").likely == prices.MACHINES["g5.xlarge"].spot
    assert found.spot("g5.xlarge").share > 0.3
    assert found.on_demand("g5.xlarge") == 1.006


def test_a_type_that_aws_does_not_tell_of_comes_from_the_table(aws):
    """One machine without a price does not spoil the others."""
    aws.spot = [row for row in ROWS if row[0] == "g5.xlarge"]
    found = read(aws)
    assert found.spot("g5.xlarge").likely == pytest.approx(0.45)
    assert found.spot("g6.xlarge").likely == prices.MACHINES["g6.xlarge"].spot


def test_no_prices_at_all_are_said_to_be_missing(aws):
    """An answer without a price is none."""
    aws.spot, aws.on_demand = [], {}
    found = read(aws)
    assert found.source == f"built-in table of {prices.DATE}"
    assert len(found.notices) == 2


def test_a_price_of_nothing_is_no_price(aws):
    """A broken answer must not make a job look free."""
    aws.spot = [("g5.xlarge", "us-east-1a", "0.0", "2026-11-21T11:00:00Z")]
    assert read(aws).spot("g5.xlarge").likely > 0


def test_a_job_takes_the_prices_along_that_aws_told(aws):
    """As the quote has them, with their date; where AWS told none, the workers have the same table."""
    told = read(aws).of_the_day
    assert (told.source, [row.instance_type for row in told.machines]) == ("AWS, 2026-11-21 12:00 UTC", [*TYPES])
    assert told.machines[0].spot == pytest.approx(0.45)
    aws.spot, aws.on_demand = None, None
    assert read(aws).of_the_day is None


@pytest.mark.parametrize("usd", ["nan", "inf", "99999"])
def test_what_can_be_no_price_does_not_travel(aws, usd):
    """A broken answer stops no submit: the worker takes the table's price for that type."""
    aws.spot = [("g5.xlarge", "us-east-1a", usd, "2026-11-21T11:00:00Z")]
    assert [row.instance_type for row in read(aws).of_the_day.machines] == ["g6.xlarge"]


def test_without_a_network_the_table_stands_in(monkeypatch):
    """A quote needs no line to AWS."""
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    found = current(Connection(region="us-east-1", endpoint_url="http://127.0.0.1:9", attempts=1), TYPES, NOW)
    assert found.source == f"built-in table of {prices.DATE}"
    assert len(found.notices) == 2


def test_the_table_is_scaled_to_the_region():
    """Frankfurt is a quarter dearer than Virginia; a region that the table lacks is guessed, and that is said."""
    frankfurt, nowhere = built_in("eu-central-1", TYPES), built_in("xx-north-1", TYPES)
    assert frankfurt.on_demand("g5.xlarge") == pytest.approx(1.25 * 1.006)
    assert any("1.25 times" in notice for notice in frankfurt.notices)
    assert any("a guess" in notice for notice in nowhere.notices)


def test_an_unknown_type_counts_as_the_dearest_of_its_kind():
    """A quote for a machine that is newer than the table is rather too high."""
    found = built_in("us-east-1", ())
    assert found.on_demand("g9.xlarge") == prices.MACHINES["g6e.2xlarge"].on_demand
    assert found.on_demand("m9.xlarge") == prices.MACHINES["m7a.xlarge"].on_demand


def test_the_hour_of_a_machine_has_its_disk_and_address():
    """What the cost limit counts."""
    price = built_in("us-east-1", TYPES).hour_price(disk_gib=100)
    assert price("g5.xlarge", "spot") == pytest.approx(0.45 + 13 / 730 + 0.005)
    assert price("g5.xlarge", "on-demand") == pytest.approx(1.006 + 13 / 730 + 0.005)
    assert price("", "spot") == 0
