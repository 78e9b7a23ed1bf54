# SPDX-License-Identifier: GPL-3.0-or-later
"""The local cloud's prices, asked as AWS is asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cloud_render.contract import prices
from local_cloud.price_api import PriceApi
from local_cloud.testing import running


@pytest.fixture(scope="module")
def cloud():
    with running(slots=1) as cloud:
        yield cloud


def test_spot_prices_lie_around_those_of_the_table(cloud):
    """Three zones, today, for the types that were asked for."""
    found = cloud.client("ec2").describe_spot_price_history(
        InstanceTypes=["g5.xlarge"], ProductDescriptions=["Linux/UNIX"], StartTime=datetime.now(UTC)
    )["SpotPriceHistory"]
    assert {row["InstanceType"] for row in found} == {"g5.xlarge"}
    assert len({row["AvailabilityZone"] for row in found}) == 3
    assert all(0.8 < float(row["SpotPrice"]) / prices.MACHINES["g5.xlarge"].spot < 1.2 for row in found)
    assert abs((found[0]["Timestamp"] - datetime.now(UTC)).total_seconds()) < 60


def test_the_price_list_tells_on_demand_prices(cloud):
    """In the nested JSON that AWS has for them; nothing for what the table lacks."""
    ask = cloud.client("pricing").get_products

    def rows(name: str) -> list[str]:
        wanted = [{"Type": "TERM_MATCH", "Field": "instanceType", "Value": name}]
        return ask(ServiceCode="AmazonEC2", Filters=wanted)["PriceList"]

    assert "1.0060000000" in rows("g5.xlarge")[0]
    assert rows("x99.huge") == []


def test_other_requests_are_not_its_own():
    """EC2 is moto's but for this one call."""
    api = PriceApi()
    assert api.answer("ec2", b"Action=DescribeInstances", "us-east-1") is None
    assert api.answer("iam", b"Action=DescribeSpotPriceHistory", "us-east-1") is None
